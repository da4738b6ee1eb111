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
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Key is an API key without its secret.
type Key struct {
	ID          id.ID      `db:"key_id" json:"id"`
	Member      id.ID      `db:"member_id" json:"member_id"`
	Name        string     `db:"name" json:"name"`
	Prefix      string     `db:"prefix" json:"prefix"` // what people know it by: ent_<prefix>_…
	Role        string     `db:"role" json:"role"`
	PartnerID   id.ID      `db:"partner_id" json:"partner_id"`
	PartnerName string     `db:"partner_name" json:"partner_name"`
	Scopes      []string   `db:"scopes" json:"scopes"` // none: everything the role may do
	ExpiresAt   *time.Time `db:"expires_at" json:"expires_at"`
	LastUsedAt  *time.Time `db:"last_used_at" json:"last_used_at"`
	RevokedAt   *time.Time `db:"revoked_at" json:"revoked_at"`
	CreatedAt   time.Time  `db:"created_at" json:"created_at"`
}

// Live reports whether the key works at a time.
func (k Key) Live(now time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || k.ExpiresAt.After(now))
}

// KeyInput is a key to make. Role and Partner are for service accounts only.
type KeyInput struct {
	Name      string
	Role      string
	Partner   id.ID
	Scopes    []string
	ExpiresAt *time.Time
}

// NewKey is a key that was just made; the secret is told this once.
type NewKey struct {
	ID     id.ID  `json:"id"`
	Secret string `json:"key"`
}

// ToldOnce implements op.Once.
func (NewKey) ToldOnce() {}

// ValidScope reports whether an API key may be limited to this: an action, a room, "room:read", "read" or "*".
func ValidScope(scope string) bool {
	if scope == "*" || scope == "read" {
		return true
	}
	room, _ := strings.CutSuffix(scope, ":read")
	return slices.ContainsFunc(role.Actions(), func(a access.Action) bool { return string(a) == scope || a.Room() == room })
}

// values normalises what was typed and returns every value that no key may have.
func (in *KeyInput) values() errs.Problems {
	var bad errs.Problems
	in.Name = bad.Line("name", in.Name, 100)
	bad.Need("name", in.Name)
	if len(in.Scopes) > 50 {
		bad.Add("scopes", "field.too_many", "Give at most 50 scopes.")
	}
	for _, sc := range in.Scopes {
		if !ValidScope(sc) {
			bad.Add("scopes", "scope.unknown", "There is no scope %s. Use an action such as deal.read, a room such as deal, deal:read, or read.", clip(sc))
			break
		}
	}
	return bad
}

// Refused returns every value that no key may have, so that a door can tell them along with what it finds itself. Role and
// time are left to the use case.
func (in KeyInput) Refused() []errs.Field { return in.values() }

func (in *KeyInput) check(now time.Time) errs.Problems {
	bad := in.values()
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		bad.Add("expires_at", "field.past", "Give a time in the future.")
	}
	return bad
}

func clip(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 60)])
}

// exceeds reports whether a key of role r with these scopes could do what the key that makes it cannot. Only an actor
// limited to scopes is limited here: the rank of roles has been asked already.
func (in KeyInput) exceeds(who access.Actor, r string) bool {
	if who.Kind == access.System || len(who.Grants) >= len(role.Grants(who.Role)) {
		return false
	}
	return !covers(who.Grants, access.Narrow(role.Grants(r), in.Scopes, role.Reads))
}

// CreateKey makes a service account of a role with one API key.
// Invalid with fields name, role, partner_id, scopes, expires_at; Forbidden "person.rank", "key.exceeds", "key.outlives".
func (s *Service) CreateKey(ctx context.Context, who access.Actor, in KeyInput) (NewKey, error) {
	return op.Write(ctx, s.ops, who, ActCreateKey, func(tx *op.Tx) (NewKey, error) {
		if err := tx.Allow(access.Object{Partner: in.Partner}); err != nil {
			return NewKey{}, err
		}
		bad := in.check(tx.Now)
		// The account's name and its side follow the rules of a person's.
		as := InviteInput{Email: "service@entente.invalid", Name: "service", Role: in.Role, Partner: in.Partner}
		if err := as.check(ctx, tx); err != nil {
			if !errs.IsKind(err, errs.Invalid) {
				return NewKey{}, err
			}
			bad = append(bad, errs.Of(err).Fields...)
		}
		if err := errs.Refused(bad); err != nil {
			return NewKey{}, err
		}
		if !MayGive(who, in.Role) {
			return NewKey{}, errs.New(errs.Forbidden, "person.rank", "You cannot make a key with the role %s.", role.Label(in.Role))
		}
		if in.exceeds(who, in.Role) {
			return NewKey{}, exceeds()
		}
		m := Member{ID: id.New(), Kind: "service", PartnerID: in.Partner, Role: in.Role, Name: in.Name, Status: StatusActive, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if err := insertMember(ctx, tx, m, "", id.Nil); err != nil {
			return NewKey{}, err
		}
		return makeKey(ctx, tx, m, in)
	})
}

func exceeds() error {
	return errs.New(errs.Forbidden, "key.exceeds", "A key cannot make a key that may do more than itself.")
}

// makeKey makes a key of m. A key that ends makes none that outlives it. Forbidden "key.outlives".
func makeKey(ctx context.Context, tx *op.Tx, m Member, in KeyInput) (NewKey, error) {
	ends, err := keyEnds(ctx, tx, tx.Who.Credential)
	if err != nil {
		return NewKey{}, err
	}
	if ends != nil && (in.ExpiresAt == nil || in.ExpiresAt.After(*ends)) {
		return NewKey{}, errs.New(errs.Forbidden, "key.outlives", "A key cannot make a key that outlives it: give an end not after %s.", ends.UTC().Format(time.RFC3339))
	}
	key, prefix := newKey()
	k := Key{ID: id.New(), Member: m.ID, Name: in.Name, Prefix: prefix, Role: m.Role, PartnerID: m.PartnerID, Scopes: in.Scopes, ExpiresAt: in.ExpiresAt, CreatedAt: tx.Now}
	if err := insertKey(ctx, tx, k, digest(key)); err != nil {
		return NewKey{}, err
	}
	tx.Audit(audit.Change{Type: "api_key", ID: k.ID, Label: k.Name, Partner: k.PartnerID, After: k, Note: "scopes: " + strings.Join(k.Scopes, " ")})
	return NewKey{ID: k.ID, Secret: key}, nil
}

// KeyPage is one page of keys, newest first.
type KeyPage struct {
	Items []Key
	Next  string
}

const keySort = "-created_at"

// Keys lists the keys of service accounts, revoked ones too.
func (s *Service) Keys(ctx context.Context, who access.Actor, cursor string, limit int) (KeyPage, error) {
	scope, before, last := who.Tenant.String()+"/keys", s.now().Add(time.Hour), id.New()
	if err := s.ops.Pages.Resume(cursor, scope, keySort, &before, &last); err != nil {
		return KeyPage{}, err
	}
	limit = page.Limit(limit)
	var out KeyPage
	err := op.Batch(ctx, s.ops, who, ActKeys, func(r *op.Reads) {
		r.Query(sqlServiceKeys, []any{before, last, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, pgx.RowToStructByName[Key])
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Key) string {
		return s.ops.Pages.Encode(scope, keySort, last.CreatedAt, last.ID)
	})
	return out, err
}

// RevokeKey ends a service account's key, and the account with it. NotFound "key.not_found"; a dead key stays dead.
func (s *Service) RevokeKey(ctx context.Context, who access.Actor, key id.ID) error {
	return s.revoke(ctx, who, ActRevokeKey, key, true, sqlServiceKey, key)
}

func (s *Service) revoke(ctx context.Context, who access.Actor, act access.Action, key id.ID, service bool, sql string, args ...any) error {
	_, err := op.Write(ctx, s.ops, who, act, func(tx *op.Tx) (done, error) {
		tx.About("api_key", key)
		k, err := lockKey(ctx, tx, sql, args...)
		if err != nil {
			return done{}, err
		}
		if err := tx.Allow(access.Object{Partner: k.PartnerID, Owner: k.Member}); err != nil {
			return done{}, err
		}
		if k.RevokedAt != nil {
			tx.Unchanged()
			return done{}, nil
		}
		now := k
		now.RevokedAt = &tx.Now
		tx.Audit(audit.Change{Type: "api_key", ID: k.ID, Label: k.Name, Partner: k.PartnerID, Before: k, After: now})
		return done{}, revokeKey(ctx, tx, k, service)
	})
	s.Forget(key)
	return err
}
