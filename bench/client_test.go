package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The hand-written client reads what net/http's server writes: lengths, chunks, no body at all, and closed connections.
func TestClientReadsEveryAnswer(t *testing.T) {
	long := strings.Repeat("0123456789", 30_000)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /short", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "short") })
	mux.HandleFunc("GET /long", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) })
	mux.HandleFunc("GET /chunks", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			fmt.Fprintf(w, "chunk %d\n", i)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("GET /empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("GET /last", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "last")
	})
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(mux)
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := newClient(strings.TrimPrefix(srv.URL, "http://"))
	defer c.close()
	for round := range 2 {
		for path, want := range map[string]string{"/short": "short", "/long": long, "/empty": "", "/none": "", "/gone": "404 page not found\n"} {
			status, body, err := c.do([]byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"))
			ok := map[string]int{"/none": 204, "/gone": 404}[path]
			if ok == 0 {
				ok = 200
			}
			if err != nil || status != ok || string(body) != want {
				t.Errorf("round %d, %s: status %d, %d bytes, %v", round, path, status, len(body), err)
			}
		}
		status, body, err := c.do([]byte("GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n"))
		if err != nil || status != 200 || bytes.Count(body, []byte("chunk")) != 100 {
			t.Errorf("chunks: %d, %d bytes, %v", status, len(body), err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want one that is kept", n)
	}
	for range 2 {
		if _, body, err := c.do([]byte("GET /last HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil || string(body) != "last" {
			t.Errorf("after a closed connection: %q, %v", body, err)
		}
	}
}

func TestPreparedJudges(t *testing.T) {
	p := prepared{items: 2, each: partnerField, own: own("a"), holds: []byte("mine")}
	for body, wrong := range map[string]string{
		`mine "partner_id":"a" "partner_id":"a"`: "",
		`mine "partner_id":"a"`:                  "1 records",
		`mine "partner_id":"a" "partner_id":"b"`: "another partner's",
		`"partner_id":"a" "partner_id":"a"`:      "lacks",
	} {
		err := p.judge(200, []byte(body))
		if wrong == "" && err != nil || wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: %v, want %q", body, err, wrong)
		}
	}
	if p.judge(500, nil) == nil {
		t.Error("a failed request passes")
	}
}

// Errors are counted apart and keep a row from meeting its target; times and rates come from the others.
func TestRunMeasures(t *testing.T) {
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%10 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	all := []prepared{{req: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}}
	m := run(context.Background(), addr, work{name: "x", target: target{rateAt16: 1}, next: pick(all)}, 16, 0, 300*time.Millisecond, watched{})
	if m.Requests == 0 || m.Errors == 0 || m.FirstErr == "" || m.P50 <= 0 || m.P50 > m.P99 || m.P99 > m.Max || m.Met == nil || *m.Met {
		t.Errorf("%+v", m)
	}
}

func TestQuantiles(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(i+1)*time.Millisecond)
	}
	for q, want := range map[float64]float64{.5: 50, .9: 90, .99: 99, 1: 100, 0: 1} {
		if got := at(times, q); got != want {
			t.Errorf("quantile %g: %g ms, want %g", q, got, want)
		}
	}
}

func TestReadPlans(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	const entry = `2026-11-21 23:51:15.457 UTC [20245] entente_partner_c82aa9ad66db@entente LOG:  duration: 0.018 ms  plan:
	{
	  "Query Text": "select 1\n  from deal",
	  "Plan": {"Node Type": "Limit", "Total Cost": 7.5, "Plans": [{"Node Type": "Seq Scan", "Relation Name": "deal"}, {"Node Type": "Seq Scan", "Relation Name": "stage"}, {"Node Type": "Index Scan", "Index Name": "deal_pk"}]}
	}
`
	if err := os.WriteFile(file, []byte("\x00\x00"+entry+"2026-11-21 23:51:16.457 UTC [1] LOG:  checkpoint\n"+entry), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readPlans(file, "GET /x", map[string]bool{"deal": true})
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	p := got[0]
	if p.Role != "entente_partner" || p.Query != "select 1 from deal" || p.Cost != 7.5 || len(p.Indexes) != 1 || p.Indexes[0] != "deal_pk" || len(p.SeqScan) != 1 || p.SeqScan[0] != "deal" {
		t.Errorf("%+v", p)
	}
	if err := os.WriteFile(file, []byte(entry[:300]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readPlans(file, "GET /x", nil); err == nil {
		t.Error("a plan that is cut off is taken for one")
	}
}

func TestOwnCPUIsSampled(t *testing.T) {
	before := watched{}.sample()
	for end := time.Now().Add(80 * time.Millisecond); time.Now().Before(end); {
		_ = strings.Repeat("x", 100)
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return // a system without /proc tells nothing
	}
	if used := (watched{}).sample().minus(before); used.bench <= 0 || resident(os.Getpid()) < mib {
		t.Errorf("processor time %v, %d bytes resident", used.bench, resident(os.Getpid()))
	}
}
