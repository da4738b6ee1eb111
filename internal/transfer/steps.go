package transfer

import (
	"context"
	"fmt"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// MapInput is a new mapping for an import that is not committed. Version 0 means that the caller named none.
type MapInput struct {
	ID      id.ID
	Version int
	Mapping Mapping
	Direct  bool
}

// Map replaces the mapping and has every row checked again. Errors: NotFound, Stale "import.stale", Conflict "import.state",
// Invalid as in Upload, Forbidden "import.stages".
func (s *Service) Map(ctx context.Context, who access.Actor, in MapInput) (Run, error) {
	return op.Write(ctx, s.ops, who, ActMap, func(tx *op.Tx) (Run, error) {
		r, err := s.openRun(ctx, tx, in.ID, in.Version)
		if err != nil {
			return r, err
		}
		if !r.CanMap() {
			return r, wrongState(r, "mapped")
		}
		if err := mayUse(who, in.Mapping); err != nil {
			return r, err
		}
		if _, err := in.Mapping.bind(r.Kind, r.Header); err != nil {
			return r, err
		}
		if err := begin(ctx, tx, r, Checking, "check", in.Mapping, Report{}); err != nil {
			return r, err
		}
		tx.Audit(audit.Change{Type: "import_run", ID: r.ID, Label: r.FileName})
		if err := enqueue(ctx, tx, CheckArgs{r.ID}, in.Direct); err != nil {
			return r, err
		}
		return readRun(ctx, tx, sqlRun, r.ID)
	})
}

// StepInput names an import that goes on.
type StepInput struct {
	ID      id.ID
	Version int
	Direct  bool
}

// Commit has the rows written that the check did not refuse. A commit that failed is taken up where it stopped.
// Errors: NotFound, Stale "import.stale", Conflict "import.state" or "import.nothing", Forbidden "import.stages".
func (s *Service) Commit(ctx context.Context, who access.Actor, in StepInput) (Run, error) {
	return op.Write(ctx, s.ops, who, ActCommit, func(tx *op.Tx) (Run, error) {
		r, err := s.openRun(ctx, tx, in.ID, in.Version)
		if err != nil {
			return r, err
		}
		if !r.CanCommit() {
			return r, wrongState(r, "committed")
		}
		if r.Refused == r.Total && r.Status == Checked {
			return r, errs.New(errs.Conflict, "import.nothing", "Every row was refused: there is nothing to commit. Change the mapping or the file.")
		}
		if err := mayUse(who, r.MappingData()); err != nil {
			return r, err
		}
		if r.Status == Failed {
			err = takeUp(ctx, tx, r, Committing)
		} else {
			report := r.ReportData()
			report.Made, report.Totals = nil, nil
			err = begin(ctx, tx, r, Committing, "commit", r.Mapping, report)
		}
		if err != nil {
			return r, err
		}
		tx.Audit(audit.Change{Type: "import_run", ID: r.ID, Label: r.FileName, Note: fmt.Sprintf("asked for: %d to create, %d to update, %d unchanged, %d refused", r.Created, r.Updated, r.Unchanged, r.Refused)})
		if err := enqueue(ctx, tx, CommitArgs{r.ID}, in.Direct); err != nil {
			return r, err
		}
		return readRun(ctx, tx, sqlRun, r.ID)
	})
}

// Undo has everything taken back that the import made or changed and that nobody has touched since, within UndoDays.
// Errors: NotFound, Stale "import.stale", Conflict "import.state" or "import.too_late".
func (s *Service) Undo(ctx context.Context, who access.Actor, in StepInput) (Run, error) {
	return op.Write(ctx, s.ops, who, ActUndo, func(tx *op.Tx) (Run, error) {
		r, err := s.openRun(ctx, tx, in.ID, in.Version)
		if err != nil {
			return r, err
		}
		switch {
		case r.CanUndo(tx.Now):
		case r.Status == Committed:
			return r, errs.New(errs.Conflict, "import.too_late", "An import can be undone for %d days. This one was committed on %s.", UndoDays, r.CommittedAt.UTC().Format("2006-01-02"))
		default:
			return r, wrongState(r, "undone")
		}
		if r.Status == Failed {
			err = takeUp(ctx, tx, r, Undoing)
		} else {
			report := r.ReportData()
			report.Undo = &UndoReport{}
			err = beginUndo(ctx, tx, r, report)
		}
		if err != nil {
			return r, err
		}
		tx.Audit(audit.Change{Type: "import_run", ID: r.ID, Label: r.FileName, Note: "asked for"})
		if err := enqueue(ctx, tx, UndoArgs{r.ID}, in.Direct); err != nil {
			return r, err
		}
		return readRun(ctx, tx, sqlRun, r.ID)
	})
}

// openRun locks a run for a step that somebody asks for.
func (s *Service) openRun(ctx context.Context, tx *op.Tx, v id.ID, version int) (Run, error) {
	tx.About("import_run", v)
	r, err := lockRun(ctx, tx, v)
	if err != nil {
		return r, err
	}
	if err := tx.Allow(r.Object()); err != nil {
		return r, err
	}
	if version != 0 && version != r.Version {
		return r, errs.New(errs.Stale, "import.stale", "Somebody changed this import since you read it. Look at it again, then repeat your step.")
	}
	return r, nil
}

var nextStep = map[string]string{
	Checking: "Wait until its rows are checked.", Checked: "It can be mapped again or committed.", Committing: "Wait until its rows are written.",
	Committed: "It can be undone.", Undoing: "Wait until it is undone.", Undone: "Nothing more can be done to it: upload the file again.",
	Failed: "Its work failed and can be taken up again.",
}

func wrongState(r Run, wanted string) error {
	return errs.New(errs.Conflict, "import.state", "This import is %s and cannot be %s now. %s", r.Status, wanted, nextStep[r.Status])
}
