package privacy

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// Limits of the proof of a signed-in person.
const (
	recentSignIn = 30 * time.Minute
	codeLasts    = 20 * time.Minute
	codeTries    = 5
)

// Mine returns the requests that the actor made for themselves, the newest first, at most 100.
func (s *Service) Mine(ctx context.Context, who access.Actor) (out []Request, err error) {
	err = op.Batch(ctx, s.ops, who, ActMine, func(r *op.Reads) {
		r.Query(sqlMyRequests, []any{who.Tenant, who.Member, who.Partner}, func(rows pgx.Rows) (err error) {
			out, err = pgx.CollectRows(rows, scanRequest)
			return err
		})
	})
	return out, err
}

// MyRequest returns one of them. NotFound for anybody else's.
func (s *Service) MyRequest(ctx context.Context, who access.Actor, v id.ID) (Request, error) {
	var out Request
	err := op.Batch(ctx, s.ops, who, ActMine, func(r *op.Reads) {
		r.About("privacy_request", v)
		r.Query(sqlRequest, []any{who.Tenant, v}, oneRequest(&out))
	})
	if err == nil && (out.MemberID == id.Nil || out.MemberID != who.Member) {
		return Request{}, errs.Missing("request")
	}
	return out, err
}

// Me is what the programme knows of the signed-in person, in short.
type Me struct {
	Name, Email string
	Counts      []Count
	Consents    []Consent
}

// MyData says how the programme knows the actor and what they agreed to. With look it searches where they stand too, which takes its time:
// it names categories and numbers; the package has the data itself.
func (s *Service) MyData(ctx context.Context, who access.Actor, look bool) (Me, error) {
	sub, err := s.myself(ctx, who)
	if err != nil {
		return Me{}, err
	}
	me := Me{Name: sub.Name, Email: sub.Email}
	refs := Refs{Members: []id.ID{who.Member}}
	err = op.Batch(ctx, s.ops, access.NewSystem(who.Tenant, "one's own data"), ActFind, func(r *op.Reads) {
		r.Query(sqlMyContacts, []any{who.Tenant, sub.Email}, func(rows pgx.Rows) (err error) {
			refs.Contacts, err = pgx.CollectRows(rows, pgx.RowTo[id.ID])
			return err
		})
	})
	if err != nil {
		return me, err
	}
	if look {
		found, err := s.find(ctx, who.Tenant, sub, nil)
		if err != nil {
			return me, err
		}
		refs = found.refs
		for _, c := range found.Counts {
			if c.Rows -= c.Doubtful; c.Rows > 0 {
				me.Counts = append(me.Counts, c)
			}
		}
	}
	me.Consents, err = s.consentsOf(ctx, who.Tenant, refs)
	return me, err
}

// myself names the signed-in person as their membership does.
func (s *Service) myself(ctx context.Context, who access.Actor) (Subject, error) {
	var sub Subject
	err := op.Batch(ctx, s.ops, who, ActMine, func(r *op.Reads) {
		r.Query(sqlMyself, []any{who.Tenant, who.Member}, func(rows pgx.Rows) error {
			one, err := pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (x Subject, err error) { err = r.Scan(&x.Email, &x.Name); return x, err })
			sub = one
			return err
		})
	})
	sub.Self = true // people rename themselves
	if err == nil && sub.Email == "" {
		return sub, errs.New(errs.Conflict, "privacy.no_address", "Your membership has no e-mail address, so nobody can prove that it is yours. Ask an Admin of the programme.")
	}
	return sub, err
}

// Request asks for the actor's own rights. The sign-in must be recent; a one-time code is mailed to their address, and the request counts
// from the moment it is confirmed with it. Errors: Conflict "privacy.sign_in_again", Invalid.
func (s *Service) Request(ctx context.Context, who access.Actor, kind Kind, purpose, asked string) (Request, error) {
	sub, err := s.myself(ctx, who)
	if err != nil {
		return Request{}, err
	}
	a := Ask{Kind: kind, Source: selfService, Subject: sub, Purpose: purpose, Asked: asked}
	if err := a.check(s.ops.Clock()); err != nil {
		return Request{}, err
	}
	code := newCode()
	return op.Write(ctx, s.ops, who, ActAsk, func(tx *op.Tx) (Request, error) {
		if err := tx.Allow(access.Object{Partner: who.Partner, Owner: who.Member}); err != nil {
			return Request{}, err
		}
		if err := signedInRecently(ctx, tx); err != nil {
			return Request{}, err
		}
		until := tx.Now.Add(codeLasts)
		r, err := s.begin(ctx, tx, a, Verifying, func(r *Request) {
			r.MemberID, r.CodeHash, r.CodeExpiresAt = who.Member, codeHash(r.ID, code), &until
		})
		if err != nil || r.State == Forwarded {
			return r, err
		}
		return r, s.sendCode(ctx, tx, r, sub, code)
	})
}

// NewCode mails another code for a request that waits for one.
func (s *Service) NewCode(ctx context.Context, who access.Actor, v id.ID) (Request, error) {
	code := newCode()
	return s.change(ctx, who, ActAsk, v, 0, func(tx *op.Tx, r *Request) (string, error) {
		if err := mineAndWaiting(tx, *r); err != nil {
			return "", err
		}
		if r.CodeExpiresAt != nil && tx.Now.Before(r.CodeExpiresAt.Add(time.Minute-codeLasts)) {
			return "", errs.New(errs.Throttled, "privacy.code_sent", "A code was sent a moment ago. Look into your mailbox, or try again in a minute.")
		}
		until := tx.Now.Add(codeLasts)
		r.CodeHash, r.CodeExpiresAt, r.CodeTries = codeHash(r.ID, code), &until, 0
		return "sent a code", s.sendCode(ctx, tx, *r, r.Subject(), code)
	})
}

func (s *Service) sendCode(ctx context.Context, tx *op.Tx, r Request, sub Subject, code string) error {
	return mail.Queue(ctx, tx, mail.Letter{Template: "person.privacy_code", To: sub.Email, ToName: sub.Name, Subject: "Confirm your request about your data", ObjectType: "privacy_request", ObjectID: r.ID, Duty: true,
		Link: s.ops.PublicURL + "/me/privacy/" + r.ID.String() + "?code=" + code,
		Layout: mailer.Layout{Heading: "Confirm your request", Paragraphs: []string{"You asked: " + r.Kind.Words() + ".", "Open this link in the browser in which you are signed in. It works once, for 20 minutes."},
			Button: mailer.Button{Label: "Confirm the request"}, Reason: "You get this because somebody who is signed in as you asked about your data. If it was not you, change your password and tell an Admin."}})
}

// Confirm proves with the mailed code that the request is the signed-in person's. Invalid "code" when it is wrong, over or was tried too
// often. Where the policy says that the app answers, it does so now.
func (s *Service) Confirm(ctx context.Context, who access.Actor, v id.ID, code string) (Request, error) {
	wrong := errs.Refused([]errs.Field{{Name: "code", Code: "code.wrong", Msg: "This code is wrong, used or over. Ask for a new one."}})
	var answers string
	matched := false
	r, err := s.change(ctx, who, ActAsk, v, 0, func(tx *op.Tx, r *Request) (string, error) {
		if err := mineAndWaiting(tx, *r); err != nil {
			return "", err
		}
		matched = r.CodeHash != nil && r.CodeExpiresAt != nil && tx.Now.Before(*r.CodeExpiresAt) && r.CodeTries < codeTries && hmac.Equal(r.CodeHash, codeHash(r.ID, strings.TrimSpace(code)))
		if !matched {
			r.CodeTries++
			return "a wrong code", nil
		}
		if err := signedInRecently(ctx, tx); err != nil {
			return "", err
		}
		var err error
		if answers, _, err = answerClock(ctx, tx, tx.Who.Tenant); err != nil {
			return "", err
		}
		r.IdentityHow, r.IdentityNote, r.IdentityBy, r.IdentityByName, r.IdentityAt = "session-and-code", "signed in and confirmed by a mailed code", tx.Who.Member, tx.Who.Name, &tx.Now
		r.CodeHash, r.CodeExpiresAt, r.State = nil, nil, InProgress
		return "identity proved by session and mailed code", nil
	})
	if err != nil {
		return r, err
	}
	if !matched {
		return r, wrong
	}
	if answers == "app" {
		return s.answerByApp(ctx, who, r)
	}
	return r, nil
}

// answerByApp carries out what needs nobody's judgement, where the policy promises that the app itself answers.
func (s *Service) answerByApp(ctx context.Context, who access.Actor, r Request) (Request, error) {
	system := access.NewSystem(who.Tenant, "answer by the app, as the policy says")
	switch r.Kind {
	case Erasure:
		return s.approveAlone(ctx, who, r.ID, "app")
	case Access, Portability:
		if _, err := s.MakePackage(ctx, system, r.ID); err != nil {
			return r, err
		}
		return s.Answer(ctx, system, r.ID, 0, "Your data is ready for download under “Your data”.")
	case Restriction, Objection:
		return s.Answer(ctx, system, r.ID, 0, "Done as you asked.")
	}
	return r, nil
}

func mineAndWaiting(tx *op.Tx, r Request) error {
	if r.MemberID == id.Nil || r.MemberID != tx.Who.Member {
		return errs.Missing("request")
	}
	if r.State != Verifying {
		return wrongState(r, "confirmed")
	}
	return nil
}

// signedInRecently refuses a session that began long ago, and an API key: neither shows that the person is at the keyboard.
func signedInRecently(ctx context.Context, tx *op.Tx) error {
	began, err := sessionBegan(ctx, tx)
	if err != nil {
		return err
	}
	if began.IsZero() || tx.Now.Sub(began) > recentSignIn {
		return errs.New(errs.Conflict, "privacy.sign_in_again", "For this, sign in again first: your sign-in is more than 30 minutes old.")
	}
	return nil
}

func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		panic(err) // never fails
	}
	return fmt.Sprintf("%08d", n)
}

func codeHash(request id.ID, code string) []byte {
	sum := sha256.Sum256([]byte("privacy code|" + request.String() + "|" + code))
	return sum[:]
}

// Alarm tells the officers of requests whose deadline nears, once for each of the alarms, and asks partners who have not answered in
// time again. It returns how many requests it told of.
func (s *Service) Alarm(ctx context.Context, tenant id.ID) (int, error) {
	who := access.NewSystem(tenant, "deadline of a person's request")
	return op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Unchanged()
		near, err := listRequests(ctx, tx, sqlAlarming, tenant, tx.Now.AddDate(0, 0, alarmsAt[0]))
		if err != nil || len(near) == 0 {
			return 0, err
		}
		officers, err := officersIn(ctx, tx, tenant)
		if err != nil {
			return 0, err
		}
		told := 0
		for _, r := range near {
			due := alarmsDue(tx.Now, r.DueAt)
			if due <= r.Alarm || r.State == Executing {
				continue
			}
			r.Alarm = due
			if err := save(ctx, tx, &r); err != nil {
				return told, err
			}
			told++
			heading := fmt.Sprintf("%d days left to answer a person", r.DaysLeft(tx.Now))
			if r.DaysLeft(tx.Now) < 0 {
				heading = "The deadline to answer a person has passed"
			}
			tx.Audit(audit.Change{Type: "privacy_request", ID: r.ID, Label: r.label(), Note: heading})
			for _, o := range officers {
				err := mail.Queue(ctx, tx, mail.Letter{Template: "privacy.deadline", To: o.Email, ToName: o.Name, Subject: heading, ObjectType: "privacy_request", ObjectID: r.ID, Duty: true,
					Layout: mailer.Layout{Heading: heading, Paragraphs: []string{r.label() + ", " + r.State.Words() + ". It is due on " + r.LastDay() + "."},
						Button: mailer.Button{Label: "Open the request", URL: s.ops.PublicURL + "/privacy/" + r.ID.String()}, Reason: "You get this because you are an Admin of the programme."}})
				if err != nil {
					return told, err
				}
			}
		}
		return told, nil
	})
}

// Resume queues executions again that no job carries on with, such as after a restore. Safe to repeat.
func (s *Service) Resume(ctx context.Context, tenant id.ID) error {
	_, err := op.Write(ctx, s.ops, access.NewSystem(tenant, "rights of a person"), ActRun, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged()
		open, err := listRequests(ctx, tx, sqlOpenRequests, tenant, time.Time{}, zeroKey, string(Executing), "", 100)
		for _, r := range open {
			if err := tx.Enqueue(ctx, RunArgs{Request: r.ID}, jobs.Unique(r.ID.String())); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, err
	})
	return err
}

// zeroKey is before every id.
const zeroKey = "00000000-0000-0000-0000-000000000000"

// spelled lists words for a message.
func spelled[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// Query says which requests to list.
type Query struct {
	State, Kind string
	Closed      bool // the closed ones, the newest first; else the open ones, the nearest deadline first
	Limit       int
	Cursor      string
}

// RequestPage is one page of requests; Next is the cursor of the next page, "" on the last.
type RequestPage struct {
	Items []Request `json:"items"`
	Next  string    `json:"next"`
}

// List returns one page of requests. Invalid names a filter that is none.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (RequestPage, error) {
	var bad errs.Problems
	if q.State != "" && !slices.Contains(States, State(q.State)) {
		bad.Add("state", "field.choice", "Choose one of %s.", spelled(States))
	}
	if q.Kind != "" && !slices.Contains(Kinds, Kind(q.Kind)) {
		bad.Add("kind", "field.choice", "Choose one of %s.", spelled(Kinds))
	}
	if err := errs.Refused(bad); err != nil {
		return RequestPage{}, err
	}
	sql, order, at, last := sqlOpenRequests, "privacy open", time.Time{}, zeroKey
	if q.Closed {
		sql, order, at, last = sqlClosedRequests, "privacy closed", s.ops.Clock().AddDate(1, 0, 0), "ffffffff-ffff-ffff-ffff-ffffffffffff"
	}
	if q.Cursor != "" {
		c, err := s.ops.Pages.Decode(q.Cursor, who.Tenant.String(), order)
		var v id.ID
		if err == nil {
			err = c.Scan(&at, &v)
		}
		if err != nil {
			return RequestPage{}, err
		}
		last = v.String()
	}
	limit := min(max(q.Limit, 0), 200)
	if limit == 0 {
		limit = 50
	}
	var out RequestPage
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sql, []any{who.Tenant, at, last, q.State, q.Kind, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, scanRequest)
			return err
		})
	})
	if err == nil && len(out.Items) > limit {
		out.Items = out.Items[:limit]
		l := out.Items[limit-1]
		key := l.DueAt
		if q.Closed {
			key = l.ReceivedAt
		}
		out.Next = s.ops.Pages.Encode(who.Tenant.String(), order, key, l.ID)
	}
	return out, err
}
