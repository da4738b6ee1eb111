package app

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
)

// seen takes a request into the journal, unless it asked for a file that says nothing about anybody.
func (a *App) seen(s httpx.Seen) {
	if strings.HasPrefix(s.Route, "/static/") || s.Tenant == id.Nil {
		return
	}
	a.Journal.Visit(journal.Visit{At: s.Start, Tenant: s.Tenant, Partner: s.Partner, Member: s.Member, Kind: s.Kind, Name: s.Name, IP: s.IP, Method: s.Method, Route: s.Route,
		Action: s.Action, Status: s.Status, Took: s.Took, UserAgent: s.UserAgent, RequestID: s.RequestID, Fault: s.Fault, Trace: s.Trace})
}

// jobDone counts an attempt at a job, and takes it into its tenant's journal.
func (a *App) jobDone(o jobs.Outcome) {
	a.metrics.jobDone(o)
	a.Journal.Step(journal.Step{At: a.Ops.Clock().Add(-o.Ran), Tenant: o.Tenant, Kind: journal.Job, Name: o.Kind, Outcome: o.Result, Took: o.Ran, Fault: o.Fault})
}

// journal tells how many entries of the journal were written and lost.
func (m *metrics) journal(j *journal.Service) {
	m.registry.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "entente_journal_entries_total", Help: "Entries of the access and workflow logs that were written."}, func() float64 { return float64(j.Stats().Kept) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "entente_journal_lost_total", Help: "Entries of the access and workflow logs that were lost, because too many waited or the database refused them."}, func() float64 { return float64(j.Stats().Lost) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "entente_journal_waiting", Help: "Entries of the access and workflow logs that wait to be written."}, func() float64 { return float64(j.Stats().Waiting) }))
}
