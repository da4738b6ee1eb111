package trust

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// The use cases about concerns.
const (
	ActConcernReport access.Action = "concern.report"
	ActConcernList   access.Action = "concern.list"
	ActConcernAnswer access.Action = "concern.answer"
)

// Concern is what somebody reported.
type Concern struct {
	ID         id.ID      `db:"concern_id" json:"id"`
	Kind       string     `db:"kind" json:"kind"`
	Name       string     `db:"name" json:"name"`
	Email      string     `db:"email" json:"email"`
	Body       string     `db:"body" json:"body"`
	Status     string     `db:"status" json:"status"`
	Answer     string     `db:"answer" json:"answer"`
	AnsweredBy string     `db:"answered_by_name" json:"answered_by"`
	AnsweredAt *time.Time `db:"answered_at" json:"answered_at"`
	Version    int        `db:"version" json:"version"`
	CreatedAt  time.Time  `db:"created_at" json:"created_at"`
}

// ConcernKinds are what a concern can be about.
var ConcernKinds = []string{"security", "privacy", "abuse", "other"}

// ConcernInput is what somebody reports.
type ConcernInput struct {
	Kind, Name, Email, Body string
	Bait                    string // a field that people do not see; who fills it is a program
	Token                   string // of FormToken, when the form was drawn
}

// How long a form may lie between being drawn and being sent.
const (
	minFormTime = 3 * time.Second
	maxFormTime = 24 * time.Hour
)

// mailedAnHour is how many concerns of an hour are told by mail: a flood fills the list, not the mailboxes of the Admins.
const mailedAnHour = 20

// FormToken returns the mark of a form that is drawn now.
func (s *Service) FormToken() string {
	at := binary.BigEndian.AppendUint64(nil, uint64(s.ops.Clock().UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(at, s.formProof(at)...))
}

func (s *Service) formProof(at []byte) []byte {
	m := hmac.New(sha256.New, s.ops.DB.Installation().Key("public form"))
	m.Write(at)
	return m.Sum(nil)[:16]
}

// formAge returns how long ago a form was drawn; ok is false for a mark that is not ours.
func (s *Service) formAge(token string) (age time.Duration, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 24 || !hmac.Equal(b[8:], s.formProof(b[:8])) {
		return 0, false
	}
	return s.ops.Clock().Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b)))), true
}

// Report keeps a concern that anybody sent, and mails every Admin of the programme, about the first 20 of an hour. A program that fills the bait is told the
// same as a person and leaves nothing. Throttled "form.throttled", Invalid with every refused field.
func (s *Service) Report(ctx context.Context, tenant id.ID, req access.Request, in ConcernInput) error {
	c, err := s.readConcern(in)
	if err != nil || in.Bait != "" {
		return err
	}
	if s.env.Knock != nil {
		if err := s.env.Knock(ctx, "concern", req.IP); err != nil {
			return err
		}
	}
	who := access.NewSystem(tenant, "public form")
	who.Request = req
	_, err = op.Write(ctx, s.ops, who, ActConcernReport, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		c.CreatedAt = tx.Now
		if err := insertConcern(ctx, tx, c); err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "concern", ID: c.ID, Label: c.Kind})
		return struct{}{}, s.tellAdmins(ctx, tx, c)
	})
	return err
}

func (s *Service) readConcern(in ConcernInput) (Concern, error) {
	var bad errs.Problems
	c := Concern{ID: id.New(), Kind: in.Kind, Status: "open", Version: 1}
	c.Name, c.Body = bad.Line("name", in.Name, 200), bad.Text("body", in.Body, 5000)
	c.Email = strings.ToLower(strings.TrimSpace(in.Email))
	if !slices.Contains(ConcernKinds, c.Kind) {
		bad.Add("kind", "field.choice", "Choose what it is about.")
	}
	bad.Need("body", c.Body)
	if c.Email != "" {
		if _, err := mailer.Address(c.Email); err != nil {
			bad.Add("email", "field.email", "This is not an e-mail address. Leave it empty to stay unnamed.")
		}
	}
	switch age, ok := s.formAge(in.Token); {
	case in.Bait != "":
	case !ok || age > maxFormTime:
		bad.Add("", "form.old", "This form was opened too long ago. Everything you typed is still here: send it once more.")
	case age < minFormTime:
		bad.Add("", "form.fast", "That was faster than people type. Wait a moment and send it once more.")
	}
	return c, errs.Refused(bad)
}

func (s *Service) tellAdmins(ctx context.Context, tx *op.Tx, c Concern) error {
	n, err := concernsSince(ctx, tx, tx.Now.Add(-time.Hour), mailedAnHour+1)
	if err != nil || n > mailedAnHour { // with this one
		return err
	}
	told := []string{"It came through the form on your trust page. What they wrote is not in this mail; read it in the program."}
	if n == mailedAnHour {
		told = append(told, fmt.Sprintf("It is the %dth within an hour. Further ones are kept and not mailed until it is quieter.", n))
	}
	admins, err := adminsIn(ctx, tx)
	if err != nil {
		return err
	}
	for _, to := range admins {
		err := mail.Queue(ctx, tx, mail.Letter{Template: "concern.reported", To: to.Email, ToName: to.Name, Subject: "Somebody reported a concern (" + c.Kind + ")",
			Layout: mailer.Layout{Heading: "Somebody reported a concern", Paragraphs: told,
				Reason: "You get this because you are an Admin of the programme.", Button: mailer.Button{Label: "Read the concern", URL: s.ops.PublicURL + "/promises/concerns/" + c.ID.String()}},
			ObjectType: "concern", ObjectID: c.ID})
		if err != nil {
			return err
		}
	}
	return nil
}

// ConcernPage is one page of concerns, newest first; Next is the cursor of the next page.
type ConcernPage struct {
	Items []Concern
	Next  string
}

// Concerns returns one page of concerns: those that are open, or all.
func (s *Service) Concerns(ctx context.Context, who access.Actor, openOnly bool, cursor string) (ConcernPage, error) {
	const limit = page.DefaultLimit
	at, last := s.ops.Clock().Add(time.Hour), id.Nil
	if err := s.ops.Pages.Resume(cursor, who.Tenant.String(), "concern", &at, &last); err != nil {
		return ConcernPage{}, err
	}
	items, err := op.Read(ctx, s.ops, who, ActConcernList, func(tx *op.Tx) ([]Concern, error) {
		return listConcerns(ctx, tx, openOnly, at, last, limit+1)
	})
	var out ConcernPage
	out.Items, out.Next = page.Cut(items, limit, func(last Concern) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "concern", last.CreatedAt, last.ID)
	})
	return out, err
}

// Concern returns one. NotFound "concern.not_found".
func (s *Service) Concern(ctx context.Context, who access.Actor, v id.ID) (Concern, error) {
	return op.Read(ctx, s.ops, who, ActConcernList, func(tx *op.Tx) (Concern, error) {
		tx.About("concern", v)
		return getConcern(ctx, tx, v, false)
	})
}

// AnswerInput is how an officer ends a concern.
type AnswerInput struct {
	ID      id.ID
	Version int
	Answer  string // "" closes it without one
}

// Answer answers a concern, by mail where an address was given, or closes it. NotFound, Stale "concern.stale", Invalid.
func (s *Service) Answer(ctx context.Context, who access.Actor, in AnswerInput) (Concern, error) {
	return op.Write(ctx, s.ops, who, ActConcernAnswer, func(tx *op.Tx) (Concern, error) {
		tx.About("concern", in.ID)
		old, err := getConcern(ctx, tx, in.ID, true)
		if err != nil {
			return old, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return old, err
		}
		if in.Version != 0 && in.Version != old.Version {
			return old, errs.New(errs.Stale, "concern.stale", "Somebody answered this while you wrote. Read it again.")
		}
		var bad errs.Problems
		c := old
		c.Answer, c.Version = bad.Text("answer", in.Answer, 5000), old.Version+1
		if err := errs.Refused(bad); err != nil {
			return old, err
		}
		at := tx.Now
		c.Status, c.AnsweredBy, c.AnsweredAt = "closed", who.Name, &at
		if c.Answer != "" {
			c.Status = "answered"
		}
		if err := updateConcern(ctx, tx, c); err != nil {
			return old, err
		}
		tx.Audit(audit.Change{Type: "concern", ID: c.ID, Label: c.Kind, Note: c.Status})
		if c.Answer == "" || c.Email == "" {
			return c, nil
		}
		return c, mail.Queue(ctx, tx, mail.Letter{Template: "concern.answered", To: c.Email, ToName: c.Name, Subject: "About what you reported",
			Layout:     mailer.Layout{Heading: "Thank you for what you reported", Paragraphs: []string{fmt.Sprintf("You wrote on %s:", c.CreatedAt.UTC().Format("2 January 2006")), clip(c.Body, 500), "Our answer:", c.Answer}, Reason: "You get this because you reported a concern and left this address."},
			ObjectType: "concern", ObjectID: c.ID})
	})
}
