package retention

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// accountJob is what the declarations of member and person name: a user is written to before the account goes.
const accountJob = "account.erase"

// warnAhead is how long before its end a user hears of it.
const warnAhead = 30 * 24 * time.Hour

// accountsAtOnce is how many accounts one question returns.
const accountsAtOnce = 200

// Account is a membership whose period is over or soon will be.
type Account struct {
	ID       id.ID      `db:"member_id" json:"id"`
	Person   *id.ID     `db:"person_id" json:"-"`
	Partner  id.ID      `db:"partner_id" json:"-"`
	Name     string     `db:"name" json:"name"`
	Email    string     `db:"email" json:"email"`
	Role     string     `db:"role" json:"role"`
	Status   string     `db:"status" json:"status"`
	ActiveAt time.Time  `db:"active_at" json:"active_at"` // last sign-in, or the invitation
	LastDay  *time.Time `db:"last_day" json:"last_day"`   // nil: indefinitely
	WarnedAt *time.Time `db:"erase_warned_at" json:"warned_at"`
	Over     bool       `db:"over" json:"over"`
	Event    string     `db:"event" json:"event"`
	Held     bool       `db:"held" json:"held"`
	Last     bool       `db:"last_admin" json:"last_admin"` // the programme has no other Admin
}

// mayWarn reports whether there is somebody to write to: an account that can be used, of a rule that counts from its use.
func (a Account) mayWarn() bool {
	return a.Email != "" && a.Person != nil && (a.Status == "active" || a.Status == "invited") && a.Event == "last-sign-in"
}

// accounts warns users whose accounts end within 30 days and erases those whose period is over. Somebody who was not warned in
// time, because the policy was made shorter, gets the 30 days from the warning on.
func (w *work) accounts(ctx context.Context, c *Count) error {
	at := w.run.AsOf
	var after id.ID
	for {
		list, err := w.s.dueAccounts(ctx, w.who, at.Add(warnAhead), after)
		if err != nil {
			return err
		}
		for _, a := range list {
			if err := w.account(ctx, c, a, at); err != nil {
				return err
			}
			after = a.ID
		}
		if len(list) < accountsAtOnce {
			return nil
		}
	}
}

func (w *work) account(ctx context.Context, c *Count, a Account, at time.Time) error {
	over, warnedLate := a.Over, a.Over && a.mayWarn() && (a.WarnedAt == nil || at.Sub(*a.WarnedAt) < warnAhead-24*time.Hour)
	switch {
	case over && a.Held:
		c.Held++
	case over && a.Last:
		c.Blocked++
		c.Problem = "the last Admin of the programme stays"
	case a.mayWarn() && a.WarnedAt == nil && !a.Last && !a.Held:
		if over {
			c.Blocked++
		}
		if !w.run.Dry {
			return w.s.Warn(ctx, w.who, a)
		}
	case warnedLate:
		c.Blocked++
	case over:
		if w.run.Dry {
			c.Removed++
			return nil
		}
		erased, err := w.s.Erase(ctx, w.who, a.ID)
		if erased {
			c.Removed++
		}
		return err
	}
	return nil
}

// Warn writes to a user that the account will be erased, once. Only the program does it.
func (s *Service) Warn(ctx context.Context, who access.Actor, a Account) error {
	_, err := op.Write(ctx, s.ops, who, ActWarn, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{Partner: a.Partner, Owner: a.ID}); err != nil {
			return struct{}{}, err
		}
		first, err := markWarned(ctx, tx, a.ID)
		if err != nil || !first {
			tx.Unchanged()
			return struct{}{}, err
		}
		set, err := tenant.SettingsIn(ctx, tx)
		if err != nil {
			return struct{}{}, err
		}
		last := tx.Now.Add(warnAhead)
		if a.LastDay != nil && a.LastDay.After(last) {
			last = *a.LastDay
		}
		day := last.In(set.Location()).Format("2 January 2006")
		tx.Audit(audit.Change{Type: "member", ID: a.ID, Label: a.Name, Partner: a.Partner, Note: "kept until " + last.Format(time.DateOnly) + " unless they sign in"})
		return struct{}{}, mail.Queue(ctx, tx, mail.Letter{Template: "retention.account", To: a.Email, ToName: a.Name, Subject: "Your account at " + set.Name + " will be erased",
			ObjectType: "member", ObjectID: a.ID,
			Layout: mailer.Layout{Heading: "Your account will be erased after " + day,
				Paragraphs: []string{fmt.Sprintf("You last used your account at %s on %s. Accounts that nobody uses are not kept for longer than its data policy says.", set.Name, a.ActiveAt.In(set.Location()).Format("2 January 2006")),
					"Sign in once before then and the account stays. If you do not need it any longer there is nothing to do."},
				Reason: "You get this mail once because you have an account there.",
				Button: mailer.Button{Label: "Sign in", URL: s.ops.PublicURL + "/sign-in"}}})
	})
	return err
}

// Erase takes a person out of a membership whose period is over: name, address and keys go, the row stays nameless because deals
// and notes refer to it. The person goes with their last membership anywhere. Only the program does it; the database looks at the
// rule, the holds and the other Admins again, so that somebody who just signed in stays.
func (s *Service) Erase(ctx context.Context, who access.Actor, member id.ID) (erased bool, err error) {
	return op.Write(ctx, s.ops, who, ActErase, func(tx *op.Tx) (bool, error) {
		if err := tx.Allow(access.Object{Owner: member}); err != nil {
			return false, err
		}
		erased, err := eraseMember(ctx, tx, member)
		if err != nil || !erased {
			tx.Unchanged()
			return false, err
		}
		tx.Audit(audit.Change{Type: "member", ID: member, Label: "Former member", Note: "the period of the account was over"})
		return true, nil
	})
}
