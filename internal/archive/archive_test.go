package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/account"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/document"
	"entente.dev/internal/file"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
	"entente.dev/internal/partner"
	"entente.dev/internal/processor"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// house is an installation.
type house struct {
	*Service
	ops   *op.Ops
	db    *pg.DB
	super *pgx.Conn
	kek   crypt.KEK
	admin access.Actor
}

func newHouse(t *testing.T) house {
	t.Helper()
	db := pgtest.New(t)
	o := optest.New(t, db)
	kek, err := crypt.NewLocal(crypt.NewKey())
	must(t, err)
	o.Keys = keyring.New(db, kek, func() time.Time { return o.Clock() })
	blobs, err := blob.Open("dir:"+t.TempDir(), blob.Options{})
	must(t, err)
	deals := deal.New(o)
	s := New(o, Options{Program: "test", Schema: 1000, Lists: []List{{"deals", func(ctx context.Context, who access.Actor, out sheet.Writer) error {
		return deals.Export(ctx, who, deal.Query{}, out)
	}}}})
	s.opts.Files = file.New(o, blobs)
	s.opts.DropFiles = s.opts.Files.Purge
	return house{Service: s, ops: o, db: db, super: pgtest.Super(t, db), kek: kek}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

const password = "a long enough password"

// furnish makes a programme in which a little of everything happened.
func (h *house) furnish(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	people := identity.New(h.ops, identity.Options{Tenants: tenant.New(h.ops)})
	made, err := people.CreateAdmin(ctx, identity.AdminInput{Slug: "acme", Programme: "Acme", Name: "Ada", Email: "ada@acme.example", Password: password, Currency: "EUR"})
	must(t, err)
	h.admin = access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: made.TenantID, Member: made.UserID, Role: role.Admin, Name: "Ada", Credential: id.New(), Grants: role.Grants(role.Admin)}
	p, err := partner.New(h.ops).Create(ctx, h.admin, partner.Facts{Name: ptr("Nordlicht <b>"), Domains: &[]string{"nordlicht.example"}, ManagerID: &made.UserID})
	must(t, err)
	_, err = people.Invite(ctx, h.admin, identity.InviteInput{Name: "Kat", Email: "kat@nordlicht.example", Role: role.Partner, Partner: p.ID})
	must(t, err)
	_, err = tenant.New(h.ops).Update(ctx, h.admin, tenant.UpdateInput{Logo: ptr([]byte("\x89PNG\r\n\x1a\n....IEND\xaeB`\x82"))})
	must(t, err)
	deals := deal.New(h.ops)
	for i := range 7 {
		d, err := deals.Create(ctx, h.admin, deal.CreateInput{Partner: p.ID, Title: fmt.Sprintf("Robots %d \u00a0 \\ \" \n", i), Account: deal.AccountFacts{Name: fmt.Sprintf("Customer %d", i)}, AmountMinor: ptr(int64(100 * i)), Currency: "EUR"})
		must(t, err)
		_, err = deals.Note(ctx, h.admin, deal.NoteInput{ID: d.ID, Body: "a note"})
		must(t, err)
		if i%2 == 0 {
			_, err = deals.Submit(ctx, h.admin, deal.Step{ID: d.ID})
			must(t, err)
		}
	}
	papers := document.New(h.ops)
	v, err := papers.SaveDraft(ctx, h.admin, document.DraftInput{Kind: "programme-terms", Title: "Terms", Body: "What holds.", Summary: "The first."})
	must(t, err)
	_, err = papers.Publish(ctx, h.admin, document.PublishInput{ID: v.ID, Change: "first", Summary: "The first."})
	must(t, err)
	handlers := processor.New(h.ops, nil)
	x, err := handlers.Propose(ctx, h.admin, processor.ProposeInput{Facts: processor.Facts{Name: "Mailer", Purpose: "Sends mail", Country: "DE", Categories: []string{"email-log"}, Safeguards: "none"}})
	must(t, err)
	_, err = handlers.Announce(ctx, h.admin, x.ID, "")
	must(t, err)
	acc, err := account.New(h.ops).Create(ctx, h.admin, account.Facts{Name: ptr("Solo")})
	must(t, err)
	_ = acc
	_, err = h.opts.Files.Save(ctx, access.NewSystem(made.TenantID, "test"), file.Meta{Kind: file.Evidence, Name: "evidence.txt", ContentType: "text/plain", Forever: true}, func(w io.Writer) error {
		_, err := io.WriteString(w, "the content of a file")
		return err
	})
	must(t, err)
}

func (h house) export(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := h.Export(t.Context(), access.NewSystem(h.admin.Tenant, "test"), &out, nil)
	must(t, err)
	return out.Bytes()
}

func (h house) key(t *testing.T) string {
	t.Helper()
	k, err := h.ops.Keys.Verifier(t.Context())
	must(t, err)
	return k
}

func (h house) take(ctx context.Context, b []byte, trust Trust, slug string) (Imported, error) {
	a, err := h.Open(ctx, bytes.NewReader(b), int64(len(b)), trust)
	if err != nil {
		return Imported{}, err
	}
	return h.Import(ctx, ImportInput{Archive: a, Slug: slug})
}

// members unpacks an archive, without what says when and by whom it was written.
func members(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	out := map[string]string{}
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "manifest") {
			continue
		}
		r, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(r)
		must(t, err)
		out[f.Name] = string(data)
	}
	return out
}

// Invariant 1, and the floor under import and purge: every tenant table is exported or excused, can be read for it, and lets its
// rows come and go.
func TestEveryTableLeaves(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	tables, err := readTables(t.Context(), h.super)
	must(t, err)
	got := members(t, h.export(t))
	excuses := LeftOutTables()
	for _, tab := range tables {
		_, in := got["data/"+tab.Name+".jsonl"]
		if reason := excuses[tab.Name]; in == (reason != "") {
			t.Errorf("%s: exported %t, and the reason to leave it out is %q", tab.Name, in, reason)
		}
		delete(excuses, tab.Name)
		var may bool
		must(t, h.super.QueryRow(t.Context(), `select exists (select from pg_policy p where p.polrelid = format('app.%I', $1::text)::regclass and p.polname = 'definer_leave')
			and has_table_privilege('entente_definer', format('app.%I', $1::text), 'delete')`, tab.Name).Scan(&may))
		if !may {
			t.Errorf("%s: its rows cannot leave: end the migration that adds it with `call app.let_leave();`", tab.Name)
		}
	}
	for name := range excuses {
		t.Errorf("%s is left out and is no table", name)
	}
}

// Invariant 2.
func TestNoSecretLeaves(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.furnish(t)
	tables, err := readTables(t.Context(), h.super)
	must(t, err)
	for _, tab := range tables {
		for _, c := range tab.Columns {
			sealed := opened[tab.Name+"."+c.Name] != nil
			if c.Secret && !sealed && slices.Contains(tab.exported(), c.Name) {
				t.Errorf("%s.%s is a secret and leaves", tab.Name, c.Name)
			}
		}
	}
	// A secret stays, or stands in opened: whoever adds one decides.
	stay := map[string]bool{"api_key.key_hash": true, "invitation.token_hash": true, "data_key.wrapped": true, "mail.link": true, "privacy_request.code_hash": true, "privacy_request.link_hash": true, "mail.link_sealed": true}
	for _, tab := range tables {
		for _, c := range tab.Columns {
			if name := tab.Name + "." + c.Name; c.Secret && !stay[name] && opened[name] == nil {
				t.Errorf("%s is a secret: add it here when it proves who somebody is, or to opened when it is the content of something", name)
			}
		}
	}
	all := strings.Join([]string{members(t, h.export(t))["data/invitation.jsonl"], members(t, h.export(t))["data/row_history.jsonl"]}, "")
	if strings.Contains(all, `"token_hash"`) || !strings.Contains(all, `"invitation_id"`) {
		t.Error("an invitation leaves with its token, or not at all")
	}
}

// Invariant 5.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	a, b := newHouse(t), newHouse(t)
	a.furnish(t)
	first := a.export(t)
	done, err := b.take(t.Context(), first, Trust{Key: a.key(t)}, "")
	must(t, err)
	if done.SignedBy == "" || done.Tables["deal"] != 7 || done.Persons != 2 {
		t.Errorf("%+v", done)
	}
	b.admin = a.admin
	if diff := cmp.Diff(members(t, first), members(t, b.export(t))); diff != "" {
		t.Errorf("not the same programme:\n%.4000s", diff)
	}
	found := false
	for name, text := range members(t, first) {
		found = found || strings.HasPrefix(name, "files/") && text == "the content of a file"
	}
	if !found {
		t.Error("the stored file is not in the archive")
	}
	for table, column := range map[string]string{"mail": "text_sealed", "audit_entry": "payload"} {
		sealedAnew(t, a, b, table, column)
	}
	// It works there: its log can be read, its deals go on.
	log, err := trail.New(b.ops).List(t.Context(), b.admin, trail.Query{Limit: 100})
	must(t, err)
	if !slices.ContainsFunc(log.Items, func(e trail.Entry) bool { return e.ActorName == "Ada" && e.ObjectLabel != "" }) {
		t.Error("the log cannot be read in its new place")
	}
	d, err := deal.New(b.ops).Create(t.Context(), b.admin, deal.CreateInput{Title: "Next", Account: deal.AccountFacts{Name: "Customer 1"}, Currency: "EUR", Partner: partnerOf(t, b)})
	must(t, err)
	if d.ID == id.Nil {
		t.Error("no deal")
	}
	_, err = b.take(t.Context(), first, Trust{Key: a.key(t)}, "again")
	wantCode(t, err, "tenant.exists")
}

// sealedAnew checks that a column says in b what it says in a, under keys of b alone.
func sealedAnew(t *testing.T, a, b house, table, column string) {
	t.Helper()
	read := func(h house) map[string][]byte {
		rows, err := h.super.Query(t.Context(), fmt.Sprintf(`select %s_id::text, %s from %s where %s is not null`, strings.TrimPrefix(table, "audit_"), column, table, column))
		must(t, err)
		out, row, sealed := map[string][]byte{}, "", []byte(nil)
		_, err = pgx.ForEachRow(rows, []any{&row, &sealed}, func() error { out[row] = bytes.Clone(sealed); return nil })
		must(t, err)
		return out
	}
	here, there, tried := read(a), read(b), 0
	for row, after := range there {
		before, ok := here[row]
		if !ok {
			continue // b's own: that the programme came
		}
		tried++
		at := keyring.Place{Table: table, Row: row, Column: column}
		want, err := a.ops.Keys.Open(t.Context(), a.admin.Tenant, at, before)
		must(t, err)
		got, err := b.ops.Keys.Open(t.Context(), a.admin.Tenant, at, after)
		must(t, err)
		if len(want) == 0 || !bytes.Equal(want, got) {
			t.Errorf("%s.%s of %s: %q became %q", table, column, row, want, got)
		}
		if _, err := a.ops.Keys.Open(t.Context(), a.admin.Tenant, at, after); err == nil {
			t.Errorf("%s.%s of %s opens with a key of the old installation", table, column, row)
		}
	}
	if tried == 0 {
		t.Errorf("no row of %s.%s was tried", table, column)
	}
}

func partnerOf(t *testing.T, h house) (v id.ID) {
	t.Helper()
	must(t, h.super.QueryRow(t.Context(), `select partner_id from partner`).Scan(&v))
	return v
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if !errs.Is(err, code) {
		t.Errorf("error %v, want %s", err, code)
	}
}

// A person who is here already keeps login and id; the memberships find them.
func TestPersonIsHereAlready(t *testing.T) {
	t.Parallel()
	a, b := newHouse(t), newHouse(t)
	a.furnish(t)
	_, err := b.super.Exec(t.Context(), `insert into person (person_id, email, name, password_hash) values ($1, 'ada@acme.example', 'Ada Elsewhere', 'x')`, id.New())
	must(t, err)
	_, err = b.take(t.Context(), a.export(t), Trust{Unsigned: true}, "fresh")
	must(t, err)
	var name, slug string
	must(t, b.super.QueryRow(t.Context(), `select p.name, t.slug from person p join member m on m.person_id = p.person_id join tenant t on t.tenant_id = m.tenant_id where m.role = 'admin'`).Scan(&name, &slug))
	if name != "Ada Elsewhere" || slug != "fresh" {
		t.Errorf("%s %s", name, slug)
	}
}

// F1, invariant 4: the program is killed at every point of an import and of an export.
func TestKilled(t *testing.T) {
	t.Parallel()
	a, b := newHouse(t), newHouse(t)
	a.furnish(t)
	whole := a.export(t)
	killed := errors.New("killed")
	var points []string
	b.broken = func(point string) error { points = append(points, point); return nil }
	for point := range map[string]bool{"import.partner": true, "import.deal": true, "import.row_history": true} {
		b.broken = func(at string) error {
			if at == point {
				return killed
			}
			return nil
		}
		_, err := b.take(t.Context(), whole, Trust{Key: a.key(t)}, "")
		if !errors.Is(err, killed) {
			t.Fatalf("%s: %v", point, err)
		}
		for _, table := range []string{"tenant", "partner", "person", "row_history", "audit_entry", "data_key"} {
			var n int
			must(t, b.super.QueryRow(t.Context(), `select count(*) from `+table).Scan(&n))
			if n != 0 {
				t.Errorf("killed at %s: %d rows of %s", point, n, table)
			}
		}
	}
	b.broken = nil
	_, err := b.take(t.Context(), whole, Trust{Key: a.key(t)}, "")
	must(t, err)

	a.broken = func(at string) error {
		if at == "export.deal" {
			return killed
		}
		return nil
	}
	var out bytes.Buffer
	if _, err := a.Export(t.Context(), access.NewSystem(a.admin.Tenant, "test"), &out, nil); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	_, err = b.Open(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), Trust{Unsigned: true})
	wantCode(t, err, "archive.damaged")
}

// repack writes an archive anew with its members changed; nil drops one.
func repack(t *testing.T, b []byte, change func(name string, data []byte) []byte, more ...*zip.FileHeader) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		data, err := io.ReadAll(r)
		must(t, err)
		if data = change(f.Name, data); data == nil {
			continue
		}
		o, err := w.Create(f.Name)
		must(t, err)
		_, err = o.Write(data)
		must(t, err)
	}
	for _, h := range more {
		o, err := w.CreateHeader(h)
		must(t, err)
		_, err = o.Write([]byte("x"))
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

// A52 and F14: archives that are not what was exported.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	a, b := newHouse(t), newHouse(t)
	a.furnish(t)
	whole, key := a.export(t), a.key(t)
	keep := func(_ string, d []byte) []byte { return d }
	in := func(name string, fn func([]byte) []byte) []byte {
		return repack(t, whole, func(n string, d []byte) []byte {
			if n == name {
				return fn(d)
			}
			return d
		})
	}
	swap := func(from, to string) func([]byte) []byte {
		return func(d []byte) []byte { return bytes.Replace(d, []byte(from), []byte(to), 1) }
	}
	link := &zip.FileHeader{Name: "lists/x.csv"}
	link.SetMode(os.ModeSymlink | 0o777)
	cases := map[string]struct {
		data  []byte
		trust Trust
		code  string
	}{
		"cut off":            {whole[:len(whole)-100], Trust{Key: key}, "archive.damaged"},
		"half":               {whole[:len(whole)/2], Trust{Key: key}, "archive.damaged"},
		"nothing":            {nil, Trust{Key: key}, "archive.damaged"},
		"a row changed":      {in("data/deal.jsonl", swap("Robots 1", "Robots 9")), Trust{Key: key}, "archive.damaged"},
		"changed, unsigned":  {in("data/deal.jsonl", swap("Robots 1", "Robots 9")), Trust{Unsigned: true}, "archive.damaged"},
		"a row too many":     {in("data/deal.jsonl", func(d []byte) []byte { return append(d, d...) }), Trust{Unsigned: true}, "archive.damaged"},
		"manifest changed":   {in("manifest.json", swap(`"Acme"`, `"Bcme"`)), Trust{Key: key}, "archive.damaged"},
		"a member missing":   {in("data/deal.jsonl", func([]byte) []byte { return nil }), Trust{Key: key}, "archive.damaged"},
		"no signature":       {in("manifest.json.note", func([]byte) []byte { return nil }), Trust{Key: key}, "archive.damaged"},
		"signature of noise": {in("manifest.json.note", func([]byte) []byte { return []byte("noise") }), Trust{Key: key}, "archive.damaged"},
		"unknown key":        {whole, Trust{}, "archive.unknown_key"},
		"no key at all":      {whole, Trust{Key: "x"}, "archive.key"},
		"a way up":           {repack(t, whole, keep, &zip.FileHeader{Name: "../../etc/passwd"}), Trust{Key: key}, "archive.damaged"},
		"an absolute path":   {repack(t, whole, keep, &zip.FileHeader{Name: "/etc/passwd"}), Trust{Key: key}, "archive.damaged"},
		"a link":             {repack(t, whole, keep, link), Trust{Key: key}, "archive.damaged"},
		"a member besides":   {repack(t, whole, keep, &zip.FileHeader{Name: "lists/more.csv"}), Trust{Key: key}, "archive.damaged"},
		"a member twice":     {repack(t, whole, keep, &zip.FileHeader{Name: "README.txt"}), Trust{Key: key}, "archive.damaged"},
		"a bomb":             {in("README.txt", func([]byte) []byte { return make([]byte, 1<<28) }), Trust{Key: key}, "archive.damaged"},
		"a newer format":     {in("manifest.json", swap(`"version": 1`, `"version": 2`)), Trust{Unsigned: true}, "archive.format"},
		"an older format":    {in("manifest.json", swap(`"version": 1`, `"version": 0`)), Trust{Unsigned: true}, "archive.format"},
		"a newer schema":     {in("manifest.json", swap(`"schema": 1000`, `"schema": 1001`)), Trust{Unsigned: true}, "archive.format"},
		"another thing":      {in("manifest.json", swap(formatName, "other")), Trust{Unsigned: true}, "archive.format"},
	}
	for name, c := range cases {
		_, err := b.take(t.Context(), c.data, c.trust, "")
		if !errs.Is(err, c.code) {
			t.Errorf("%s: error %v, want %s", name, err, c.code)
		}
	}
	var n int
	must(t, b.super.QueryRow(t.Context(), `select count(*) from tenant`).Scan(&n))
	if n != 0 {
		t.Errorf("%d programmes arrived", n)
	}
}
