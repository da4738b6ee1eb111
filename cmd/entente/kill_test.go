package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg/embedded"
)

// connect opens a superuser's connection to the database of a data directory whose server runs.
func connect(t *testing.T, dir string) *pgx.Conn {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(dir, "postgres.secret"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host='%s' user=%s password=%s dbname=entente", filepath.Join(dir, "postgres.run"), embedded.User, strings.TrimSpace(string(secret))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func count(t *testing.T, conn *pgx.Conn, sql string) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited for %s", what)
		}
	}
}

// killing is work that is stopped in its middle by a lock on a table, and killed there.
type killing struct {
	name  string
	seed  string // what there is to be done, as SQL
	table string // where the work is held up
	mode  string // by which lock
	begin func(s *server, dir string) (pid int, id string)
	half  string // counts 1 when the work is half done
	after func(s *server, dir, id string, db *pgx.Conn)
}

const ofAcme = `(select tenant_id from app.tenant where slug = 'acme')`

var killings = []killing{
	{"retention run", `insert into app.mail (tenant_id, mail_id, template, to_email, subject, text_body, html_body, created_at) select ` + ofAcme + `, gen_random_uuid(), 'x', 'x@y.example', 'x', 'x', 'x', now() - interval '13 months' from generate_series(1, 700);
	  insert into app.workflow_log (tenant_id, at, kind, name, outcome, took_us) select ` + ofAcme + `, now() - interval '4 months', 'job', 'x', 'completed', 1 from generate_series(1, 7)`,
		"workflow_log", "exclusive", asked("/retention/runs"), `select count(*) from app.retention_run where outcome = 'running' and not exists (select from app.mail where template = 'x')`,
		func(s *server, _, id string, db *pgx.Conn) {
			var v map[string]any
			eventually(s.t, "the run to end", func() bool { v = s.api("GET", "/retention/runs/"+id, "", nil); return v["outcome"] != "running" })
			if v["outcome"] != "done" || v["removed"] != 707.0 {
				s.t.Errorf("%v, %v removed of 707: %v", v["outcome"], v["removed"], v["counts"])
			}
			if n := count(s.t, db, `select count(*) from app.workflow_log where outcome = 'completed' and name = 'x'`); n != 0 {
				s.t.Errorf("%d rows are left", n)
			}
		}},
	{"programme export", ``, "workflow_log", "access exclusive", asked("/programme/exports"), `select count(*) from app.stored_file where kind = 'tenant-export' and state = 'writing'`,
		func(s *server, _, id string, db *pgx.Conn) {
			var v map[string]any
			eventually(s.t, "the export to be done", func() bool {
				v = s.api("GET", "/programme/exports/"+id, "", nil)
				return v["status"] == "done" || v["status"] == "failed"
			})
			if v["status"] != "done" {
				s.t.Fatalf("%v", v)
			}
			files := s.api("GET", "/files", "", nil)["items"].([]any)
			if len(files) != 1 || files[0].(map[string]any)["state"] != "ready" || files[0].(map[string]any)["size"] != v["bytes"] {
				s.t.Errorf("the files after %v: %v", v, files)
			}
			r, err := zip.NewReader(bytes.NewReader(s.get(fmt.Sprintf("/files/%v", v["file_id"]))), int64(v["bytes"].(float64)))
			if err != nil || len(r.File) < 10 {
				s.t.Fatalf("the archive: %v", err)
			}
			for _, f := range r.File {
				rc, err := f.Open()
				if err == nil {
					_, err = io.Copy(io.Discard, rc)
				}
				if err != nil {
					s.t.Errorf("%s: %v", f.Name, err)
				}
			}
		}},
	{"key rotation", ``, "mail", "exclusive", func(s *server, dir string) (int, string) {
		cmd := exec.Command(os.Args[0], "keys", "rotate", "--tenant", "acme", "--data", dir)
		cmd.Env = append(os.Environ(), playEnv+"=1")
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = cmd.Wait() })
		return cmd.Process.Pid, ""
	}, `select count(*) from app.key_rotation where (select count(*) from app.data_key) = 2`,
		func(s *server, dir, _ string, db *pgx.Conn) {
			code, out, errOut := do(s.t, "keys", "rotate", "--tenant", "acme", "--data", dir, "--json")
			if n := count(s.t, db, `select count(distinct substring(text_sealed from 1 for 5)) from app.mail where text_sealed is not null`); n != 1 || count(s.t, db, `select count(*) from app.data_key`) != 2 || code != 0 {
				s.t.Errorf("mails are locked with %d keys: %d, %s%s", n, code, out, errOut)
			}
		}},
}

// asked begins work of the server by a request.
func asked(path string) func(*server, string) (int, string) {
	return func(s *server, _ string) (int, string) {
		id, _ := s.api("POST", path, "application/json", strings.NewReader("{}"))["id"].(string)
		return s.cmd.Process.Pid, id
	}
}

// get downloads something as the Admin of acme.
func (s *server) get(path string) []byte {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/api/v1"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+seedKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
	return b
}

// F1, F17: kill -9 in the middle of long work. After a new start it is completed, once, and nothing half stands anywhere.
func TestKilledWorkIsCompleted(t *testing.T) {
	t.Parallel()
	for _, k := range killings {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dir := seeded(t)
			s := serve(t, dir)
			s.api("POST", "/people", "application/json", strings.NewReader(`{"email": "kim@acme.test", "name": "Kim", "role": "staff"}`))
			db := connect(t, dir)
			eventually(t, "the work of every start to be done", func() bool { // it would do what the test seeds
				return count(t, db, `select count(*) from river.river_job where state = 'completed' and kind like 'retention.%'`) == 2 && count(t, db, `select count(*) from river.river_job where state in ('available', 'running')`) == 0
			})
			lock, err := connect(t, dir).Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, sql := range []string{k.seed, "lock table app." + k.table + " in " + k.mode + " mode"} {
				on := db
				if strings.HasPrefix(sql, "lock") {
					on = lock.Conn()
				}
				if _, err := on.Exec(t.Context(), sql); err != nil {
					t.Fatal(sql, err)
				}
			}
			pid, id := k.begin(s, dir)
			eventually(t, k.name+" to stand in its middle", func() bool {
				return count(t, db, k.half) == 1 && count(t, db, `select count(*) from pg_locks where not granted and relation = 'app.`+k.table+`'::regclass`) > 0
			})
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if pid == s.cmd.Process.Pid {
				_ = s.stop(syscall.SIGKILL)
				s = serve(t, dir)
				db = connect(t, dir)
			} else if err := lock.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.after(s, dir, id, db)
		})
	}
}
