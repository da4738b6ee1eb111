package privacy

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// taskDays is how long a partner has to answer; never longer than the request itself.
const taskDays = 14

// Task is what one partner is asked to do with its own copy of a person's data.
type Task struct {
	ID             id.ID      `json:"id"`
	Request        id.ID      `json:"request_id"`
	Partner        id.ID      `json:"partner_id"`
	PartnerName    string     `json:"partner"`
	Kind           Kind       `json:"kind"`
	State          string     `json:"state"`   // open, done, kept, closed
	Subject        string     `json:"subject"` // whom it is about, as the partner knows them
	Records        []string   `json:"records"`
	DueAt          time.Time  `json:"due_at"`
	Reason         string     `json:"reason"`
	AnsweredByName string     `json:"answered_by"`
	AnsweredAt     *time.Time `json:"answered_at"`
	CreatedAt      time.Time  `json:"created_at"`
}

// AskPartners gives a task to every partner that received the person's data: whoever brought the contact, has the account shared, or
// is the person's company. It returns the request, which now waits for them; Conflict "privacy.no_partners" when none has it.
func (s *Service) AskPartners(ctx context.Context, who access.Actor, v id.ID, version int) (Request, error) {
	r, err := s.Get(ctx, who, v)
	if err != nil {
		return r, err
	}
	if !r.Verified() {
		return r, errNotVerified
	}
	refs, err := s.knownBy(ctx, who.Tenant, r.Subject())
	if err != nil {
		return r, err
	}
	receivers, err := op.Read(ctx, s.ops, access.NewSystem(who.Tenant, "who received a person's data"), ActFind, func(tx *op.Tx) ([]receiver, error) {
		return receiversOf(ctx, tx, refs, r.ID)
	})
	if err != nil {
		return r, err
	}
	return s.change(ctx, who, ActUpdate, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if r.State != InProgress || r.Kind == Access || r.Kind == Portability {
			return "", wrongState(*r, "sent to partners")
		}
		if len(receivers) == 0 {
			return "", errs.New(errs.Conflict, "privacy.no_partners", "No partner received this person's data, or all were asked already.")
		}
		due := tx.Now.AddDate(0, 0, taskDays)
		if r.DueAt.Before(due) && r.DueAt.After(tx.Now) {
			due = r.DueAt
		}
		for _, c := range receivers {
			t := Task{ID: id.New(), Request: r.ID, Partner: c.Partner, Kind: r.Kind, State: "open", Subject: r.Subject().String(), Records: c.Records, DueAt: due}
			if err := insertTask(ctx, tx, t); err != nil {
				return "", err
			}
			if err := s.tellPartner(ctx, tx, t); err != nil {
				return "", err
			}
		}
		r.State = WaitingPartners
		return fmt.Sprintf("asked %d partners", len(receivers)), nil
	})
}

// tellPartner mails the partner's Partner-role people about a task, without naming the person.
func (s *Service) tellPartner(ctx context.Context, tx *op.Tx, t Task) error {
	readers, err := partnerReaders(ctx, tx, t.Partner)
	if err != nil {
		return err
	}
	for _, o := range readers {
		err := mail.Queue(ctx, tx, mail.Letter{Template: "privacy.task", To: o.Email, ToName: o.Name, Subject: "A person's request concerns your company", ObjectType: "privacy_task", ObjectID: t.ID, Duty: true,
			Layout: mailer.Layout{Heading: "A person's request concerns your company",
				Paragraphs: []string{fmt.Sprintf("Your company received data of a person who now asks for: %s. Please do the same with your own copy and answer by %s.", t.Kind.Words(), lastDay(t.DueAt))},
				Button:     mailer.Button{Label: "Open the task", URL: s.ops.PublicURL + "/privacy/tasks/" + t.ID.String()}, Reason: "You get this because you run your company's side of the programme."}})
		if err != nil {
			return err
		}
	}
	return nil
}

// Tasks returns what the actor's company is asked to do, open ones first, at most 200.
func (s *Service) Tasks(ctx context.Context, who access.Actor) (out []Task, err error) {
	err = op.Batch(ctx, s.ops, who, ActTaskList, func(r *op.Reads) {
		r.Query(sqlTasks, []any{who.Tenant}, func(rows pgx.Rows) (err error) { out, err = pgx.CollectRows(rows, scanTask); return err })
	})
	return out, err
}

// TasksOf returns the tasks of one request, for the officer.
func (s *Service) TasksOf(ctx context.Context, who access.Actor, v id.ID) (out []Task, err error) {
	err = op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.Query(sqlTasksOf, []any{who.Tenant, v}, func(rows pgx.Rows) (err error) { out, err = pgx.CollectRows(rows, scanTask); return err })
	})
	return out, err
}

// AnswerTask records what a partner did: done, or kept with a reason. Conflict "privacy.answered" the second time.
func (s *Service) AnswerTask(ctx context.Context, who access.Actor, v id.ID, done bool, reason string) (Task, error) {
	var bad errs.Problems
	reason = bad.Text("reason", reason, 1000)
	if !done {
		bad.Need("reason", reason)
	}
	if err := errs.Refused(bad); err != nil {
		return Task{}, err
	}
	return s.settleTask(ctx, who, ActTaskAnswer, v, map[bool]string{true: "done", false: "kept"}[done], reason)
}

// CloseTask goes on without a partner's answer, with the reason why.
func (s *Service) CloseTask(ctx context.Context, who access.Actor, v id.ID, reason string) (Task, error) {
	var bad errs.Problems
	reason = bad.Text("reason", reason, 1000)
	bad.Need("reason", reason)
	if err := errs.Refused(bad); err != nil {
		return Task{}, err
	}
	return s.settleTask(ctx, who, ActUpdate, v, "closed", reason)
}

func (s *Service) settleTask(ctx context.Context, who access.Actor, act access.Action, v id.ID, state, reason string) (Task, error) {
	t, err := op.Write(ctx, s.ops, who, act, func(tx *op.Tx) (Task, error) {
		tx.About("privacy_task", v)
		t, err := lockTask(ctx, tx, v)
		if err != nil {
			return t, err
		}
		if err := tx.Allow(access.Object{Partner: t.Partner}); err != nil {
			return t, err
		}
		if t.State != "open" {
			return t, errs.New(errs.Conflict, "privacy.answered", "This task was answered already.")
		}
		t.State, t.Reason, t.AnsweredByName, t.AnsweredAt = state, reason, tx.Who.Name, &tx.Now
		tx.Audit(audit.Change{Type: "privacy_task", ID: t.ID, Label: "Task: " + t.Kind.Words(), Partner: t.Partner, Note: state + ": " + reason})
		if err := saveTask(ctx, tx, t); err != nil {
			return t, err
		}
		return t, tx.Enqueue(ctx, RunArgs{Request: t.Request})
	})
	return t, err
}
