package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// The states of a membership.
const (
	StatusListed    = "listed"
	StatusInvited   = "invited"
	StatusActive    = "active"
	StatusSuspended = "suspended"
	StatusRemoved   = "removed"
)

// Statuses are the states in the order of a life.
var Statuses = []string{StatusListed, StatusInvited, StatusActive, StatusSuspended, StatusRemoved}

// Member is a membership: what people call a user, or a service account.
type Member struct {
	ID          id.ID      `db:"member_id" json:"id"`
	Kind        string     `db:"kind" json:"kind"` // person or service
	PersonID    id.ID      `db:"person_id" json:"-"`
	PartnerID   id.ID      `db:"partner_id" json:"partner_id"` // Nil for the vendor's people
	PartnerName string     `db:"partner_name" json:"partner_name"`
	Role        string     `db:"role" json:"role"`
	Name        string     `db:"name" json:"name"`
	Email       string     `db:"email" json:"email"`
	Status      string     `db:"status" json:"status"`
	LastSeenAt  *time.Time `db:"last_seen_at" json:"last_seen_at"`
	Version     int        `db:"version" json:"version"`
	CreatedAt   time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt   time.Time  `db:"updated_at" json:"updated_at"`
}

// Object returns what an access decision needs to know of m.
func (m Member) Object() access.Object { return access.Object{Partner: m.PartnerID, Owner: m.ID} }

// rank orders the roles; nobody gives or handles one above their own.
func rank(r string) int {
	switch r {
	case role.Admin:
		return 4
	case role.Staff:
		return 3
	case role.Partner:
		return 2
	case role.Agent:
		return 1
	}
	return 0
}

// MayGive reports whether the actor may give the role to somebody: an Admin any, Staff the partner roles, a Partner those
// of their company. A key limited to scopes gives no more than it has itself on its own side.
func MayGive(who access.Actor, r string) bool {
	if who.Kind == access.System {
		return rank(r) > 0
	}
	if rank(r) == 0 || rank(r) > rank(who.Role) || who.Role == role.Staff && role.Persona(r) == access.Staff || who.Role == role.Agent {
		return false
	}
	if role.Persona(r) == who.Persona && len(who.Grants) < len(role.Grants(who.Role)) {
		return covers(who.Grants, role.Grants(r))
	}
	return true
}

// covers reports whether have reaches everything that want does.
func covers(have, want map[access.Action]access.Scope) bool {
	for act, sc := range want {
		if have[act] < sc {
			return false
		}
	}
	return true
}

// checkName returns a name without white space around, and refuses one that is empty, too long or not one line.
func checkName(bad *errs.Problems, name string) string {
	name = bad.Line("name", name, 200)
	bad.Need("name", name)
	return name
}

// checkEmail returns an address in small letters, and refuses what is none.
func checkEmail(bad *errs.Problems, typed string) string {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		bad.Need("email", typed)
		return ""
	}
	email, err := mailer.Address(typed)
	if err != nil {
		bad.Add("email", "field.email", "Give one e-mail address, such as name@example.com.")
	}
	return strings.ToLower(email)
}

// checkRole refuses what is no role and reports whether it is one.
func checkRole(bad *errs.Problems, r string) bool {
	if rank(r) == 0 {
		bad.Add("role", "field.choice", "Use one of: admin, staff, partner, agent.")
		return false
	}
	return true
}

// PeopleQuery selects people; zero values mean any, without those removed.
type PeopleQuery struct {
	Q       string // part of name or address
	Role    string
	Status  string
	Partner id.ID
	Cursor  string
	Limit   int
}

// PeoplePage is one page of people by name.
type PeoplePage struct {
	Items []Member
	Next  string
}

const peopleSort = "name"

// People lists the people the actor may see. Invalid for an unknown role or status; Malformed "cursor.bad".
func (s *Service) People(ctx context.Context, who access.Actor, q PeopleQuery) (PeoplePage, error) {
	var bad errs.Problems
	if q.Role != "" {
		checkRole(&bad, q.Role)
	}
	if q.Status != "" && !slices.Contains(Statuses, q.Status) {
		bad.Add("status", "field.choice", "Use one of: %s.", strings.Join(Statuses, ", "))
	}
	if err := errs.Refused(bad); err != nil {
		return PeoplePage{}, err
	}
	var afterName string
	var after id.ID
	scope := who.Tenant.String() + "/people"
	if err := s.ops.Pages.Resume(q.Cursor, scope, peopleSort, &afterName, &after); err != nil {
		return PeoplePage{}, err
	}
	limit, like := page.Limit(q.Limit), ""
	if t := strings.TrimSpace(q.Q); t != "" {
		like = "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(t) + "%"
	}
	var out PeoplePage
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlPeople, []any{like, q.Role, q.Status, q.Partner, afterName, after, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, pgx.RowToStructByName[Member])
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Member) string {
		return s.ops.Pages.Encode(scope, peopleSort, last.Name, last.ID)
	})
	return out, err
}

// Person returns one membership of a person. NotFound "person.not_found".
func (s *Service) Person(ctx context.Context, who access.Actor, member id.ID) (Member, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Member, error) {
		tx.About("member", member)
		m, err := MemberIn(ctx, tx, member)
		if err == nil && m.Kind != "person" {
			err = errs.Missing("person")
		}
		if err == nil {
			err = tx.Allow(m.Object())
		}
		return m, err
	})
}

// UpdateInput names what changes of a membership; nil stays as it is.
type UpdateInput struct {
	ID      id.ID
	Version int // the version the caller read, 0 for whatever stands
	Name    *string
	Role    *string
}

// UpdatePerson changes a membership's name or role. A change of role ends the person's sessions here.
// NotFound, Stale "person.stale", Invalid, Forbidden "person.rank", Conflict "person.last_admin", "person.self".
func (s *Service) UpdatePerson(ctx context.Context, who access.Actor, in UpdateInput) (Member, error) {
	m, err := op.Write(ctx, s.ops, who, ActUpdate, func(tx *op.Tx) (Member, error) {
		old, err := s.handle(ctx, tx, in.ID)
		if err != nil {
			return Member{}, err
		}
		if in.Version != 0 && in.Version != old.Version {
			return Member{}, errs.New(errs.Stale, "person.stale", "Somebody changed this person since you opened the page. Load it again and repeat your change.")
		}
		m, err := in.apply(who, old)
		if err != nil {
			return Member{}, err
		}
		if m == old {
			tx.Unchanged()
			return old, nil
		}
		if m.Role != old.Role {
			if err := guardAdmins(ctx, tx, old); err != nil {
				return Member{}, err
			}
			if old.ID == who.Member {
				return Member{}, errs.New(errs.Conflict, "person.self", "Nobody changes their own role. Ask another Admin.")
			}
			if _, err := endSessions(ctx, tx, old.ID); err != nil {
				return Member{}, err
			}
		}
		m.Version, m.UpdatedAt = old.Version+1, tx.Now
		tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.PartnerID, Before: old, After: m})
		return m, saveMember(ctx, tx, m)
	})
	s.Forget(in.ID)
	return m, err
}

// values puts a name that was given on m and returns every value that nobody may have.
func (in UpdateInput) values(m *Member) errs.Problems {
	var bad errs.Problems
	if in.Name != nil {
		m.Name = checkName(&bad, *in.Name)
	}
	if in.Role != nil {
		checkRole(&bad, *in.Role)
	}
	return bad
}

// Refused returns every value that UpdatePerson would refuse whoever asks, so that a door can tell them along with what it
// finds itself.
func (in UpdateInput) Refused() []errs.Field { return in.values(&Member{}) }

func (in UpdateInput) apply(who access.Actor, m Member) (Member, error) {
	bad := in.values(&m)
	if in.Role != nil && *in.Role != m.Role && rank(*in.Role) > 0 {
		switch {
		case role.Persona(*in.Role) != role.Persona(m.Role):
			bad.Add("role", "role.side", "A person changes sides by a new invitation, not by a new role.")
		case !MayGive(who, *in.Role):
			return m, errs.New(errs.Forbidden, "person.rank", "You cannot give the role %s.", role.Label(*in.Role))
		}
		m.Role = *in.Role
	}
	return m, errs.Refused(bad)
}

// handle locks the membership of a person that the actor is about to change and asks whether they may.
func (s *Service) handle(ctx context.Context, tx *op.Tx, member id.ID) (Member, error) {
	tx.About("member", member)
	m, err := lockMember(ctx, tx, member)
	if err != nil {
		return m, err
	}
	if m.Kind != "person" {
		return m, errs.Missing("person")
	}
	if err := tx.Allow(m.Object()); err != nil {
		return m, err
	}
	if tx.Who.Kind != access.System && !MayGive(tx.Who, m.Role) && m.ID != tx.Who.Member {
		return m, errs.New(errs.Forbidden, "person.rank", "You cannot change somebody with the role %s.", role.Label(m.Role))
	}
	return m, nil
}

// guardAdmins refuses to take away the last active Admin.
func guardAdmins(ctx context.Context, tx *op.Tx, m Member) error {
	if m.Role != role.Admin || m.Status != StatusActive {
		return nil
	}
	others, err := otherAdmins(ctx, tx, m.ID)
	if err == nil && others == 0 {
		err = errs.New(errs.Conflict, "person.last_admin", "This is the last active Admin. Make somebody else Admin first.")
	}
	return err
}
