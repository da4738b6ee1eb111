package app

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"entente.dev/internal/kernel/config"
	"entente.dev/internal/processor"
)

// OutboundHosts returns every host outside this machine that the configuration lets the program talk to, with what for. The register of
// sub-processors is compared with it.
func OutboundHosts(cfg config.Config) []processor.Host {
	var out []processor.Host
	add := func(where, purpose string, holds ...string) {
		host := hostOf(where)
		if host == "" || local(host) || slices.ContainsFunc(out, func(h processor.Host) bool { return h.Name == host }) {
			return
		}
		out = append(out, processor.Host{Name: host, Purpose: purpose, Holds: holds})
	}
	add(cfg.SMTP.Host, "mail server", "email-log")
	add(cfg.DatabaseURL.Reveal(), "database server", "customer-data", "user-account", "audit-log")
	if where, ok := strings.CutPrefix(cfg.Files, "s3://"); ok {
		_, query, _ := strings.Cut(where, "?")
		values, _ := url.ParseQuery(query)
		add(values.Get("endpoint"), "file store", "export")
	}
	return out
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
