package benchmarkweb_test

import (
	"testing"

	"entente.dev/internal/benchmark"
	"entente.dev/internal/benchmark/benchmarkweb"
	"entente.dev/internal/doortest"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestBenchmarkPages(t *testing.T) {
	w := doortest.New(t)
	benchmarkweb.Routes(w.Web, benchmarkweb.Deps{Page: w.Page, Benchmarks: benchmark.New(w.Ops, tenant.New(w.Ops))})
	form := doortest.Form
	w.Run(t, []doortest.Case{
		{Name: "stranger to the house", Ask: "GET /benchmarks", Status: 303},
		{Name: "off by default", As: "admin", Ask: "GET /benchmarks", Status: 200, Want: []string{"form[action=/benchmarks] button[value=yes]"}, Forbid: []string{"button[value=no]"}},
		{Name: "staff reads and does not decide", As: "staff", Ask: "GET /benchmarks", Status: 200, Forbid: []string{"form[action=/benchmarks]"}},
		{Name: "staff does not decide", As: "staff", Ask: "POST /benchmarks", Body: form("take_part", "yes"), Status: 403},
		{Name: "not for partners", As: "partner", Ask: "GET /benchmarks", Status: 403},
		{Name: "nor for agents", As: "agent", Ask: "POST /benchmarks", Body: form("take_part", "yes"), Status: 403},
		{Name: "neither yes nor no", As: "admin", Ask: "POST /benchmarks", Body: form("take_part", "maybe"), Status: 422},
		{Name: "a field it does not have", As: "admin", Ask: "POST /benchmarks", Body: form("take_part", "yes", "tenant_id", w.Elsewhere.String()), Status: 400, Want: []string{"~tenant_id"}},
		{Name: "take part", As: "admin", Ask: "POST /benchmarks", Body: form("take_part", "yes"), Status: 303, Audit: []string{"benchmark.opt"}},
		{Name: "takes part", As: "admin", Ask: "GET /benchmarks", Status: 200, Want: []string{"form[action=/benchmarks] button[value=no]"}},
		{Name: "the stranger does not", As: "stranger", Ask: "GET /benchmarks", Status: 200, Want: []string{"form[action=/benchmarks] button[value=yes]"}},
		{Name: "leave", As: "admin", Ask: "POST /benchmarks", Body: form("take_part", "no"), Status: 303, Audit: []string{"benchmark.opt"}},
		{Name: "took part", As: "admin", Ask: "GET /benchmarks", Status: 200, Want: []string{"form[action=/benchmarks] button[value=yes]"}},
	})
}
