package main

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// do runs a command in this process.
func do(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// answer runs a command that must succeed with one JSON document and decodes that.
func answer(t *testing.T, args ...string) map[string]any {
	t.Helper()
	code, out, errOut := do(t, args...)
	if code != 0 {
		t.Fatalf("entente %q: exit code %d\n%s", args, code, errOut)
	}
	var v map[string]any
	dec := json.NewDecoder(strings.NewReader(out))
	if err := dec.Decode(&v); err != nil || dec.More() {
		t.Fatalf("entente %q: not one JSON document (%v):\n%s", args, err, out)
	}
	return v
}

func keys(t *testing.T, v map[string]any, want ...string) {
	t.Helper()
	for _, k := range want {
		if s, ok := v[k]; !ok || s == "" || s == nil {
			t.Errorf("no %q in %v", k, v)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	v := answer(t, "version", "--json")
	keys(t, v, "version", "commit", "build_time", "go", "schema_version")
	if n, _ := v["schema_version"].(float64); n < 1 {
		t.Errorf("schema version %v", v["schema_version"])
	}
	if code, out, _ := do(t, "version"); code != 0 || !strings.HasPrefix(out, "entente ") || strings.Count(out, "\n") != 1 {
		t.Errorf("exit code %d, output %q", code, out)
	}
}

// Every refusal says what is wrong and how to go on; nothing was started or written.
func TestBadCommandsSayTheWayOut(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"", 2, []string{"serve", "entente --help"}},
		{"frobnicate", 2, []string{"frobnicate", "entente --help"}},
		{"serve --adr 127.0.0.1:1", 2, []string{"--adr", "entente --help"}},
		{"serve --addr 8080 --data " + data, 1, []string{"--addr"}},
		{"serve --log-level loud --addr 8080 --data " + data, 1, []string{"--log-level", "--addr"}},
		{"serve --database-url mysql://x --data " + data, 1, []string{"--database-url"}},
		{"import widgets x.csv --tenant acme", 2, []string{"widgets", "accounts"}},
		{"import deals x.csv", 2, []string{"--tenant"}},
		{"admin bootstrap --slug acme", 2, []string{"--name"}},
		{"admin bootstrap --slug a --name A --email a@a.test --password-file " + data + ".none --data " + data, 1, []string{"--password-file"}},
	} {
		code, out, errOut := do(t, strings.Fields(c.args)...)
		if code != c.code {
			t.Errorf("%q: exit code %d, want %d", c.args, code, c.code)
		}
		for _, w := range c.want {
			if !strings.Contains(out+errOut, w) {
				t.Errorf("%q: no word of %q in\n%s%s", c.args, w, out, errOut)
			}
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a refused command made the data directory")
	}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	dir := seeded(t)
	pass := file(t, "seven quiet otters paddle north\n")
	args := func(slug, email string) []string {
		return []string{"admin", "bootstrap", "--data", dir, "--slug", slug, "--name", "Second", "--email", email, "--password-file", pass, "--json"}
	}
	v := answer(t, args("second", "b@second.test")...)
	keys(t, v, "tenant_id", "user_id", "api_key")
	if len(v) != 3 || !strings.HasPrefix(v["api_key"].(string), "ent_") {
		t.Errorf("the answer is %v", v)
	}
	if code, _, errOut := do(t, args("second", "c@second.test")...); code != 1 || !strings.Contains(errOut, "slug") {
		t.Errorf("a slug that is taken: exit code %d, %s", code, errOut)
	}
	pass = file(t, "short")
	short := args("third", "b@third.test")
	if code, _, errOut := do(t, short...); code != 1 || !strings.Contains(errOut, "15 characters") {
		t.Errorf("a short password: exit code %d, %s", code, errOut)
	}
	if code, out, _ := do(t, "admin", "reset-link", "--data", dir, "b@second.test"); code != 0 || !strings.HasPrefix(out, "http://localhost:8080/reset?token=") {
		t.Errorf("reset link: exit code %d, %q", code, out)
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	dir := seeded(t)
	v := answer(t, "doctor", "--data", dir, "--json")
	keys(t, v, "version", "checks", "config")
	if v["ok"] != true {
		t.Errorf("not well: %v", v["checks"])
	}
	code, out, _ := do(t, "doctor", "--data", dir, "--database-url", "postgres://u:hunter2@127.0.0.1:1/x", "--json")
	if code != 1 || !strings.Contains(out, `"ok": false`) {
		t.Errorf("no database: exit code %d\n%s", code, out)
	}
	if strings.Contains(out, "hunter2") {
		t.Errorf("a password is printed:\n%s", out)
	}
	if code, out, _ := do(t, "doctor", "--data", dir); code != 0 || !strings.Contains(out, "ok    durability") {
		t.Errorf("for people: exit code %d\n%s", code, out)
	}
}

const sales = "../../testdata/crm-sales-opportunities/"

func TestImport(t *testing.T) {
	t.Parallel()
	dir := seeded(t)
	args := []string{"import", "accounts", sales + "accounts.csv", "--data", dir, "--tenant", "acme", "--json"}
	for i, c := range []struct {
		dry                         bool
		created, unchanged, refused float64
	}{{true, 85, 0, 0}, {true, 85, 0, 0}, {false, 85, 0, 0}, {false, 0, 85, 0}} {
		a := args
		if c.dry {
			a = append(args[:len(args):len(args)], "--dry-run")
		}
		v := answer(t, a...)
		keys(t, v, "import_id", "kind", "status", "total", "columns", "refused_rows")
		if v["total"] != 85.0 || v["created"] != c.created || v["unchanged"] != c.unchanged || v["refused"] != c.refused || v["dry_run"] != c.dry {
			t.Errorf("run %d: %v rows, %v created, %v unchanged, %v refused: %v", i, v["total"], v["created"], v["unchanged"], v["refused"], v["refused_rows"])
		}
	}
	bad := file(t, "account,country\nGood Ltd,Germany\n,Germany\n")
	v := answer(t, "import", "accounts", bad, "--data", dir, "--tenant", "acme", "--json")
	rows, _ := v["refused_rows"].([]any)
	if v["refused"] != 1.0 || len(rows) != 1 {
		t.Fatalf("refused: %v, %v", v["refused"], rows)
	}
	row := rows[0].(map[string]any)
	if row["row"] != 3.0 || row["message"] == "" || row["column"] == "" {
		t.Errorf("a refused row without number, column or advice: %v", row)
	}
	for _, c := range [][]string{{"import", "accounts", bad, "--data", dir, "--tenant", "nobody"}, {"import", "accounts", bad + ".gone", "--data", dir, "--tenant", "acme"},
		{"import", "accounts", file(t, "PK\x03\x04zip"), "--data", dir, "--tenant", "acme"}, {"import", "accounts", bad, "--data", dir, "--tenant", "acme", "--map", file(t, `{"colums":{}}`)}} {
		if code, _, errOut := do(t, c...); code != 1 || len(errOut) < 20 {
			t.Errorf("%q: exit code %d, %q", c, code, errOut)
		}
	}
}

func TestTakenPortIsToldBeforeADatabaseStarts(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dir := filepath.Join(t.TempDir(), "data")
	code, _, errOut := do(t, "serve", "--data", dir, "--addr", ln.Addr().String())
	if code != 1 || !strings.Contains(errOut, "--addr "+ln.Addr().String()) {
		t.Errorf("exit code %d, %q", code, errOut)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
		t.Error("a database was made")
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
