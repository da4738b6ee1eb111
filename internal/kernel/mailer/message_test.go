package mailer

import (
	"net/mail"
	"strings"
	"testing"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

func TestAddress(t *testing.T) {
	long := strings.Repeat("a", 64)
	for in, want := range map[string]string{
		"ada@acme.test":               "ada@acme.test",
		"Ada.Lovelace+x@ACME.Test":    "Ada.Lovelace+x@acme.test",
		"o'brien@acme.test":           "o'brien@acme.test",
		"ada@bücher.example":          "ada@xn--bcher-kva.example",
		"ada@a.b.c.example":           "ada@a.b.c.example",
		long + "@acme.test":           long + "@acme.test",
		long + "a@acme.test":          "",
		"":                            "",
		"ada":                         "",
		"@acme.test":                  "",
		"ada@":                        "",
		"ada@localhost":               "",
		"ada@acme.test.":              "",
		"ada@.acme.test":              "",
		"ada@acme..test":              "",
		"ada@-acme.test":              "",
		"ada@[127.0.0.1]":             "",
		"ada@127.0.0.1":               "",
		"a@b@acme.test":               "",
		"ada @acme.test":              "",
		" ada@acme.test":              "",
		"ada@acme.test\n":             "",
		"ada@acme.test\r\nBcc: x@y.z": "",
		"ada@acme.test,b@acme.test":   "",
		"Ada <ada@acme.test>":         "",
		"<ada@acme.test>":             "",
		`"a b"@acme.test`:             "",
		"ada..b@acme.test":            "",
		".ada@acme.test":              "",
		"ada(x)@acme.test":            "",
		"ad\x00a@acme.test":           "",
		"äda@acme.test":               "",
		"ada@ac\u00adme.test":         "ada@acme.test",
		"ada@" + strings.Repeat(strings.Repeat("a", 60)+".", 5) + "test": "",
	} {
		got, err := Address(in)
		if got != want || (err == nil) != (want != "") || (err != nil && !errs.Is(err, "mail.address")) {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

// A47: what could begin a new header or a new message is refused.
func TestCheckRefusesInjection(t *testing.T) {
	if err := message().Check(); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		edit func(*Message)
		code string
	}{
		"no id":                   {func(m *Message) { m.ID = id.Nil }, "mail.id"},
		"recipient":               {func(m *Message) { m.To = "a@acme.test\r\nBcc: b@acme.test" }, "mail.address"},
		"two recipients":          {func(m *Message) { m.To = "a@acme.test, b@acme.test" }, "mail.address"},
		"reply address":           {func(m *Message) { m.ReplyTo = "a@acme.test\n" }, "mail.address"},
		"subject CRLF":            {func(m *Message) { m.Subject = "a\r\nBcc: b@acme.test" }, "mail.header"},
		"subject LF":              {func(m *Message) { m.Subject = "a\nb" }, "mail.header"},
		"subject CR":              {func(m *Message) { m.Subject = "a\rb" }, "mail.header"},
		"subject NUL":             {func(m *Message) { m.Subject = "a\x00b" }, "mail.header"},
		"subject next line":       {func(m *Message) { m.Subject = "a\u0085b" }, "mail.header"},
		"subject line separator":  {func(m *Message) { m.Subject = "a\u2028b" }, "mail.header"},
		"subject not UTF-8":       {func(m *Message) { m.Subject = "a\xffb" }, "mail.header"},
		"subject of 300":          {func(m *Message) { m.Subject = strings.Repeat("x", 300) }, "mail.header"},
		"recipient's name":        {func(m *Message) { m.ToName = "Bo\r\nX: y" }, "mail.header"},
		"sender's name":           {func(m *Message) { m.FromName = "Acme\nX: y" }, "mail.header"},
		"no subject":              {func(m *Message) { m.Subject = " " }, "mail.empty"},
		"no text":                 {func(m *Message) { m.Text = "" }, "mail.empty"},
		"text too long":           {func(m *Message) { m.Text = strings.Repeat("x", 2<<20) }, "mail.body"},
		"unsubscribe CRLF":        {func(m *Message) { m.Unsubscribe = "https://acme.test/\r\nX: y" }, "mail.unsubscribe"},
		"unsubscribe ends":        {func(m *Message) { m.Unsubscribe = "https://acme.test/>,<mailto:x@y.test" }, "mail.unsubscribe"},
		"unsubscribe http":        {func(m *Message) { m.Unsubscribe = "http://acme.test/" }, "mail.unsubscribe"},
		"unsubscribe javascript":  {func(m *Message) { m.Unsubscribe = "javascript:alert(1)" }, "mail.unsubscribe"},
		"unsubscribe on security": {func(m *Message) { m.Security = true }, "mail.unsubscribe"},
	}
	for name, c := range cases {
		m := message()
		c.edit(&m)
		if err := m.Check(); !errs.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// Whatever passes Check leads to exactly the headers we set: none appears by what a value
// holds.
func FuzzHeaders(f *testing.F) {
	f.Add("ada@acme.test", "Ada", "Acme", "Hello", "https://acme.test/")
	f.Add("ada@acme.test", "\"<x@y.test>,", "=?utf-8?q?=0d=0aBcc:_x@y.test?=", "a: b\tc", "")
	s, err := NewSMTP(Config{Host: "mail.acme.test", Port: 25, TLS: "starttls", From: "partners@acme.test"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to, toName, fromName, subject, unsubscribe string) {
		m := Message{ID: id.New(), To: to, ToName: toName, FromName: fromName, Subject: subject, Text: "x", Unsubscribe: unsubscribe}
		built, err := s.build(m)
		if err != nil {
			return
		}
		var raw strings.Builder
		if _, err := built.WriteTo(&raw); err != nil {
			t.Fatal(err)
		}
		got, err := mail.ReadMessage(strings.NewReader(raw.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, raw.String())
		}
		allowed := map[string]bool{"Date": true, "Mime-Version": true, "Message-Id": true, "Subject": true, "From": true, "To": true, "Content-Type": true,
			"Content-Transfer-Encoding": true, "Auto-Submitted": true, "X-Auto-Response-Suppress": true, "List-Unsubscribe": true, "List-Unsubscribe-Post": true}
		for name, values := range got.Header {
			if !allowed[name] || len(values) != 1 {
				t.Errorf("header %s: %q", name, values)
			}
		}
		want, _ := Address(to)
		if list, err := got.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != want {
			t.Errorf("To %q: %v", got.Header.Get("To"), err)
		}
		if list, err := got.Header.AddressList("From"); err != nil || len(list) != 1 || list[0].Address != "partners@acme.test" {
			t.Errorf("From %q: %v", got.Header.Get("From"), err)
		}
	})
}
