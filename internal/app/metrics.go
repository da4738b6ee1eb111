package app

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg"
)

// metrics is what the admin address tells Prometheus.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	jobs      *prometheus.CounterVec
	deadlines *prometheus.GaugeVec
	kept      *prometheus.CounterVec // runs of retention that did not do their work
}

func newMetrics(db *pg.DB) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "entente_http_request_seconds", Help: "Time to answer a request, by method and status.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"method", "code"}),
		jobs:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "entente_jobs_total", Help: "Attempts at jobs, by kind and result."}, []string{"kind", "result"}),
		deadlines: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "entente_deadline_remaining_seconds", Help: "Time left of the nearest deadline that runs, by what it is about and tenant; negative when it passed."}, []string{"kind", "tenant"}),
		kept:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "entente_retention_alarms_total", Help: "Runs of retention that were refused (clocks disagree) or failed."}, []string{"outcome"}),
	}
	build := config.ThisBuild()
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "entente_build_info", Help: "Which program this is.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit}})
	info.Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests, m.jobs, m.deadlines, m.kept, info)
	for _, role := range []pg.Role{pg.Staff, pg.Partner, pg.Public, pg.Worker, pg.Platform, pg.Jobs} {
		pool := db.Pool(role)
		labels := prometheus.Labels{"role": string(role)}
		m.registry.MustRegister(
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "entente_db_connections_in_use", Help: "Database connections in use.", ConstLabels: labels},
				func() float64 { return float64(pool.Stat().AcquiredConns()) }),
			prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "entente_db_waits_total", Help: "Requests that had to wait for a database connection.", ConstLabels: labels},
				func() float64 { return float64(pool.Stat().EmptyAcquireCount()) }))
	}
	return m
}

func (m *metrics) watch(h http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(m.requests, h)
}

// keys adds what the keys tell; age is that of the oldest data key in use, as the last look at it found it.
func (m *metrics) keys(failed func() uint64, age func() time.Duration, reachable func() bool) {
	m.registry.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "entente_decrypts_failed_total", Help: "Stored values and files that did not decrypt: altered, or put in another place."},
			func() float64 { return float64(failed()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "entente_key_age_seconds", Help: "Age of the oldest data key that is the newest of its programme; 0 before the first look."},
			func() float64 { return age().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "entente_kek_reachable", Help: "Whether the key-encryption key opened the installation's keys at the last look."},
			func() float64 { return map[bool]float64{true: 1}[reachable()] }))
}

func (m *metrics) jobDone(o jobs.Outcome) { m.jobs.WithLabelValues(o.Kind, o.Result).Inc() }

// private is what the admin address serves: health, metrics and profiles. It has no sign-in: keep it private.
func (a *App) private() http.Handler {
	mux := http.NewServeMux()
	a.health(mux)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
