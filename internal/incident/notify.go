package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// The recipients of a notice.
const (
	ToAffected  = "affected"
	ToAuthority = "authority"
)

// answers says which clocks a notice stops, as template/step.
var answers = map[string][]string{ToAffected: {"contract/notice", "gdpr-34/people"}, ToAuthority: {"gdpr-33/authority"}}

// NoticeInput is a draft of a notice: new for an incident, or other words for a draft (Notice).
type NoticeInput struct {
	Incident                            id.ID
	Notice                              id.ID // Nil for a new one
	Version                             int   // of the draft; 0 is not checked
	Recipient                           string
	Nature, Impact, Mitigation, Contact string
}

// Proposed returns the parts of a notice as the assessment gives them, to begin from.
func Proposed(i Incident, by string) NoticeInput {
	nature := i.Nature
	if nature == "" {
		nature = i.Description
	}
	return NoticeInput{Incident: i.ID, Nature: nature, Impact: i.Consequences, Mitigation: i.Measures, Contact: by}
}

// SaveNotice writes the draft of a notice; parts may still be empty. Errors: Invalid with fields, NotFound, Stale, Conflict.
func (s *Service) SaveNotice(ctx context.Context, who access.Actor, in NoticeInput) (Notice, error) {
	var bad errs.Problems
	in.Nature, in.Impact = bad.Text("nature", in.Nature, 5000), bad.Text("impact", in.Impact, 5000)
	in.Mitigation, in.Contact = bad.Text("mitigation", in.Mitigation, 5000), bad.Text("contact", in.Contact, 1000)
	if in.Notice == id.Nil {
		choice(&bad, "recipient", in.Recipient, []string{ToAffected, ToAuthority})
	}
	return op.Write(ctx, s.ops, who, ActNotify, func(tx *op.Tx) (Notice, error) {
		tx.About("incident", in.Incident)
		if err := tx.Allow(access.Object{}); err != nil {
			return Notice{}, err
		}
		i, err := lock(ctx, tx, in.Incident)
		if err != nil {
			return Notice{}, err
		}
		n := Notice{ID: id.New(), IncidentID: i.ID, Recipient: in.Recipient, Status: "draft"}
		if in.Notice != id.Nil {
			if n, err = one[Notice](ctx, tx, "notice", sqlLockNotice, in.Notice); err != nil {
				return n, err
			}
			if n.IncidentID != i.ID {
				return n, errs.Missing("notice")
			}
			if in.Version != 0 && in.Version != n.Version {
				return n, stale()
			}
			if n.Status == "sent" {
				return n, errs.New(errs.Conflict, "incident.sent", "This notice was sent and stays as it is. Write another one.")
			}
		}
		if err := errs.Refused(bad); err != nil {
			return n, err
		}
		n.Nature, n.Impact, n.Mitigation, n.Contact, n.Version = in.Nature, in.Impact, in.Mitigation, in.Contact, n.Version+1
		tx.Audit(audit.Change{Type: "incident", ID: i.ID, Label: i.Title, Note: "draft for the " + n.Recipient})
		return n, saveNotice(ctx, tx, n, in.Notice == id.Nil)
	})
}

// missing refuses a notice without one of its parts, naming each (invariant 3).
func (n Notice) missing() error {
	var bad errs.Problems
	for _, part := range []struct{ name, v string }{{"nature", n.Nature}, {"impact", n.Impact}, {"mitigation", n.Mitigation}, {"contact", n.Contact}} {
		if strings.TrimSpace(part.v) == "" {
			bad.Add(part.name, "field.required", "A notice cannot go out without this part.")
		}
	}
	return errs.Refused(bad)
}

// SendNotice sends a draft: to the affected by mail, as a job with progress; to the authority it is noted as handed over, for the
// printed document. The clocks that it answers stop and are stamped. Errors: Invalid with fields, NotFound, Conflict "incident.nobody",
// "incident.sent" and "incident.not_confirmed".
func (s *Service) SendNotice(ctx context.Context, who access.Actor, v id.ID) (Notice, error) {
	var seen Notice // goes with a refusal, so that it can be shown where it belongs
	out, err := op.Write(ctx, s.ops, who, ActNotify, func(tx *op.Tx) (Notice, error) {
		tx.About("incident_notice", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return Notice{}, err
		}
		n, err := one[Notice](ctx, tx, "notice", sqlLockNotice, v)
		if err != nil {
			return n, err
		}
		seen = n
		i, err := lock(ctx, tx, n.IncidentID)
		switch {
		case err != nil:
			return n, err
		case n.Status == "sent":
			return n, errs.New(errs.Conflict, "incident.sent", "This notice was sent already.")
		case i.AwareAt == nil:
			return n, errs.New(errs.Conflict, "incident.not_confirmed", "Confirm the incident first.")
		}
		if err := n.missing(); err != nil {
			return n, err
		}
		n.Status, n.SentAt, n.SentByName, n.Version = "sent", &tx.Now, tx.Who.Name, n.Version+1
		line := "Notice handed to the authority"
		if n.Recipient == ToAffected {
			if line, err = s.mail(ctx, tx, i, &n); err != nil {
				return n, err
			}
		}
		if err := saveNotice(ctx, tx, n, false); err != nil {
			return n, err
		}
		tx.Audit(audit.Change{Type: "incident", ID: i.ID, Label: i.Title, Note: line})
		if err := tell(ctx, tx, i.ID, "notice", line); err != nil {
			return n, err
		}
		return n, s.stamp(ctx, tx, n)
	})
	if err != nil {
		return seen, err
	}
	return out, nil
}

// mail sets down the mails to the affected.
func (s *Service) mail(ctx context.Context, tx *op.Tx, i Incident, n *Notice) (string, error) {
	type reached struct {
		RefID     id.ID  `db:"ref_id"`
		Kind      string `db:"kind"`
		PartnerID id.ID  `db:"partner_id"`
		Name      string `db:"name"`
		Email     string `db:"email"`
	}
	all, err := many[reached](ctx, tx, sqlReachable, i.ID)
	if err != nil {
		return "", err
	}
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return "", err
	}
	var people []notice.Recipient
	seen := map[string]bool{}
	for _, r := range all {
		if mail := strings.ToLower(r.Email); !seen[mail] { // one mail a person
			seen[mail] = true
			to := notice.Recipient{Name: r.Name, Email: r.Email, PartnerID: r.PartnerID}
			if r.Kind == "member" {
				to.MemberID = r.RefID
			}
			people = append(people, to)
		}
	}
	if len(people) == 0 {
		return "", errs.New(errs.Conflict, "incident.nobody", "Nobody affected has an address. Find who is affected first.")
	}
	m, err := notice.QueueIn(ctx, tx, notice.Draft{Kind: "incident", Object: i.ID, Audience: notice.Listed, ListedPersons: people,
		Subject: "Security notice: " + i.Title, Heading: "An incident that concerns your data",
		Paragraphs: []string{"What happened\n" + n.Nature, "What it may mean for you\n" + n.Impact, "What we did and what you can do\n" + n.Mitigation, "Whom to ask\n" + n.Contact},
		Reason:     fmt.Sprintf("You get this because data about you or your company at %s is concerned. It is sent whatever you chose for other mails.", set.Name)})
	if err != nil {
		return "", err
	}
	n.MailingID, n.Total = m.ID, m.Total
	return fmt.Sprintf("Notice to %d affected people is on its way", m.Total), nil
}

// stamp stops the clocks that a notice answers.
func (s *Service) stamp(ctx context.Context, tx *op.Tx, n Notice) error {
	clocks, err := many[Clock](ctx, tx, sqlClocks, n.IncidentID)
	if err != nil {
		return err
	}
	for _, c := range clocks {
		if c.Running() && slices.Contains(answers[n.Recipient], c.Template+"/"+c.Step) {
			if err := meet(ctx, tx, &c, "by the notice to the "+n.Recipient); err != nil {
				return err
			}
		}
	}
	return nil
}
