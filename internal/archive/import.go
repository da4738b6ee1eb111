package archive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// How much of a table goes to the database at once, and how long one row may be.
const (
	batchRows  = 500
	batchBytes = 4 << 20
	maxRow     = 256 << 20
)

// ImportInput is an archive and what to do with it.
type ImportInput struct {
	Archive *Archive
	Slug    string // "" takes the archive's own
	Tell    func(Progress)
}

// Imported says what arrived.
type Imported struct {
	Tenant   Tenant           `json:"tenant"`
	Rows     int64            `json:"rows"`
	Tables   map[string]int64 `json:"tables"`
	Persons  int              `json:"persons"`
	SignedBy string           `json:"signed_by"` // "" when it was taken unsigned
}

// Import makes the archive's programme in this installation, with its ids, its history and its files. All of it arrives or nothing.
// People keep the login they have here; others get in by a link for a new password. API keys and open invitations arrive without
// their secret, and a programme that was closing arrives active.
//
// Errors: Conflict "tenant.exists" when the tenant's id or slug is taken here, Invalid "archive.damaged", "archive.columns" for
// columns that this program does not know.
func (s *Service) Import(ctx context.Context, in ImportInput) (Imported, error) {
	m := in.Archive.Manifest
	if m.Tenant.ID == id.Nil {
		return Imported{}, bad("it names no tenant")
	}
	if in.Slug == "" {
		in.Slug = m.Tenant.Slug
	}
	if err := tenant.CheckNew(tenant.CreateInput{Slug: in.Slug, Name: m.Tenant.Name}); err != nil {
		return Imported{}, err
	}
	if err := in.Archive.Check(ctx); err != nil {
		return Imported{}, err
	}
	if in.Tell == nil {
		in.Tell = func(Progress) {}
	}
	who := access.NewPlatform(m.Tenant.ID, "import of an archive")
	arrived := false // there was no such tenant here, and one began to arrive
	out, err := op.Write(ctx, s.ops, who, ActImport, func(tx *op.Tx) (Imported, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Imported{}, err
		}
		tx.Unchanged() // the programme's own log arrives as it was; the arrival has a row of its own
		u := &unpacker{s: s, tx: tx, in: in, arrived: &arrived, persons: map[id.ID]id.ID{}, out: Imported{Tenant: Tenant{m.Tenant.ID, in.Slug, m.Tenant.Name}, SignedBy: in.Archive.SignedBy, Tables: map[string]int64{}}}
		u.progress.Total = m.Rows
		err := u.unpack(ctx)
		return u.out, err
	})
	if err != nil && arrived && s.opts.DropFiles != nil {
		if _, fault := s.opts.DropFiles(context.WithoutCancel(ctx), m.Tenant.ID); fault != nil { // no row knows them
			s.ops.Log.Warn("files of an import that failed are left in the store", "tenant", m.Tenant.ID, "error", fault)
		}
	}
	return out, err
}

// NoteArrival writes into the log of a programme that came in where it came from. It is the first entry that this installation seals.
func (s *Service) NoteArrival(ctx context.Context, in Imported) error {
	who := access.NewOperator(in.Tenant.ID)
	_, err := op.Write(ctx, s.ops, who, ActImport, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		from := in.SignedBy
		if from == "" {
			from = "an archive nobody is known to have signed"
		}
		tx.Audit(audit.Change{Type: "tenant", ID: in.Tenant.ID, Label: in.Tenant.Name, Note: fmt.Sprintf("from %s, %d rows", from, in.Rows)})
		return struct{}{}, nil
	})
	return err
}

// unpacker brings one archive in, within one transaction.
type unpacker struct {
	s        *Service
	tx       *op.Tx
	in       ImportInput
	out      Imported
	persons  map[id.ID]id.ID // those who have another id here
	progress Progress
	arrived  *bool
}

func (u *unpacker) unpack(ctx context.Context) error {
	if err := patient(ctx, u.tx); err != nil {
		return err
	}
	if err := arrive(ctx, u.tx, u.out.Tenant, u.in.Archive); err != nil {
		return err
	}
	*u.arrived = true
	tables, err := readTables(ctx, u.tx)
	if err != nil {
		return err
	}
	if err := u.known(tables); err != nil {
		return err
	}
	if err := u.people(ctx); err != nil {
		return err
	}
	var row json.RawMessage
	for _, t := range tables {
		m, ok := u.in.Archive.table(t.Name)
		if !ok || leftOut[t.Name] != "" {
			continue
		}
		if t.Name == "tenant" {
			err = u.in.Archive.read(ctx, m, func(r io.Reader) (err error) { row, err = io.ReadAll(io.LimitReader(r, maxRow)); return err })
			u.out.Tables[t.Name], u.out.Rows = 1, u.out.Rows+1
		} else {
			err = u.table(ctx, t, m)
		}
		if err != nil {
			return fmt.Errorf("import %s: %w", t.Name, err)
		}
		if err := u.s.at("import." + t.Name); err != nil {
			return err
		}
	}
	return u.settle(ctx, tables, row)
}

// known refuses an archive with tables or columns that this program does not have.
func (u *unpacker) known(tables []table) error {
	for _, m := range u.in.Archive.Manifest.Members {
		if m.Table == "" {
			continue
		}
		i := slices.IndexFunc(tables, func(t table) bool { return t.Name == m.Table })
		if i < 0 {
			return errs.New(errs.Invalid, "archive.columns", "The archive has a table %q that this program does not know. Update this program first.", clip(m.Table))
		}
		for _, c := range m.Columns {
			if !slices.Contains(tables[i].exported(), c) {
				return errs.New(errs.Invalid, "archive.columns", "The archive has a column %s.%s that this program does not take. Update this program first.", m.Table, clip(c))
			}
		}
	}
	return nil
}

// people finds or makes the persons behind the memberships.
func (u *unpacker) people(ctx context.Context) error {
	i := slices.IndexFunc(u.in.Archive.Manifest.Members, func(m Member) bool { return m.Name == personsName })
	if i < 0 {
		return bad("%q is missing", personsName)
	}
	return u.in.Archive.read(ctx, u.in.Archive.Manifest.Members[i], func(r io.Reader) error {
		return lines(r, func(line []byte) error {
			var p person
			if err := json.Unmarshal(line, &p); err != nil || p.ID == id.Nil {
				return bad("a person cannot be read")
			}
			here, err := findPerson(ctx, u.tx, p)
			if err != nil {
				return err
			}
			u.out.Persons++
			if here != p.ID {
				u.persons[p.ID] = here
			}
			return nil
		})
	})
}

// table brings in the rows of one table, many at a time.
func (u *unpacker) table(ctx context.Context, t table, m Member) error {
	u.progress.Step = t.Name
	keys, err := u.tx.Sealer(ctx)
	if err != nil {
		return err
	}
	ch := changerOf(t, m, keys, u.persons)
	columns := append(slices.Clone(m.Columns), ch.added...)
	for name := range ch.begins {
		columns = append(columns, name)
	}
	if t.Name == "stored_file" {
		columns = append(columns, "blob_key", "key_version")
		ch.take = func(v id.ID) (key string, version int, err error) { return u.take(ctx, keys, v) }
	}
	batch, n := bytes.NewBufferString("["), 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		batch.WriteByte(']')
		if err := insertRows(ctx, u.tx, t.Name, columns, batch.String()); err != nil {
			return err
		}
		u.out.Tables[t.Name] += int64(n)
		u.out.Rows += int64(n)
		u.progress.Done = u.out.Rows
		u.in.Tell(u.progress)
		batch.Reset()
		batch.WriteByte('[')
		n = 0
		return nil
	}
	err = u.in.Archive.read(ctx, m, func(r io.Reader) error {
		return lines(r, func(line []byte) error {
			line, err := ch.change(line, u.tx.Who.Tenant)
			if err != nil {
				return err
			}
			if n > 0 {
				batch.WriteByte(',')
			}
			batch.Write(line)
			if n++; n >= batchRows || batch.Len() > batchBytes {
				return flush()
			}
			return nil
		})
	})
	if err == nil {
		err = flush()
	}
	if err == nil && u.out.Tables[t.Name] != m.Rows {
		err = bad("%s has %d rows and not %d", t.Name, u.out.Tables[t.Name], m.Rows)
	}
	return err
}

// take stores the content of one file.
func (u *unpacker) take(ctx context.Context, keys keyring.Sealer, v id.ID) (key string, version int, err error) {
	name := "files/" + v.String()
	i := slices.IndexFunc(u.in.Archive.Manifest.Members, func(m Member) bool { return m.Name == name })
	if i < 0 || u.s.opts.Files == nil {
		return "", 0, bad("%q is missing", name)
	}
	err = u.in.Archive.read(ctx, u.in.Archive.Manifest.Members[i], func(r io.Reader) (err error) {
		key, version, err = u.s.opts.Files.Take(ctx, keys, u.tx.Who.Tenant, v, r)
		return err
	})
	return key, version, err
}

// settle gives the tenant its own row, last.
func (u *unpacker) settle(ctx context.Context, tables []table, row json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(row, &fields); err != nil || string(fields["tenant_id"]) != `"`+u.tx.Who.Tenant.String()+`"` {
		return bad("the tenant's own row cannot be read")
	}
	m, _ := u.in.Archive.table("tenant")
	columns := slices.DeleteFunc(slices.Clone(m.Columns), func(c string) bool { return slices.Contains(ofLeaving, c) })
	var status string
	_ = json.Unmarshal(fields["status"], &status)
	if status != tenant.Suspended {
		status = tenant.Active
	}
	fields["status"], _ = json.Marshal(status)
	fresh, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return settleTenant(ctx, u.tx, columns, string(fresh))
}

// ofLeaving are the columns of a tenant that say how it leaves an installation; they do not go with it.
var ofLeaving = []string{"deletion_requested_at", "closing_at", "closing_by", "closing_reason", "purge_after", "closed_at", "purged_at"}

// lines calls fn with every line of r; an empty one is refused.
func lines(r io.Reader, fn func(line []byte) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, part...); len(long) > maxRow {
				return bad("a row is longer than 256 MiB")
			}
			continue
		case errors.Is(err, io.EOF) && len(part) == 0 && len(long) == 0:
			return nil
		case err != nil:
			return bad("a line is cut off")
		}
		line := part
		if len(long) > 0 {
			line = append(long, part...)
			long = nil
		}
		if err := fn(bytes.TrimSuffix(line, []byte{'\n'})); err != nil {
			return err
		}
	}
}

// errRow is a row that no export writes.
var errRow = errs.New(errs.Invalid, "archive.damaged", "A row of the archive is not one of its tenant.")

// randomHex fills a secret that stayed behind with what nobody knows.
func randomHex() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
