package privacy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// label is what people call a request: never the subject's name, which is to be erased one day.
func (r Request) label() string {
	return fmt.Sprintf("Request %d: %s", r.Number, strings.ToLower(r.Kind.Words()))
}

// Ask is what somebody says of a new request.
type Ask struct {
	Kind       Kind
	Source     string
	Subject    Subject
	Purpose    string // of an objection
	Asked      string // in the person's words
	ReceivedAt time.Time
}

func (a *Ask) check(now time.Time) error {
	sub, err := a.Subject.checked()
	var bad errs.Problems
	if a.Subject = sub; err != nil {
		bad = errs.Of(err).Fields
	}
	if !slices.Contains(Kinds, a.Kind) {
		bad.Add("kind", "field.choice", "Choose what the person asks for.")
	}
	if !slices.Contains(Sources, a.Source) {
		bad.Add("source", "field.choice", "Choose how the request came.")
	}
	if a.Kind == Objection && !slices.Contains(Purposes, a.Purpose) {
		bad.Add("purpose", "field.choice", "Choose what the person objects to.")
	}
	if a.Kind != Objection {
		a.Purpose = ""
	}
	a.Asked = bad.Text("asked", a.Asked, 4000)
	if a.ReceivedAt.IsZero() {
		a.ReceivedAt = now
	}
	if a.ReceivedAt.After(now) || a.ReceivedAt.Before(now.AddDate(-1, 0, 0)) {
		bad.Add("received_at", "field.range", "Give the day the request came: today or earlier, at most a year ago.")
	}
	return errs.Refused(bad)
}

// Open records a request that reached the programme, by an officer. Where the policy says that the controller answers, it is forwarded
// at once and closed. Errors: Invalid with every refused field.
func (s *Service) Open(ctx context.Context, who access.Actor, a Ask) (Request, error) {
	if err := a.check(s.ops.Clock()); err != nil {
		return Request{}, err
	}
	return op.Write(ctx, s.ops, who, ActOpen, func(tx *op.Tx) (Request, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Request{}, err
		}
		return s.begin(ctx, tx, a, Verifying, nil)
	})
}

// begin writes a new request: with its deadline, and forwarded where the policy says so.
func (s *Service) begin(ctx context.Context, tx *op.Tx, a Ask, state State, prepare func(*Request)) (Request, error) {
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return Request{}, err
	}
	answers, keep, err := answerClock(ctx, tx, tx.Who.Tenant)
	if err != nil {
		return Request{}, err
	}
	r := Request{TenantID: tx.Who.Tenant, ID: id.New(), Kind: a.Kind, Source: a.Source, State: state, Email: a.Subject.Email, Name: a.Subject.Name, Phone: a.Subject.Phone,
		Namesakes: a.Subject.Namesakes, Purpose: a.Purpose, Asked: a.Asked, ReceivedAt: a.ReceivedAt.UTC(), DueAt: deadline(a.ReceivedAt, keep, zoneOf(set)),
		Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
	if prepare != nil {
		prepare(&r)
	}
	if answers == "controller" {
		r.State, r.ClosedAt = Forwarded, &tx.Now
	}
	if err := insertRequest(ctx, tx, &r); err != nil {
		return r, err
	}
	tx.Audit(audit.Change{Action: tx.Action, Type: "privacy_request", ID: r.ID, Label: r.label(), After: r.told()})
	if tx.Who.Persona == access.Partner {
		return r, tx.Enqueue(ctx, TellArgs{Request: r.ID}) // a partner's transaction does not see whom to tell
	}
	return r, s.tellOfficers(ctx, tx, &r)
}

// TellArgs asks for the officers to be told of a new request.
type TellArgs struct {
	Request id.ID `json:"request"`
}

// Kind implements jobs.Args.
func (TellArgs) Kind() string { return "privacy.tell" }

// tellOfficers mails whoever answers that a request is there; of a forwarded one, that it is theirs as the controller.
func (s *Service) tellOfficers(ctx context.Context, tx *op.Tx, r *Request) error {
	officers, err := officersIn(ctx, tx, tx.Who.Tenant)
	if err != nil {
		return err
	}
	heading, text := "A person asks about their data", fmt.Sprintf("%s. It must be answered by %s.", r.label(), r.LastDay())
	if r.State == Forwarded {
		heading = "A person's request is forwarded to you"
		text = fmt.Sprintf("%s. You are the controller: the portal does not answer for you. The law asks for an answer by %s.", r.label(), r.LastDay())
	}
	for _, o := range officers {
		err := mail.Queue(ctx, tx, mail.Letter{Template: "privacy.request", To: o.Email, ToName: o.Name, Subject: heading, ObjectType: "privacy_request", ObjectID: r.ID, Duty: true,
			Layout: mailer.Layout{Heading: heading, Paragraphs: []string{text}, Button: mailer.Button{Label: "Open the request", URL: s.ops.PublicURL + "/privacy/" + r.ID.String()},
				Reason: "You get this because you are an Admin of the programme."}})
		if err != nil {
			return err
		}
	}
	return nil
}

// Verify records how the officer checked who the subject is, after which work can begin.
func (s *Service) Verify(ctx context.Context, who access.Actor, v id.ID, version int, how, note string) (Request, error) {
	var bad errs.Problems
	if !slices.Contains(Proofs, how) {
		bad.Add("how", "field.choice", "Choose how the identity was checked. An e-mail alone is no proof: somebody else may read the mailbox.")
	}
	note = bad.Text("note", note, 1000)
	bad.Need("note", note)
	if err := errs.Refused(bad); err != nil {
		return Request{}, err
	}
	return s.change(ctx, who, ActVerify, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if r.State != Received && r.State != Verifying {
			return "", wrongState(*r, "verified")
		}
		r.IdentityHow, r.IdentityNote, r.IdentityBy, r.IdentityByName, r.IdentityAt = how, note, tx.Who.Member, tx.Who.Name, &tx.Now
		r.State = InProgress
		return "", nil
	})
}

// Describe changes whom a request is about, as long as nothing is approved; a plan that was made is made again.
func (s *Service) Describe(ctx context.Context, who access.Actor, v id.ID, version int, sub Subject) (Request, error) {
	sub, err := sub.checked()
	if err != nil {
		return Request{}, err
	}
	return s.change(ctx, who, ActUpdate, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if r.State != Received && r.State != Verifying && r.State != InProgress {
			return "", wrongState(*r, "changed")
		}
		r.Email, r.Name, r.Phone, r.Namesakes, r.Plan = sub.Email, sub.Name, sub.Phone, sub.Namesakes, Plan{}
		return "changed whom it is about", nil
	})
}

// Extend gives two more months, once, and tells the subject why. Conflict "privacy.extended" the second time.
func (s *Service) Extend(ctx context.Context, who access.Actor, v id.ID, version int, reason string) (Request, error) {
	var bad errs.Problems
	reason = bad.Text("reason", reason, 1000)
	bad.Need("reason", reason)
	if err := errs.Refused(bad); err != nil {
		return Request{}, err
	}
	return s.change(ctx, who, ActUpdate, v, version, func(tx *op.Tx, r *Request) (string, error) {
		switch {
		case !r.Open():
			return "", wrongState(*r, "extended")
		case r.ExtendedAt != nil:
			return "", errs.New(errs.Conflict, "privacy.extended", "The deadline was extended once already; the law allows no second time.")
		case tx.Now.After(r.DueAt):
			return "", errs.New(errs.Conflict, "privacy.overdue", "The deadline has passed: the person had to be told of an extension before.")
		}
		set, err := tenant.SettingsIn(ctx, tx)
		if err != nil {
			return "", err
		}
		r.ExtendedAt, r.ExtensionReason, r.Alarm = &tx.Now, reason, 0
		r.DueAt = monthsAfter(r.ReceivedAt, 3, zoneOf(set))
		return reason, s.tellSubject(ctx, tx, r, "Your request needs more time",
			"We need two more months for your request, until "+r.LastDay()+", because: "+reason, "You can complain to your supervisory authority.")
	})
}

// tellSubject mails the subject of a request, if an address is known. The mail is about a legal duty: no objection stops it.
func (s *Service) tellSubject(ctx context.Context, tx *op.Tx, r *Request, heading string, paragraphs ...string) error {
	if r.Email == "" {
		return nil
	}
	return mail.Queue(ctx, tx, mail.Letter{Template: "privacy.answer", To: r.Email, ToName: r.Name, Subject: heading, ObjectType: "privacy_request", ObjectID: r.ID, Duty: true,
		Layout: mailer.Layout{Heading: heading, Paragraphs: paragraphs, Reason: "You get this because you asked about your data."}})
}

// Refuse closes a request with a reason that the subject is told.
func (s *Service) Refuse(ctx context.Context, who access.Actor, v id.ID, version int, reason string) (Request, error) {
	var bad errs.Problems
	reason = bad.Text("reason", reason, 2000)
	bad.Need("reason", reason)
	if err := errs.Refused(bad); err != nil {
		return Request{}, err
	}
	return s.change(ctx, who, ActAnswer, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if !r.Open() || r.State == Executing {
			return "", wrongState(*r, "refused")
		}
		verified := r.Verified()
		r.State, r.Outcome = Refused, reason
		if !verified {
			return reason, nil // nobody proved that this address is the subject's: it learns nothing
		}
		return reason, s.tellSubject(ctx, tx, r, "Your request was refused", reason, "You can complain to your supervisory authority, or go to court.")
	})
}

// Tell mails the officers of a new request: the handler of the job.
func (s *Service) tell(ctx context.Context, who access.Actor, v id.ID) error {
	_, err := op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (struct{}, error) {
		tx.About("privacy_request", v)
		r, err := lockRequest(ctx, tx, v)
		if err != nil {
			return struct{}{}, err
		}
		if err := tx.Allow(access.Object{Partner: r.Partner}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged() // the mails are their own record
		return struct{}{}, s.tellOfficers(ctx, tx, &r)
	})
	return err
}
