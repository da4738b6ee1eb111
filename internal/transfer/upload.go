package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// MaxFile is how many bytes an import file may have, and MaxRows how many rows.
const (
	MaxFile = 64 << 20
	MaxRows = 200_000
)

// chunkSize is how many rows are one transaction.
const chunkSize = 500

// safetyNet is how long a job waits that stands behind work which the caller does itself.
const safetyNet = 2 * time.Minute

// UploadInput is a file to import. File is read once, as a stream.
type UploadInput struct {
	Kind     string
	FileName string
	Mapping  Mapping
	File     io.Reader
	// Ask stores a file whose header cannot be understood as an import that waits for its mapping, instead of refusing it.
	Ask bool
	// Direct says that the caller runs the work itself (RunCheck); the job then waits, and finds nothing to do.
	Direct bool
}

// Upload stores the rows of a file and has them checked. A file that is refused leaves nothing behind.
//
// Errors: Malformed or TooLarge with a code of kernel/sheet for a file that is no usable table; Invalid with the fields of the
// mapping (columns.…, values.…, defaults.…, options.…) or kind; Forbidden when the mapping adds stages and the actor may not.
func (s *Service) Upload(ctx context.Context, who access.Actor, in UploadInput) (Run, error) {
	used := false
	return op.Write(ctx, s.ops, who, ActCreate, func(tx *op.Tx) (Run, error) {
		var r Run
		if err := tx.Allow(r.Object()); err != nil {
			return r, err
		}
		if !slices.Contains(Kinds, in.Kind) {
			return r, errs.Refused([]errs.Field{{Name: "kind", Code: "field.choice", Msg: "Use one of " + strings.Join(Kinds, ", ") + "."}})
		}
		if used { // the stream is spent and the transaction did not happen
			return r, errs.New(errs.Conflict, "import.again", "The upload could not be stored. Send the file again.")
		}
		used = true
		t, err := sheet.Open(in.File, sheet.Limits{Rows: MaxRows, Total: MaxFile})
		if err != nil {
			return r, err
		}
		r = Run{ID: id.New(), Kind: in.Kind, Status: Checking, Phase: "check", FileName: fileName(in.FileName), Header: headerOf(t.Header()),
			CreatedBy: who.Member, CreatedByName: who.Name, ActedBy: who.Member, ActedByName: who.Name, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if err := mayUse(who, in.Mapping); err != nil {
			return r, err
		}
		_, unclear := in.Mapping.bind(r.Kind, r.Header)
		if unclear != nil && !in.Ask {
			return r, unclear
		}
		if r.Mapping, err = json.Marshal(in.Mapping); err != nil {
			return r, err
		}
		r.FileInfo, r.Report = json.RawMessage("{}"), json.RawMessage("{}")
		if err := insertRun(ctx, tx, r); err != nil {
			return r, err
		}
		if err := storeRows(ctx, tx, &r, t); err != nil {
			return r, err
		}
		if err := finishUpload(ctx, tx, r); err != nil {
			return r, err
		}
		tx.Audit(audit.Change{Type: "import_run", ID: r.ID, Label: r.FileName, Note: fmt.Sprintf("%s, %d rows", r.Kind, r.Total)})
		if unclear != nil {
			return r, saveFailure(ctx, tx, r, "The header does not say which column is which. Is this the right file? If it is, say below what its columns mean.")
		}
		return r, enqueue(ctx, tx, CheckArgs{r.ID}, in.Direct)
	})
}

// storeRows copies the table into import_row, a chunk at a time.
func storeRows(ctx context.Context, tx *op.Tx, r *Run, t *sheet.Reader) error {
	samples := make([]string, len(r.Header))
	rows := make([]freshRow, 0, chunkSize)
	size := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := insertRows(ctx, tx, r.ID, rows)
		rows, size = rows[:0], 0
		return err
	}
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		fresh := freshRow{No: row.Number, Cells: row.Cells}
		if row.Problem != nil {
			e := errs.Of(row.Problem)
			fresh.Outcome, fresh.Problems = Refused, []Problem{{Code: e.Code, Message: e.Msg}}
		}
		for i, c := range row.Cells {
			size += len(c)
			if i < len(samples) && samples[i] == "" {
				samples[i] = shorten(strings.TrimSpace(c), 60)
			}
		}
		r.Total++
		if rows = append(rows, fresh); len(rows) == chunkSize || size > 4<<20 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if r.Total == 0 {
		return errs.New(errs.Malformed, "sheet.no_rows", "The file has a header and no rows below it.")
	}
	info := t.Info()
	file := FileInfo{Encoding: info.Encoding, Delimiter: info.Delimiter, Samples: samples}
	for _, n := range info.Header {
		file.Notes = append(file.Notes, n.Name+": "+n.Msg)
	}
	var err error
	r.FileInfo, err = json.Marshal(file)
	return err
}

// headerOf gives every column a name of its own.
func headerOf(names []string) []string {
	out := make([]string, len(names))
	seen := map[string]bool{}
	for i, name := range names {
		name = shorten(name, 200)
		if name == "" {
			name = fmt.Sprintf("column %d", i+1)
		}
		unique := name
		for n := 2; seen[strings.ToLower(unique)]; n++ {
			unique = fmt.Sprintf("%s (%d)", name, n)
		}
		seen[strings.ToLower(unique)] = true
		out[i] = unique
	}
	return out
}

// fileName keeps the last part of what the client calls the file, without characters that cannot be shown.
func fileName(s string) string {
	s = path.Base(strings.ReplaceAll(s, `\`, "/"))
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
	if s == "" || s == "." || s == "/" {
		return "upload.csv"
	}
	return shorten(s, 200)
}

// mayUse refuses a mapping that asks for more than the actor may do by hand.
func mayUse(who access.Actor, m Mapping) error {
	if m.Options.CreateStages && !who.May(tenant.ActStages) {
		return errs.New(errs.Forbidden, "import.stages", "Only somebody who may change the pipeline's stages can import with create_stages. Map the stages, or ask an Admin.")
	}
	return nil
}

func enqueue(ctx context.Context, tx *op.Tx, a jobs.Args, direct bool) error {
	if direct {
		return tx.Enqueue(ctx, a, jobs.At(tx.Now.Add(safetyNet)))
	}
	return tx.Enqueue(ctx, a)
}
