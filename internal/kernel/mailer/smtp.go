package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Config names the mail server.
type Config struct {
	Host     string
	Port     int
	TLS      string // "starttls" (required, not merely tried), "tls" from the first byte, or "none"
	User     string // empty: no sign-in
	Password string
	From     string // an address with or without a name: "Acme Partners <partners@acme.example>"

	Timeout time.Duration  // for one message from dialling to the last answer; 0 means 10 s
	Roots   *x509.CertPool // nil means those of the system
}

// SMTP sends through a mail server, with one connection for each message.
type SMTP struct {
	cfg  Config
	from netmail.Address
	host string // right side of Message-IDs, and our name in the greeting
}

// NewSMTP checks c; it does not connect.
func NewSMTP(c Config) (*SMTP, error) {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("the sender %q is not an address: %w", c.From, err)
	}
	if from.Address, err = Address(from.Address); err != nil || !headerSafe(from.Name) {
		return nil, fmt.Errorf("the sender %q is not an address that mail can come from", c.From)
	}
	switch {
	case c.Host == "" || c.Port < 1 || c.Port > 65535:
		return nil, fmt.Errorf("the mail server %q, port %d, cannot be reached by name and port", c.Host, c.Port)
	case !slices.Contains([]string{"starttls", "tls", "none"}, c.TLS):
		return nil, fmt.Errorf("%q is not a TLS mode for mail: starttls, tls or none", c.TLS)
	case c.TLS == "none" && c.User != "" && !loopback(c.Host):
		return nil, errors.New("the mail password would travel unencrypted: use starttls or tls")
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	_, host, _ := strings.Cut(from.Address, "@")
	return &SMTP{cfg: c, from: *from, host: host}, nil
}

// Send implements Sender. It returns within the configured time whatever the server does.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.build(m)
	if err != nil {
		return &Error{Stage: "message", Final: true, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	// The library leaves a connection open when the greeting fails and does not watch ctx
	// once it is dialled, so the connection is ours to close.
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	client, err := s.client(func(dialling context.Context, network, _ string) (net.Conn, error) {
		c, err := s.dial(dialling, network)
		if err != nil {
			return nil, err
		}
		conn = c
		context.AfterFunc(ctx, func() { _ = c.Close() })
		return c, nil
	})
	if err != nil {
		return &Error{Stage: "connect", Err: err}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return failure(ctx, "connect", err)
	}
	err = client.SendWithSMTPClient(session, msg)
	if msg.IsDelivered() {
		// What fails after the server took the message is no reason to send it again.
		_ = client.CloseWithSMTPClient(session)
		return nil
	}
	return failure(ctx, "content", err)
}

func (s *SMTP) client(dial mail.DialContextFunc) (*mail.Client, error) {
	policy := mail.NoTLS
	if s.cfg.TLS == "starttls" {
		policy = mail.TLSMandatory
	}
	options := []mail.Option{
		mail.WithPort(s.cfg.Port), mail.WithTimeout(s.cfg.Timeout), mail.WithHELO(s.host),
		mail.WithTLSConfig(s.tls()), mail.WithTLSPolicy(policy), mail.WithDialContextFunc(dial), mail.WithoutNoop(),
	}
	if s.cfg.User != "" {
		options = append(options, mail.WithSMTPAuthCustom(&signIn{cfg: s.cfg}))
	}
	return mail.NewClient(s.cfg.Host, options...)
}

func (s *SMTP) tls() *tls.Config {
	return &tls.Config{ServerName: s.cfg.Host, RootCAs: s.cfg.Roots, MinVersion: tls.VersionTLS12}
}

func (s *SMTP) dial(ctx context.Context, network string) (net.Conn, error) {
	address := net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.cfg.Port))
	if s.cfg.TLS == "tls" {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// build makes the MIME message: text and HTML as alternatives, both quoted-printable UTF-8.
func (s *SMTP) build(m Message) (*mail.Msg, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	to, err := Address(m.To)
	if err != nil {
		return nil, err
	}
	from := s.from
	if m.FromName != "" {
		from.Name = m.FromName
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&from)
	msg.ToMailAddress(&netmail.Address{Name: m.ToName, Address: to})
	if m.ReplyTo != "" {
		reply, err := Address(m.ReplyTo)
		if err != nil {
			return nil, err
		}
		msg.ReplyToMailAddress(&netmail.Address{Address: reply})
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.messageID(s.host))
	msg.SetDate()
	// Out-of-office programs do not answer these (RFC 3834; Exchange).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	if m.Unsubscribe != "" {
		msg.SetGenHeaderPreformatted("List-Unsubscribe", "<"+m.Unsubscribe+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// failure says at which stage sending failed and whether for good.
func failure(ctx context.Context, stage string, err error) *Error {
	out := &Error{Stage: stage, Err: err}
	var reply *textproto.Error
	if errors.As(err, &reply) {
		out.Code, out.Reply = reply.Code, reply.Msg
	}
	var send *mail.SendError
	if errors.As(err, &send) {
		out.Code = send.ErrorCode()
		if out.Reply == "" && out.Code != 0 {
			out.Reply = send.Error()
		}
		switch send.Reason {
		case mail.ErrSMTPMailFrom:
			out.Stage = "sender"
		case mail.ErrSMTPRcptTo:
			out.Stage = "recipient"
		}
	}
	if ctx.Err() != nil {
		out.Code, out.Err = 0, errors.Join(context.Cause(ctx), err)
	}
	out.Final = (out.Stage == "recipient" || out.Stage == "content") && out.Code >= 500 && out.Code != 530
	return out
}

// signIn picks the mechanism the server offers, and sends no password in the clear but to
// this machine.
type signIn struct {
	cfg    Config
	chosen smtp.Auth
}

func (a *signIn) Start(server *smtp.ServerInfo) (string, []byte, error) {
	local := loopback(a.cfg.Host)
	switch {
	case slices.Contains(server.Auth, "PLAIN"):
		a.chosen = smtp.PlainAuth("", a.cfg.User, a.cfg.Password, a.cfg.Host, local)
	case slices.Contains(server.Auth, "LOGIN"):
		a.chosen = smtp.LoginAuth(a.cfg.User, a.cfg.Password, a.cfg.Host, local)
	case slices.Contains(server.Auth, "SCRAM-SHA-256"):
		a.chosen = smtp.ScramSHA256Auth(a.cfg.User, a.cfg.Password)
	default:
		return "", nil, fmt.Errorf("the mail server offers no sign-in we know: %s", strings.Join(server.Auth, " "))
	}
	return a.chosen.Start(server)
}

func (a *signIn) Next(fromServer []byte, more bool) ([]byte, error) {
	return a.chosen.Next(fromServer, more)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
