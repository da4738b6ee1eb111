package courier

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"

	"context"
)

func message() Message {
	return Message{ID: id.New().String(), At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Texts: []Text{{"checkpoints/i/t/00000000000000000003.txt", "entente/i/t\n3\nroot\n\n— sig\n"},
		{"checkpoints/i/installation/00000000000000000001.txt", "entente/i\n1\nroot\n"}}}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestWebhook(t *testing.T) {
	secret := []byte("0123456789abcdef")
	var got *http.Request
	var body []byte
	status := http.StatusNoContent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	p, err := Open(srv.URL+"/hook?key=s3cret", Options{Secret: secret, Allow: loopback})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.Name(), "s3cret") {
		t.Error("the name tells the secret")
	}
	m := message()
	if err := p.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var back Message
	if err := json.Unmarshal(body, &back); err != nil || len(back.Texts) != 2 || got.Header.Get("webhook-id") != m.ID {
		t.Errorf("%v %+v", err, back)
	}
	if want := Sign(secret, m.ID, got.Header.Get("webhook-timestamp"), body); got.Header.Get("webhook-signature") != want {
		t.Error("the signature is not that of the body")
	}
	for _, status = range []int{500, 302, 404} {
		if err := p.Send(t.Context(), m); err == nil {
			t.Errorf("%d counts as received", status)
		}
	}
}

// A44: whatever an address says, what counts is where the connection goes.
func TestWebhookStaysOutside(t *testing.T) {
	reached := false
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]", "[64:ff9b::7f00:1]", "127.1", "2130706433", "169.254.169.254", "10.0.0.1", "100.64.0.1"} {
		for _, scheme := range []string{"http", "https"} {
			p, err := Open(fmt.Sprintf("%s://%s:%s/", scheme, host, port), Options{Secret: []byte("0123456789abcdef")})
			if err != nil {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := p.Send(ctx, message()); err == nil {
				t.Errorf("%s://%s was reached", scheme, host)
			} else if strings.Contains(err.Error(), port) {
				t.Errorf("%v tells where it went", err)
			}
			cancel()
		}
	}
	if reached {
		t.Error("an inside address was reached")
	}
	for _, ip := range []string{"8.8.8.8", "2606:4700::1"} {
		if !public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is public", ip)
		}
	}
}

func TestSyslog(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	p, err := Open("syslog+udp://"+udp.LocalAddr().String(), Options{Host: "portal"})
	if err != nil {
		t.Fatal(err)
	}
	m := message()
	if err := p.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, _, err := udp.ReadFrom(buf)
	want := `<109>1 2026-03-01T12:00:00Z portal entente - checkpoint [checkpoint@32473 id="` + m.ID + `" name="checkpoints/i/t/00000000000000000003.txt"] entente/i/t\n3\nroot\n\n— sig`
	if err != nil || string(buf[:n]) != want {
		t.Errorf("%v\n%s\n%s", err, buf[:n], want)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	lines := make(chan string, 1)
	go func() {
		c, err := tcp.Accept()
		if err != nil {
			return
		}
		b, _ := io.ReadAll(bufio.NewReader(c))
		lines <- string(b)
	}()
	if p, err = Open("syslog+tcp://"+tcp.Addr().String(), Options{Host: "portal"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := <-lines; !strings.HasPrefix(got, fmt.Sprintf("%d %s", len(want), want)) {
		t.Errorf("%s", got)
	}
	tcp.Close()
	if p.Send(t.Context(), m) == nil {
		t.Error("nobody listens and it counts as sent")
	}
}

func TestDirAndMail(t *testing.T) {
	dir := t.TempDir()
	p, err := Open("dir:"+dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := message()
	for range 2 { // twice is as good as once
		if err := p.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(m.Texts[0].Name)))
	if err != nil || string(b) != m.Texts[0].Body {
		t.Errorf("%v %s", err, b)
	}
	box := &sent{}
	if p, err = Open("mailto:admin@acme.example", Options{Mail: box}); err != nil {
		t.Fatal(err)
	}
	if err := p.Send(t.Context(), m); err != nil || box.m.To != "admin@acme.example" || !strings.Contains(box.m.Text, "entente/i/t\n3\nroot") || box.m.Check() != nil {
		t.Errorf("%v %+v %v", err, box.m, box.m.Check())
	}
	for _, bad := range []string{"", "ftp://x", "mailto:a@b", "syslog+quic://h", "https://h/x"} {
		if _, err := Open(bad, Options{}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

type sent struct{ m mailer.Message }

func (s *sent) Send(_ context.Context, m mailer.Message) error { s.m = m; return nil }
