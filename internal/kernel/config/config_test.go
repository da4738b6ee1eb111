package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, args ...string) Config {
	t.Helper()
	var grammar struct{ Config }
	k, err := kong.New(&grammar)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(args); err != nil {
		t.Fatalf("parse %q: %v", args, err)
	}
	return grammar.Config
}

func TestNothingSetIsDefaultAndValid(t *testing.T) {
	c := parse(t)
	if d := cmp.Diff(Default(), c); d != "" {
		t.Errorf("the tags and Default differ (-Default +tags):\n%s", d)
	}
	if err := c.Resolve(); err != nil {
		t.Errorf("defaults do not work: %v", err)
	}
}

func TestEveryFieldHasFlagVariableAndHelp(t *testing.T) {
	var walk func(ty reflect.Type, prefix string)
	walk = func(ty reflect.Type, prefix string) {
		for f := range ty.Fields() {
			if _, ok := f.Tag.Lookup("embed"); ok {
				walk(f.Type, f.Tag.Get("prefix"))
				continue
			}
			if f.Tag.Get("kong") == "-" {
				continue
			}
			want := "ENTENTE_" + strings.ToUpper(strings.ReplaceAll(prefix+f.Tag.Get("name"), "-", "_"))
			if f.Tag.Get("env") != want || f.Tag.Get("help") == "" || f.Tag.Get("group") == "" {
				t.Errorf("%s.%s: wants env:%q, a help and a group", ty.Name(), f.Name, want)
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
}

func TestFlagsWinOverVariables(t *testing.T) {
	t.Setenv("ENTENTE_ADDR", "127.0.0.1:1000")
	t.Setenv("ENTENTE_SMTP_HOST", "mail.acme.example")
	t.Setenv("ENTENTE_TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.7")
	c := parse(t, "--addr", "127.0.0.1:2000", "--db-pool-staff=3")
	if c.Addr != "127.0.0.1:2000" || c.SMTP.Host != "mail.acme.example" || c.Pool.Staff != 3 {
		t.Errorf("got %+v", c)
	}
	if got := fmt.Sprint(c.Proxies()); got != "[10.0.0.0/8 192.0.2.7/32]" {
		t.Errorf("proxies: %s", got)
	}
}

func TestValidateReportsEveryProblemAtOnce(t *testing.T) {
	c := Default()
	c.Addr, c.AdminAddr = "8080", "127.0.0.1:99999"
	c.PublicURL = "http://partners.example.com"
	c.TrustedProxies = []string{"10.0.0.0/99"}
	c.Data = " "
	c.DatabaseURL = "mysql://x"
	c.Pool.Worker = 0
	c.SMTP = SMTP{Host: "mail:25", Port: 0, TLS: "ssl", User: "u", From: "nobody"}
	c.LogLevel, c.LogFormat = "loud", "xml"
	var got []string
	p := c.Validate()
	for _, x := range p {
		got = append(got, x.Setting)
		if x.Fix == "" || !strings.HasPrefix(x.Env, "ENTENTE_") || !strings.Contains(p.Error(), x.Fix) {
			t.Errorf("no way out in %+v", x)
		}
	}
	want := []string{"--addr", "--admin-addr", "--public-url", "--trusted-proxies", "--data", "--database-url", "--db-pool-worker",
		"--smtp-tls", "--smtp-port", "--smtp-host", "--smtp-from", "--smtp-user", "--log-level", "--log-format"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

func TestValidate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	mail := SMTP{Host: "mail.acme.example", Port: 25, TLS: "starttls", From: "Acme <a@acme.example>"}
	tests := []struct {
		name string
		edit func(*Config)
		want string // the setting refused, "" for none
	}{
		{"same address twice", func(c *Config) { c.AdminAddr = c.Addr }, "--admin-addr"},
		{"any two free ports", func(c *Config) { c.Addr, c.AdminAddr = "127.0.0.1:0", "127.0.0.1:0" }, ""},
		{"all interfaces", func(c *Config) { c.Addr = ":8080" }, ""},
		{"https", func(c *Config) { c.PublicURL = "https://partners.example.com/" }, ""},
		{"http on this machine", func(c *Config) { c.PublicURL = "http://127.0.0.1:8080" }, ""},
		{"http on a sub-domain of localhost", func(c *Config) { c.PublicURL = "http://acme.localhost:8080" }, ""},
		{"a path", func(c *Config) { c.PublicURL = "https://example.com/partners" }, "--public-url"},
		{"not a URL", func(c *Config) { c.PublicURL = "partners.example.com" }, "--public-url"},
		{"data is a file", func(c *Config) { c.Data = file }, "--data"},
		{"keyword address", func(c *Config) { c.DatabaseURL = "host=/run/pg dbname=entente" }, ""},
		{"broken URL", func(c *Config) { c.DatabaseURL = "postgres://a:b@h:port/x" }, "--database-url"},
		{"URL and file", func(c *Config) { c.DatabaseURL, c.DatabaseURLFile = "postgres://h/x", file }, "--database-url-file"},
		{"mail server", func(c *Config) { c.SMTP = mail }, ""},
		{"mail without server", func(c *Config) { c.SMTP.From = "a@acme.example" }, "--smtp-host"},
		{"user without password", func(c *Config) { c.SMTP = mail; c.SMTP.User = "u" }, "--smtp-user"},
		{"password in the clear", func(c *Config) { c.SMTP = mail; c.SMTP.User, c.SMTP.PasswordFile, c.SMTP.TLS = "u", file, "none" }, "--smtp-tls"},
		{"password in the clear to this machine", func(c *Config) {
			c.SMTP = mail
			c.SMTP.Host, c.SMTP.User, c.SMTP.PasswordFile, c.SMTP.TLS = "127.0.0.1", "u", file, "none"
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Default()
			tt.edit(&c)
			p := c.Validate()
			switch {
			case tt.want == "" && len(p) > 0:
				t.Errorf("refused: %v", p)
			case tt.want != "" && (len(p) != 1 || p[0].Setting != tt.want):
				t.Errorf("got %v, want a problem of %s", p, tt.want)
			}
		})
	}
}

func TestResolveReadsSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := Default()
	c.DatabaseURLFile = write("url", "postgres://app:pw@db/entente\n")
	c.SMTP = SMTP{Host: "mail", Port: 25, TLS: "starttls", From: "a@acme.example", User: "u", PasswordFile: write("pw", " pass word \r\n")}
	for range 2 { // a second call changes nothing
		if err := c.Resolve(); err != nil {
			t.Fatal(err)
		}
		if c.DatabaseURL.Reveal() != "postgres://app:pw@db/entente" || c.SMTP.Password.Reveal() != " pass word " {
			t.Errorf("got %q and %q", c.DatabaseURL.Reveal(), c.SMTP.Password.Reveal())
		}
	}
	for name, path := range map[string]string{"missing": filepath.Join(dir, "none"), "empty": write("empty", "\n"), "huge": write("huge", strings.Repeat("x", maxSecret+1))} {
		c := Default()
		c.DatabaseURLFile = path
		if err := c.Resolve(); err == nil || !strings.Contains(err.Error(), "--database-url-file") {
			t.Errorf("%s file: got %v", name, err)
		}
	}
}

func TestNothingShowsASecret(t *testing.T) {
	const canary = "s3cr3t-canary"
	for _, dsn := range []Secret{
		"postgres://app:" + canary + "@db.internal:5432/entente?sslmode=require&sslpassword=" + canary,
		"host=db.internal dbname=entente user=app password=" + canary,
		"host=db.internal dbname=entente user=app password='a host=" + canary + " b'",
		"host=db.internal dbname=entente user=app password = '" + canary + "'",
		"postgres://app:" + canary + "%zz@db.internal/entente",
	} {
		c := Default()
		c.DatabaseURL, c.SMTP.Password = dsn, canary
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("start", "config", c, "dsn", c.DatabaseURL)
		shown := fmt.Sprint(c.Redacted(), c.Validate(), c.DatabaseURL, log.String(), string(raw)) + fmt.Sprintf("%v %+v %#v %q %x", c, c, c, c.DatabaseURL, c.DatabaseURL)
		if strings.Contains(shown, canary) {
			t.Errorf("%s shows its secret:\n%s", redactDSN(dsn), shown)
		}
	}
}

func TestRedactedShowsWhereItLeads(t *testing.T) {
	c := Default()
	c.DatabaseURL = "postgres://app:pw@db.internal:5432/entente?sslmode=require"
	got := map[string]string{}
	for _, s := range c.Redacted() {
		got[s.Env] = s.Value
	}
	for env, want := range map[string]string{
		"ENTENTE_DATABASE_URL":  "postgres://app@db.internal:5432/entente?sslmode=require",
		"ENTENTE_PUBLIC_URL":    "http://localhost:8080",
		"ENTENTE_DB_POOL_STAFF": "10",
		"ENTENTE_SMTP_TLS":      "starttls",
	} {
		if got[env] != want {
			t.Errorf("%s: got %q, want %q", env, got[env], want)
		}
	}
	if c.DatabaseURL = "host=/run/pg dbname=x password=p"; !slices.ContainsFunc(c.Redacted(), func(s Setting) bool { return s.Value == "host=/run/pg dbname=x" }) {
		t.Errorf("keyword address: got %q", redactDSN(c.DatabaseURL))
	}
}

func TestOrigin(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://localhost:8080", ":80": "http://localhost:80", "[::]:8080": "http://localhost:8080",
		"192.0.2.1:8080": "http://192.0.2.1:8080", "[2001:db8::1]:80": "http://[2001:db8::1]:80",
	} {
		if got := (Config{Addr: addr}).Origin(); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
	if got := (Config{PublicURL: "https://p.example/"}).Origin(); got != "https://p.example" {
		t.Errorf("got %s", got)
	}
}

func TestThisBuildIsNeverEmpty(t *testing.T) {
	b := ThisBuild()
	if b.Version == "" || b.Commit == "" || b.Time == "" || !strings.HasPrefix(b.Go, "go1.") {
		t.Errorf("got %+v", b)
	}
}
