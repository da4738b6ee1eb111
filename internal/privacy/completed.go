package privacy

import (
	"context"
	"encoding/json"
	"fmt"

	"entente.dev/internal/audit"
	"entente.dev/internal/op"
)

// completed takes the subject out of the request itself and closes it with its certificate.
func (s *Service) completed(ctx context.Context, tx *op.Tx, r *Request, e *eraser) error {
	before := r.told()
	r.Progress.Table, r.Progress.After = "", nil
	r.Outcome = fmt.Sprintf("%d records were changed or deleted, %d kept with a reason.", r.Progress.Done, r.Progress.Kept)
	if err := s.finish(ctx, tx, r); err != nil {
		return err
	}
	lines := r.Plan.Lines
	r.Email, r.Name, r.Phone, r.Asked, r.IdentityNote, r.Plan = "", "", "", "", "", Plan{Lines: lines, Namesakes: r.Plan.Namesakes, Made: r.Plan.Made}
	r.ClosedAt = &tx.Now
	if err := save(ctx, tx, r); err != nil {
		return err
	}
	tasks, err := blankTasks(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	lineOf, err := historyOf(ctx, tx, append(tasks, r.ID))
	if err != nil {
		return err
	}
	for _, f := range lineOf {
		if err := rewriteHistory(ctx, tx, f.key, withoutSubject(f.values["old_row"]), withoutSubject(f.values["new_row"])); err != nil {
			return err
		}
	}
	tx.Audit(audit.Change{Type: "privacy_request", ID: r.ID, Label: r.label(), Before: before, After: r.told(), Note: r.Outcome})
	return nil
}

// withoutSubject blanks what a line of the history of a request or a task says of its subject.
func withoutSubject(raw json.RawMessage) json.RawMessage {
	var row map[string]any
	if json.Unmarshal(raw, &row) != nil || row == nil {
		return nil
	}
	for _, k := range []string{"subject_email", "subject_name", "subject_phone", "asked", "identity_note", "subject"} {
		if row[k] != nil {
			row[k] = ""
		}
	}
	for _, k := range []string{"plan", "records"} {
		if row[k] != nil {
			row[k] = map[string]any{}
		}
	}
	return json.RawMessage(jsonOf(row))
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && jsonOf(x) == jsonOf(y)
}
