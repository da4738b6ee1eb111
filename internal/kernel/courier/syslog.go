package courier

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"entente.dev/internal/kernel/id"
)

func messageID(s string) (id.ID, error) {
	v, ok := id.Parse(s)
	if !ok {
		return v, errors.New("the message has no id")
	}
	return v, nil
}

// syslog sends one RFC 5424 message for each text: facility 13 (log audit), severity notice. Over TCP and TLS messages are
// counted (RFC 6587, RFC 5425).
type syslog struct {
	network, addr, host string
}

func newSyslog(u *url.URL, host string) (Place, error) {
	network := strings.TrimPrefix(u.Scheme, "syslog+")
	port := map[string]string{"udp": "514", "tcp": "601", "tls": "6514"}[network]
	if port == "" || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.User != nil {
		return nil, fmt.Errorf("%s: write syslog+udp://HOST:PORT, syslog+tcp:// or syslog+tls://", u.Redacted())
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if host == "" {
		host = "-"
	}
	return syslog{network, net.JoinHostPort(u.Hostname(), port), host}, nil
}

func (s syslog) Name() string { return "syslog+" + s.network + "://" + s.addr }

func (s syslog) dial(ctx context.Context) (net.Conn, error) {
	d := &net.Dialer{Timeout: limit}
	if s.network != "tls" {
		return d.DialContext(ctx, s.network, s.addr)
	}
	return (&tls.Dialer{NetDialer: d, Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", s.addr)
}

func (s syslog) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return err
		}
	}
	for _, t := range m.Texts {
		line := s.line(m, t)
		if s.network != "udp" {
			line = fmt.Sprintf("%d %s", len(line), line)
		}
		if _, err := conn.Write([]byte(line)); err != nil {
			return err
		}
	}
	return nil
}

// line is one message; the text's lines are joined by a literal \n, as one message is one line.
func (s syslog) line(m Message, t Text) string {
	const audit, notice = 13, 5
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)
	body := strings.ReplaceAll(strings.TrimSuffix(t.Body, "\n"), "\n", `\n`)
	return fmt.Sprintf(`<%d>1 %s %s entente - checkpoint [checkpoint@32473 id="%s" name="%s"] %s`, audit*8+notice, m.At.UTC().Format(time.RFC3339), s.host,
		escape.Replace(m.ID), escape.Replace(t.Name), body)
}
