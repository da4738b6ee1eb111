package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/trust"
)

// The probes of the group “Logs” that need more than one room: each asks the rooms and puts what they say into one finding.

// probeLog is P-19: the whole log against its tree, and the tree against the oldest checkpoint that is stored.
func (a *App) probeLog(ctx context.Context, tenant id.ID) trust.Finding {
	const checked = "The audit log against its tree."
	fail := func(err error) trust.Finding {
		return trust.Finding{Result: trust.Failing, Checked: checked, Detail: "The probe could not finish: " + err.Error()}
	}
	if err := a.Seal.Tick(ctx); err != nil { // with what was done until now
		return fail(err)
	}
	kept, err := a.Trust.OldestCheckpoint(ctx, tenant)
	if err != nil {
		return fail(err)
	}
	r, err := a.Seal.Verify(ctx, access.NewSystem(tenant, "promise probe"), kept)
	if err != nil {
		return fail(err)
	}
	f := trust.Finding{Result: trust.Kept, Items: int(r.Entries), Checked: fmt.Sprintf("%d entries were compared with the signed tree of %d and the oldest stored checkpoint, and %d payloads with what was committed to.", r.Entries, r.Size, r.Payloads)}
	if !r.OK {
		f.Result, f.Detail = trust.Failing, fmt.Sprintf("%d findings", int64(len(r.Findings))+r.More)
		for _, one := range r.Findings[:min(3, len(r.Findings))] {
			f.Detail += "; " + one.Text
		}
	}
	return f
}

// probeAccessLog is P-18: a request of the probe itself must be in the log a moment later.
func (a *App) probeAccessLog(ctx context.Context, tenant id.ID) trust.Finding {
	const checked = "A request of the probe itself, with time, address, action and result."
	who, now := access.NewSystem(tenant, "promise probe"), a.Ops.Clock()
	request := id.New().String()
	a.Journal.Visit(journal.Visit{At: now, Tenant: tenant, Kind: "visitor", Name: "promise probe", IP: "192.0.2.1", Method: "GET", Route: "/promises", Action: string(trust.ActCheck), Status: 200, RequestID: request})
	there, err := a.journalHas(ctx, func() (bool, error) {
		p, err := a.Journal.List(ctx, who, journal.Query{IP: "192.0.2.1", From: now.Add(-time.Minute), Limit: 50})
		return slices.ContainsFunc(p.Items, func(e journal.Entry) bool { return e.RequestID == request }), err
	})
	switch {
	case err != nil:
		return broken(checked, err)
	case !there:
		return failing(checked, "the request is not in the log; %d entries were lost since the start", a.Journal.Stats().Lost)
	}
	return kept(1, checked)
}

// journalHas writes what waits for the journal and looks for an entry, a few times: the server may be at writing it.
func (a *App) journalHas(ctx context.Context, look func() (bool, error)) (there bool, err error) {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for range 10 {
		a.Journal.Flush(ctx)
		if there, err = look(); there || err != nil {
			return there, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return false, nil
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

// probeInteractions is P-22: an interaction of the probe itself must be in the log a moment later, and so must the mails and checkpoints
// of the last hour.
func (a *App) probeInteractions(ctx context.Context, tenant id.ID) trust.Finding {
	checked := "An interaction of the probe itself, and the mails and checkpoints of the last hour."
	now := a.Ops.Clock()
	mark := "promise probe " + id.New().String()
	a.interacted(tenant, mark, now, nil)
	there, err := a.journalHas(ctx, func() (bool, error) {
		p, err := a.Journal.Workflows(ctx, access.NewSystem(tenant, "promise probe"), journal.WorkQuery{Kind: journal.Vendor, Name: mark, Limit: 1})
		return len(p.Items) == 1, err
	})
	if err != nil {
		return broken(checked, err)
	}
	if !there {
		return failing(checked, "the interaction is not in the log; %d entries were lost since the start", a.Journal.Stats().Lost)
	}
	looked, wrong := 1, []string(nil)
	for what, name := range map[trust.Sent]string{trust.Mails: mailServer, trust.Checkpoints: checkpoints} {
		sent, logged, err := a.Trust.Interactions(ctx, tenant, what, name, now.Add(-time.Hour), now.Add(-time.Minute))
		if err != nil {
			return broken(checked, err)
		}
		if looked += sent; logged < sent {
			wrong = append(wrong, fmt.Sprintf("of %d %s of the last hour %d are in the log", sent, what, logged))
		}
	}
	return verdict(checked, looked, wrong, nil)
}
