package identity

import (
	"context"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Session is a session that was just opened or changed. Its token and device mark are for the browser's cookies.
type Session struct {
	ID          id.ID
	Token       string
	Device      string // proves later that this browser signed in before
	ExpiresAt   time.Time
	Bound       bool         // a membership is in use; else one has to be chosen
	Memberships []Membership // where the person may go
}

// ToldOnce implements op.Once.
func (Session) ToldOnce() {}

// SignInInput is what a person types, and what their browser brings along.
type SignInInput struct {
	Email, Password string
	Device          string // the mark of an earlier sign-in, or ""
	Old             string // the token the browser came with, which ends
}

// wrong is the one answer to everything that does not let somebody in.
func wrong() error {
	return errs.New(errs.Unauthenticated, "sign_in.wrong", "This address and password do not belong together. Try again, or set a new password.")
}

// SignIn opens a session for a person who knows their password. With one membership it is in use at once; with several, or
// none, the session is for Switch only.
//
// Unauthenticated "sign_in.wrong", the same for an unknown address, a wrong password and an account without a password;
// Throttled "sign_in.throttled" with the time to wait; Unavailable when too many sign in at this moment.
func (s *Service) SignIn(ctx context.Context, req access.Request, in SignInInput) (Session, error) {
	email := strings.ToLower(strings.TrimSpace(in.Email))
	limits := s.signInLimits(email, req.IP, in.Device)
	if err := s.spend(ctx, limits); err != nil {
		return Session{}, err
	}
	p, err := s.personByEmail(ctx, email)
	if err != nil {
		return Session{}, err
	}
	ok, rehash, err := s.hasher.Verify(ctx, in.Password, p.Hash)
	if err != nil && (errs.Of(err).Kind != errs.Internal || ctx.Err() != nil) {
		return Session{}, err
	}
	if !ok {
		s.later("sign_in.wrong", func(ctx context.Context) error { return s.recordWrong(ctx, req, p.ID) })
		return Session{}, wrong()
	}
	fresh := ""
	if rehash {
		if fresh, err = s.hasher.Hash(ctx, in.Password); err != nil {
			return Session{}, err
		}
	}
	if same, err := s.signedIn(ctx, p, fresh, s.now()); err != nil || !same {
		return Session{}, first(err, wrong())
	}
	if err := s.forgive(ctx, limits); err != nil {
		return Session{}, err
	}
	return s.enter(ctx, req, p.ID, email, in.Old, id.Nil)
}

// enter opens a session for a person who has proved themselves and puts it to use with the membership wanted, or with the
// only one there is. The session of the token old ends.
func (s *Service) enter(ctx context.Context, req access.Request, person id.ID, email, old string, wanted id.ID) (Session, error) {
	if err := s.drop(ctx, old); err != nil {
		return Session{}, err
	}
	places, err := s.places(ctx, person)
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	idle, absolute := lifetime("")
	v := Session{ID: id.New(), Token: secret(), Device: s.device(email), ExpiresAt: now.Add(absolute), Memberships: places}
	if err := s.openSession(ctx, v, person, now, now.Add(idle), req.IP, req.UserAgent); err != nil {
		return Session{}, err
	}
	for _, m := range places {
		if m.Member == wanted || wanted == id.Nil && len(places) == 1 {
			return s.bind(ctx, req, v, m, person, now, "signed in")
		}
	}
	return v, nil
}

// bind puts a session to use with a membership, under a new token, and puts that on the programme's record.
func (s *Service) bind(ctx context.Context, req access.Request, v Session, m Membership, person id.ID, created time.Time, note string) (Session, error) {
	who := m.actor(person, v.ID, req)
	idle, absolute := lifetime(m.Role)
	fresh, old := secret(), v.Token
	expires := created.Add(absolute)
	_, err := op.Write(ctx, s.ops, who, ActSignIn, func(tx *op.Tx) (done, error) {
		if err := tx.Allow(access.Object{Partner: m.Partner}); err != nil {
			return done{}, err
		}
		bound, err := bindSession(ctx, tx, v.ID, digest(old), digest(fresh), tx.Now.Add(idle), expires)
		if err != nil {
			return done{}, err
		}
		if !bound {
			return done{}, unauthenticated()
		}
		tx.Audit(audit.Change{Type: "member", ID: m.Member, Label: m.Name, Partner: m.Partner, Note: note})
		return done{}, nil
	})
	s.forgetToken(old)
	if err != nil {
		return Session{}, err
	}
	v.Token, v.ExpiresAt, v.Bound = fresh, expires, true
	return v, nil
}

// recordWrong tells every programme of the person that somebody tried a wrong password. It runs after the answer, so that
// the answer takes as long for an address nobody has.
func (s *Service) recordWrong(ctx context.Context, req access.Request, person id.ID) error {
	if person == id.Nil {
		return nil
	}
	places, err := s.places(ctx, person)
	if err != nil {
		return err
	}
	for _, m := range places {
		who := system(m.Tenant, "nobody signed in", req)
		_, err := op.Write(ctx, s.ops, who, ActSignIn, func(tx *op.Tx) (done, error) {
			tx.About("member", m.Member)
			return done{}, errs.New(errs.Forbidden, "sign_in.wrong", "A wrong password was given.")
		})
		if !errs.Is(err, "sign_in.wrong") {
			return err
		}
	}
	return nil
}

// Memberships returns where the person behind a session token may go, whether or not one is in use, and the one that is.
func (s *Service) Memberships(ctx context.Context, token string) (places []Membership, current id.ID, err error) {
	k, err := s.session(ctx, token)
	if err != nil {
		return nil, id.Nil, err
	}
	return k.self.Memberships, k.who.Member, nil
}

// Switch puts a session to use with another membership of its person. The token changes; the session's time does not start
// anew. NotFound "membership.not_found" for a membership that is not the person's or is dead.
func (s *Service) Switch(ctx context.Context, req access.Request, token string, member id.ID) (Session, error) {
	row, places, err := s.readSession(ctx, digest(token), s.now())
	if err != nil {
		return Session{}, err
	}
	for _, m := range places {
		if m.Member == member {
			v := Session{ID: row.Session, Token: token, Memberships: places}
			return s.bind(ctx, req, v, m, row.Person, row.CreatedAt, "came here")
		}
	}
	return Session{}, errs.Missing("membership")
}

// SignOut ends the session of a token. A token that is dead already is no error.
func (s *Service) SignOut(ctx context.Context, req access.Request, token string) error {
	k, err := s.session(ctx, token)
	if errs.IsKind(err, errs.Unauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	if k.who.Member == id.Nil {
		return s.drop(ctx, token)
	}
	who := k.who
	who.Request = req
	return s.end(ctx, who, who.Credential, id.Nil, "signed out")
}

// end ends one session of the actor, or with Nil all but keep. NotFound "session.not_found" when one was named and none ended.
func (s *Service) end(ctx context.Context, who access.Actor, one, keep id.ID, note string) error {
	who.Request.IdempotencyKey = ""
	ended, err := op.Write(ctx, s.ops, who, ActSignOut, func(tx *op.Tx) ([]id.ID, error) {
		tx.About("session", one)
		if err := tx.Allow(access.Object{Partner: who.Partner, Owner: who.Member}); err != nil {
			return nil, err
		}
		ended, err := endMine(ctx, tx, one, keep)
		if err != nil {
			return nil, err
		}
		if len(ended) == 0 {
			if one != id.Nil {
				return nil, errs.Missing("session")
			}
			tx.Unchanged()
			return nil, nil
		}
		tx.Audit(audit.Change{Type: "member", ID: who.Member, Label: who.Name, Partner: who.Partner, Note: note})
		return ended, nil
	})
	s.Forget(ended...)
	return err
}

// drop ends the session of a token that is in use with no membership, or that a browser brings to a new sign-in.
func (s *Service) drop(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	s.forgetToken(token)
	return s.closeSession(ctx, token, s.now())
}

func first(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

// Whose returns the person behind a session token, Nil when there is none: for pages before sign-in.
func (s *Service) Whose(ctx context.Context, token string) (person id.ID, email string) {
	k, err := s.session(ctx, token)
	if err != nil {
		return id.Nil, ""
	}
	return k.who.Person, k.self.Email
}
