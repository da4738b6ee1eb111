package httpx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/httpx"
)

// start serves h behind the stack on loopback until the test ends or stop is called;
// stop returns what Serve returned.
func start(t *testing.T, h http.HandlerFunc) (addr string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	go func() {
		done <- httpx.Serve(ctx, ln, stack(h, io.Discard, httpx.Options{}), httpx.ServerOptions{Log: log})
	}()
	var result error
	stopped := false
	stop = func() error {
		if !stopped {
			stopped = true
			cancel()
			result = <-done
		}
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return ln.Addr().String(), stop
}

func dial(t *testing.T, addr, send string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, send); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// A54: a request hidden behind a body with both lengths is never answered.
func TestSmuggledRequestIsNotServed(t *testing.T) {
	served := 0
	addr, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		served++
		_, _ = io.Copy(io.Discard, r.Body)
	})
	_, rd := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
	all, err := io.ReadAll(rd)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(all), "HTTP/1.1 "); n != 1 || served != 1 {
		t.Errorf("%d answers, %d served: %s", n, served, all)
	}
}

// A54: headers beyond 32 KiB are refused before any handler.
func TestHugeHeaderIsRefused(t *testing.T) {
	addr, _ := start(t, func(http.ResponseWriter, *http.Request) { t.Error("served") })
	_, rd := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("a", 40<<10)+"\r\n\r\n")
	line, _ := rd.ReadString('\n')
	if !strings.Contains(line, "431") {
		t.Errorf("answer %q", line)
	}
}

// F12: a panic costs its request and nothing else.
func TestProcessOutlivesPanic(t *testing.T) {
	addr, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/early":
			panic("early")
		case "/late":
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic("late")
		}
	})
	for path, status := range map[string]int{"/early": 500, "/ok": 200} {
		res, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != status || res.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
	res, err := http.Get("http://" + addr + "/late")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("half an answer must not look whole")
	}
}

func TestEventsEndWithTheServer(t *testing.T) {
	addr, stop := start(t, func(w http.ResponseWriter, r *http.Request) {
		s, err := httpx.Events(w, r)
		if err != nil {
			httpx.WriteError(w, r, err)
			return
		}
		_ = s.Send(httpx.Event{ID: "7\n8", Name: "progress", Data: "a\nb\r\ndata: c"})
		_ = s.Ping()
		<-s.Context().Done()
	})
	res, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	rd := bufio.NewReader(res.Body)
	want := "id: 78\nevent: progress\ndata: a\ndata: b\ndata: data: c\n\n:\n\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(rd, got); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	if res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", res.Header)
	}
	began := time.Now()
	if err := stop(); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("stop: %v after %s", err, time.Since(began))
	}
	if _, err := rd.ReadByte(); err != io.EOF {
		t.Errorf("the stream must end: %v", err)
	}
}

func TestEventsEndWithTheClient(t *testing.T) {
	gone := make(chan struct{})
	addr, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		s, err := httpx.Events(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		<-s.Context().Done()
		if s.Ping() == nil {
			t.Error("a ping after the end must fail")
		}
		close(gone)
	})
	c, rd := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := rd.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the handler was not told")
	}
}

func TestRunningRequestsFinishAtShutdown(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	addr, stop := start(t, func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-release
		_, _ = fmt.Fprint(w, r.Context().Err())
	})
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + addr)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for { // until the listener is closed, the server has not begun to stop
		c, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	close(release)
	if got := <-answer; got != "<nil>" {
		t.Errorf("answer %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
