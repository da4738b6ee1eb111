package file

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"strings"
	"sync"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// maxSize bounds one file: 64 GiB.
const maxSize = 64 << 30

// Writer takes the content of one file. Close completes it; Abort, or a context that ends, leaves nothing. Abort after Close
// does nothing, so that it may be deferred.
type Writer struct {
	file   File
	sealed io.WriteCloser // encrypts into the pipe
	pipe   *io.PipeWriter
	sum    hash.Hash
	finish func(f File) error // marks the row, after the content is durable

	done   chan error // what the store said
	once   sync.Once
	err    error
	unhook func() bool
}

// ID returns the file's id.
func (w *Writer) ID() id.ID { return w.file.ID }

// Write adds to the content.
func (w *Writer) Write(p []byte) (int, error) {
	if w.file.Size += int64(len(p)); w.file.Size > maxSize {
		return 0, errs.New(errs.TooLarge, "file.too_large", "The file is larger than 64 GiB.")
	}
	w.sum.Write(p)
	n, err := w.sealed.Write(p)
	if err != nil {
		return n, unavailable(err)
	}
	return n, nil
}

// Close makes the content durable and the file ready. Errors: Unavailable "files.unavailable" from the store.
func (w *Writer) Close() error {
	w.once.Do(func() {
		err := w.sealed.Close()
		w.pipe.CloseWithError(err) // nil is the end of the stream
		w.unhook()
		if err = cmp.Or(<-w.done, err); err != nil {
			w.err = unavailable(err)
			return
		}
		w.file.SHA256, w.file.State = w.sum.Sum(nil), Ready
		w.err = w.finish(w.file)
	})
	return w.err
}

// errAborted ends a stream that its writer gave up.
var errAborted = errors.New("the file was given up by its writer")

// Abort gives the file up: nothing of it stays visible.
func (w *Writer) Abort() {
	w.once.Do(func() {
		w.err = errAborted
		w.pipe.CloseWithError(errAborted)
		w.unhook()
		<-w.done
	})
}

// open starts the stream of f into the store: content is encrypted here.
func (s *Service) open(ctx context.Context, f *File, finish func(File) error) (*Writer, error) {
	sealer, err := s.ops.Keys.Sealer(ctx, f.TenantID)
	if err != nil {
		return nil, err
	}
	version := int(sealer.Version())
	f.KeyVersion = &version
	r, pipe := io.Pipe()
	w := &Writer{pipe: pipe, sum: sha256.New(), finish: finish, done: make(chan error, 1)}
	w.unhook = context.AfterFunc(ctx, func() { pipe.CloseWithError(context.Cause(ctx)) })
	key := *f.BlobKey
	go func() {
		err := s.blobs.Put(ctx, key, r)
		r.CloseWithError(cmp.Or(err, io.ErrClosedPipe))
		w.done <- err
	}()
	if w.sealed, err = sealer.SealTo(f.place(), pipe); err != nil {
		w.Abort()
		return nil, unavailable(err)
	}
	w.file = *f
	return w, nil
}

// blobKey returns a fresh name for the content of f: never the one of an earlier content.
func blobKey(f File) *string {
	k := f.TenantID.String() + "/" + f.ID.String() + "." + strings.ToLower(rand.Text())
	return &k
}

// fresh returns the row that m begins as.
func fresh(tx *op.Tx, m Meta) (File, error) {
	var bad []errs.Field
	if m.Name = strings.Join(strings.Fields(m.Name), " "); m.Name == "" || len(m.Name) > 200 || strings.ContainsAny(m.Name, "/\\\"\x00") {
		bad = append(bad, errs.Field{Name: "name", Code: "field.file_name", Msg: "Give a file name of at most 200 characters, without slashes and quotes."})
	}
	if err := errs.Refused(bad); err != nil {
		return File{}, err
	}
	if m.ID == id.Nil {
		m.ID = id.New()
	}
	f := File{TenantID: tx.Who.Tenant, ID: m.ID, Kind: m.Kind, Name: m.Name, ContentType: m.ContentType, Partner: m.Partner, Member: m.Member,
		ObjectType: m.ObjectType, Object: m.Object, State: Writing, CreatedBy: tx.Who.Member, CreatedName: tx.Who.Name, CreatedAt: tx.Now, Version: 1}
	switch {
	case m.Forever:
	case !m.Expires.IsZero():
		f.ExpiresAt = &m.Expires
	default:
		f.KeptFrom = &f.CreatedAt
	}
	f.BlobKey = blobKey(f)
	return f, nil
}

// Create begins a file within the running transaction: it exists when that commits, and never half. Close the writer before
// the transaction ends. The caller puts on record what the file is. For small files: the transaction stays open meanwhile.
func (s *Service) Create(ctx context.Context, tx *op.Tx, m Meta) (*Writer, error) {
	f, err := fresh(tx, m)
	if err != nil {
		return nil, err
	}
	if err := insert(ctx, tx, &f); err != nil {
		return nil, err
	}
	return s.open(ctx, &f, func(f File) error { return markReady(ctx, tx, f) })
}

// Save makes a file of what fill writes and returns it ready. It holds no transaction meanwhile, and is what a job uses. who is
// the program itself (access.NewSystem). With m.ID it may be run again: a file that is ready is returned as it is, without
// fill; one that was broken off is written afresh.
func (s *Service) Save(ctx context.Context, who access.Actor, m Meta, fill func(w io.Writer) error) (File, error) {
	f, err := op.Write(ctx, s.ops, who, ActCreate, func(tx *op.Tx) (File, error) { return s.begin(ctx, tx, m) })
	if err != nil || f.State == Ready {
		return f, err
	}
	out := f
	w, err := s.open(ctx, &f, func(ready File) error {
		_, err := op.Write(ctx, s.ops, who, ActCreate, func(tx *op.Tx) (struct{}, error) {
			if err := tx.Allow(access.Object{}); err != nil {
				return struct{}{}, err
			}
			tx.Audit(audit.Change{Type: "stored_file", ID: ready.ID, Label: ready.Name, After: ready})
			return struct{}{}, markReady(ctx, tx, ready)
		})
		out = ready
		return err
	})
	if err != nil {
		return File{}, err
	}
	defer w.Abort()
	if err := fill(w); err != nil {
		return File{}, err
	}
	return out, w.Close()
}

func (s *Service) begin(ctx context.Context, tx *op.Tx, m Meta) (File, error) {
	if err := tx.Allow(access.Object{}); err != nil {
		return File{}, err
	}
	tx.Unchanged() // told when it is ready
	if m.ID != id.Nil {
		have, err := lock(ctx, tx, m.ID)
		switch {
		case err == nil && have.State == Writing:
			have.BlobKey = blobKey(have)
			return have, setBlob(ctx, tx, have)
		case err == nil && have.State == Ready:
			return have, nil
		case err == nil:
			return File{}, errs.New(errs.Conflict, "file.gone", "This file was made before, and is gone.")
		case !errs.IsKind(err, errs.NotFound):
			return File{}, err
		}
	}
	f, err := fresh(tx, m)
	if err != nil {
		return File{}, err
	}
	err = insert(ctx, tx, &f)
	return f, err
}
