package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entente.dev/internal/kernel/pg/embedded"
)

// The test binary plays the program, so that it can be killed: with this variable set it is entente.
const playEnv = "ENTENTE_TEST_PLAYS_ENTENTE"

// seed is a data directory with the programme acme in it, made once and copied.
var seed, seedKey string

func TestMain(m *testing.M) {
	if os.Getenv(playEnv) != "" {
		main()
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	base, err := os.MkdirTemp("", "entente-cmd-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(base)
	seed = filepath.Join(base, "seed")
	pass := filepath.Join(base, "password")
	err = os.WriteFile(pass, []byte("seven quiet otters paddle north"), 0o600)
	var out bytes.Buffer
	if code := run(context.Background(), []string{"admin", "bootstrap", "--data", seed, "--slug", "acme", "--name", "Acme", "--email", "a@acme.test", "--password-file", pass, "--json"}, &out, os.Stderr); err != nil || code != 0 {
		fmt.Println("bootstrap of the seed failed:", code, err)
		return 1
	}
	var made struct {
		Key string `json:"api_key"`
	}
	if err := json.Unmarshal(out.Bytes(), &made); err != nil {
		fmt.Println(err)
		return 1
	}
	seedKey = made.Key
	return m.Run()
}

// seeded returns a data directory of the test's own, with the programme acme.
func seeded(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(shortDir(t), "data")
	if out, err := exec.Command("cp", "-Rp", seed, dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	return dir
}

// shortDir returns a directory of the test's own whose path is short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "entente-cmd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	return base
}

// server is the program in a process of its own.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	line string // what it printed when it was ready
	err  bytes.Buffer
	out  *bufio.Reader
}

// serve starts the program and waits until it says that it is ready.
func serve(t *testing.T, dir string, more ...string) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	s := &server{t: t, url: "http://" + addr}
	args := append([]string{"serve", "--data", dir, "--addr", addr, "--admin-addr", "127.0.0.1:0"}, more...)
	s.cmd = exec.Command(os.Args[0], args...)
	s.cmd.Env = append(os.Environ(), playEnv+"=1")
	s.cmd.Stderr = &s.err
	pipe, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.stop(syscall.SIGTERM)
		}
	})
	s.out = bufio.NewReader(pipe)
	if s.line, err = s.out.ReadString('\n'); err != nil || !strings.HasPrefix(s.line, "Entente is ready") {
		_ = s.stop(syscall.SIGTERM)
		t.Fatalf("the program said %q and ended:\n%s", s.line, s.err.String())
	}
	return s
}

// stop sends a signal and waits for the end of the process.
func (s *server) stop(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_, _ = io.Copy(io.Discard, s.out)
	return s.cmd.Wait()
}

// api sends one request as the Admin of acme and decodes the answer.
func (s *server) api(method, path, contentType string, body io.Reader) map[string]any {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+"/api/v1"+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+seedKey)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 400 {
		s.t.Fatalf("%s %s: %d %v\n%s", method, path, resp.StatusCode, err, raw)
	}
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		s.t.Fatalf("%s %s: %v\n%s", method, path, err, raw)
	}
	return v
}

// until asks for an import until it is content with it.
func (s *server) until(what, importID string, ok func(map[string]any) bool) map[string]any {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	for {
		v := s.api("GET", "/imports/"+importID, "", nil)
		if ok(v) {
			return v
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			s.t.Fatalf("waited for an import to be %s: %v %v of %v, %v", what, v["status"], v["done"], v["total"], v["failure"])
		}
	}
}

// upload begins an import.
func (s *server) upload(kind, path string) string {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("kind", kind)
	part, err := w.CreateFormFile("file", filepath.Base(path))
	if err == nil {
		_, err = part.Write(data)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		s.t.Fatal(err)
	}
	return s.api("POST", "/imports", w.FormDataContentType(), &body)["id"].(string)
}

func status(want string) func(map[string]any) bool {
	return func(v map[string]any) bool { return v["status"] == want }
}

// A second server on one data directory is refused and told who holds it; commands work beside the first.
func TestOneServerADirectory(t *testing.T) {
	t.Parallel()
	dir := seeded(t)
	s := serve(t, dir)
	code, _, errOut := do(t, "serve", "--data", dir, "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0")
	if pid := fmt.Sprintf("process %d", s.cmd.Process.Pid); code != 1 || !strings.Contains(errOut, pid) || !strings.Contains(errOut, "--data") {
		t.Errorf("exit code %d, want the words %q:\n%s", code, pid, errOut)
	}
	if v := answer(t, "doctor", "--data", dir, "--json"); v["ok"] != true {
		t.Errorf("doctor beside the server: %v", v["checks"])
	}
	if v := answer(t, "import", "accounts", sales+"accounts.csv", "--data", dir, "--tenant", "acme", "--json"); v["created"] != 85.0 {
		t.Errorf("import beside the server: %v created", v["created"])
	}
	if v := s.api("GET", "/accounts?limit=1", "", nil); len(v["items"].([]any)) != 1 {
		t.Errorf("the server does not see what the command wrote: %v", v)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		resp, err := http.Get(s.url + path)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", path, resp, err)
		}
		resp.Body.Close()
	}
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Errorf("a stopped server ends with %v:\n%s", err, s.err.String())
	}
}

// kill -9 in the middle of an import: after a restart it is completed, and nothing stands there twice.
func TestKilledImportIsCompleted(t *testing.T) {
	t.Parallel()
	dir := seeded(t)
	s := serve(t, dir)
	for _, f := range [][2]string{{"products", "products.csv"}, {"accounts", "accounts.csv"}, {"partners", "sales_teams.csv"}} {
		run := s.upload(f[0], sales+f[1])
		s.until("checked", run, status("checked"))
		s.api("POST", "/imports/"+run+"/commit", "application/json", strings.NewReader("{}"))
		s.until("committed", run, status("committed"))
	}
	deals := s.upload("deals", sales+"sales_pipeline.csv")
	s.until("checked", deals, status("checked"))
	s.api("POST", "/imports/"+deals+"/commit", "application/json", strings.NewReader("{}"))
	s.until("half written", deals, func(v map[string]any) bool { return v["done"].(float64) > 500 })
	if err := s.stop(syscall.SIGKILL); err == nil {
		t.Fatal("the server was not killed")
	}

	s = serve(t, dir)
	if v := s.api("GET", "/imports/"+deals, "", nil); v["status"] != "committing" {
		t.Fatalf("the kill came too late to prove anything: %v", v["status"])
	}
	v := s.until("committed", deals, status("committed"))
	if v["created"] != 8800.0 || v["refused"] != 0.0 {
		t.Errorf("%v created, %v refused of %v", v["created"], v["refused"], v["total"])
	}
	if n := s.count("/deals?limit=200"); n != 8800 {
		t.Errorf("%d deals stand there, want 8800", n)
	}
}

// count walks through the pages of a list.
func (s *server) count(path string) (n int) {
	s.t.Helper()
	seen := map[any]bool{}
	for cursor := ""; ; {
		v := s.api("GET", path+cursor, "", nil)
		for _, it := range v["items"].([]any) {
			ext := it.(map[string]any)["external_id"]
			if seen[ext] {
				s.t.Errorf("%v stands there twice", ext)
			}
			seen[ext] = true
			n++
		}
		next, _ := v["next_cursor"].(string)
		if next == "" {
			return n
		}
		cursor = "&cursor=" + next
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	dir := seeded(t)
	code, _, errOut := do(t, "serve", "--demo", "--data", dir, "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0")
	if code != 1 || !strings.Contains(errOut, "Acme") || !strings.Contains(errOut, "--data") {
		t.Errorf("the demo beside real programmes: exit code %d\n%s", code, errOut)
	}
	fresh, err := os.MkdirTemp("", "entente cmd ") // with spaces in its path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(fresh) })
	s := serve(t, fresh, "--demo")
	for _, want := range []string{"Password for everyone", "Admin", "Partner"} {
		rest, err := s.out.Peek(1)
		_ = rest
		line, err2 := s.out.ReadString('\n')
		if err != nil || err2 != nil && line == "" {
			t.Fatalf("after %q: %v %v", s.line, err, err2)
		}
		for !strings.Contains(line, want) {
			if line, err = s.out.ReadString('\n'); err != nil {
				t.Fatalf("no word of %q: %v", want, err)
			}
		}
	}
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Errorf("%v\n%s", err, s.err.String())
	}
	// A second start finds the demo there and leaves it.
	s = serve(t, fresh, "--demo")
	if strings.Contains(s.err.String(), "demo filled") {
		t.Error("the demo was filled twice")
	}
	demoMoves(t, fresh)
}

// demoMoves moves the demo, in which a little of everything stands, to an empty installation: nothing is missing there, and no
// promise fails.
func demoMoves(t *testing.T, from string) {
	t.Helper()
	to, err := os.MkdirTemp("", "entente-cmd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(to) })
	to = filepath.Join(to, "data")
	rows := func(path string, v map[string]any) map[string]any {
		out := map[string]any{}
		for _, m := range v["manifest"].(map[string]any)["members"].([]any) {
			if m := m.(map[string]any); m["table"] != nil && m["table"] != "session" && m["table"] != "arrival" {
				out[m["table"].(string)] = m["rows"]
			}
		}
		if len(out) < 40 {
			t.Errorf("%s: %d tables", path, len(out))
		}
		return out
	}
	first, second := filepath.Join(t.TempDir(), "first.zip"), filepath.Join(t.TempDir(), "second.zip")
	made := answer(t, "tenant", "export", "--tenant", "halden", "--out", first, "--data", from, "--json")
	answer(t, "tenant", "import", first, "--trust-key", made["verifier"].(string), "--data", to, "--json")
	want, got := rows(first, made), rows(second, answer(t, "tenant", "export", "--tenant", "halden", "--out", second, "--data", to, "--json"))
	for table, n := range want {
		if got[table] != n && table != "audit_entry" && table != "audit_leaf" && table != "audit_checkpoint" && table != "audit_tile" && table != "row_history" {
			t.Errorf("%s: %v rows left, %v arrived", table, n, got[table])
		}
	}
	answer(t, "retention", "run", "--data", to, "--json")
	if v := answer(t, "trust", "check", "--data", to, "--json"); v["ok"] != true {
		t.Errorf("a promise fails where the demo moved to: %v", v["counts"])
	}
}

// An existing PostgreSQL is used with nothing but its URL given.
func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	base := shortDir(t)
	db, err := embedded.Start(t.Context(), embedded.Options{DataDir: filepath.Join(base, "elsewhere"), NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Stop(context.Background()) }()
	data := filepath.Join(base, "data")
	s := serve(t, data, "--database-url", db.URL())
	if !strings.Contains(s.line, "/setup?token=") {
		t.Errorf("no set-up link: %q", s.line)
	}
	resp, err := http.Get(s.url + "/readyz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("not ready: %v %v", resp, err)
	}
	resp.Body.Close()
	if err := s.stop(syscall.SIGTERM); err != nil {
		t.Errorf("%v\n%s", err, s.err.String())
	}
	if _, err := os.Stat(filepath.Join(data, "postgres")); err == nil {
		t.Error("a database of our own was made too")
	}
}
