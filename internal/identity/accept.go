package identity

import (
	"context"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/identity/password"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Invitation is what a link is for.
type Invitation struct {
	ID          id.ID      `db:"invitation_id"`
	Tenant      id.ID      `db:"tenant_id"`
	TenantName  string     `db:"tenant_name"`
	Member      id.ID      `db:"member_id"`
	Person      id.ID      `db:"person_id"`
	Partner     id.ID      `db:"partner_id"`
	PartnerName string     `db:"partner_name"`
	Role        string     `db:"role"`
	Name        string     `db:"name"`
	Email       string     `db:"email"`
	ExpiresAt   time.Time  `db:"expires_at"`
	UsedAt      *time.Time `db:"used_at"`
	RevokedAt   *time.Time `db:"revoked_at"`
	HasPassword bool       `db:"has_password"` // the person signs in already and must do so to accept
}

// Invitation returns what an invitation's token is for. NotFound "invitation.not_found"; Conflict "invitation.used",
// "invitation.revoked", "invitation.expired".
func (s *Service) Invitation(ctx context.Context, token string) (Invitation, error) {
	v, err := s.inviteByToken(ctx, digest(token))
	if err != nil {
		return Invitation{}, err
	}
	switch {
	case v.UsedAt != nil:
		return v, errs.New(errs.Conflict, "invitation.used", "This invitation was accepted already. Sign in.")
	case v.RevokedAt != nil:
		return v, errs.New(errs.Conflict, "invitation.revoked", "This invitation was replaced or taken back. Look for a newer mail, or ask to be invited again.")
	case !s.now().Before(v.ExpiresAt):
		return v, errs.New(errs.Conflict, "invitation.expired", "This invitation was good for 7 days. Ask to be invited again.")
	}
	return v, nil
}

// AcceptInput is how a person answers an invitation.
type AcceptInput struct {
	Token    string
	Session  string // the browser's session token: for a person who has a password
	Name     string // for a person who has none yet
	Password string
}

// Accept joins the programme an invitation is for and opens a session there. A person without a password sets one; a
// person with one must be signed in as that person.
//
// Errors of Invitation; Unauthenticated "invitation.sign_in" when the session is nobody's or somebody else's; Invalid with
// fields name and password.
func (s *Service) Accept(ctx context.Context, req access.Request, in AcceptInput) (Session, error) {
	v, err := s.Invitation(ctx, in.Token)
	if err != nil {
		return Session{}, err
	}
	hash, name := "", v.Name
	if v.HasPassword {
		k, err := s.session(ctx, in.Session)
		if err != nil || k.who.Person != v.Person {
			return Session{}, errs.New(errs.Unauthenticated, "invitation.sign_in", "Sign in as %s first: the invitation is for that address.", v.Email)
		}
	} else {
		name = strings.TrimSpace(in.Name)
		if name == "" {
			name = v.Name
		}
		var bad errs.Problems
		name = checkName(&bad, name)
		if err := password.Check(in.Password, v.TenantName, v.PartnerName, v.Email, name); err != nil {
			bad = append(bad, errs.Of(err).Fields...)
		}
		if err := errs.Refused(bad); err != nil {
			return Session{}, err
		}
		if hash, err = s.hasher.Hash(ctx, in.Password); err != nil {
			return Session{}, err
		}
	}
	if err := s.join(ctx, req, v, digest(in.Token), hash, name); err != nil {
		return Session{}, err
	}
	return s.enter(ctx, req, v.Person, v.Email, in.Session, v.Member)
}

// join uses the invitation up and makes the membership active, in one transaction of the member.
func (s *Service) join(ctx context.Context, req access.Request, v Invitation, token []byte, hash, name string) error {
	who := Membership{Tenant: v.Tenant, Member: v.Member, Partner: v.Partner, Role: v.Role, Name: name}.actor(v.Person, id.Nil, req)
	_, err := op.Write(ctx, s.ops, who, ActAccept, func(tx *op.Tx) (done, error) {
		old, err := lockMember(ctx, tx, v.Member)
		if err != nil {
			return done{}, err
		}
		if err := tx.Allow(old.Object()); err != nil {
			return done{}, err
		}
		if hash != "" {
			if set, err := firstPassword(ctx, tx, token, hash, name); err != nil || !set {
				return done{}, first(err, gone())
			}
		}
		if used, err := useInvite(ctx, tx, v, token); err != nil || !used || old.Status != StatusInvited || old.Role != v.Role {
			return done{}, first(err, gone())
		}
		m := old
		m.Status, m.Name, m.Version, m.UpdatedAt = StatusActive, name, old.Version+1, tx.Now
		if err := saveMember(ctx, tx, m); err != nil {
			return done{}, err
		}
		tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.PartnerID, Before: old, After: m, Note: "accepted the invitation"})
		return done{}, tx.Emit(ctx, Joined{Member: m})
	})
	return err
}

func gone() error {
	return errs.New(errs.Conflict, "invitation.used", "This invitation was used or replaced a moment ago.")
}
