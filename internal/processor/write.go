package processor

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// ProposeInput is a new entry, a change of an active one (Replaces), or other words for a proposal (ID).
type ProposeInput struct {
	ID       id.ID
	Version  int // of the proposal; 0 is not checked
	Replaces id.ID
	Facts
}

// Propose writes a proposal: nobody but the vendor sees it. Errors: Invalid with fields, NotFound, Stale, Conflict "processor.frozen".
func (s *Service) Propose(ctx context.Context, who access.Actor, in ProposeInput) (Processor, error) {
	bad := errs.Refused(in.check())
	return op.Write(ctx, s.ops, who, ActDraft, func(tx *op.Tx) (Processor, error) {
		tx.About("processor", in.ID)
		if err := tx.Allow(access.Object{}); err != nil {
			return Processor{}, err
		}
		p := Processor{TenantID: tx.Who.Tenant, ID: id.New(), ReplacesID: in.Replaces, Basis: "notice", Status: Proposed, CreatedAt: tx.Now}
		var before any
		switch {
		case in.ID != id.Nil:
			old, err := one(ctx, tx, sqlLock, in.ID)
			if err != nil {
				return old, err
			}
			if old.Status != Proposed {
				return old, errs.New(errs.Conflict, "processor.frozen", "What is announced stays as it is. Propose a change instead.")
			}
			if in.Version != 0 && in.Version != old.Version {
				return old, stale()
			}
			p, before = old, old
		case in.Replaces != id.Nil:
			tx.About("processor", in.Replaces)
			old, err := one(ctx, tx, sqlLock, in.Replaces)
			if err != nil {
				return old, err
			}
			if !old.active(tx.Now) {
				return old, errs.New(errs.Conflict, "processor.not_active", "Only an entry in use can be changed.")
			}
		}
		if bad != nil {
			return p, bad
		}
		p.Name, p.Purpose, p.Country, p.Regions, p.Safeguards, p.Link = in.Name, in.Purpose, in.Country, in.Regions, in.Safeguards, in.Link
		p.Categories, p.Hosts, p.Version, p.UpdatedAt = append([]string{}, in.Categories...), append([]string{}, in.Hosts...), p.Version+1, tx.Now
		tx.Audit(audit.Change{Type: "processor", ID: p.ID, Label: p.Name, Before: before, After: p})
		return p, save(ctx, tx, p, before == nil)
	})
}

// Discard deletes a proposal.
func (s *Service) Discard(ctx context.Context, who access.Actor, v id.ID) error {
	_, err := op.Write(ctx, s.ops, who, ActDraft, func(tx *op.Tx) (struct{}, error) {
		tx.About("processor", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		p, err := one(ctx, tx, sqlLock, v)
		if err != nil {
			return struct{}{}, err
		}
		if p.Status != Proposed {
			return struct{}{}, errs.New(errs.Conflict, "processor.frozen", "Only a proposal can be discarded.")
		}
		tx.Audit(audit.Change{Type: "processor", ID: v, Label: p.Name, Before: p, Note: "discarded"})
		return struct{}{}, remove(ctx, tx, v)
	})
	return err
}

// Announce tells every partner's people of a proposal and lets it take force after the term of notice; in a programme where nobody of a
// partner is active yet, at once. effectiveOn is a day, "" is the earliest there can be. Errors: Invalid with fields, NotFound, Conflict.
func (s *Service) Announce(ctx context.Context, who access.Actor, v id.ID, effectiveOn string) (Processor, error) {
	return op.Write(ctx, s.ops, who, ActAnnounce, func(tx *op.Tx) (Processor, error) {
		tx.About("processor", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return Processor{}, err
		}
		p, err := one(ctx, tx, sqlLock, v)
		if err != nil {
			return p, err
		}
		if p.Status != Proposed {
			return p, errs.New(errs.Conflict, "processor.frozen", "This is announced already.")
		}
		before := p
		if err := s.when(ctx, tx, &p, effectiveOn); err != nil {
			return p, err
		}
		if p.Basis == "notice" {
			n, err := notice.QueueIn(ctx, tx, letter(p))
			if err != nil {
				return p, err
			}
			p.NoticeID = n.ID
		}
		p.Status, p.Version, p.UpdatedAt = Announced, p.Version+1, tx.Now
		if err := announce(ctx, tx, &p); err != nil {
			return p, err
		}
		tx.Audit(audit.Change{Type: "processor", ID: p.ID, Label: p.Name, Before: before, After: p})
		return p, nil
	})
}

// when decides from when p holds.
func (s *Service) when(ctx context.Context, tx *op.Tx, p *Processor, on string) error {
	told, term, err := audienceIn(ctx, tx)
	if err != nil {
		return err
	}
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return err
	}
	at := tx.Now
	p.Basis = "first"
	if told {
		p.Basis = "notice"
		t := tx.Now.Add(term + 48*time.Hour).In(set.Location())
		at = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, set.Location())
	}
	if on != "" && told {
		day, err := time.ParseInLocation(time.DateOnly, on, set.Location())
		switch {
		case err != nil:
			return errs.Refused([]errs.Field{{Name: "effective_on", Code: "field.date", Msg: "Write the day like 2026-12-24."}})
		case day.Before(at):
			return errs.Refused([]errs.Field{{Name: "effective_on", Code: "processor.notice", Msg: "Partners are told ahead and may object. The earliest day is " + at.Format("2 January 2006") + "."}})
		case day.After(tx.Now.AddDate(2, 0, 0)):
			return errs.Refused([]errs.Field{{Name: "effective_on", Code: "field.range", Msg: "Choose a day within the next two years."}})
		}
		at = day
	}
	at = at.UTC()
	p.EffectiveAt = &at
	return nil
}

func letter(p Processor) notice.Draft {
	day := p.EffectiveAt.Format("2 January 2006")
	what := fmt.Sprintf("From %s, %s will handle data of our programme: %s", day, p.Name, p.Purpose)
	if p.ReplacesID != id.Nil {
		what = fmt.Sprintf("From %s, what %s does for our programme changes: %s", day, p.Name, p.Purpose)
	}
	names := make([]string, len(p.Categories))
	for i, c := range p.Categories {
		names[i] = CategoryName(c)
	}
	return notice.Draft{Kind: "processor", Object: p.ID, Audience: notice.Partners, Subject: fmt.Sprintf("Sub-processor from %s: %s", day, p.Name),
		Heading: "A change of our sub-processors", Paragraphs: []string{what,
			fmt.Sprintf("Where: %s.\nData: %s.\nSafeguards: %s", country.Name(p.Country), strings.Join(names, ", "), orNone(p.Safeguards)),
			"You may object until that day, with a reason. We answer every objection."},
		Button: "See it, or object", Path: "/processors/" + p.ID.String(),
		Reason: "You get this because you take part in the programme. It is sent whatever you chose for other mails."}
}

func orNone(s string) string {
	if s == "" {
		return "none needed"
	}
	return s
}

// NoteSent is the listener of notice.Sent: the notices are out. Should they have taken too long, the day moves on by whole days.
func (s *Service) NoteSent(ctx context.Context, tx *op.Tx, ev notice.Sent) error {
	if ev.Notice.Kind != "processor" {
		return nil
	}
	p, err := one(ctx, tx, sqlLock, ev.Notice.ObjectID)
	if errs.IsKind(err, errs.NotFound) || err == nil && (p.Status != Announced || p.NotifiedAt != nil) {
		return nil
	}
	if err != nil {
		return err
	}
	at := *p.EffectiveAt
	for least := tx.Now.Add(time.Duration(p.NoticeSeconds) * time.Second); at.Before(least); {
		at = at.AddDate(0, 0, 1)
	}
	after := p
	after.EffectiveAt, after.NotifiedAt = &at, &tx.Now
	tx.Audit(audit.Change{Action: ActAnnounce, Type: "processor", ID: p.ID, Label: p.Name, Before: p, After: after, Note: fmt.Sprintf("%d notices are out", ev.Notice.Done)})
	return noted(ctx, tx, p.ID, at)
}

// Stop withdraws an announced entry before its day, or ends an active one. Errors: NotFound, Conflict "processor.not_active".
func (s *Service) Stop(ctx context.Context, who access.Actor, v id.ID) (Processor, error) {
	return op.Write(ctx, s.ops, who, ActAnnounce, func(tx *op.Tx) (Processor, error) {
		tx.About("processor", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return Processor{}, err
		}
		p, err := one(ctx, tx, sqlLock, v)
		if err != nil {
			return p, err
		}
		if p.Status != Announced {
			return p, errs.New(errs.Conflict, "processor.not_active", "This is neither announced nor in use.")
		}
		before := p
		p.Status, p.Version, p.UpdatedAt = Withdrawn, p.Version+1, tx.Now
		if p.active(tx.Now) || before.active(tx.Now) {
			p.Status, p.EndedAt = Ended, &tx.Now
		}
		tx.Audit(audit.Change{Type: "processor", ID: p.ID, Label: p.Name, Before: before, After: p})
		return p, stop(ctx, tx, p)
	})
}

// Object records an objection of the actor's company, or of the vendor's own people, until the entry's day. Errors: Invalid, NotFound,
// Conflict "processor.too_late".
func (s *Service) Object(ctx context.Context, who access.Actor, v id.ID, reason string) (Objection, error) {
	var bad errs.Problems
	reason = bad.Text("reason", reason, 2000)
	bad.Need("reason", reason)
	return op.Write(ctx, s.ops, who, ActObject, func(tx *op.Tx) (Objection, error) {
		tx.About("processor", v)
		if err := tx.Allow(access.Object{Partner: tx.Who.Partner, Owner: tx.Who.Member}); err != nil {
			return Objection{}, err
		}
		p, err := one(ctx, tx, sqlGet, v)
		if err != nil {
			return Objection{}, err
		}
		if p.Status != Announced || p.active(tx.Now) {
			return Objection{}, errs.New(errs.Conflict, "processor.too_late", "Objections are taken from the announcement until its day.")
		}
		if err := errs.Refused(bad); err != nil {
			return Objection{}, err
		}
		o := Objection{TenantID: tx.Who.Tenant, ID: id.New(), ProcessorID: p.ID, PartnerID: tx.Who.Partner, MemberID: tx.Who.Member, ByName: tx.Who.Name, Reason: reason,
			Outcome: "open", Version: 1, CreatedAt: tx.Now}
		tx.Audit(audit.Change{Type: "processor", ID: p.ID, Label: p.Name, Partner: tx.Who.Partner, Note: reason})
		return o, insertObjection(ctx, tx, o)
	})
}

// Decide says what becomes of an objection, with the words that its sender reads. Errors: Invalid, NotFound, Conflict "objection.decided".
func (s *Service) Decide(ctx context.Context, who access.Actor, v id.ID, outcome, note string) (Objection, error) {
	var bad errs.Problems
	note = bad.Text("outcome_note", note, 2000)
	bad.Need("outcome_note", note)
	if outcome != "accepted" && outcome != "declined" && outcome != "withdrawn" {
		bad.Add("outcome", "field.choice", "Use one of: accepted, declined, withdrawn.")
	}
	var seen Objection // goes with a refusal, so that it can be shown where it belongs
	out, err := op.Write(ctx, s.ops, who, ActDecide, func(tx *op.Tx) (Objection, error) {
		tx.About("processor_objection", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return Objection{}, err
		}
		o, err := lockObjection(ctx, tx, v)
		if err != nil {
			return o, err
		}
		seen = o
		if o.Outcome != "open" {
			return o, errs.New(errs.Conflict, "objection.decided", "This objection is decided already.")
		}
		if err := errs.Refused(bad); err != nil {
			return o, err
		}
		o.Outcome, o.OutcomeNote, o.DecidedAt, o.DecidedByName, o.Version = outcome, note, &tx.Now, tx.Who.Name, o.Version+1
		tx.Audit(audit.Change{Type: "processor_objection", ID: o.ID, Label: o.ByName, Partner: o.PartnerID, Note: outcome + ": " + note})
		return o, decideObjection(ctx, tx, o)
	})
	if err != nil {
		return seen, err
	}
	return out, nil
}
