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
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// The purposes of a one-time link.
const (
	purposeSetUp = "setup"
	purposeReset = "reset"
)

const resetFor = 20 * time.Minute

// Forgot sends a reset link to an address if a person with a password and a programme has it. The answer and its time do
// not depend on that: the work is done afterwards. Throttled "sign_in.throttled".
func (s *Service) Forgot(ctx context.Context, req access.Request, email string) error {
	email = strings.ToLower(strings.TrimSpace(email))
	limits := []limit{{s.bucket("reset", email), ruleReset}}
	if net := network(req.IP); net != "" {
		limits = append(limits, limit{s.bucket("network", net), ruleNetwork})
	}
	if err := s.spend(ctx, limits); err != nil {
		return err
	}
	s.later("me.reset", func(ctx context.Context) error {
		p, err := s.personByEmail(ctx, email)
		if err != nil || p.Hash == "" {
			return err
		}
		return s.mailReset(ctx, req, p)
	})
	return nil
}

// mailReset queues the letter in the first of the person's programmes. A person without one gets none.
func (s *Service) mailReset(ctx context.Context, req access.Request, p personRow) error {
	places, err := s.places(ctx, p.ID)
	if err != nil || len(places) == 0 {
		return err
	}
	token := secret()
	now := s.now()
	if err := s.newLink(ctx, purposeReset, p.ID, token, now, now.Add(resetFor)); err != nil {
		return err
	}
	m := places[0]
	_, err = op.Write(ctx, s.ops, system(m.Tenant, "password reset", req), ActReset, func(tx *op.Tx) (done, error) {
		if err := tx.Allow(access.Object{Partner: m.Partner}); err != nil {
			return done{}, err
		}
		tx.Audit(audit.Change{Type: "member", ID: m.Member, Label: m.Name, Note: "reset link asked for"})
		return done{}, mail.Queue(ctx, tx, mail.Letter{Template: "person.reset", To: p.Email, ToName: p.Name, Subject: "Set a new password", Link: s.link("/reset", token),
			ObjectType: "member", ObjectID: m.Member, Layout: mailer.Layout{Heading: "Set a new password",
				Paragraphs: []string{"Somebody, we hope you, asked to set a new password for " + p.Email + ".", "The link works once, for 20 minutes. If it was not you, do nothing: your password stays as it is."},
				Button:     mailer.Button{Label: "Set a new password"},
				Reason:     "You get this mail because your address was typed on the sign-in page. Security mails cannot be turned off."}})
	})
	return err
}

// ResetLink makes a reset link for the command line of an installation without a mail server.
// NotFound "person.not_found" for an address nobody signs in with.
func (s *Service) ResetLink(ctx context.Context, email string) (url string, err error) {
	p, err := s.personByEmail(ctx, strings.ToLower(strings.TrimSpace(email)))
	if err != nil {
		return "", err
	}
	if p.ID == id.Nil || p.Hash == "" {
		return "", errs.New(errs.NotFound, "person.not_found", "Nobody signs in with this address.")
	}
	token, now := secret(), s.now()
	if err := s.tellPlaces(ctx, access.Request{}, p.ID, "reset link made by the operator"); err != nil {
		return "", err
	}
	return s.link("/reset", token), s.newLink(ctx, purposeReset, p.ID, token, now, now.Add(resetFor))
}

// ResetOpen reports whether a reset link still works: NotFound "link.not_found" if not.
func (s *Service) ResetOpen(ctx context.Context, token string) error {
	_, err := s.openLink(ctx, purposeReset, token, s.now())
	return err
}

// Reset sets a new password by a reset link and ends every session of the person. The person then signs in: the link is no
// sign-in. NotFound "link.not_found" for a link that is used, expired or was never made; Invalid for a weak password.
func (s *Service) Reset(ctx context.Context, req access.Request, token, plain string) error {
	p, err := s.openLink(ctx, purposeReset, token, s.now())
	if err != nil {
		return err
	}
	if err := password.Check(plain, p.Email, p.Name); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, plain)
	if err != nil {
		return err
	}
	used, err := s.resetPassword(ctx, token, p, hash, s.now())
	if err != nil {
		return err
	}
	if !used {
		return errs.Missing("link")
	}
	s.Forget(p.ID)
	return s.tellPlaces(detached(ctx), req, p.ID, "password set by a reset link; all sessions ended")
}

// tellPlaces puts something about a person on the record of each of their programmes.
func (s *Service) tellPlaces(ctx context.Context, req access.Request, person id.ID, note string) error {
	places, err := s.places(ctx, person)
	if err != nil {
		return err
	}
	for _, m := range places {
		_, err := op.Write(ctx, s.ops, system(m.Tenant, "password reset", req), ActReset, func(tx *op.Tx) (done, error) {
			tx.Audit(audit.Change{Type: "member", ID: m.Member, Label: m.Name, Note: note})
			return done{}, tx.Allow(access.Object{Partner: m.Partner})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
