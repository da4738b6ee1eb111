package identity

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/identity/password"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// Me is what an actor may know of itself.
type Me struct {
	Member  Member
	Tenant  tenant.Settings
	Session id.ID // the session or key in use
}

// Me returns the actor's own membership and programme.
func (s *Service) Me(ctx context.Context, who access.Actor) (Me, error) {
	return op.Read(ctx, s.ops, who, ActMe, func(tx *op.Tx) (out Me, err error) {
		out.Session = who.Credential
		if out.Tenant, err = tenant.SettingsIn(ctx, tx); err == nil {
			out.Member, err = MemberIn(ctx, tx, who.Member)
		}
		return out, err
	})
}

// MeInput names what changes; nil stays as it is.
type MeInput struct{ Name *string }

// UpdateMe changes the actor's own name in this programme.
func (s *Service) UpdateMe(ctx context.Context, who access.Actor, in MeInput) (Member, error) {
	m, err := op.Write(ctx, s.ops, who, ActUpdateMe, func(tx *op.Tx) (Member, error) {
		old, err := lockMember(ctx, tx, who.Member)
		if err != nil {
			return Member{}, err
		}
		if err := tx.Allow(old.Object()); err != nil {
			return Member{}, err
		}
		m := old
		var bad errs.Problems
		if in.Name != nil {
			m.Name = checkName(&bad, *in.Name)
		}
		if err := errs.Refused(bad); err != nil {
			return Member{}, err
		}
		if m.Name == old.Name {
			tx.Unchanged()
			return old, nil
		}
		m.Version, m.UpdatedAt = old.Version+1, tx.Now
		tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.PartnerID, Before: old, After: m})
		return m, saveMember(ctx, tx, m)
	})
	s.Forget(who.Member)
	return m, err
}

// Prove asks a person at work for their password again, before something grave. Invalid with the field password when it is wrong;
// Throttled when it was wrong too often; Forbidden "me.not_a_person" for a service.
func (s *Service) Prove(ctx context.Context, who access.Actor, typed string) error {
	if who.Kind != access.Person || who.Person == id.Nil {
		return errs.New(errs.Forbidden, "me.not_a_person", "Only a signed-in person has a password.")
	}
	if err := s.spend(ctx, []limit{{s.bucket("change", who.Person.String()), ruleHere}}); err != nil {
		return err
	}
	me, err := s.personByID(ctx, who.Person)
	if err != nil {
		return err
	}
	ok, _, err := s.hasher.Verify(ctx, typed, me.Hash)
	if err != nil {
		return err
	}
	if !ok {
		return errs.Refused([]errs.Field{{Name: "password", Code: "password.wrong", Msg: "This is not your password."}})
	}
	return nil
}

// ChangePassword replaces the actor's password, which they type once more, and ends their other sessions.
// Invalid with the field "current" or "password"; Throttled "sign_in.throttled"; Forbidden "me.not_a_person" for a key.
func (s *Service) ChangePassword(ctx context.Context, who access.Actor, current, next string) error {
	if who.Kind != access.Person || who.Person == id.Nil {
		return errs.New(errs.Forbidden, "me.not_a_person", "Only a signed-in person has a password.")
	}
	if err := s.spend(ctx, []limit{{s.bucket("change", who.Person.String()), ruleHere}}); err != nil {
		return err
	}
	// No persona may read a hash: this asks with the login of the sign-in page, for the person whose session it is.
	me, err := s.personByID(ctx, who.Person)
	if err != nil {
		return err
	}
	ok, _, err := s.hasher.Verify(ctx, current, me.Hash)
	if err != nil {
		return err
	}
	if !ok {
		return errs.Refused([]errs.Field{{Name: "current", Code: "password.wrong", Msg: "This is not your current password."}})
	}
	if err := password.Check(next, me.Email, me.Name, who.Name); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, next)
	if err != nil {
		return err
	}
	who.Request.IdempotencyKey = ""
	ended, err := op.Write(ctx, s.ops, who, ActUpdateMe, func(tx *op.Tx) ([]id.ID, error) {
		if err := tx.Allow(access.Object{Partner: who.Partner, Owner: who.Member}); err != nil {
			return nil, err
		}
		if changed, err := changeMine(ctx, tx, me.Hash, hash); err != nil || !changed {
			return nil, first(err, errs.New(errs.Conflict, "busy", "Your password was changed elsewhere at the same moment. Try again."))
		}
		tx.Audit(audit.Change{Type: "member", ID: who.Member, Label: who.Name, Partner: who.Partner, Note: "password changed; other sessions ended"})
		return endMine(ctx, tx, id.Nil, who.Credential)
	})
	s.Forget(ended...)
	return err
}

// OpenSession is one place where a person is signed in.
type OpenSession struct {
	ID         id.ID     `db:"session_id" json:"id"`
	CreatedAt  time.Time `db:"created_at" json:"created_at"`
	LastSeenAt time.Time `db:"last_seen_at" json:"last_seen_at"`
	ExpiresAt  time.Time `db:"expires_at" json:"expires_at"`
	IP         string    `db:"ip" json:"ip"`
	UserAgent  string    `db:"user_agent" json:"user_agent"`
	Current    bool      `db:"-" json:"current"`
}

// Sessions lists where the person behind the actor is signed in, in every programme. A service account has none.
func (s *Service) Sessions(ctx context.Context, who access.Actor) ([]OpenSession, error) {
	return op.Read(ctx, s.ops, who, ActMe, func(tx *op.Tx) ([]OpenSession, error) {
		list, err := mySessions(ctx, tx)
		for i := range list {
			list[i].Current = list[i].ID == who.Credential
		}
		return list, err
	})
}

// RevokeSession ends one of the person's sessions. NotFound "session.not_found".
func (s *Service) RevokeSession(ctx context.Context, who access.Actor, session id.ID) error {
	if session == id.Nil {
		return errs.Missing("session")
	}
	return s.end(ctx, who, session, id.Nil, "session ended")
}

// RevokeOtherSessions ends every session of the person but the one in use.
func (s *Service) RevokeOtherSessions(ctx context.Context, who access.Actor) error {
	return s.end(ctx, who, id.Nil, who.Credential, "other sessions ended")
}

// CreateMyKey makes an API key that acts as the actor, with their role as it is at each use.
// Invalid with fields name, scopes, expires_at; Forbidden "key.exceeds", "key.outlives".
func (s *Service) CreateMyKey(ctx context.Context, who access.Actor, in KeyInput) (NewKey, error) {
	return op.Write(ctx, s.ops, who, ActMyKey, func(tx *op.Tx) (NewKey, error) {
		m, err := lockMember(ctx, tx, who.Member)
		if err != nil {
			return NewKey{}, err
		}
		if err := tx.Allow(m.Object()); err != nil {
			return NewKey{}, err
		}
		if err := errs.Refused(in.check(tx.Now)); err != nil {
			return NewKey{}, err
		}
		if in.exceeds(who, m.Role) || len(role.Grants(m.Role)) == 0 {
			return NewKey{}, exceeds()
		}
		return makeKey(ctx, tx, m, in)
	})
}

// MyKeys lists the actor's own keys, newest first, revoked ones too.
func (s *Service) MyKeys(ctx context.Context, who access.Actor) ([]Key, error) {
	return op.Read(ctx, s.ops, who, ActMe, func(tx *op.Tx) ([]Key, error) { return myKeys(ctx, tx, who.Member) })
}

// RevokeMyKey ends one of the actor's own keys. NotFound "key.not_found".
func (s *Service) RevokeMyKey(ctx context.Context, who access.Actor, key id.ID) error {
	return s.revoke(ctx, who, ActMyRevoke, key, false, sqlMyKey, key, who.Member)
}
