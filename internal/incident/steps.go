package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// ReportInput is what somebody noticed.
type ReportInput struct {
	Title, Kind, Severity, Description string
	DetectedAt                         time.Time // zero is now
}

// Report opens an incident. Errors: Invalid with fields.
func (s *Service) Report(ctx context.Context, who access.Actor, in ReportInput) (Incident, error) {
	var bad errs.Problems
	in.Title = bad.Line("title", in.Title, 200)
	bad.Need("title", in.Title)
	in.Description = bad.Text("description", in.Description, 10_000)
	choice(&bad, "kind", in.Kind, Kinds)
	choice(&bad, "severity", in.Severity, Severities)
	return op.Write(ctx, s.ops, who, ActReport, func(tx *op.Tx) (Incident, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Incident{}, err
		}
		if in.DetectedAt.IsZero() {
			in.DetectedAt = tx.Now
		}
		bad := slices.Clone(bad)
		if in.DetectedAt.After(tx.Now) {
			bad.Add("detected_at", "field.range", "This lies in the future. Say when it was noticed.")
		}
		if err := errs.Refused(bad); err != nil {
			return Incident{}, err
		}
		n, err := nextNumber(ctx, tx)
		if err != nil {
			return Incident{}, err
		}
		i := Incident{TenantID: tx.Who.Tenant, ID: id.New(), Number: n, Title: in.Title, Kind: in.Kind, Severity: in.Severity, Description: in.Description, Status: Reported,
			DetectedAt: in.DetectedAt.UTC(), ReportedBy: tx.Who.Member, ReportedByName: tx.Who.Name, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now, Categories: []string{}}
		if err := insert(ctx, tx, i); err != nil {
			return i, err
		}
		tx.Audit(audit.Change{Type: "incident", ID: i.ID, Label: i.Title, After: i})
		return i, tell(ctx, tx, i.ID, "step", "Reported: "+i.Title)
	})
}

// change runs a change of one incident: load, permission, rule, save, timeline.
func (s *Service) change(ctx context.Context, who access.Actor, act access.Action, v id.ID, version int, fn func(tx *op.Tx, i *Incident) (string, error)) (Incident, error) {
	return op.Write(ctx, s.ops, who, act, func(tx *op.Tx) (Incident, error) {
		tx.About("incident", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return Incident{}, err
		}
		i, err := lock(ctx, tx, v)
		if err != nil {
			return i, err
		}
		if version != 0 && version != i.Version {
			return i, stale()
		}
		before := i
		line, err := fn(tx, &i)
		if err != nil {
			return i, err
		}
		i.Version, i.UpdatedAt = i.Version+1, tx.Now
		if err := update(ctx, tx, i); err != nil {
			return i, err
		}
		tx.Audit(audit.Change{Type: "incident", ID: i.ID, Label: i.Title, Before: before, After: i, Note: line})
		if line == "" {
			return i, nil
		}
		return i, tell(ctx, tx, i.ID, "step", line)
	})
}

func closed(i *Incident) error {
	if !i.Open() {
		return errs.New(errs.Conflict, "incident.closed", "This incident is %s. Report a new one if something came up.", i.Status)
	}
	return nil
}

// Note writes on the timeline. Errors: Invalid, NotFound.
func (s *Service) Note(ctx context.Context, who access.Actor, v id.ID, body string) error {
	var bad errs.Problems
	body = bad.Text("body", body, 5000)
	bad.Need("body", body)
	_, err := op.Write(ctx, s.ops, who, ActNote, func(tx *op.Tx) (struct{}, error) {
		tx.About("incident", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		i, err := lock(ctx, tx, v)
		if err != nil {
			return struct{}{}, err
		}
		if err := errs.Refused(bad); err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "incident", ID: v, Label: i.Title})
		return struct{}{}, tell(ctx, tx, v, "note", body)
	})
	return err
}

// AssessInput is the assessment that GDPR Art. 33(3) asks for.
type AssessInput struct {
	ID             id.ID
	Version        int // 0 is not checked
	Severity       string
	Nature         string
	Categories     []string
	PeopleCount    *int64
	RecordCount    *int64
	Consequences   string
	Measures       string
	Risk           string // none, risk or high
	NotifyDecision string // notify, not-needed or "" for not decided
	NotifyReason   string
}

func (in *AssessInput) check() errs.Problems {
	var bad errs.Problems
	in.Nature = bad.Text("nature", in.Nature, 5000)
	bad.Need("nature", in.Nature)
	in.Consequences = bad.Text("consequences", in.Consequences, 5000)
	in.Measures = bad.Text("measures", in.Measures, 5000)
	in.NotifyReason = bad.Text("notify_reason", in.NotifyReason, 5000)
	choice(&bad, "severity", in.Severity, Severities)
	choice(&bad, "risk", in.Risk, Risks)
	choice(&bad, "notify_decision", in.NotifyDecision, []string{"", "notify", "not-needed"})
	if in.NotifyDecision == "not-needed" && in.NotifyReason == "" {
		bad.Add("notify_reason", "field.required", "Say why nobody needs to be told; the authority may ask.")
	}
	if in.NotifyDecision == "not-needed" && in.Risk == "high" {
		bad.Add("notify_decision", "incident.high_risk", "At a high risk the people concerned and the authority are told.")
	}
	for _, c := range in.Categories {
		if _, ok := datamap.CategoryOf(c); !ok {
			bad.Add("categories", "field.choice", "%q is not a category of the data map.", c)
		}
	}
	for name, n := range map[string]*int64{"people_count": in.PeopleCount, "record_count": in.RecordCount} {
		if n != nil && *n < 0 {
			bad.Add(name, "field.range", "Give a number from 0 on; an estimate will do.")
		}
	}
	return bad
}

// Assess records what is known so far; it can be done again as more is known. Errors: Invalid with fields, NotFound, Stale, Conflict.
func (s *Service) Assess(ctx context.Context, who access.Actor, in AssessInput) (Incident, error) {
	bad := in.check()
	return s.change(ctx, who, ActAssess, in.ID, in.Version, func(tx *op.Tx, i *Incident) (string, error) {
		if err := closed(i); err != nil {
			return "", err
		}
		if err := errs.Refused(bad); err != nil {
			return "", err
		}
		if i.Status == Reported {
			i.Status = Assessing
		}
		i.Severity, i.Nature, i.Categories, i.PeopleCount, i.RecordCount = in.Severity, in.Nature, append([]string{}, in.Categories...), in.PeopleCount, in.RecordCount
		i.Consequences, i.Measures, i.Risk, i.NotifyDecision, i.NotifyReason = in.Consequences, in.Measures, in.Risk, in.NotifyDecision, in.NotifyReason
		line := "Assessed: risk to people " + in.Risk
		if in.NotifyDecision != "" {
			line += ", " + strings.ReplaceAll(in.NotifyDecision, "-", " ")
		}
		return line, nil
	})
}

// AdvanceInput is a step to the next state.
type AdvanceInput struct {
	ID        id.ID
	Version   int // 0 is not checked
	To        string
	Note      string
	AwareAt   time.Time // confirmed: when it became known; zero is now
	Templates []string  // confirmed: whose clocks start, beside the contract's
}

// Advance moves an incident to its next state; confirming starts the clocks. Errors: Invalid, NotFound, Stale, Conflict
// "incident.step", "incident.clocks" and "incident.postmortem".
func (s *Service) Advance(ctx context.Context, who access.Actor, in AdvanceInput) (Incident, error) {
	var bad errs.Problems
	in.Note = bad.Text("note", in.Note, 2000)
	for _, t := range in.Templates {
		if !slices.ContainsFunc(Templates, func(x Template) bool { return x.ID == t }) {
			bad.Add("templates", "field.choice", "%q is no set of clocks.", t)
		}
	}
	return s.change(ctx, who, ActAdvance, in.ID, in.Version, func(tx *op.Tx, i *Incident) (string, error) {
		if !slices.Contains(steps[i.Status], in.To) {
			return "", errs.New(errs.Conflict, "incident.step", "An incident that is %s cannot become %s.", i.Status, in.To)
		}
		if err := errs.Refused(bad); err != nil {
			return "", err
		}
		line := strings.ToUpper(in.To[:1]) + in.To[1:]
		var err error
		switch in.To {
		case Confirmed:
			line, err = s.confirm(ctx, tx, i, in)
		case Contained:
			i.ContainedAt = &tx.Now
			err = restart(ctx, tx, i.ID, "cra", "final", tx.Now.AddDate(0, 0, 14))
		case Resolved:
			i.ResolvedAt = &tx.Now
		case Closed:
			i.ClosedAt = &tx.Now
			err = finished(ctx, tx, i)
		case Dismissed:
			if in.Note == "" {
				err = errs.Refused([]errs.Field{{Name: "note", Code: "field.required", Msg: "Say why this is no incident."}})
			}
		}
		i.Status = in.To
		if in.Note != "" {
			line += ": " + in.Note
		}
		return line, err
	})
}

// confirm starts the clocks from the moment of awareness.
func (s *Service) confirm(ctx context.Context, tx *op.Tx, i *Incident, in AdvanceInput) (string, error) {
	aware := in.AwareAt.UTC()
	if in.AwareAt.IsZero() {
		aware = tx.Now
	}
	if aware.After(tx.Now) {
		return "", errs.Refused([]errs.Field{{Name: "aware_at", Code: "field.range", Msg: "This lies in the future. Say when you knew."}})
	}
	i.AwareAt = &aware
	contract, err := contractIn(ctx, tx)
	if err != nil {
		return "", err
	}
	var clocks []Clock
	for _, t := range Templates {
		if t.Always || slices.Contains(in.Templates, t.ID) {
			clocks = append(clocks, clocksOf(t.ID, aware, contract)...)
		}
	}
	return fmt.Sprintf("Confirmed; known since %s. %d clocks started", aware.Format("2 January 2006, 15:04 UTC"), len(clocks)), insertClocks(ctx, tx, i.ID, clocks)
}

// restart moves a deadline that counts from a later event.
func restart(ctx context.Context, tx *op.Tx, incident id.ID, template, step string, due time.Time) error {
	clocks, err := many[Clock](ctx, tx, sqlClocks, incident)
	if err != nil {
		return err
	}
	for _, c := range clocks {
		if c.Template == template && c.Step == step && c.Running() {
			c.DueAt = due
			return settleClock(ctx, tx, c)
		}
	}
	return nil
}

// finished refuses to close what is not done (invariant 4).
func finished(ctx context.Context, tx *op.Tx, i *Incident) error {
	clocks, err := many[Clock](ctx, tx, sqlClocks, i.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(clocks, Clock.Running) {
		return errs.New(errs.Conflict, "incident.clocks", "A clock still runs. Meet it, or say why it is not needed.")
	}
	if !i.Reviewed() {
		return errs.New(errs.Conflict, "incident.postmortem", "Fill in the whole post-mortem first.")
	}
	return nil
}

// Settle meets a clock, or waives it with a reason. Errors: Invalid, NotFound, Conflict "incident.clock".
func (s *Service) Settle(ctx context.Context, who access.Actor, clock id.ID, note string, waive bool) (Clock, error) {
	var bad errs.Problems
	note = bad.Text("note", note, 1000)
	if waive {
		bad.Need("note", note)
	}
	var seen Clock // goes with a refusal, so that it can be shown where it belongs
	out, err := op.Write(ctx, s.ops, who, ActClock, func(tx *op.Tx) (Clock, error) {
		tx.About("incident_clock", clock)
		if err := tx.Allow(access.Object{}); err != nil {
			return Clock{}, err
		}
		c, err := one[Clock](ctx, tx, "clock", sqlLockClock, clock)
		if err != nil {
			return c, err
		}
		seen = c
		if !c.Running() {
			return c, errs.New(errs.Conflict, "incident.clock", "This clock does not run any more.")
		}
		if err := errs.Refused(bad); err != nil {
			return c, err
		}
		if waive {
			c.WaivedAt, c.MetNote = &tx.Now, note
			tx.Audit(audit.Change{Type: "incident", ID: c.IncidentID, Label: c.Label, Note: "not needed: " + note})
			return c, joined(settleClock(ctx, tx, c), tell(ctx, tx, c.IncidentID, "clock", c.Label+": "+c.Says(tx.Now)))
		}
		return c, meet(ctx, tx, &c, note)
	})
	if err != nil {
		return seen, err
	}
	return out, nil
}

func joined(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

// meet stops a clock and stamps it: in time, or late by how much.
func meet(ctx context.Context, tx *op.Tx, c *Clock, note string) error {
	c.MetAt, c.MetByName, c.MetNote = &tx.Now, tx.Who.Name, note
	if err := settleClock(ctx, tx, *c); err != nil {
		return err
	}
	if c.Template == "nis2" && c.Step == "notification" { // the final report counts from here
		if err := restart(ctx, tx, c.IncidentID, "nis2", "final", addMonth(tx.Now)); err != nil {
			return err
		}
	}
	line := c.Label + ": " + c.Says(tx.Now)
	tx.Audit(audit.Change{Type: "incident", ID: c.IncidentID, Label: c.Label, Note: line})
	return tell(ctx, tx, c.IncidentID, "clock", line)
}
