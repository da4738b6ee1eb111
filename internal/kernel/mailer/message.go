// Package mailer sends one e-mail at a time: to an SMTP server, or, where none is
// configured, nowhere but to the log. It also draws the one layout all mails share.
package mailer

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Message is one e-mail to one person.
type Message struct {
	ID       id.ID  // becomes the Message-ID: the same for every attempt, so that a mail sent twice is shown once
	To       string // a bare address, see Address
	ToName   string // may be empty
	FromName string // shown before the configured sender's address; empty keeps the configured name
	ReplyTo  string // a bare address, or empty
	Subject  string
	Text     string
	HTML     string // may be empty
	// Unsubscribe is an https address that ends this kind of mail by one POST (RFC 8058).
	// It must be empty when Security is set: nobody can unsubscribe from those.
	Unsubscribe string
	Security    bool // sign-in, passwords, invitations: mails without which a person is locked out or not warned
}

const (
	maxAddress = 254
	maxLocal   = 64
	maxLine    = 200     // runes of a subject or name
	maxHeader  = 900     // bytes of a header that cannot be folded; a line may have 998
	maxBody    = 1 << 20 // bytes of each part
)

var (
	localRE  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
	domainRE = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)
)

// Address returns s as the address to store and send to: the domain in lower-case ASCII, the
// part before the @ as written. It refuses, with "mail.address", everything but a bare
// address of ordinary characters at a domain with a dot: no names, comments, quotes, lists,
// address literals or control characters.
func Address(s string) (string, error) {
	refused := errs.New(errs.Invalid, "mail.address", "This is not an e-mail address we can write to. It should look like name@company.example.")
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > maxAddress {
		return "", refused
	}
	local := s[:at]
	domain, err := idna.Lookup.ToASCII(s[at+1:])
	if err != nil || len(local) > maxLocal || !localRE.MatchString(local) || !domainRE.MatchString(domain) {
		return "", refused
	}
	address := local + "@" + domain
	// The library that writes the header must read the same address.
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || len(address) > maxAddress {
		return "", refused
	}
	return address, nil
}

// Check refuses, with "mail.…" codes, a message that cannot be sent as it is. Line breaks and
// control characters in what becomes a header are refused and not repaired, since somebody
// who sends them is up to something (A47).
func (m Message) Check() error {
	if m.ID == id.Nil {
		return errs.New(errs.Invalid, "mail.id", "An e-mail needs an id.")
	}
	if _, err := Address(m.To); err != nil {
		return err
	}
	if m.ReplyTo != "" {
		if _, err := Address(m.ReplyTo); err != nil {
			return err
		}
	}
	for what, line := range map[string]string{"subject": m.Subject, "recipient's name": m.ToName, "sender's name": m.FromName} {
		if !headerSafe(line) {
			return errs.New(errs.Invalid, "mail.header", "The %s of an e-mail must be one line of at most %d characters.", what, maxLine)
		}
	}
	if strings.TrimSpace(m.Subject) == "" || strings.TrimSpace(m.Text) == "" {
		return errs.New(errs.Invalid, "mail.empty", "An e-mail needs a subject and a text.")
	}
	if len(m.Text) > maxBody || len(m.HTML) > maxBody || !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML) {
		return errs.New(errs.Invalid, "mail.body", "The text of an e-mail must be UTF-8 of at most 1 MiB.")
	}
	return m.checkUnsubscribe()
}

func (m Message) checkUnsubscribe() error {
	if m.Unsubscribe == "" {
		return nil
	}
	if m.Security {
		return errs.New(errs.Invalid, "mail.unsubscribe", "Nobody can unsubscribe from security e-mails.")
	}
	u, err := url.Parse(m.Unsubscribe)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(m.Unsubscribe) > maxHeader || !plainURL(m.Unsubscribe) {
		return errs.New(errs.Invalid, "mail.unsubscribe", "The address to unsubscribe must begin with https://.")
	}
	return nil
}

// headerSafe reports whether s may stand in a header: one short line of valid text.
func headerSafe(s string) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxLine {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// plainURL reports whether s holds only visible ASCII and nothing that ends a header value
// or an attribute.
func plainURL(s string) bool {
	return len(s) <= 2000 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>"'\`, r) })
}

// messageID is the Message-ID without its angle brackets.
func (m Message) messageID(host string) string { return fmt.Sprintf("%s@%s", m.ID, host) }
