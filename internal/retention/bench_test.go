package retention_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
	"entente.dev/internal/retention"
)

func report(b *testing.B, v map[string]any) {
	b.Helper()
	line, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	b.Log(string(line))
}

func do(b *testing.B, conn *pgx.Conn, sql string, args ...any) {
	b.Helper()
	if _, err := conn.Exec(b.Context(), sql, args...); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkNothingToDo runs retention over 1,000 programmes with the rules of every category, none of which has anything to go: the
// promise is 30 s.
func BenchmarkNothingToDo(b *testing.B) {
	db := pgtest.New(b)
	o, super := optest.New(b, db), pgtest.Super(b, db)
	s := retention.New(o, retention.Options{})
	do(b, super, `insert into tenant (tenant_id, slug, name) select gen_random_uuid(), 't-'||g, 'T '||g from generate_series(1, 1000) g`)
	p, _ := datamap.ProfileOf(datamap.DefaultProfile)
	for _, r := range p.Retention {
		do(b, super, `insert into retention_rule (tenant_id, category, event, keep, stored) select tenant_id, $1, $2, $3::text::interval, $4 from tenant`, r.Category, string(r.Event), r.Period.Interval(), r.Period.Unit != datamap.NotStored)
	}
	do(b, super, `insert into mail (tenant_id, mail_id, template, to_email, subject, text_body, html_body) select tenant_id, gen_random_uuid(), 'x', 'x@y.example', 'x', 'x', 'x' from tenant, generate_series(1, 20)`)
	do(b, super, `insert into member (tenant_id, member_id, role, name, status) select tenant_id, gen_random_uuid(), 'admin', 'Ada', 'active' from tenant`)
	do(b, super, `analyze`)
	b.ResetTimer()
	start := time.Now()
	for range b.N {
		runs, err := s.RunAll(b.Context(), retention.Daily)
		if err != nil || len(runs) != 1000 {
			b.Fatal(len(runs), err)
		}
	}
	report(b, map[string]any{"benchmark": "retention.nothing_to_do", "tenants": 1000, "categories": len(p.Retention), "seconds": time.Since(start).Seconds() / float64(b.N), "promise_seconds": 30})
}

// BenchmarkDropMonth drops a month of 5 million rows of the log while readers read: the promise is one second, and no reader that waits
// for longer than the patience of one try.
func BenchmarkDropMonth(b *testing.B) {
	const rows = 5_000_000
	db := pgtest.New(b)
	o, super := optest.New(b, db), pgtest.Super(b, db)
	s := retention.New(o, retention.Options{})
	do(b, super, `insert into tenant (tenant_id, slug, name) values ('00000000-0000-0000-0000-000000000001', 'a', 'A')`)
	do(b, super, `insert into retention_rule (tenant_id, category, event, keep) select tenant_id, 'audit-log', 'recorded', '1 year' from tenant`)
	do(b, super, `select ensure_partitions(now() - interval '3 years', 1)`)
	do(b, super, `set session_replication_role = replica`)
	do(b, super, `insert into row_history (tenant_id, at, db_role, table_name, row_id, change, new_row) select '00000000-0000-0000-0000-000000000001', date_trunc('month', now() - interval '3 years') + interval '1 day', 'x', 'deal', gen_random_uuid(), 'insert', '{"title": "A deal"}' from generate_series(1, $1)`, rows)
	do(b, super, `insert into row_history (tenant_id, at, db_role, table_name, row_id, change) select '00000000-0000-0000-0000-000000000001', now(), 'x', 'deal', gen_random_uuid(), 'insert' from generate_series(1, 10000)`)
	do(b, super, `set session_replication_role = origin`)
	do(b, super, `analyze`)
	ctx, stop := context.WithCancel(b.Context())
	waits := make(chan []time.Duration, 1)
	reader := pgtest.Super(b, db)
	go func() {
		var all []time.Duration
		for ctx.Err() == nil {
			at := time.Now()
			if _, err := reader.Exec(ctx, `select count(*) from row_history where tenant_id = '00000000-0000-0000-0000-000000000001' and at > now() - interval '1 hour'`); err == nil {
				all = append(all, time.Since(at))
			}
		}
		waits <- all
	}()
	tenant, err := s.Tenants(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	start := time.Now()
	r, err := s.RunTenant(b.Context(), tenant[0], retention.Command, false)
	took := time.Since(start)
	stop()
	if err != nil || r.Partitions < 1 {
		b.Fatalf("%+v, %v", r, err)
	}
	all := <-waits
	report(b, map[string]any{"benchmark": "retention.drop_month", "rows": rows, "seconds": took.Seconds(), "promise_seconds": 1, "reads_meanwhile": len(all), "slowest_read_ms": slices.Max(all).Milliseconds(), "bytes": r.Bytes})
}
