package file

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/kernel/id"
)

// A package is a zip file whose last member, MANIFEST, is a signed note (golang.org/x/mod/sumdb/note): a header, then one line
// "SHA256 SIZE NAME" for each other member in the order of the zip. What is not listed, listed twice or altered is found by
// VerifyPackage, without a database and without this program's keys.
const (
	manifestName  = "MANIFEST"
	manifestFirst = "entente-package/1"
	maxMembers    = 100_000
	maxManifest   = 32 << 20
)

// Package writes one.
type Package struct {
	zip    *zip.Writer
	signer note.Signer
	key    string
	kind   Kind
	tenant id.ID
	at     time.Time
	lines  []string
	names  map[string]bool
	open   *member
}

type member struct {
	w    io.Writer
	sum  hash.Hash
	size int64
	name string
}

// Write implements io.Writer.
func (m *member) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.sum.Write(p[:n])
	m.size += int64(n)
	return n, err
}

// NewPackage begins a package of a tenant on w, made at one time. signer and verifier are those of the installation
// (keyring.Ring.Signer and Verifier); the verifier is written into the manifest for whoever has it from nowhere else.
func NewPackage(w io.Writer, kind Kind, tenant id.ID, at time.Time, signer note.Signer, verifier string) *Package {
	return &Package{zip: zip.NewWriter(w), signer: signer, key: verifier, kind: kind, tenant: tenant, at: at.UTC(), names: map[string]bool{manifestName: true}}
}

// Add begins the next member; write to it before the next call. Names are relative paths with "/".
func (p *Package) Add(name string) (io.Writer, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if p.names[name] || len(p.names) > maxMembers {
		return nil, fmt.Errorf("package: %q is there already, or there are more than %d members", name, maxMembers)
	}
	p.finish()
	w, err := p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.at})
	if err != nil {
		return nil, err
	}
	p.names[name] = true
	p.open = &member{w: w, sum: sha256.New(), name: name}
	return p.open, nil
}

func checkName(name string) error {
	if name == "" || len(name) > 500 || strings.ContainsAny(name, "\\\n\r\x00") || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") ||
		slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return part == "" || part == "." || part == ".." }) {
		return fmt.Errorf("package: %q is no name of a member", name)
	}
	return nil
}

func (p *Package) finish() {
	if m := p.open; m != nil {
		p.lines = append(p.lines, fmt.Sprintf("%s %d %s", hex.EncodeToString(m.sum.Sum(nil)), m.size, m.name))
		p.open = nil
	}
}

// Close writes the signed manifest and completes the zip; it does not close the writer below.
func (p *Package) Close() error {
	p.finish()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nkind %s\nprogramme %s\nmade %s\nkey %s\nmembers %d\n", manifestFirst, p.kind, p.tenant, p.at.Format(time.RFC3339), p.key, len(p.lines))
	for _, l := range p.lines {
		b.WriteString(l + "\n")
	}
	signed, err := note.Sign(&note.Note{Text: b.String()}, p.signer)
	if err != nil {
		return err
	}
	w, err := p.zip.CreateHeader(&zip.FileHeader{Name: manifestName, Method: zip.Deflate, Modified: p.at})
	if err == nil {
		_, err = w.Write(signed)
	}
	return errors.Join(err, p.zip.Close())
}

// Contents is what a verified package is.
type Contents struct {
	Kind      Kind      `json:"kind"`
	Programme string    `json:"programme"`
	Made      time.Time `json:"made"`
	Signer    string    `json:"signer"` // the verifier key whose signature holds
	KeyGiven  bool      `json:"key_given"`
	Members   []Member  `json:"members"`
}

// Member is one file of a package.
type Member struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// VerifyPackage reads a package of size bytes and makes sure that it is whole and signed: every member is as listed, in its
// order, and nothing is there that is not listed. verifier is the key to trust, as note.NewVerifier reads it; with "" the key in
// the manifest is used, which shows only that the package was not altered since it was signed by whoever holds that key. An error
// says what is wrong and where.
func VerifyPackage(r io.ReaderAt, size int64, verifier string) (Contents, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return Contents{}, fmt.Errorf("this is no zip file, or it was cut: %w", err)
	}
	last := len(z.File) - 1
	if last < 0 || z.File[last].Name != manifestName {
		return Contents{}, errors.New("the last member is not MANIFEST: this is no package, or it was altered")
	}
	signed, err := readManifest(z.File[last])
	if err != nil {
		return Contents{}, err
	}
	c, err := openManifest(signed, verifier)
	if err != nil {
		return Contents{}, err
	}
	if len(c.Members) != last {
		return Contents{}, fmt.Errorf("the manifest lists %d members and the package has %d", len(c.Members), last)
	}
	for i, m := range c.Members {
		if err := verifyMember(z.File[i], m); err != nil {
			return Contents{}, err
		}
	}
	return c, nil
}

func readManifest(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("MANIFEST: %w", err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil || len(b) > maxManifest {
		return nil, fmt.Errorf("MANIFEST cannot be read, or is larger than %d bytes: %w", maxManifest, err)
	}
	return b, nil
}

func verifyMember(f *zip.File, want Member) error {
	if f.Name != want.Name {
		return fmt.Errorf("%s stands where the manifest lists %s", f.Name, want.Name)
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, want.Size+1)) // a bomb is cut where the manifest ends
	if got := hex.EncodeToString(sum.Sum(nil)); err != nil || n != want.Size || got != want.SHA256 {
		return fmt.Errorf("%s was altered: the manifest lists %d bytes with SHA-256 %s", f.Name, want.Size, want.SHA256)
	}
	return nil
}

// openManifest checks the signature and reads the lines.
func openManifest(signed []byte, verifier string) (Contents, error) {
	c := Contents{KeyGiven: verifier != ""}
	head := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(signed))
	lines.Buffer(nil, maxManifest)
	if !lines.Scan() || lines.Text() != manifestFirst {
		return c, errors.New("MANIFEST is of another kind or version: it does not begin with " + manifestFirst)
	}
	for _, name := range []string{"kind", "programme", "made", "key", "members"} {
		lines.Scan()
		v, ok := strings.CutPrefix(lines.Text(), name+" ")
		if !ok {
			return c, fmt.Errorf("MANIFEST has no line %q", name)
		}
		head[name] = v
	}
	if c.Signer = verifier; verifier == "" {
		c.Signer = head["key"]
	}
	key, err := note.NewVerifier(strings.TrimSpace(c.Signer))
	if err != nil {
		return c, fmt.Errorf("the verifier key cannot be read: %w", err)
	}
	if _, err := note.Open(signed, note.VerifierList(key)); err != nil {
		return c, fmt.Errorf("the signature does not hold for the key %s: the package was altered, or is not of this installation", key.Name())
	}
	count, err := strconv.Atoi(head["members"])
	if err != nil || count < 0 || count > maxMembers {
		return c, errors.New("MANIFEST has a wrong number of members")
	}
	c.Kind, c.Programme = Kind(head["kind"]), head["programme"]
	if c.Made, err = time.Parse(time.RFC3339, head["made"]); err != nil {
		return c, fmt.Errorf("MANIFEST: %w", err)
	}
	for range count {
		lines.Scan()
		parts := strings.SplitN(lines.Text(), " ", 3)
		if len(parts) != 3 {
			return c, errors.New("MANIFEST has a line that is no member")
		}
		size, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil || size < 0 || len(parts[0]) != 64 || checkName(parts[2]) != nil {
			return c, fmt.Errorf("MANIFEST has a line that is no member: %q", lines.Text())
		}
		c.Members = append(c.Members, Member{parts[2], size, parts[0]})
	}
	return c, nil
}
