package deal

import (
	"context"
	"fmt"

	"entente.dev/internal/access"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// TellArgs asks for the mails about one event of one deal. They are written by a job: a partner's transaction cannot see
// who at the vendor should hear of it.
type TellArgs struct {
	Deal id.ID  `json:"deal"`
	What string `json:"what"` // the event's name
	By   id.ID  `json:"by"`   // the member who caused it gets no mail about it
}

// Kind implements jobs.Args.
func (TellArgs) Kind() string { return string(ActTell) }

// Tell is the listener of every event somebody is told of by mail.
func Tell[E interface {
	event.Event
	fact() Fact
}](ctx context.Context, tx *op.Tx, ev E) error {
	f := ev.fact()
	if f.Deal.Source == "demo" {
		return nil
	}
	return tx.Enqueue(ctx, TellArgs{Deal: f.Deal.ID, What: ev.EventName(), By: f.By.Member})
}

func (f Fact) fact() Fact { return f }

// letterFor says what a mail about an event tells.
type letterFor struct {
	toVendor         bool
	subject, heading string
	text             func(d Deal) []string
	button, reason   string
}

var letters = map[string]letterFor{
	"deal.submitted": {toVendor: true, subject: "Decision wanted: %s", heading: "A deal waits for your decision",
		text: func(d Deal) []string {
			hint := map[Answer]string{Taken: "Somebody else holds protection for this customer.", Look: "There are look-alikes: compare them side by side before you decide."}[d.Answer]
			return []string{fmt.Sprintf("%s registered “%s” for %s, worth %s.", d.PartnerName, d.Title, customer(d), worth(d)), hint}
		}, button: "Decide", reason: "You get this because you manage this partner, or because the partner has no manager yet."},
	"deal.returned": {subject: "More information wanted: %s", heading: "Your registration came back with a question",
		text: func(d Deal) []string {
			return []string{fmt.Sprintf("“%s” for %s needs more information before it can be decided.", d.Title, customer(d)), d.Reason}
		}, button: "Answer and submit again", reason: ownerReason},
	"deal.approved": {subject: "Approved: %s", heading: "Your deal is approved",
		text: func(d Deal) []string {
			until := ""
			if d.ProtectedUntil != nil {
				until = fmt.Sprintf("It is protected for you until %s.", d.ProtectedUntil.Format("2 January 2006"))
			}
			return []string{fmt.Sprintf("“%s” for %s is approved.", d.Title, customer(d)), until}
		}, button: "Open the deal", reason: ownerReason},
	"deal.rejected": {subject: "Not approved: %s", heading: "Your deal was not approved",
		text: func(d Deal) []string {
			return []string{fmt.Sprintf("“%s” for %s was not approved.", d.Title, customer(d)), RejectLabel(d.ReasonCode), d.Reason}
		}, button: "Open the deal", reason: ownerReason},
	"deal.expired": {subject: "Protection ended: %s", heading: "The protection of your deal has ended",
		text: func(d Deal) []string {
			return []string{fmt.Sprintf("The protection window of “%s” for %s is over. Others may register the customer now.", d.Title, customer(d))}
		}, button: "Open the deal", reason: ownerReason},
}

const ownerReason = "You get this because the deal is yours, or because you run your company's side of the programme."

func customer(d Deal) string {
	if d.AccountName == "" {
		return "a customer not named yet"
	}
	return d.AccountName
}

func worth(d Deal) string {
	if d.AmountMinor == nil {
		return "an amount not known yet"
	}
	return money.Format(*d.AmountMinor, d.Currency)
}

// Mail writes the mails about one event: the handler of the job. Running twice writes them twice at most when a worker
// dies between commit and acknowledgement.
func (s *Service) Mail(ctx context.Context, j jobs.Job[TellArgs]) error {
	l, known := letters[j.Args.What]
	if !known {
		return jobs.GiveUp(fmt.Errorf("no letter for %s", j.Args.What))
	}
	who := access.NewSystem(j.Tenant, "deal mail")
	_, err := op.Write(ctx, s.ops, who, ActTell, func(tx *op.Tx) (struct{}, error) {
		tx.About("deal", j.Args.Deal)
		d, err := getIn(ctx, tx, j.Args.Deal)
		if err != nil {
			return struct{}{}, err
		}
		if err := tx.Allow(d.Object()); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged() // the mails are their own record
		sql, args := sqlPartnerReaders, []any{j.Tenant, d.Partner, d.Owner, j.Args.By}
		if l.toVendor {
			sql, args = sqlVendorReaders, []any{j.Tenant, d.Partner, j.Args.By}
		}
		readers, err := readersIn(ctx, tx, sql, args...)
		if err != nil {
			return struct{}{}, err
		}
		for _, to := range readers {
			err := mail.Queue(ctx, tx, mail.Letter{Template: j.Args.What, To: to.Email, ToName: to.Name, Subject: fmt.Sprintf(l.subject, d.Title),
				Layout: mailer.Layout{Heading: l.heading, Paragraphs: l.text(d), Reason: l.reason,
					Button: mailer.Button{Label: l.button, URL: s.ops.PublicURL + "/deals/" + d.ID.String()}},
				ObjectType: "deal", ObjectID: d.ID})
			if err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	if errs.IsKind(err, errs.NotFound) {
		return jobs.GiveUp(err)
	}
	return err
}
