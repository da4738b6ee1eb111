package archive

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// The members of an archive that are not a table's rows.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.json.note"
	personsName   = "persons.jsonl"
	readmeName    = "README.txt"
)

// Export writes everything the tenant has to w, as one archive, and returns its manifest. tell, if not nil, hears of the
// progress. It holds little in memory however large the tenant is. who is the program itself (access.NewSystem); that the
// tenant was exported is on its record before the archive is whole: without that it gets no manifest.
//
// Errors: Unavailable "keys.unavailable" when something encrypted cannot be opened; whatever w returns. What was written to w
// before an error is no archive: it has no manifest.
func (s *Service) Export(ctx context.Context, who access.Actor, w io.Writer, tell func(Progress)) (Manifest, error) {
	p := newPacker(s, w, tell)
	_, err := op.Read(ctx, s.ops, who, ActWrite, func(tx *op.Tx) (struct{}, error) { return struct{}{}, p.pack(ctx, tx) })
	if err != nil {
		return Manifest{}, err
	}
	for _, l := range s.opts.Lists {
		if err := p.list(ctx, who, l); err != nil {
			return Manifest{}, err
		}
	}
	if err := s.at("export.manifest"); err != nil {
		return Manifest{}, err
	}
	if _, err := op.Write(ctx, s.ops, who, ActWrite, func(tx *op.Tx) (struct{}, error) {
		tx.Audit(audit.Change{Type: "tenant", ID: who.Tenant, Label: p.manifest.Tenant.Name, Note: fmt.Sprintf("the whole programme, %d rows", p.manifest.Rows)})
		return struct{}{}, tx.Allow(access.Object{})
	}); err != nil {
		return Manifest{}, err
	}
	return p.manifest, p.finish(ctx)
}

// packer writes one archive.
type packer struct {
	s        *Service
	zip      *zip.Writer
	manifest Manifest
	tell     func(Progress)
	progress Progress
}

func newPacker(s *Service, w io.Writer, tell func(Progress)) *packer {
	if tell == nil {
		tell = func(Progress) {}
	}
	return &packer{s: s, zip: zip.NewWriter(w), tell: tell}
}

// pack writes the rows: one member for each table.
func (p *packer) pack(ctx context.Context, tx *op.Tx) error {
	if err := patient(ctx, tx); err != nil {
		return err
	}
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return err
	}
	p.manifest = Manifest{Format: formatName, Version: Format, Program: p.s.opts.Program, Schema: p.s.opts.Schema, ExportedAt: tx.Now,
		Tenant: Tenant{ID: set.ID, Slug: set.Slug, Name: set.Name}}
	tables, err := readTables(ctx, tx)
	if err != nil {
		return err
	}
	if p.manifest.Verifiers, err = verifiers(ctx, tx); err != nil {
		return err
	}
	p.leaveOut(tables)
	tables = slices.DeleteFunc(tables, func(t table) bool { return leftOut[t.Name] != "" })
	if p.progress.Total, err = countRows(ctx, tx, tables); err != nil {
		return err
	}
	if err := p.text(readmeName, readme); err != nil {
		return err
	}
	if err := p.persons(ctx, tx); err != nil {
		return err
	}
	for _, t := range tables {
		if err := p.rows(ctx, tx, t); err != nil {
			return fmt.Errorf("export %s: %w", t.Name, err)
		}
		if err := p.s.at("export." + t.Name); err != nil {
			return err
		}
	}
	return p.files(ctx, tx)
}

// files writes the content of every stored file, opened.
func (p *packer) files(ctx context.Context, tx *op.Tx) error {
	if p.s.opts.Files == nil {
		return nil
	}
	ids, err := fileIDs(ctx, tx)
	if err != nil {
		return err
	}
	p.progress.Step = "files"
	p.tell(p.progress)
	for _, v := range ids {
		err := p.member(Member{Name: "files/" + v.String()}, func(w *memberWriter) error {
			c, err := p.s.opts.Files.ContentIn(ctx, tx, v)
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = io.Copy(w, c)
			return err
		})
		if err != nil {
			return fmt.Errorf("export file %s: %w", v, err)
		}
	}
	return nil
}

// leaveOut says in the manifest what the archive does not hold.
func (p *packer) leaveOut(tables []table) {
	for _, t := range tables {
		if reason := leftOut[t.Name]; reason != "" {
			p.manifest.LeftOut = append(p.manifest.LeftOut, LeftOut{t.Name, reason})
			continue
		}
		if o, some := only[t.Name]; some {
			p.manifest.LeftOut = append(p.manifest.LeftOut, LeftOut{t.Name + " (some rows)", o.reason})
		}
		out := t.exported()
		for _, c := range t.Columns {
			switch {
			case slices.Contains(out, c.Name):
			case local[t.Name+"."+c.Name] != "":
				p.manifest.LeftOut = append(p.manifest.LeftOut, LeftOut{t.Name + "." + c.Name, local[t.Name+"."+c.Name]})
			case c.Secret:
				p.manifest.LeftOut = append(p.manifest.LeftOut, LeftOut{t.Name + "." + c.Name, "a secret: it proves who somebody is, and is of no use elsewhere"})
			default:
				p.manifest.LeftOut = append(p.manifest.LeftOut, LeftOut{t.Name + "." + c.Name, "computed by the database"})
			}
		}
	}
}

// rows writes one table, a JSON object a line, in the order of its key.
func (p *packer) rows(ctx context.Context, tx *op.Tx, t table) error {
	p.progress.Step = t.Name
	p.tell(p.progress)
	m := Member{Name: "data/" + t.Name + ".jsonl", Table: t.Name, Columns: t.exported()}
	sealed := sealedOf(t)
	return p.member(m, func(w *memberWriter) error {
		return eachRow(ctx, tx, t, func(row []byte) (err error) {
			if len(sealed) > 0 {
				if row, err = p.s.open(ctx, tx.Who.Tenant, t.Name, sealed, row); err != nil {
					return err
				}
			}
			w.rows++
			p.manifest.Rows++
			if p.progress.Done++; p.progress.Done%500 == 0 {
				p.tell(p.progress)
			}
			return w.line(row)
		})
	})
}

// persons writes who the members are: the address that signs them in.
func (p *packer) persons(ctx context.Context, tx *op.Tx) error {
	return p.member(Member{Name: personsName}, func(w *memberWriter) error {
		return eachPerson(ctx, tx, func(v person) error {
			line, err := json.Marshal(v)
			if err != nil {
				return err
			}
			w.rows++
			return w.line(line)
		})
	})
}

func (p *packer) list(ctx context.Context, who access.Actor, l List) error {
	p.progress.Step = l.Name + ".csv"
	p.tell(p.progress)
	return p.member(Member{Name: "lists/" + l.Name + ".csv"}, func(w *memberWriter) error {
		out := sheet.NewCSV(w)
		out.BOM()
		return l.Write(ctx, who, out)
	})
}

func (p *packer) text(name, text string) error {
	return p.member(Member{Name: name}, func(w *memberWriter) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// member writes one member and notes its size and hash in the manifest.
func (p *packer) member(m Member, fill func(*memberWriter) error) error {
	f, err := p.zip.CreateHeader(&zip.FileHeader{Name: m.Name, Method: zip.Deflate, Modified: p.manifest.ExportedAt})
	if err != nil {
		return err
	}
	w := &memberWriter{out: bufio.NewWriterSize(f, 64<<10), sum: sha256.New()}
	if err := fill(w); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	m.Bytes, m.Rows, m.SHA256 = w.bytes, w.rows, hex.EncodeToString(w.sum.Sum(nil))
	p.manifest.Members = append(p.manifest.Members, m)
	return nil
}

// finish writes the manifest and its signature.
func (p *packer) finish(ctx context.Context) error {
	b, err := json.MarshalIndent(p.manifest, "", "  ")
	if err != nil {
		return err
	}
	signed, err := p.s.sign(ctx, p.manifest, b)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		data []byte
	}{{manifestName, b}, {signatureName, signed}} {
		f, err := p.zip.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: p.manifest.ExportedAt})
		if err != nil {
			return err
		}
		if _, err := f.Write(part.data); err != nil {
			return err
		}
	}
	return p.zip.Close()
}

// statement is what the signature of an archive says.
func statement(m Manifest, manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return fmt.Sprintf("%s %d\n%s\n%s\n", formatName, m.Version, m.Tenant.ID, hex.EncodeToString(sum[:]))
}

func (s *Service) sign(ctx context.Context, m Manifest, manifest []byte) ([]byte, error) {
	signer, err := s.ops.Keys.Signer(ctx)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: statement(m, manifest)}, signer)
}

// memberWriter counts and hashes what goes into a member.
type memberWriter struct {
	out   *bufio.Writer
	sum   hash.Hash
	bytes int64
	rows  int64
}

// Write implements io.Writer.
func (w *memberWriter) Write(b []byte) (int, error) {
	w.sum.Write(b)
	w.bytes += int64(len(b))
	return w.out.Write(b)
}

func (w *memberWriter) line(b []byte) error {
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}

const readme = `This is everything that a partner programme kept in Entente, in an open format.

lists/*.csv      the main lists, for people: they open in any spreadsheet
data/*.jsonl     every table, exactly: one JSON object a line
persons.jsonl    the people of the programme and the addresses they sign in with
files/           stored files, by their id
manifest.json    what is in here: size and SHA-256 of every file, rows of every table, and what was left out and why
manifest.json.note   the signature of the installation that wrote it (golang.org/x/mod/sumdb/note)

Read it into another installation with:  entente tenant import FILE
The format is described in docs/tenant-archive.md of the program.
`
