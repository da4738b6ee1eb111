package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/kernel/blob"
)

// Checkpoints says where the signed checkpoints of the audit log are sent, so that nobody on this host can rewrite it unseen.
type Checkpoints struct {
	To         []string      `name:"to" env:"ENTENTE_CHECKPOINT_TO" placeholder:"WHERE" group:"Promises" help:"Places off this host that get the audit log's signed checkpoints; repeat it, name two: syslog+udp://HOST:PORT, syslog+tcp://, syslog+tls://, https://HOST/PATH, mailto:ADDRESS, dir:PATH on another disk, s3://BUCKET?endpoint=URL. Default: none."`
	Every      time.Duration `name:"every" env:"ENTENTE_CHECKPOINT_EVERY" default:"1h" placeholder:"TIME" group:"Promises" help:"How often at most, when the log grew (${default})."`
	SecretFile string        `name:"secret-file" env:"ENTENTE_CHECKPOINT_SECRET_FILE" placeholder:"FILE" group:"Promises" help:"File that holds the secret that signs checkpoint webhooks (Standard Webhooks), at least 16 characters."`
	Allow      []string      `name:"allow" env:"ENTENTE_CHECKPOINT_ALLOW" placeholder:"CIDR" group:"Promises" help:"Private networks that checkpoint webhooks may reach, as addresses or networks. Default: none."`
	Secret     Secret        `kong:"-"` // read from SecretFile by Resolve
}

// Networks returns Allow as networks; entries that Validate refuses are left out.
func (c Checkpoints) Networks() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range c.Allow {
		if p, ok := parseProxy(s); ok {
			out = append(out, p)
		}
	}
	return out
}

func (c Checkpoints) check(p *Problems, mails bool) {
	for _, where := range c.To {
		scheme, rest, _ := strings.Cut(where, ":")
		u, err := url.Parse(where)
		const fix = "write syslog+udp://HOST:PORT, syslog+tcp://, syslog+tls://, https://HOST/PATH, mailto:ADDRESS, dir:PATH or s3://BUCKET?endpoint=URL"
		switch {
		case scheme == "dir" || scheme == "s3":
			if why := blob.Problem(where); why != "" {
				p.add("checkpoint-to", fix, "%.60q %s", where, why)
			}
		case scheme == "mailto":
			if !strings.Contains(rest, "@") {
				p.add("checkpoint-to", fix, "%.60q is no address", where)
			} else if !mails {
				p.add("checkpoint-to", "set --smtp-host, or choose another place", "%.60q needs a mail server", where)
			}
		case err != nil || u.Hostname() == "":
			p.add("checkpoint-to", fix, "%.60q cannot be read", where)
		case slices.Contains([]string{"syslog+udp", "syslog+tcp", "syslog+tls"}, scheme):
		case scheme == "https" || scheme == "http":
			if c.SecretFile == "" && c.Secret == "" {
				p.add("checkpoint-secret-file", "name a file that holds a secret of at least 16 characters", "is missing, so that %s://%s could not tell who sends", scheme, u.Host)
			}
		default:
			p.add("checkpoint-to", fix, "%.60q is none of the known kinds", where)
		}
	}
	if c.Every < time.Minute || c.Every > 24*time.Hour {
		p.add("checkpoint-every", "use a time from 1m to 24h", "%s is not", c.Every)
	}
	for _, s := range c.Allow {
		if _, ok := parseProxy(s); !ok {
			p.add("checkpoint-allow", "write an address or network such as 10.0.0.0/8, separated by commas", "%q is neither", s)
		}
	}
}
