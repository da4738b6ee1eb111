package file

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Get returns a file without its content, whatever its state; one whose time is up is gone, swept or not. Errors: NotFound "file.not_found".
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (File, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (File, error) {
		f, err := get(ctx, tx, v)
		if err != nil {
			return File{}, err
		}
		return f.at(tx.Now), allow(tx, f)
	})
}

// at is the file as it is at now.
func (f File) at(now time.Time) File {
	if f.State == Ready && f.Over(now) {
		f.State = Gone
	}
	return f
}

// Content is a file with its content; close it.
type Content struct {
	File
	io.Reader
	io.Closer
}

// Open returns a file's content, decrypted while it is read, and puts the opening on record. Errors: NotFound "file.not_found",
// Conflict "file.writing" before it is ready, NotFound "file.gone" after its end, Unavailable "keys.unavailable" and
// "files.unavailable".
func (s *Service) Open(ctx context.Context, who access.Actor, v id.ID) (*Content, error) {
	f, err := op.Write(ctx, s.ops, who, ActOpen, func(tx *op.Tx) (File, error) {
		f, err := get(ctx, tx, v)
		if err != nil {
			return File{}, err
		}
		if err := allow(tx, f); err != nil {
			return File{}, err
		}
		switch {
		case f.State == Writing:
			return File{}, errs.New(errs.Conflict, "file.writing", "This file is still being written. Come back in a moment.")
		case f.State == Gone || f.Over(tx.Now):
			return File{}, errs.New(errs.NotFound, "file.gone", "This file is no longer kept.")
		}
		tx.Audit(audit.Change{Type: "stored_file", ID: f.ID, Label: f.Name, Partner: f.seenBy()})
		return f, nil
	})
	if err != nil {
		return nil, err
	}
	return s.content(ctx, f)
}

// seenBy is the partner whose people may read what is on record about the file.
func (f File) seenBy() id.ID {
	if f.Member != id.Nil {
		return id.Nil
	}
	return f.Partner
}

// content opens the blob of f and begins to decrypt it.
func (s *Service) content(ctx context.Context, f File) (*Content, error) {
	raw, err := s.blobs.Get(ctx, *f.BlobKey)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, &errs.Error{Kind: errs.Internal, Code: "file.lost", Msg: "The content of this file is missing from the file store. Tell whoever runs this program.", Err: err}
	}
	if err != nil {
		return nil, unavailable(err)
	}
	plain, err := s.ops.Keys.OpenFrom(ctx, f.TenantID, f.place(), raw)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	// The first segment is decrypted now: what cannot be read is told instead of begun.
	ahead := bufio.NewReader(plain)
	if _, err := ahead.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(&errs.Error{Kind: errs.Internal, Code: "file.damaged", Msg: "The content of this file cannot be decrypted: it was altered, or belongs elsewhere.", Err: err}, raw.Close())
	}
	return &Content{File: f, Reader: ahead, Closer: raw}, nil
}

// Query says which files, newest first; zero values mean any.
type Query struct {
	Kind   Kind
	Limit  int
	Cursor string
}

// Page is one page of files; Next is the cursor of the next one, "" on the last.
type Page struct {
	Items []File
	Next  string
}

// List returns the files that the actor may open or could have, newest first. Errors: Invalid kind, Malformed cursor.
func (s *Service) List(ctx context.Context, who access.Actor, q Query) (Page, error) {
	if q.Kind != "" && !slices.Contains(Kinds, q.Kind) {
		return Page{}, errs.Refused([]errs.Field{{Name: "kind", Code: "field.choice", Msg: "This is no kind of file."}})
	}
	limit := page.Limit(q.Limit)
	at, last := s.ops.Clock().Add(time.Hour), id.Nil
	if err := s.ops.Pages.Resume(q.Cursor, who.Tenant.String(), "file", &at, &last); err != nil {
		return Page{}, err
	}
	var out Page
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		staff := who.Persona != access.Partner
		all := staff && who.May(ActPrivate)
		own := who.Scope(ActList) == access.Own
		r.Query(sqlList, []any{who.Tenant, at, last, limit + 1, string(q.Kind), who.Member, staff, all, own}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, scan)
			for i, f := range out.Items {
				out.Items[i] = f.at(r.Now)
			}
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(end File) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "file", end.CreatedAt, end.ID)
	})
	return out, err
}
