package app

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/door"
	"entente.dev/internal/file"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// lines is a log that may be written by many.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.buf.Write(p) }

// canaries are unique strings by where they were put.
type canaries map[string]string

func (c canaries) lay(where string) string {
	c[where] = "canary-" + strings.ReplaceAll(id.New().String(), "-", "")
	return c[where]
}

// A58, P-12: what is secret, or a copy of what people wrote, is plain in no file of the database, not in its WAL, not in the file
// store and not in the log. A deal's title is: so the search is known to find what is there.
func TestCanariesAreNowhere(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Data = t.TempDir()
	out := &lines{}
	a, err := Start(t.Context(), cfg, slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	secrets, control := canaries{}, canaries{}
	err = layCanaries(t.Context(), a, secrets, control)
	// The pages that the database holds in memory go to its files when it stops.
	if cerr := a.Close(context.WithoutCancel(t.Context())); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	found := map[string][]string{}
	search := func(name string, content []byte) {
		for _, set := range []canaries{secrets, control} {
			for where, v := range set {
				if bytes.Contains(content, []byte(v)) {
					found[where] = append(found[where], name)
				}
			}
		}
	}
	var files, size int
	err = filepath.WalkDir(cfg.Data, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		files, size = files+1, size+len(b)
		search(strings.TrimPrefix(p, cfg.Data), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	search("the log", out.buf.Bytes())
	t.Logf("%d canaries, %d files, %d MB, %d bytes of log", len(secrets), files, size>>20, out.buf.Len())
	for where := range secrets {
		if len(found[where]) > 0 {
			t.Errorf("the %s is plain in %q", where, found[where])
		}
	}
	inWAL := func(p string) bool { return strings.Contains(p, "pg_wal") }
	for where := range control {
		if len(found[where]) < 2 || !slices.ContainsFunc(found[where], inWAL) {
			t.Errorf("the %s is only in %q: the search does not find what is there", where, found[where])
		}
	}
	if entries, err := os.ReadDir(filepath.Join(cfg.Data, "files")); err != nil || len(entries) == 0 {
		t.Errorf("no file was stored: %v", err)
	}
}

func layCanaries(ctx context.Context, a *App, secrets, control canaries) error {
	password := secrets.lay("password")
	made, err := a.Identity.CreateAdmin(ctx, identity.AdminInput{Slug: "acme", Programme: "Acme", Name: "Ada", Email: "ada@acme.test", Password: password})
	if err != nil {
		return err
	}
	secrets["API key"] = made.APIKey
	session, err := a.Identity.SignIn(ctx, access.Request{}, identity.SignInInput{Email: "ada@acme.test", Password: password})
	if err != nil {
		return err
	}
	secrets["session token"] = session.Token
	doors := a.Doors()
	send := func(method, path, body string) string {
		r := httptest.NewRequest(method, door.Prefix+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+made.APIKey)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", secrets["user agent of an API call"])
		w := httptest.NewRecorder()
		a.public(doors).ServeHTTP(w, r)
		return w.Body.String()
	}
	secrets.lay("user agent of an API call")
	answer := send("POST", "/deals", `{"title": "`+control.lay("deal's title")+`", "account": {"name": "Customer", "domain": "customer.example", "country": "DE"}}`)
	if !strings.Contains(answer, control["deal's title"]) {
		return &strangeAnswer{answer}
	}
	answer = send("POST", "/people", `{"email": "sam@acme.test", "name": "Sam", "role": "staff"}`)
	link := regexp.MustCompile(`"invitation_url":"[^"]*[#=]([^"]+)"`).FindStringSubmatch(answer)
	if link == nil {
		return &strangeAnswer{answer}
	}
	secrets["invitation token"] = link[1]
	if err := a.Identity.Forgot(ctx, access.Request{}, "ada@acme.test"); err != nil {
		return err
	}
	who := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: made.TenantID, Member: made.UserID, Role: role.Admin, Name: secrets.lay("name of an actor in the log"), Grants: role.Grants(role.Admin),
		Request: access.Request{IP: "203.0.113.77", UserAgent: secrets.lay("user agent of a change")}}
	if _, err := op.Write(ctx, a.Ops, who, "deal.note", func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Audit(audit.Change{Type: "deal", ID: id.New(), Label: secrets.lay("label in the log"), Note: secrets.lay("note in the log"), After: struct {
			Title string `db:"title"`
		}{secrets.lay("change in the log")}})
		return 0, mail.Queue(ctx, tx, mail.Letter{Template: "person.invitation", To: "sam@acme.test", Subject: "Hello", Link: "https://portal.example/" + secrets.lay("link of a queued mail"),
			Layout: mailer.Layout{Heading: "Hello", Paragraphs: []string{secrets.lay("body of a mail")}, Button: mailer.Button{Label: "Open"}}})
	}); err != nil {
		return err
	}
	for _, k := range file.Kinds {
		if _, err := a.Files.Save(ctx, access.NewSystem(made.TenantID, "test"), file.Meta{Kind: k, Name: "file.txt", ContentType: "text/plain"}, func(w io.Writer) error {
			_, err := io.WriteString(w, secrets.lay("file: "+string(k)))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// strangeAnswer is an answer that the test does not understand.
type strangeAnswer struct{ body string }

func (s *strangeAnswer) Error() string { return "strange answer: " + s.body }

// Every column whose values are encrypted is known to the exchange of keys: else its key could be destroyed under it.
func TestEverySealedColumnIsKnown(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"stored_file": true, "promise_evidence": true} // the file room's own way; a probe that stores nothing
	for _, c := range sealedColumns {
		known[c.Table] = true
	}
	use := regexp.MustCompile(`keyring\.Place\{(?:Table: )?"(\w+)"`)
	found := 0
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return err
		}
		src, err := os.ReadFile(p)
		for _, m := range use.FindAllSubmatch(src, -1) {
			if found++; !known[string(m[1])] {
				t.Errorf("%s encrypts values of %s, which sealedColumns in internal/app/keys.go does not list: with what key they are encrypted, a rotation would not see", p, m[1])
			}
		}
		return err
	})
	if err != nil || found < 3 {
		t.Errorf("%d places found, %v", found, err)
	}
}
