package mailer

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"entente.dev/internal/kernel/id"
)

func message() Message {
	return Message{
		ID: id.Must("0190b1a5-7a3f-7c11-8000-000000000001"), To: "bo@Partner.Test", ToName: "Bo Åkerlund", FromName: "Acme via Entente",
		ReplyTo: "manager@acme.test", Subject: "Ihr Geschäft wurde genehmigt — 株式会社", Text: "Grüße,\nall is well.\n.\nlast line\n", HTML: "<p>Grüße</p>",
		Unsubscribe: "https://acme.test/u/1",
	}
}

func sender(t *testing.T, c Config) *SMTP {
	t.Helper()
	s, err := NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSendModes(t *testing.T) {
	cases := []struct{ name, mode, user string }{
		{"plain", "none", ""}, {"plain with sign-in on loopback", "none", "ada"},
		{"starttls", "starttls", ""}, {"starttls with sign-in", "starttls", "ada"},
		{"tls", "tls", ""}, {"tls with sign-in", "tls", "ada"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, c.mode, nil)
			cfg := server.config(c.mode)
			cfg.User, cfg.Password = c.user, "right"
			if err := sender(t, cfg).Send(t.Context(), message()); err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
			got := server.messages()
			if len(got) != 1 {
				t.Fatalf("%d messages arrived", len(got))
			}
			g := got[0]
			if g.from != "partners@acme.test" || g.to != "bo@partner.test" || g.user != c.user || g.encrypted != (c.mode != "none") {
				t.Errorf("envelope %+v", g)
			}
		})
	}
}

func TestMessageAsReceived(t *testing.T) {
	t.Parallel()
	server := serve(t, "none", nil)
	s := sender(t, server.config("none"))
	// Twice, as a retry after a lost answer does.
	for range 2 {
		if err := s.Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
	}
	secure := message()
	secure.Unsubscribe, secure.Security = "", true
	if err := s.Send(t.Context(), secure); err != nil {
		t.Fatal(err)
	}
	got := server.messages()
	if len(got) != 3 {
		t.Fatalf("%d messages arrived", len(got))
	}
	for i, g := range got {
		m, err := netmail.ReadMessage(strings.NewReader(g.raw))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"Message-Id": "<0190b1a5-7a3f-7c11-8000-000000000001@acme.test>", "Subject": message().Subject,
			"From": `"Acme via Entente" <partners@acme.test>`, "To": "Bo Åkerlund <bo@partner.test>", "Reply-To": "<manager@acme.test>",
			"Auto-Submitted": "auto-generated", "List-Unsubscribe": "<https://acme.test/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		}
		if i == 2 {
			want["List-Unsubscribe"], want["List-Unsubscribe-Post"] = "", ""
		}
		for name, value := range want {
			if decoded, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name)); err != nil || decoded != value {
				t.Errorf("%d: %s is %q, want %q", i, name, decoded, value)
			}
		}
		parts := bodies(t, m)
		if parts["text/plain"] != message().Text || parts["text/html"] != message().HTML {
			t.Errorf("%d: parts %q", i, parts)
		}
	}
}

// bodies decodes the alternatives by media type.
func bodies(t *testing.T, m *netmail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q: %v", kind, err)
	}
	out := map[string]string{}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		out[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

func TestAnswers(t *testing.T) {
	answer := func(code int, text string) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: text}
	}
	cases := []struct {
		name  string
		set   func(*server)
		stage string
		code  int
		final bool
	}{
		{"no such person", func(s *server) { s.errRcpt = answer(550, "no bo@partner.test here") }, "recipient", 550, true},
		{"mailbox busy", func(s *server) { s.errRcpt = answer(450, "bo@partner.test is greylisted") }, "recipient", 450, false},
		{"content refused", func(s *server) { s.errData = answer(554, "bo@partner.test wants no spam") }, "content", 554, true},
		{"storage full", func(s *server) { s.errData = answer(452, "later, bo@partner.test") }, "content", 452, false},
		{"our sender refused", func(s *server) { s.errMail = answer(550, "who are you, partners@acme.test") }, "sender", 550, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, "none", c.set)
			err := sender(t, server.config("none")).Send(t.Context(), message())
			var e *Error
			if !errors.As(err, &e) || e.Stage != c.stage || e.Code != c.code || Permanent(err) != c.final {
				t.Fatalf("error %#v (%v)", err, err)
			}
			if strings.Contains(err.Error(), "@") {
				t.Errorf("the log would name a person: %v", err)
			}
			if !strings.Contains(e.Reply, "@") {
				t.Errorf("the server's answer is lost: %q", e.Reply)
			}
		})
	}
}

// What goes wrong before the message is the operator's to repair, so it is tried again.
func TestConnectionFailuresAreTemporary(t *testing.T) {
	untrusted := serve(t, "starttls", nil).config("starttls")
	untrusted.Roots = nil
	without := serve(t, "none", nil).config("starttls")
	wrong := serve(t, "starttls", nil).config("starttls")
	wrong.User, wrong.Password = "ada", "wrong"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: "none", From: "a@acme.test"}
	listener.Close()
	for name, cfg := range map[string]Config{"certificate not trusted": untrusted, "no STARTTLS offered": without,
		"wrong password": wrong, "nobody listens": closed, "not a mail server": script(t, "HTTP/1.1 400 Bad Request\r\n\r\n")} {
		t.Run(name, func(t *testing.T) {
			err := sender(t, cfg).Send(t.Context(), message())
			var e *Error
			if !errors.As(err, &e) || e.Stage != "connect" || Permanent(err) {
				t.Errorf("error %#v (%v)", err, err)
			}
		})
	}
}

// F8: a server that stops answering at any point costs no more than the time given.
func TestHangingServer(t *testing.T) {
	ehlo := "250-mail\r\n250 8BITMIME\r\n"
	cases := map[string][]string{
		"no greeting":        {},
		"after the greeting": {"220 mail\r\n"},
		"after EHLO":         {"220 mail\r\n", ehlo},
		"after MAIL":         {"220 mail\r\n", ehlo, "250 ok\r\n"},
		"after DATA":         {"220 mail\r\n", ehlo, "250 ok\r\n", "250 ok\r\n", "354 go\r\n"},
	}
	for name, answers := range cases {
		for _, by := range []string{"deadline", "configured time", "cancel"} {
			t.Run(name+" by "+by, func(t *testing.T) {
				t.Parallel()
				cfg := script(t, answers...)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				switch by {
				case "deadline":
					ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
					defer cancel()
				case "configured time":
					cfg.Timeout = 300 * time.Millisecond
				case "cancel":
					time.AfterFunc(300*time.Millisecond, cancel)
				}
				begin := time.Now()
				err := sender(t, cfg).Send(ctx, message())
				if took := time.Since(begin); took > 3*time.Second {
					t.Errorf("it took %v", took)
				}
				if err == nil || Permanent(err) {
					t.Errorf("error %v", err)
				}
				if by == "cancel" && !errors.Is(err, context.Canceled) || by == "deadline" && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("cause %v", errors.Unwrap(err))
				}
			})
		}
	}
}

// A connection lost after the server took the message is no failure: a retry would send
// it twice.
func TestTakenIsTaken(t *testing.T) {
	cfg := script(t, "220 mail\r\n", "250-mail\r\n250 8BITMIME\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 taken\r\n")
	cfg.Timeout = 500 * time.Millisecond // it never answers the RSET and QUIT that follow
	if err := sender(t, cfg).Send(t.Context(), message()); err != nil {
		t.Errorf("error %v: %v", err, errors.Unwrap(err))
	}
}

func TestNewSMTPRefuses(t *testing.T) {
	good := Config{Host: "mail.acme.test", Port: 587, TLS: "starttls", From: "Acme <a@acme.test>", User: "u"}
	if _, err := NewSMTP(good); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*Config){
		"no host":               func(c *Config) { c.Host = "" },
		"no port":               func(c *Config) { c.Port = 0 },
		"unknown mode":          func(c *Config) { c.TLS = "ssl" },
		"no sender":             func(c *Config) { c.From = "" },
		"sender without domain": func(c *Config) { c.From = "root" },
		"sender with newline":   func(c *Config) { c.From = "=?utf-8?q?a=0Ab?= <a@acme.test>" },
		"password in the clear": func(c *Config) { c.TLS = "none" },
	} {
		c := good
		edit(&c)
		if _, err := NewSMTP(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
