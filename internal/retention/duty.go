package retention

import (
	"context"
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

// Duty is what a law asks to be kept, of one category, at least as long.
type Duty struct {
	ID       id.ID     `db:"duty_id" json:"id"`
	Category string    `db:"category" json:"category"`
	Event    string    `db:"event" json:"event"`
	Keep     string    `db:"keep" json:"keep"` // as PostgreSQL writes it: "7 years"
	Reason   string    `db:"reason" json:"reason"`
	SetBy    *id.ID    `db:"set_by" json:"set_by"`
	SetName  string    `db:"set_by_name" json:"set_by_name"`
	SetAt    time.Time `db:"set_at" json:"set_at"`
}

// DutyInput is a duty as somebody types it: Keep such as "10 years".
type DutyInput struct{ Category, Event, Keep, Reason string }

// SetDuty records a duty for a category, in place of an earlier one. Refused with the fields "category", "event", "keep", "reason".
func (s *Service) SetDuty(ctx context.Context, who access.Actor, in DutyInput) (Duty, error) {
	return op.Write(ctx, s.ops, who, ActDuty, func(tx *op.Tx) (Duty, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Duty{}, err
		}
		var bad errs.Problems
		c, known := datamap.CategoryOf(in.Category)
		if !known {
			bad.Add("category", "field.choice", "There is no such category. See the data map.")
		}
		if known && !slices.Contains(c.Events, datamap.Event(in.Event)) {
			bad.Add("event", "field.choice", "Use one of: %s.", joinEvents(c.Events))
		}
		period, _, err := datamap.ParsePeriod(in.Keep)
		if err != nil || !period.Ends() || period.N == 0 {
			bad.Add("keep", "field.period", "Write a whole number of days, months or years, such as 10 years.")
		}
		d := Duty{ID: id.New(), Category: in.Category, Event: in.Event, Reason: bad.Text("reason", in.Reason, 500), SetBy: opt(tx.Who.Member), SetName: tx.Who.Name, SetAt: tx.Now}
		bad.Need("reason", d.Reason)
		if err := errs.Refused(bad); err != nil {
			return d, err
		}
		d.Keep = *period.Interval()
		tx.Audit(audit.Change{Type: "legal_duty", ID: d.ID, Label: c.Name, After: d, Note: d.Reason})
		return d, saveDuty(ctx, tx, d)
	})
}

func joinEvents(all []datamap.Event) string {
	words := make([]string, len(all))
	for i, e := range all {
		words[i] = string(e)
	}
	return strings.Join(words, ", ")
}

// DropDuty ends the duty of a category. NotFound.
func (s *Service) DropDuty(ctx context.Context, who access.Actor, category string) error {
	_, err := op.Write(ctx, s.ops, who, ActDutyDrop, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		old, err := dropDuty(ctx, tx, category)
		if err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "legal_duty", ID: old.ID, Label: category, Before: old})
		return struct{}{}, nil
	})
	return err
}
