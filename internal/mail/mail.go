// Package mail is the e-mail log and the way to it: every mail the program sends is a row, written in the transaction
// that caused it and handed to the mail server by a job afterwards.
//
//	queued ──▶ sent      the server took it
//	       ──▶ logged    no mail server is configured; the log is where it stays
//	       ──▶ failed    refused for good, or the last attempt failed
//	           suppressed  never queued: the person's processing is restricted, they objected, or did not agree
//
// Invariants:
//
//  1. A mail exists only if the change it tells of was committed.
//  2. A one-time link (invitation, password reset) is not in the logged text, and is gone from the row once the mail has
//     left the queue: who reads the log cannot use it.
//  3. What a mail says, and its link, are stored encrypted; subject and address are not, for the log is searched by them.
//  4. A mail sent twice carries the same Message-ID.
package mail

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// The use cases of the room.
const (
	ActList access.Action = "mail.list"
	ActRead access.Action = "mail.read"
	ActSend access.Action = "mail.send"
	ActSeal access.Action = "mail.seal"
)

// hiddenLink stands in the logged text where the one-time link was.
const hiddenLink = "https://one-time-link.invalid/not-kept-in-the-log"

// Letter is one mail to one person.
type Letter struct {
	ID         id.ID  // of the mail; Nil gives it a new one
	Template   string // "person.invitation": what kind of mail it is
	To, ToName string
	Subject    string
	Layout     mailer.Layout // TenantName and BrandColor are filled in from the tenant
	Link       string        // a one-time link for the layout's button; it replaces Button.URL and is never logged
	ObjectType string
	ObjectID   id.ID
	Purpose    string // what it is for: "" is the service itself; announcement and marketing need a ground, see app.may_mail
	Duty       bool   // about security or the law: it goes whatever the person asked for
}

// Mail is one line of the e-mail log.
type Mail struct {
	TenantID   id.ID      `db:"tenant_id" json:"tenant_id"`
	ID         id.ID      `db:"mail_id" json:"id"`
	Template   string     `db:"template" json:"template"`
	To         string     `db:"to_email" json:"to"`
	ToName     string     `db:"to_name" json:"to_name"`
	Subject    string     `db:"subject" json:"subject"`
	Text       string     `db:"text_body" json:"text"`
	HTML       string     `db:"html_body" json:"html"`
	Status     string     `db:"status" json:"status"`
	Attempts   int        `db:"attempts" json:"attempts"`
	LastError  string     `db:"last_error" json:"last_error"`
	ObjectType string     `db:"object_type" json:"object_type"`
	ObjectID   id.ID      `db:"object_id" json:"object_id"`
	CreatedAt  time.Time  `db:"created_at" json:"created_at"`
	SentAt     *time.Time `db:"sent_at" json:"sent_at"`

	link   string                            // the one-time link that the mail still carries
	sealed struct{ text, html, link []byte } // as they are stored
}

// SendArgs asks for one logged mail to be handed to the mail server.
type SendArgs struct {
	Mail id.ID `json:"mail"`
}

// Kind implements jobs.Args.
func (SendArgs) Kind() string { return string(ActSend) }

// Queue logs a mail within the running transaction and queues the job that sends it. An empty or malformed address is
// logged as failed, not refused: the change that caused the mail stands.
func Queue(ctx context.Context, tx *op.Tx, l Letter) error {
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return err
	}
	l.Layout.TenantName, l.Layout.BrandColor = set.Name, set.BrandColor
	if l.Link != "" {
		l.Layout.Button.URL = hiddenLink
	}
	if l.ID == id.Nil {
		l.ID = id.New()
	}
	m := Mail{TenantID: tx.Who.Tenant, ID: l.ID, Template: l.Template, To: l.To, ToName: oneLine(l.ToName), Subject: oneLine(l.Subject), Status: "queued",
		ObjectType: l.ObjectType, ObjectID: l.ObjectID, CreatedAt: tx.Now}
	m.Text, m.HTML = l.Layout.Render()
	if !l.Duty && !strings.HasPrefix(l.Template, "person.") {
		if m.LastError, err = mayMail(ctx, tx, l.To, cmp.Or(l.Purpose, "service")); err != nil {
			return err
		}
		if m.LastError != "" {
			m.Status = "suppressed"
			return insert(ctx, tx, m)
		}
	}
	if _, err := mailer.Address(l.To); err != nil {
		m.Status, m.LastError = "failed", errs.Of(err).Msg
		return insert(ctx, tx, m)
	}
	m.link = l.Link
	if err := insert(ctx, tx, m); err != nil {
		return err
	}
	return tx.Enqueue(ctx, SendArgs{Mail: m.ID})
}

// oneLine makes text that people typed fit for a header: one line, at most 180 characters.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 180 {
		s = string(r[:180]) + "…"
	}
	return s
}

// Service runs the room's use cases. sender is nil where no mail server is configured.
type Service struct {
	ops    *op.Ops
	sender mailer.Sender
	told   func(tenant id.ID, took time.Duration, err error)
}

// Observe makes fn see every interaction with the mail server; it must be quick.
func (s *Service) Observe(fn func(tenant id.ID, took time.Duration, err error)) { s.told = fn }

// New returns the room's service.
func New(o *op.Ops, sender mailer.Sender) *Service { return &Service{ops: o, sender: sender} }

// Statuses are what can have become of a mail.
var Statuses = []string{"queued", "sent", "logged", "failed", "suppressed"}

// Query says which mails to list; zero values mean any.
type Query struct {
	Text   string // a part of the address, the name or the subject
	Status string
	Limit  int
	Cursor string
}

// Page is one page of the e-mail log; Next is the cursor of the next page, "" on the last.
type Page struct {
	Items []Mail
	Next  string
}

// List returns one page of the e-mail log, newest first, without the bodies. Invalid "status" for an unknown one.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	if q.Status != "" && !slices.Contains(Statuses, q.Status) {
		return Page{}, errs.Refused([]errs.Field{{Name: "status", Code: "field.choice", Msg: "Use one of: " + strings.Join(Statuses, ", ") + "."}})
	}
	limit := page.Limit(q.Limit)
	at, last := s.ops.Clock().Add(time.Hour), id.Nil
	if err := s.ops.Pages.Resume(q.Cursor, who.Tenant.String(), "mail", &at, &last); err != nil {
		return Page{}, err
	}
	var out Page
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlList, []any{who.Tenant, at, last, limit + 1, q.Status, strings.ToLower(strings.TrimSpace(q.Text))}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, scan)
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last Mail) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "mail", last.CreatedAt, last.ID)
	})
	return out, err
}

// Get returns one logged mail with its bodies. Errors: NotFound, Unavailable "keys.unavailable".
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Mail, error) {
	var out Mail
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("mail", v)
		r.Query(sqlGet, []any{who.Tenant, v}, one(&out))
	})
	if err == nil {
		err = out.open(ctx, s.ops.Keys)
	}
	return out, err
}
