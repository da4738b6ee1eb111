package mail

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/op"
)

// Send hands one queued mail to the mail server: the handler of the job. It may run twice; a mail that has left the queue
// is not touched again. A server that cannot be reached is an error, so that the job is tried again.
func (s *Service) Send(ctx context.Context, j jobs.Job[SendArgs]) error {
	who := access.NewSystem(j.Tenant, "mail delivery")
	m, link, err := s.queued(ctx, who, j)
	if err != nil || m.Status != "queued" {
		return err
	}
	outcome, fault := "logged", error(nil)
	if s.sender != nil {
		outcome = "sent"
		start := s.ops.Clock()
		fault = s.sender.Send(ctx, mailer.Message{ID: m.ID, To: m.To, ToName: m.ToName, Subject: m.Subject, Security: strings.HasPrefix(m.Template, "person."),
			Text: strings.ReplaceAll(m.Text, hiddenLink, link), HTML: strings.ReplaceAll(m.HTML, hiddenLink, link)})
		if s.told != nil {
			s.told(j.Tenant, s.ops.Clock().Sub(start), fault)
		}
	}
	if fault != nil {
		outcome = "queued"
		if mailer.Permanent(fault) || j.Last() {
			outcome = "failed"
		}
	}
	if err := s.settle(ctx, who, m, outcome, fault); err != nil {
		return err
	}
	if outcome == "queued" {
		return fmt.Errorf("mail %s: %w", m.ID, fault)
	}
	return nil
}

// Deliver hands a mail to the mail server now, without the log: for the last mail of a programme whose log is gone. Where no mail
// server is configured it does nothing.
func (s *Service) Deliver(ctx context.Context, m mailer.Message) error {
	if s.sender == nil {
		return nil
	}
	err := s.sender.Send(ctx, m)
	if mailer.Permanent(err) {
		return nil // the address is dead; nobody is served by trying for ever
	}
	return err
}

func (s *Service) queued(ctx context.Context, who access.Actor, j jobs.Job[SendArgs]) (Mail, string, error) {
	m, err := op.Read(ctx, s.ops, who, ActSend, func(tx *op.Tx) (Mail, error) { return query(ctx, tx, sqlGet, tx.Who.Tenant, j.Args.Mail) })
	if errs.IsKind(err, errs.NotFound) {
		return Mail{}, "", jobs.GiveUp(err)
	}
	if err == nil && m.Status == "queued" {
		err = m.open(ctx, s.ops.Keys)
	}
	return m, m.link, err
}

// settle notes what became of an attempt.
func (s *Service) settle(ctx context.Context, who access.Actor, m Mail, outcome string, fault error) error {
	_, err := op.Write(ctx, s.ops, who, ActSend, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		now := m
		now.Status, now.Attempts, now.LastError = outcome, m.Attempts+1, ""
		if fault != nil {
			now.LastError = fault.Error()
			var e *mailer.Error
			if errors.As(fault, &e) && e.Reply != "" {
				now.LastError += ": " + e.Reply
			}
		}
		if outcome == "sent" {
			now.SentAt = &tx.Now
		}
		if outcome == "queued" {
			tx.Unchanged() // the failed attempt stands in the log's own row
		} else {
			tx.Audit(audit.Change{Type: "mail", ID: m.ID, Label: m.Subject, Before: m, After: now})
		}
		return struct{}{}, saveOutcome(ctx, tx, now)
	})
	return err
}
