package app

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/trust"
)

// kept, broken and failing are the findings of the probes below.
func kept(items int, format string, args ...any) trust.Finding {
	return trust.Finding{Result: trust.Kept, Items: items, Checked: fmt.Sprintf(format, args...)}
}

func broken(checked string, err error) trust.Finding {
	return trust.Finding{Result: trust.Failing, Checked: checked, Detail: "The probe could not finish: " + err.Error()}
}

func failing(checked, format string, args ...any) trust.Finding {
	return trust.Finding{Result: trust.Failing, Checked: checked, Detail: fmt.Sprintf(format, args...)}
}

// probeAccessLog is P-18: a request of the probe itself must be in the log a moment later.
func (a *App) probeAccessLog(ctx context.Context, tenant id.ID) trust.Finding {
	const checked = "A request of the probe itself, with time, address, action and result."
	who, now := access.NewSystem(tenant, "promise probe"), a.Ops.Clock()
	request := id.New().String()
	a.Journal.Visit(journal.Visit{At: now, Tenant: tenant, Kind: "visitor", Name: "promise probe", IP: "192.0.2.1", Method: "GET", Route: "/promises", Action: string(trust.ActCheck), Status: 200, RequestID: request})
	a.Journal.Flush(ctx)
	p, err := a.Journal.List(ctx, who, journal.Query{IP: "192.0.2.1", From: now.Add(-time.Minute), Limit: 50})
	if err != nil {
		return broken(checked, err)
	}
	for _, e := range p.Items {
		if e.RequestID == request {
			return kept(len(p.Items), checked)
		}
	}
	return failing(checked, "the request is not in the log; %d entries were lost since the start", a.Journal.Stats().Lost)
}

// openErrorFor is how long an error report may stay open.
const openErrorFor = 30 * 24 * time.Hour

// probeErrors is P-21: no report is open for longer than a month.
func (a *App) probeErrors(ctx context.Context, tenant id.ID) trust.Finding {
	const checked = "The error reports of the programme."
	p, err := a.Journal.Errors(ctx, access.NewSystem(tenant, "promise probe"), "open", "", 200)
	if err != nil {
		return broken(checked, err)
	}
	old := 0
	for _, r := range p.Items {
		if a.Ops.Clock().Sub(r.FirstAt) > openErrorFor {
			old++
		}
	}
	if old > 0 {
		return failing(checked, "%d error reports are open for more than 30 days", old)
	}
	return kept(len(p.Items), "Open error reports: %d, none for more than 30 days.", len(p.Items))
}

// hostsOf is what a programme's list of sub-processors and the configuration have in common: a host that is on no list is missing.
func (a *App) hostsOf(ctx context.Context, tenant id.ID) ([]string, error) {
	r, err := a.Processors.Public(ctx, tenant, access.Request{})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range r.Entries {
		out = append(out, p.Hosts...)
	}
	return out, nil
}
