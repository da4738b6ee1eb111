// Package notice tells many people one thing: a change of a document or of a sub-processor, an incident. The recipients are set down in
// the transaction that causes the notice; a job queues their mails in chunks and goes on where it stopped.
//
//	sending ──every mail is in the e-mail log──▶ done (emits Sent)
//
// Invariants:
//
//  1. Who is to be told is fixed when the notice is made; each recipient gets exactly one mail in the e-mail log.
//  2. A chunk is one transaction: whatever ends the program, nobody is told twice and nobody is left out.
//  3. A notice is a duty: objections to mailings do not hold it back.
package notice

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// ActSend is the program's own: it queues the mails of a notice.
const ActSend access.Action = "notice.send"

// chunk is how many mails one transaction queues.
const chunk = 200

// Notice is one text to many people, and how far it is.
type Notice struct {
	TenantID      id.ID      `db:"tenant_id" json:"tenant_id"`
	ID            id.ID      `db:"notice_id" json:"id"`
	Kind          string     `db:"kind" json:"kind"` // document, processor or incident
	ObjectID      id.ID      `db:"object_id" json:"object_id"`
	Audience      string     `db:"audience" json:"audience"`
	Subject       string     `db:"subject" json:"subject"`
	Heading       string     `db:"heading" json:"heading"`
	Paragraphs    []string   `db:"paragraphs" json:"paragraphs"`
	Button        string     `db:"button" json:"button"`
	Path          string     `db:"path" json:"path"`
	Reason        string     `db:"reason" json:"reason"`
	Status        string     `db:"status" json:"status"` // sending or done
	Total         int        `db:"total" json:"total"`
	Done          int        `db:"done" json:"done"`
	CreatedBy     id.ID      `db:"created_by" json:"created_by"`
	CreatedByName string     `db:"created_by_name" json:"created_by_name"`
	CreatedAt     time.Time  `db:"created_at" json:"created_at"`
	DoneAt        *time.Time `db:"done_at" json:"done_at"`
}

// The audiences. Listed is whoever the caller names.
const (
	Vendor   = "vendor"
	Partners = "partners"
	All      = "all"
	Listed   = "listed"
)

// Draft is a notice to be sent.
type Draft struct {
	Kind          string
	Object        id.ID
	Audience      string // Vendor, Partners or All: every active person there
	Subject       string
	Heading       string
	Paragraphs    []string
	Button, Path  string // Path begins with a slash
	Reason        string
	ListedPersons []Recipient // for Listed
}

// Recipient is one person who is told.
type Recipient struct {
	ID        id.ID      `db:"recipient_id" json:"id"`
	Position  int        `db:"position" json:"position"`
	MemberID  id.ID      `db:"member_id" json:"member_id"`
	PartnerID id.ID      `db:"partner_id" json:"partner_id"`
	Name      string     `db:"name" json:"name"`
	Email     string     `db:"email" json:"email"`
	MailID    id.ID      `db:"mail_id" json:"mail_id"`
	Outcome   string     `db:"outcome" json:"outcome"` // waiting or queued
	QueuedAt  *time.Time `db:"queued_at" json:"queued_at"`
}

// Sent is emitted in the transaction that queued the last mail of a notice.
type Sent struct{ Notice Notice }

// EventName implements event.Event.
func (Sent) EventName() string { return "notice.sent" }

// SendArgs asks for the mails of a notice.
type SendArgs struct {
	Notice id.ID `json:"notice"`
}

// Kind implements jobs.Args.
func (SendArgs) Kind() string { return string(ActSend) }

// QueueIn sets down a notice with its recipients within the running transaction and queues its job. It returns the notice with the
// number of its recipients.
func QueueIn(ctx context.Context, tx *op.Tx, d Draft) (Notice, error) {
	n := Notice{TenantID: tx.Who.Tenant, ID: id.New(), Kind: d.Kind, ObjectID: d.Object, Audience: d.Audience, Subject: d.Subject, Heading: d.Heading,
		Paragraphs: d.Paragraphs, Button: d.Button, Path: d.Path, Reason: d.Reason, Status: "sending", CreatedBy: tx.Who.Member, CreatedByName: tx.Who.Name, CreatedAt: tx.Now}
	var err error
	if n.Total, err = count(ctx, tx, d); err != nil {
		return n, err
	}
	if err := insert(ctx, tx, n); err != nil {
		return n, err
	}
	if err := addRecipients(ctx, tx, n, d.ListedPersons); err != nil {
		return n, err
	}
	return n, tx.Enqueue(ctx, SendArgs{Notice: n.ID})
}

// Service runs the room's job.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }

// RunSend queues the mails that are not queued yet. It may run twice and may be killed: it goes on behind the last finished chunk.
func (s *Service) RunSend(ctx context.Context, j jobs.Job[SendArgs]) error {
	who := access.NewSystem(j.Tenant, "notices")
	for {
		more, err := op.Write(ctx, s.ops, who, ActSend, func(tx *op.Tx) (bool, error) { return s.chunk(ctx, tx, j.Args.Notice) })
		if errs.IsKind(err, errs.NotFound) {
			return jobs.GiveUp(err)
		}
		if err != nil || !more {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

func (s *Service) chunk(ctx context.Context, tx *op.Tx, v id.ID) (more bool, err error) {
	tx.Unchanged() // each mail is a row of the e-mail log; whoever listens for Sent tells of the whole
	if err := tx.Allow(access.Object{}); err != nil {
		return false, err
	}
	n, err := one(ctx, tx, sqlLock, v)
	if err != nil || n.Status == "done" {
		return false, err
	}
	waiting, err := readWaiting(ctx, tx, v)
	if err != nil {
		return false, err
	}
	for i, r := range waiting {
		waiting[i].MailID = id.New()
		l := mail.Letter{ID: waiting[i].MailID, Template: "notice." + n.Kind, To: r.Email, ToName: r.Name, Subject: n.Subject, ObjectType: "notice", ObjectID: n.ID, Duty: true,
			Layout: mailer.Layout{Heading: n.Heading, Paragraphs: n.Paragraphs, Reason: n.Reason}}
		if n.Path != "" {
			l.Layout.Button = mailer.Button{Label: n.Button, URL: s.ops.PublicURL + n.Path}
		}
		if err := queue(ctx, tx, l); err != nil {
			return false, err
		}
	}
	n.Done += len(waiting)
	if more = len(waiting) == chunk; !more {
		n.Status, n.DoneAt = "done", &tx.Now
	}
	if err := settle(ctx, tx, n, waiting); err != nil || more {
		return more, err
	}
	return false, tx.Emit(ctx, Sent{n})
}

// queue writes one mail; a notice is sent whatever its reader objected to.
func queue(ctx context.Context, tx *op.Tx, l mail.Letter) error { return mail.Queue(ctx, tx, l) }

// In returns a notice within a running transaction. Errors: NotFound.
func In(ctx context.Context, tx *op.Tx, v id.ID) (Notice, error) { return one(ctx, tx, sqlGet, v) }

// RecipientsIn returns the recipients behind a position, at most limit of them.
func RecipientsIn(ctx context.Context, tx *op.Tx, v id.ID, after, limit int) ([]Recipient, error) {
	return recipients(ctx, tx, v, after, limit)
}
