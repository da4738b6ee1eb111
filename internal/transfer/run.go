package transfer

import (
	"context"
	"errors"
	"fmt"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/op"
)

// RunCheck checks the rows that are not checked yet. It goes on where an earlier run stopped, and does nothing when the import
// is not being checked.
func (s *Service) RunCheck(ctx context.Context, j jobs.Job[CheckArgs]) error {
	return s.work(ctx, &worker{s: s, tenant: j.Tenant, id: j.Args.Import, status: Checking, done: Checked, act: ActCheck}, j.Last())
}

// RunCommit writes the rows that are not written yet, likewise.
func (s *Service) RunCommit(ctx context.Context, j jobs.Job[CommitArgs]) error {
	return s.work(ctx, &worker{s: s, tenant: j.Tenant, id: j.Args.Import, status: Committing, done: Committed, act: ActCommit}, j.Last())
}

// RunUndo takes back the rows that are not taken back yet, likewise.
func (s *Service) RunUndo(ctx context.Context, j jobs.Job[UndoArgs]) error {
	return s.work(ctx, &worker{s: s, tenant: j.Tenant, id: j.Args.Import, status: Undoing, done: Undone, act: ActUndo}, j.Last())
}

// worker does one phase of one run, chunk by chunk.
type worker struct {
	s            *Service
	tenant       id.ID
	id           id.ID
	status, done string // the status to work in, and the one that follows
	act          access.Action

	who     access.Actor
	run     Run
	report  Report
	version int // of the run that the importer was prepared for, 0 before
	cells   *cells
	imp     importer
}

// importer does what differs between the kinds of import. A chunk is planned, written and then settled; plan may run again
// for the same rows when the transaction did not happen.
type importer interface {
	// load reads what rows are looked up in.
	load(ctx context.Context, tx *op.Tx) error
	// plan decides every row. Beside that it may only count in the report.
	plan(ctx context.Context, tx *op.Tx, rows []Row) ([]verdict, error)
	// write does what the last plan decided.
	write(ctx context.Context, tx *op.Tx) error
	// settle remembers what the last plan made, for the chunks that follow.
	settle()
}

// verdict is what becomes of a row.
type verdict struct {
	row      int
	outcome  string
	problems []Problem // refused, when there is one
	object   id.ID
	before   any // what undo needs beside the object
}

func (v *verdict) refuse(p ...Problem) {
	v.outcome, v.problems = Refused, append(v.problems, p...)
}

func (s *Service) work(ctx context.Context, w *worker, last bool) error {
	w.who = access.NewSystem(w.tenant, "import")
	r, err := op.Read(ctx, s.ops, w.who, w.act, func(tx *op.Tx) (Run, error) { return readRun(ctx, tx, sqlRun, w.id) })
	if errs.IsKind(err, errs.NotFound) {
		return jobs.GiveUp(err)
	}
	if err != nil || r.Status != w.status {
		return err
	}
	// The program acts in the name of the person who asked.
	w.who = access.NewSystem(w.tenant, r.ActedByName)
	w.who.Member = r.ActedBy
	if w.status == Committing && r.LastRow == 0 {
		if err := s.makeStages(ctx, w.who, r); err != nil {
			return w.failed(ctx, err, last)
		}
	}
	for {
		more, err := w.chunk(ctx)
		if err == nil && more {
			err = ctx.Err()
		}
		if err != nil {
			return w.failed(ctx, err, last)
		}
		if !more {
			return nil
		}
	}
}

// failed puts a failure that nothing will repair on the run. Without one the job is tried again, and goes on where it stopped.
func (w *worker) failed(ctx context.Context, err error, last bool) error {
	e := errs.Of(err)
	final := e.Kind != errs.Internal && e.Kind != errs.Unavailable && e.Code != "busy"
	if ctx.Err() != nil || errors.Is(err, context.Canceled) || !last && !final {
		return err
	}
	if final {
		err = jobs.GiveUp(err)
	}
	_, markErr := op.Write(ctx, w.s.ops, w.who, w.act, func(tx *op.Tx) (struct{}, error) {
		r, err2 := lockRun(ctx, tx, w.id)
		if err2 != nil || r.Status != w.status {
			tx.Unchanged()
			return struct{}{}, errors.Join(err2, tx.Allow(r.Object()))
		}
		tx.Audit(audit.Change{Type: "import_run", ID: r.ID, Label: r.FileName, Note: "failed"})
		return struct{}{}, errors.Join(tx.Allow(r.Object()), saveFailure(ctx, tx, r, e.Msg))
	})
	return errors.Join(err, markErr)
}

// chunk does the next rows in one transaction; more says that others follow.
func (w *worker) chunk(ctx context.Context) (more bool, err error) {
	more, err = op.Write(ctx, w.s.ops, w.who, w.act, func(tx *op.Tx) (bool, error) {
		r, err := lockRun(ctx, tx, w.id)
		if err != nil {
			return false, err
		}
		if err := errors.Join(tx.Allow(r.Object()), planAfresh(ctx, tx, true)); err != nil {
			return false, err
		}
		if r.Status != w.status {
			tx.Unchanged()
			w.imp = nil
			return false, nil
		}
		w.run, w.report = r, r.ReportData()
		w.report.quiet = w.status == Committing
		if w.version != r.Version {
			if err := w.prepare(ctx, tx); err != nil {
				return false, err
			}
		}
		rows, err := readChunk(ctx, tx, r.ID, r.LastRow)
		if err != nil {
			return false, err
		}
		if len(rows) > 0 {
			if err := w.rows(ctx, tx, rows); err != nil {
				return false, err
			}
		}
		more := len(rows) == chunkSize
		if !more {
			w.run.Status = w.done
			if u, ok := w.imp.(*undoer); ok {
				if err := u.sweep(ctx, tx, Deals); err != nil {
					return false, err
				}
			}
			tx.Audit(audit.Change{Type: "import_run", ID: r.ID, Label: r.FileName, Note: w.summary()})
		}
		tx.Unchanged()
		return more, saveProgress(ctx, tx, w.run, w.report)
	})
	if err == nil && w.imp != nil {
		w.imp.settle()
	}
	return more, err
}

func (w *worker) summary() string {
	if w.status == Undoing {
		u := w.report.Undo
		return fmt.Sprintf("done: %d removed, %d put back, %d kept", u.Removed, u.Restored, u.Kept)
	}
	return fmt.Sprintf("done: %d created, %d updated, %d unchanged, %d refused", w.run.Created, w.run.Updated, w.run.Unchanged, w.run.Refused)
}

// prepare reads what the importer needs once for many chunks; again when the mapping has changed meanwhile.
func (w *worker) prepare(ctx context.Context, tx *op.Tx) error {
	w.cells = nil
	if w.status == Undoing {
		w.imp = &undoer{w: w}
		w.version = w.run.Version
		return nil
	}
	c, err := newCells(w.run)
	if err != nil {
		return err
	}
	w.cells = c
	switch w.run.Kind {
	case Deals:
		w.imp = &dealImport{w: w}
	case Accounts:
		w.imp = &accountImport{w: w}
	case Partners:
		w.imp = &partnerImport{w: w}
	default:
		w.imp = &productImport{w: w}
	}
	if w.checking() {
		if err := w.findDuplicates(ctx, tx); err != nil {
			return err
		}
	}
	if err := w.imp.load(ctx, tx); err != nil {
		return err
	}
	w.version = w.run.Version
	return nil
}

func (w *worker) checking() bool { return w.status == Checking }

// findDuplicates looks for rows that name the same thing as an earlier one. A partners file names companies as often as
// it has people.
func (w *worker) findDuplicates(ctx context.Context, tx *op.Tx) (err error) {
	column := w.cells.index("external_id")
	switch {
	case w.run.Kind == Partners:
		return nil
	case column < 0 && w.run.Kind != Deals:
		column = w.cells.index("name")
	}
	w.cells.first, err = duplicates(ctx, tx, w.run.ID, column)
	w.cells.key = column
	return err
}

// rows decides and writes one chunk.
func (w *worker) rows(ctx context.Context, tx *op.Tx, rows []Row) error {
	var todo []Row
	for _, row := range rows {
		switch {
		case w.status == Undoing || row.Outcome == Waiting:
			todo = append(todo, row)
		case w.checking():
			w.run.Refused++
			w.report.refuse(row.No, row.Problems)
		}
	}
	w.run.Done += len(rows)
	w.run.LastRow = rows[len(rows)-1].No
	verdicts, err := w.imp.plan(ctx, tx, todo)
	if err != nil {
		return err
	}
	var keep []kept
	for _, v := range verdicts {
		w.count(v)
		if w.checking() && v.outcome != Refused {
			continue // a row that a commit will write waits as it is
		}
		keep = append(keep, kept{v.row, v.outcome, v.problems, v.object, v.before})
	}
	if !w.checking() {
		if err := planAfresh(ctx, tx, false); err != nil {
			return err
		}
		if err := w.imp.write(ctx, tx); err != nil {
			return err
		}
		if err := planAfresh(ctx, tx, true); err != nil {
			return err
		}
	}
	return keepOutcomes(ctx, tx, w.run.ID, keep)
}

func (w *worker) count(v verdict) {
	if w.status == Undoing {
		return // the undoer counts in the report
	}
	switch v.outcome {
	case Created:
		w.run.Created++
	case Updated:
		w.run.Updated++
	case Unchanged:
		w.run.Unchanged++
	case Refused:
		w.run.Refused++
		w.report.refuse(v.row, v.problems)
	}
}
