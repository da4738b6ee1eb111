package incident

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// ReviewInput is the post-mortem; fields may be filled in one after the other.
type ReviewInput struct {
	ID                                        id.ID
	Version                                   int // 0 is not checked
	Summary, Cause, Impact, Response, Lessons string
}

// Review writes the post-mortem. Errors: Invalid with fields, NotFound, Stale, Conflict.
func (s *Service) Review(ctx context.Context, who access.Actor, in ReviewInput) (Incident, error) {
	var bad errs.Problems
	for name, v := range map[string]*string{"summary": &in.Summary, "cause": &in.Cause, "impact": &in.Impact, "response": &in.Response, "lessons": &in.Lessons} {
		*v = bad.Text(name, *v, 10_000)
	}
	return s.change(ctx, who, ActReview, in.ID, in.Version, func(_ *op.Tx, i *Incident) (string, error) {
		if err := closed(i); err != nil {
			return "", err
		}
		if err := errs.Refused(bad); err != nil {
			return "", err
		}
		i.PMSummary, i.PMCause, i.PMImpact, i.PMResponse, i.PMLessons = in.Summary, in.Cause, in.Impact, in.Response, in.Lessons
		return "Post-mortem written", nil
	})
}

// AddAction adds something to do, with who does it until when. Errors: Invalid with fields, NotFound.
func (s *Service) AddAction(ctx context.Context, who access.Actor, incident id.ID, body, owner, due string) (Action, error) {
	var bad errs.Problems
	body, owner = bad.Text("action", body, 1000), bad.Line("owner", owner, 200)
	bad.Need("action", body)
	bad.Need("owner", owner)
	day, err := time.Parse(time.DateOnly, due)
	if err != nil {
		bad.Add("due_on", "field.date", "Write the day like 2026-12-24.")
	}
	return op.Write(ctx, s.ops, who, ActReview, func(tx *op.Tx) (Action, error) {
		tx.About("incident", incident)
		if err := tx.Allow(access.Object{}); err != nil {
			return Action{}, err
		}
		i, err := lock(ctx, tx, incident)
		if err != nil {
			return Action{}, err
		}
		if err := errs.Refused(bad); err != nil {
			return Action{}, err
		}
		a := Action{ID: id.New(), IncidentID: i.ID, Body: body, OwnerName: owner, DueOn: day}
		tx.Audit(audit.Change{Type: "incident", ID: i.ID, Label: i.Title, Note: "to do: " + body})
		return a, joined(insertAction(ctx, tx, a), tell(ctx, tx, i.ID, "step", "To do by "+day.Format("2 January 2006")+", "+owner+": "+body))
	})
}

// DoneAction marks an action as done. Errors: NotFound, Conflict "incident.action_done".
func (s *Service) DoneAction(ctx context.Context, who access.Actor, v id.ID) (Action, error) {
	var seen Action // goes with a refusal, so that it can be shown where it belongs
	out, err := op.Write(ctx, s.ops, who, ActReview, func(tx *op.Tx) (Action, error) {
		tx.About("incident_action", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return Action{}, err
		}
		a, err := one[Action](ctx, tx, "action", sqlLockAction, v)
		if err != nil {
			return a, err
		}
		seen = a
		if a.DoneAt != nil {
			return a, errs.New(errs.Conflict, "incident.action_done", "This is done already.")
		}
		a.DoneAt = &tx.Now
		tx.Audit(audit.Change{Type: "incident", ID: a.IncidentID, Label: a.Body, Note: "done"})
		return a, joined(doneAction(ctx, tx, v), tell(ctx, tx, a.IncidentID, "step", "Done: "+a.Body))
	})
	if err != nil {
		return seen, err
	}
	return out, nil
}
