package archive

import (
	"context"
	"fmt"
	"io"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/op"
)

// Run is one export that somebody asked for.
type Run struct {
	ID         id.ID      `db:"run_id" json:"id"`
	Status     string     `db:"status" json:"status"` // waiting, working, done or failed
	Step       string     `db:"step" json:"step"`     // the table it is at
	Done       int64      `db:"done" json:"done"`     // rows
	Total      int64      `db:"total" json:"total"`
	FileID     id.ID      `db:"file_id" json:"file_id"` // the archive, once it is done
	Bytes      int64      `db:"bytes" json:"bytes"`
	Failure    string     `db:"failure" json:"failure"`
	ByName     string     `db:"created_by_name" json:"created_by_name"`
	CreatedAt  time.Time  `db:"created_at" json:"created_at"`
	FinishedAt *time.Time `db:"finished_at" json:"finished_at"`
}

// Working reports whether a job is still at it.
func (r Run) Working() bool { return r.Status == "waiting" || r.Status == "working" }

// ExportArgs asks for one export to be written.
type ExportArgs struct {
	Run id.ID `json:"run"`
}

// Kind implements jobs.Args.
func (ExportArgs) Kind() string { return string(ActWrite) }

// Start asks for an export of the whole programme; a job writes it into the file room. Conflict "archive.working" while one is
// being written.
func (s *Service) Start(ctx context.Context, who access.Actor) (Run, error) {
	return op.Write(ctx, s.ops, who, ActExport, func(tx *op.Tx) (Run, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Run{}, err
		}
		have, err := runs(ctx, tx)
		if err != nil {
			return Run{}, err
		}
		for _, r := range have {
			if r.Working() {
				return Run{}, errs.New(errs.Conflict, "archive.working", "An export is being written already. Wait for it.")
			}
		}
		r := Run{ID: id.New(), Status: "waiting", ByName: who.Name, CreatedAt: tx.Now}
		if err := insertRun(ctx, tx, r, who.Member); err != nil {
			return Run{}, err
		}
		tx.Audit(audit.Change{Type: "archive_run", ID: r.ID, Label: "the whole programme"})
		return r, tx.Enqueue(ctx, ExportArgs{Run: r.ID})
	})
}

// GetRun returns an export. NotFound "archive.not_found".
func (s *Service) GetRun(ctx context.Context, who access.Actor, v id.ID) (Run, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Run, error) { return getRun(ctx, tx, v) })
}

// RunExport is the handler of the job. It may run again: what an earlier run wrote was never whole, and is written afresh.
func (s *Service) RunExport(ctx context.Context, j jobs.Job[ExportArgs]) error {
	who := access.NewSystem(j.Tenant, "export of the programme")
	r, err := s.GetRun(ctx, who, j.Args.Run)
	if errs.IsKind(err, errs.NotFound) {
		return jobs.GiveUp(err)
	}
	if err != nil || !r.Working() {
		return err
	}
	var m Manifest
	f, err := s.opts.Files.Save(ctx, who, file.Meta{ID: r.ID, Kind: file.TenantExport, Name: fmt.Sprintf("programme-%s.zip", s.ops.Clock().UTC().Format("2006-01-02")), ContentType: "application/zip",
		ObjectType: "archive_run", Object: r.ID}, func(w io.Writer) (err error) {
		m, err = s.Export(ctx, who, w, s.progressOf(ctx, who, r.ID))
		return err
	})
	if err != nil {
		if j.Last() {
			_ = s.note(ctx, who, func(tx *op.Tx) error { return failRun(ctx, tx, r.ID, errs.Of(err).Msg) })
		}
		return err
	}
	return s.note(ctx, who, func(tx *op.Tx) error { return finishRun(ctx, tx, r.ID, f.ID, f.Size, max(m.Rows, r.Done)) })
}

// progressOf notes how far an export has come, at most once a second.
func (s *Service) progressOf(ctx context.Context, who access.Actor, v id.ID) func(Progress) {
	var last time.Time
	return func(p Progress) {
		if now := s.ops.Clock(); now.Sub(last) >= time.Second {
			last = now
			if err := s.note(ctx, who, func(tx *op.Tx) error { return setProgress(ctx, tx, v, p) }); err != nil {
				s.ops.Log.Warn("progress of an export not noted", "run", v, "error", err)
			}
		}
	}
}

func (s *Service) note(ctx context.Context, who access.Actor, fn func(tx *op.Tx) error) error {
	_, err := op.Write(ctx, s.ops, who, ActWrite, func(tx *op.Tx) (struct{}, error) {
		tx.Unchanged() // the export itself is on record
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, fn(tx)
	})
	return err
}
