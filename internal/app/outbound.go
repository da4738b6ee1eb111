package app

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"

	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/processor"
)

// OutboundHosts returns every host outside this machine that the configuration lets the program talk to, each once, with everything it
// is for. The register of sub-processors is compared with it. Where a checkpoint of the audit log goes nothing of a person goes: it is a
// size, a hash and a signature.
func OutboundHosts(cfg config.Config) []processor.Host {
	var out outbound
	out.add(cfg.SMTP.Host, "mail server", "email-log")
	for _, host := range databaseHosts(cfg.DatabaseURL.Reveal()) {
		out.add(host, "database server", "customer-data", "user-account", "audit-log")
	}
	out.add(blob.Host(cfg.Files), "file store", "export")
	if strings.HasPrefix(cfg.KEK, "vault:") || strings.HasPrefix(cfg.KEKPrevious, "vault:") {
		out.add(cfg.Vault.Addr, "key store")
	}
	for _, where := range cfg.Checkpoints.To {
		scheme, _, _ := strings.Cut(where, ":")
		switch scheme {
		case "dir":
		case "s3":
			out.add(blob.Host(where), "keeps checkpoints of the audit log")
		case "mailto":
			out.add(cfg.SMTP.Host, "mails checkpoints of the audit log")
		default: // a webhook or a syslog server
			out.add(where, "receives checkpoints of the audit log")
		}
	}
	return out
}

// outbound gathers hosts by name.
type outbound []processor.Host

// add adds a host, or what it is for besides; an address without a host and this machine itself are none.
func (o *outbound) add(where, purpose string, holds ...string) {
	host := hostOf(where)
	if host == "" || local(host) {
		return
	}
	i := slices.IndexFunc(*o, func(h processor.Host) bool { return h.Name == host })
	if i < 0 {
		*o = append(*o, processor.Host{Name: host, Purpose: purpose, Holds: holds})
		return
	}
	h := &(*o)[i]
	if !slices.Contains(strings.Split(h.Purpose, ", "), purpose) {
		h.Purpose += ", " + purpose
	}
	for _, c := range holds {
		if !slices.Contains(h.Holds, c) {
			h.Holds = append(h.Holds, c)
		}
	}
}

// databaseHosts returns the hosts that a connection string names; a path to a socket is none.
func databaseHosts(where string) []string {
	if where == "" {
		return nil
	}
	c, err := pgconn.ParseConfig(where)
	if err != nil {
		return nil
	}
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	return slices.DeleteFunc(hosts, func(h string) bool { return strings.HasPrefix(h, "/") })
}

// plainly tells whether the configuration lets the program speak to a host without TLS.
func plainly(cfg config.Config, host string) bool {
	if host == hostOf(cfg.SMTP.Host) && cfg.SMTP.TLS == "none" {
		return true
	}
	return slices.ContainsFunc(cfg.Checkpoints.To, func(where string) bool {
		scheme, _, _ := strings.Cut(where, ":")
		return slices.Contains([]string{"syslog+udp", "syslog+tcp", "http"}, scheme) && hostOf(where) == host
	})
}

// hostOf returns the host name of an address, in small letters.
func hostOf(where string) string {
	if strings.Contains(where, "://") {
		u, err := url.Parse(where)
		if err != nil {
			return ""
		}
		where = u.Hostname()
	} else if h, _, err := net.SplitHostPort(where); err == nil {
		where = h
	}
	return strings.ToLower(strings.Trim(where, "[]"))
}

// incidentAlarms gives the alarms of every tenant and tells the metrics how long the nearest deadline of each has left.
func (a *App) incidentAlarms(ctx context.Context) error {
	tenants, err := a.Tenants.Register(ctx)
	a.metrics.deadlines.DeletePartialMatch(prometheus.Labels{"kind": "incident"})
	for _, t := range tenants {
		left, ok, failed := a.Incidents.Alarms(ctx, t.ID)
		if ok && failed == nil {
			a.metrics.deadlines.WithLabelValues("incident", t.Slug).Set(left.Seconds())
		}
		err = errors.Join(err, failed)
	}
	return err
}
