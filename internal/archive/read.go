package archive

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/kernel/errs"
)

// The limits of an archive, checked before anything is unpacked.
const (
	maxMembers  = 500_000
	maxManifest = 128 << 20
	maxRatio    = 400 // unpacked to packed, of all members together; JSON lines come to about 20
	maxUnpacked = 1 << 40
)

// memberForm is how a member may be called: no other directory, no way up, no absolute path.
var memberForm = regexp.MustCompile(`^(README\.txt|persons\.jsonl|manifest\.json(\.note)?|data/[a-z0-9_]+\.jsonl|lists/[a-z0-9-]+\.csv|files/[0-9a-f-]{36})$`)

// Trust says whose signature an archive must carry.
type Trust struct {
	Key      string // verifier key of another installation, besides this one's own
	Unsigned bool   // whatever the signature says; the archive's own hashes are checked all the same
}

// Archive is an archive whose manifest, signature and limits have been checked; its members are checked while they are read.
type Archive struct {
	Manifest Manifest
	SignedBy string // name of the verified key, "" when it was taken unsigned
	digest   string // of the manifest
	members  map[string]*zip.File
}

func bad(format string, args ...any) error {
	return errs.New(errs.Invalid, "archive.damaged", "This is not a whole archive of a programme: "+format+". Export it again.", args...)
}

// Open checks an archive of size bytes without unpacking it. Errors: Invalid "archive.damaged", "archive.format" for another
// version of the format, "archive.unknown_key" when the signature is of a key that trust does not name.
func (s *Service) Open(ctx context.Context, from io.ReaderAt, size int64, trust Trust) (*Archive, error) {
	z, err := zip.NewReader(from, size)
	if err != nil {
		return nil, bad("it is no zip file, or its end is missing")
	}
	a := &Archive{members: make(map[string]*zip.File, len(z.File))}
	if err := a.limits(z, size); err != nil {
		return nil, err
	}
	raw, err := a.small(manifestName, maxManifest)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	a.digest = hex.EncodeToString(sum[:])
	if err := json.Unmarshal(raw, &a.Manifest); err != nil {
		return nil, bad("its manifest cannot be read")
	}
	if err := s.format(a.Manifest); err != nil {
		return nil, err
	}
	if err := a.whole(); err != nil {
		return nil, err
	}
	return a, s.verify(ctx, a, raw, trust)
}

// limits looks at the directory of the zip only.
func (a *Archive) limits(z *zip.Reader, size int64) error {
	if len(z.File) > maxMembers {
		return bad("it has %d members", len(z.File))
	}
	var unpacked uint64
	for _, f := range z.File {
		switch {
		case !memberForm.MatchString(f.Name):
			return bad("a member is called %q", clip(f.Name))
		case a.members[f.Name] != nil:
			return bad("it has %q twice", f.Name)
		case !f.Mode().IsRegular():
			return bad("%q is no regular file", f.Name)
		case f.Method != zip.Store && f.Method != zip.Deflate || f.Flags&1 != 0:
			return bad("%q is packed in a way that this program does not read", f.Name)
		}
		a.members[f.Name] = f
		if unpacked += f.UncompressedSize64; f.UncompressedSize64 > maxUnpacked || unpacked > maxUnpacked {
			return bad("it would unpack to more than 1 TiB")
		}
	}
	if unpacked > uint64(size)*maxRatio {
		return bad("it would unpack to %d times its size", unpacked/uint64(max(size, 1)))
	}
	return nil
}

func clip(s string) string { return s[:min(len(s), 60)] }

// format refuses what this program does not read, with what to do about it.
func (s *Service) format(m Manifest) error {
	switch {
	case m.Format != formatName:
		return errs.New(errs.Invalid, "archive.format", "This zip file is not an archive of a programme.")
	case m.Version > Format:
		return errs.New(errs.Invalid, "archive.format", "This archive has format %d; this program reads format %d. Import it with the program that wrote it (%s) or a newer one.", m.Version, Format, m.Program)
	case m.Version < Format:
		return errs.New(errs.Invalid, "archive.format", "This archive has format %d; this program reads format %d. Update the program it comes from and export again.", m.Version, Format)
	case m.Schema > s.opts.Schema:
		return errs.New(errs.Invalid, "archive.format", "This archive comes from a newer program (%s, schema %d; this is schema %d). Update this program first.", m.Program, m.Schema, s.opts.Schema)
	}
	return nil
}

// whole asks that the members are those of the manifest: none missing, none besides.
func (a *Archive) whole() error {
	for _, m := range a.Manifest.Members {
		f := a.members[m.Name]
		if f == nil {
			return bad("%q is missing", clip(m.Name))
		}
		if f.UncompressedSize64 != uint64(m.Bytes) {
			return bad("%q has another size than its manifest says", m.Name)
		}
	}
	if len(a.members) != len(a.Manifest.Members)+2 {
		return bad("it has members that its manifest does not name")
	}
	return nil
}

// verify checks the signature of the manifest.
func (s *Service) verify(ctx context.Context, a *Archive, manifest []byte, trust Trust) error {
	signed, err := a.small(signatureName, 1<<16)
	if err != nil {
		return err
	}
	own, err := s.ops.Keys.Verifier(ctx)
	if err != nil {
		return err
	}
	var known []note.Verifier
	for _, key := range []string{own, trust.Key} {
		if key == "" {
			continue
		}
		v, err := note.NewVerifier(key)
		if err != nil {
			return errs.New(errs.Invalid, "archive.key", "%q is no verifier key. It looks like name+hash+key, as the export printed it.", clip(key))
		}
		known = append(known, v)
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	var unknown *note.UnverifiedNoteError
	switch {
	case err == nil && n.Text == statement(a.Manifest, manifest):
		a.SignedBy = n.Sigs[0].Name
		return nil
	case err == nil:
		return bad("its signature is for another manifest")
	case trust.Unsigned:
		return nil
	case errors.As(err, &unknown):
		names := ""
		for _, sig := range unknown.Note.UnverifiedSigs {
			names += fmt.Sprintf(" %s+%08x", sig.Name, sig.Hash)
		}
		return errs.New(errs.Invalid, "archive.unknown_key", "The archive is signed by%s, a key that this installation does not know. Give the key that the export printed with --trust-key, or take the archive as it is with --unsigned.", names)
	}
	return bad("its signature is wrong")
}

// Check reads every member through and compares sizes and hashes with the manifest.
func (a *Archive) Check(ctx context.Context) error {
	for _, m := range a.Manifest.Members {
		if err := a.read(ctx, m, func(io.Reader) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// read hands a member's content to fn and then checks that it was what the manifest says. What fn leaves unread is read here.
func (a *Archive) read(ctx context.Context, m Member, fn func(io.Reader) error) error {
	f, err := a.members[m.Name].Open()
	if err != nil {
		return bad("%q cannot be read", m.Name)
	}
	defer f.Close()
	sum := sha256.New()
	in := io.TeeReader(io.LimitReader(&stopping{ctx, f}, m.Bytes+1), sum)
	if err := fn(in); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return bad("%q is cut off or damaged", m.Name)
	}
	if hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return bad("%q is not what its manifest says", m.Name)
	}
	return nil
}

// stopping ends reading with its context.
type stopping struct {
	ctx context.Context
	in  io.Reader
}

// Read implements io.Reader.
func (s *stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.in.Read(b)
}

// small returns a whole member of at most so many bytes.
func (a *Archive) small(name string, most int64) ([]byte, error) {
	f := a.members[name]
	if f == nil {
		return nil, bad("%q is missing", name)
	}
	if f.UncompressedSize64 > uint64(most) {
		return nil, bad("%q is too large", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, bad("%q cannot be read", name)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil || int64(len(b)) > most {
		return nil, bad("%q cannot be read", name)
	}
	return b, nil
}

// table returns the member that holds a table's rows.
func (a *Archive) table(name string) (Member, bool) {
	for _, m := range a.Manifest.Members {
		if m.Table == name && m.Name == "data/"+name+".jsonl" {
			return m, true
		}
	}
	return Member{}, false
}
