package mailer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// received is one message as the server took it.
type received struct {
	from, to, user string
	encrypted      bool
	raw            string
}

// server is a real SMTP server in this process. The err fields are what it answers.
type server struct {
	t                         *testing.T
	host                      string
	port                      int
	roots                     *x509.CertPool
	errMail, errRcpt, errData error

	mu   sync.Mutex
	sent []received
}

// serve starts a server; mode is as in Config.TLS. Sign-in is offered as ada / right.
func serve(t *testing.T, mode string, set func(*server)) *server {
	t.Helper()
	s := &server{t: t, host: "127.0.0.1"}
	if set != nil {
		set(s)
	}
	backend := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	backend.AllowInsecureAuth = true
	backend.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	if mode != "none" {
		backend.TLSConfig, s.roots = certificate(t)
	}
	if mode == "tls" {
		listener = tls.NewListener(listener, backend.TLSConfig)
	}
	go func() { _ = backend.Serve(listener) }()
	t.Cleanup(func() { _ = backend.Close() })
	return s
}

// config is a client's configuration that works with s.
func (s *server) config(mode string) Config {
	return Config{Host: s.host, Port: s.port, TLS: mode, From: "Acme Partners <partners@acme.test>", Roots: s.roots, Timeout: 10 * time.Second}
}

func (s *server) messages() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.sent...)
}

type session struct {
	server *server
	conn   *smtp.Conn
	got    received
}

func (s *session) Reset()                   { s.got = received{user: s.got.user} }
func (s *session) Logout() error            { return nil }
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "ada" || password != "right" {
			return smtp.ErrAuthFailed
		}
		s.got.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.got.from = from
	_, s.got.encrypted = s.conn.TLSConnectionState()
	return s.server.errMail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.got.to = to
	return s.server.errRcpt
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.server.errData != nil {
		return s.server.errData
	}
	s.got.raw = string(raw)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.sent = append(s.server.sent, s.got)
	return nil
}

// certificate makes a self-signed certificate for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

// script is a server that writes the answers one after another, one for each line it
// reads, and then keeps the connection open and silent.
func script(t *testing.T, answers ...string) Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); wait.Wait() })
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				buf := make([]byte, 64<<10)
				for _, a := range answers {
					if _, err := io.WriteString(conn, a); err != nil {
						return
					}
					if _, err := conn.Read(buf); err != nil {
						return
					}
				}
				_, _ = io.Copy(io.Discard, conn) // until the client hangs up
			})
		}
	})
	return Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: "none", From: "partners@acme.test"}
}
