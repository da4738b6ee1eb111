package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/transfer"
)

// maxRefusedRows is how many refused rows the command line lists.
const maxRefusedRows = 1000

// ImportFile is what `entente import` is told.
type ImportFile struct {
	Kind   string
	Path   string // - is standard input
	Tenant string // slug
	Map    string // path of the mapping, "" to guess
	DryRun bool   // check only; the import stays, checked, and can be committed in the program
}

// Imported is what it answers. After a dry run the counts say what a commit would do.
type Imported struct {
	ImportID    string                      `json:"import_id"`
	Kind        string                      `json:"kind"`
	Status      string                      `json:"status"`
	DryRun      bool                        `json:"dry_run"`
	Total       int                         `json:"total"`
	Created     int                         `json:"created"`
	Updated     int                         `json:"updated"`
	Unchanged   int                         `json:"unchanged"`
	Refused     int                         `json:"refused"`
	Columns     map[string]string           `json:"columns"`
	Warnings    []transfer.Finding          `json:"warnings"`
	Values      map[string][]transfer.Value `json:"values"`
	Totals      []transfer.Total            `json:"totals,omitempty"`
	Made        map[string]int              `json:"made,omitempty"`
	RefusedRows []RefusedRow                `json:"refused_rows"`
}

// RefusedRow is one reason for which one row was refused.
type RefusedRow struct {
	Row int `json:"row"`
	transfer.Problem
}

// Import checks a file and, unless it is a dry run, writes what is not refused. It does the work itself, beside a running
// server or without one; should it be cut off, a server takes the work up after two minutes. It acts as the operator.
func (a *App) Import(ctx context.Context, in ImportFile) (Imported, error) {
	t, err := a.named(ctx, in.Tenant)
	if err != nil {
		return Imported{}, err
	}
	who := access.NewOperator(t.ID)
	mapping, err := readMapping(in.Map)
	if err != nil {
		return Imported{}, err
	}
	file, err := openImport(in.Path)
	if err != nil {
		return Imported{}, err
	}
	defer file.Close()
	r, err := a.Transfer.Upload(ctx, who, transfer.UploadInput{Kind: in.Kind, FileName: filepath.Base(in.Path), Mapping: mapping, File: file, Direct: true})
	if err != nil {
		return Imported{}, err
	}
	if err := again(func() error {
		return a.Transfer.RunCheck(ctx, jobs.Job[transfer.CheckArgs]{Tenant: t.ID, Args: transfer.CheckArgs{Import: r.ID}, Attempt: 1, MaxAttempts: 8})
	}); err != nil {
		return Imported{}, err
	}
	if r, err = a.Transfer.Get(ctx, who, r.ID); err != nil {
		return Imported{}, err
	}
	if !in.DryRun && r.Status == transfer.Checked && r.Refused < r.Total {
		if r, err = a.commitDirect(ctx, who, r.ID); err != nil {
			return Imported{}, err
		}
	}
	return a.imported(ctx, who, r, in.DryRun)
}

func (a *App) commitDirect(ctx context.Context, who access.Actor, v id.ID) (transfer.Run, error) {
	if _, err := a.Transfer.Commit(ctx, who, transfer.StepInput{ID: v, Direct: true}); err != nil {
		return transfer.Run{}, err
	}
	err := again(func() error {
		return a.Transfer.RunCommit(ctx, jobs.Job[transfer.CommitArgs]{Tenant: who.Tenant, Args: transfer.CommitArgs{Import: v}, Attempt: 1, MaxAttempts: 8})
	})
	if err != nil {
		return transfer.Run{}, err
	}
	return a.Transfer.Get(ctx, who, v)
}

// again runs work that goes on where it stopped once more when it met somebody else's change.
func again(work func() error) (err error) {
	for range 3 {
		if err = work(); !errs.Is(err, "busy") {
			return err
		}
	}
	return err
}

func (a *App) imported(ctx context.Context, who access.Actor, r transfer.Run, dry bool) (Imported, error) {
	rep := r.ReportData()
	out := Imported{ImportID: r.ID.String(), Kind: r.Kind, Status: r.Status, DryRun: dry, Total: r.Total, Created: r.Created, Updated: r.Updated, Unchanged: r.Unchanged,
		Refused: r.Refused, Columns: rep.Columns, Warnings: append([]transfer.Finding{}, rep.Warnings...), Values: rep.Values, Totals: rep.Totals, Made: rep.Made, RefusedRows: []RefusedRow{}}
	q := transfer.RowQuery{Import: r.ID, Outcome: transfer.Refused, Limit: page.MaxLimit}
	for len(out.RefusedRows) < maxRefusedRows {
		p, err := a.Transfer.Rows(ctx, who, q)
		if err != nil {
			return out, err
		}
		for _, row := range p.Items {
			for _, problem := range row.Problems {
				out.RefusedRows = append(out.RefusedRows, RefusedRow{row.No, problem})
			}
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			break
		}
	}
	out.RefusedRows = out.RefusedRows[:min(len(out.RefusedRows), maxRefusedRows)]
	if r.Status == transfer.Failed {
		return out, errs.New(errs.Internal, "import.failed", "The import failed: %s", r.Failure)
	}
	return out, nil
}

func readMapping(path string) (transfer.Mapping, error) {
	if path == "" {
		return transfer.Mapping{}, nil
	}
	data, err := input(path)
	if err != nil {
		return transfer.Mapping{}, fmt.Errorf("--map: %w", err)
	}
	return transfer.ParseMapping(data)
}

func openImport(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New(path + " is not a file")
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Print writes the answer for a person.
func (r Imported) Print(w io.Writer) {
	did := map[bool]string{true: "would be", false: "were"}[r.DryRun || r.Status == transfer.Checked]
	fmt.Fprintf(w, "%s: %d rows; %d %s created, %d updated, %d left as they are, %d refused.\n", r.Kind, r.Total, r.Created, did, r.Updated, r.Unchanged, r.Refused)
	for _, f := range r.Warnings {
		fmt.Fprintf(w, "  note (%d rows): %s\n", f.Count, f.Message)
	}
	for i, row := range r.RefusedRows {
		if i == 20 {
			fmt.Fprintf(w, "  … and more; --json lists up to %d\n", maxRefusedRows)
			break
		}
		fmt.Fprintf(w, "  row %d, %s %q: %s\n", row.Row, row.Column, row.Value, row.Message)
	}
	fmt.Fprintf(w, "Import %s is %s.\n", r.ImportID, r.Status)
}
