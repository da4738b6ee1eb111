// Package courier takes small signed texts off the host: to syslog, a webhook, a mailbox, a directory or object storage. A
// place gets each message at least once; whoever receives one twice sees the same id. It knows nothing of what is in the texts.
package courier

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/mailer"
)

// limit is how long one sending may take, and most how many bytes of an answer are read.
const (
	limit = 10 * time.Second
	most  = 1 << 20
)

// Text is one signed text and where it belongs: Name is a path such as "TENANT/00000000000000000012.txt".
type Text struct {
	Name string `json:"name"`
	Body string `json:"checkpoint"`
}

// Message is what is sent at once. ID is the same at every attempt.
type Message struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Texts []Text    `json:"checkpoints"`
}

// Place takes messages. Send returns nil when the place has all of the message, as far as it tells: syslog over UDP tells nothing.
type Place interface {
	Name() string // as an operator reads it, without secrets
	Send(ctx context.Context, m Message) error
}

// Options are what places need besides their address.
type Options struct {
	Mail   mailer.Sender  // for mailto; nil without a mail server
	Secret []byte         // signs webhooks, as Standard Webhooks says
	Allow  []netip.Prefix // private networks that webhooks may reach; without them only public addresses
	Blob   blob.Options   // for s3
	Host   string         // names this host in syslog
}

// Open returns the place of an address: syslog+udp://HOST:PORT, syslog+tcp://, syslog+tls://, https://HOST/PATH, mailto:ADDRESS,
// dir:PATH on another disk, or s3://BUCKET/PREFIX@HOST as --files takes it.
func Open(where string, o Options) (Place, error) {
	scheme, rest, _ := strings.Cut(where, ":")
	u, err := url.Parse(where)
	switch {
	case scheme == "dir" || scheme == "s3":
		store, err := blob.Open(where, o.Blob)
		if err != nil {
			return nil, err
		}
		return stored{store, where}, nil
	case scheme == "mailto":
		if o.Mail == nil {
			return nil, fmt.Errorf("%s needs a mail server: set --smtp-host", where)
		}
		return mailbox{rest, o.Mail}, nil
	case err != nil:
		return nil, fmt.Errorf("the address cannot be read: %w", err)
	case strings.HasPrefix(scheme, "syslog+"):
		return newSyslog(u, o.Host)
	case scheme == "https" || scheme == "http":
		if len(o.Secret) < 16 {
			return nil, fmt.Errorf("%s://%s needs a secret to sign with: set --checkpoint-secret-file", u.Scheme, u.Host)
		}
		return newWebhook(u, o), nil
	}
	return nil, fmt.Errorf("%.40q is no place for checkpoints: use syslog+udp://, syslog+tcp://, syslog+tls://, https://, mailto:, dir: or s3://", where)
}

// stored puts each text into object storage or a directory, under its own name: what is there is never written over.
type stored struct {
	store blob.Store
	where string
}

func (s stored) Name() string { return s.where }

func (s stored) Send(ctx context.Context, m Message) error {
	for _, t := range m.Texts {
		one, cancel := context.WithTimeout(ctx, limit)
		err := s.store.Put(one, t.Name, strings.NewReader(t.Body))
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// mailbox sends all texts in one mail.
type mailbox struct {
	to   string
	mail mailer.Sender
}

func (b mailbox) Name() string { return "mailto:" + b.to }

func (b mailbox) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, 3*limit)
	defer cancel()
	var text strings.Builder
	text.WriteString("Keep this mail. It proves what the audit log held at this moment: entente audit verify --checkpoint FILE\r\n\r\n")
	for _, t := range m.Texts {
		if text.Len() > most/2 {
			fmt.Fprintf(&text, "… and more; this mail ends here.\r\n")
			break
		}
		fmt.Fprintf(&text, "%s\r\n\r\n%s\r\n", t.Name, t.Body)
	}
	id, err := messageID(m.ID)
	if err != nil {
		return err
	}
	return b.mail.Send(ctx, mailer.Message{ID: id, To: b.to, Subject: fmt.Sprintf("Audit checkpoints of %s", m.At.UTC().Format("2006-01-02 15:04 MST")), Text: text.String(), Security: true})
}
