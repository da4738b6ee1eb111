package retention

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlClock = `select app.clock()`

	sqlRunColumns = `select run_id, trigger, dry, outcome, as_of, started_at, beat_at, finished_at, skew_ms, removed, blanked, held, partitions, bytes, counts, problem, continues,
       tree_size, tree_root, tree_at, asked_by, asked_by_name from retention_run where tenant_id = (select app.tenant())`
	sqlRun     = sqlRunColumns + ` and run_id = $1`
	sqlOpenRun = sqlRunColumns + ` and outcome = 'running' order by started_at desc limit 1 for update`
	sqlRuns    = sqlRunColumns + ` and (started_at, run_id) < ($1, coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')) order by started_at desc, run_id desc limit $3`

	sqlInsertRun = `
insert into retention_run (tenant_id, run_id, trigger, dry, outcome, as_of, started_at, beat_at, finished_at, skew_ms, partitions, bytes, problem, continues,
                           tree_size, tree_root, tree_at, asked_by, asked_by_name)
values (app.tenant(), @run_id, @trigger, @dry, @outcome, @as_of, @started_at, @beat_at, @finished_at, @skew_ms, @partitions, @bytes, @problem, @continues,
        @tree_size, @tree_root, @tree_at, @asked_by, @asked_by_name)`
	sqlSaveRun = `
update retention_run set outcome = @outcome, beat_at = @beat_at, finished_at = @finished_at, removed = @removed, blanked = @blanked, held = @held, partitions = @partitions, bytes = @bytes,
       counts = @counts, problem = @problem, tree_size = @tree_size, tree_root = @tree_root, tree_at = @tree_at
 where tenant_id = (select app.tenant()) and run_id = @run_id`
	sqlBeat = `update retention_run set beat_at = $2, counts = coalesce($3, counts) where tenant_id = (select app.tenant()) and run_id = $1 and outcome = 'running'`

	sqlImpatient    = `set local lock_timeout = '400ms'`
	sqlReap         = `select removed, blanked, held, blocked, coalesce(problem, '') from app.reap($1, $2, $3, $4)`
	sqlEmptyHistory = `select app.empty_history($1), 0::bigint, 0::bigint, 0::bigint, ''`
	sqlTables       = `select tab, category, how, coalesce(by, '') as by, shared from app.retention_tables() where how in ('rows', 'partitions', 'columns', 'job') and has_table_privilege('entente_retention', rel, 'select') order by tab, category`
	sqlDue          = `select distinct tenant_id, tab, category from app.retention_due() order by 1, 2, 3`
	sqlHistoryDue   = `select distinct t from app.history_due() t`
	sqlTenants      = `select tenant_id from app.tenant_list() where status not in ('purged', 'importing') order by tenant_id`
	sqlMonthsOver   = `select * from app.months_over()`
	sqlDropMonth    = `select app.drop_month($1)`
	sqlOutlook      = `select last_day, kept, held from app.retention_outlook($1, $2)`

	sqlRules  = `select category, event, keep::text as keep, stored from retention_rule where tenant_id = (select app.tenant()) order by category`
	sqlDuties = `select duty_id, category, event, keep::text as keep, reason, set_by, set_by_name, set_at from legal_duty where tenant_id = (select app.tenant()) order by category`
	sqlState  = `
select t.tab, t.category, t.how, coalesce(t.parent, '') as parent, s.oldest, s.last_day, coalesce(s.problem, '') as problem
  from app.retention_tables() t
  left join lateral app.retention_state(t.tab, t.category) s on t.how in ('rows', 'partitions', 'columns', 'job')
 order by t.category, t.tab`
)

// clock returns the database's time.
func clock(ctx context.Context, q pg.Querier) (at time.Time, err error) {
	err = q.QueryRow(ctx, sqlClock).Scan(&at)
	return at.UTC(), err
}

// collect reads rows into out by their names.
func collect[T any](out *[]T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	}
}

func one[T any](out *T, noun string) func(pgx.Rows) error {
	return pg.One(out, pgx.RowToStructByName[T], noun)
}

func many[T any](ctx context.Context, q pg.Querier, sql string, args ...any) (out []T, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return out, collect(&out)(rows)
}

// openRun returns the run that is at work, locked; nil for none.
func openRun(ctx context.Context, tx *op.Tx) (*Run, error) {
	all, err := many[Run](ctx, tx, sqlOpenRun)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func (r Run) named() pgx.NamedArgs {
	return pgx.NamedArgs{"run_id": r.ID, "trigger": r.Trigger, "dry": r.Dry, "outcome": r.Outcome, "as_of": r.AsOf, "started_at": r.StartedAt, "beat_at": r.BeatAt, "finished_at": r.FinishedAt,
		"skew_ms": r.SkewMS, "removed": r.Removed, "blanked": r.Blanked, "held": r.Held, "partitions": r.Partitions, "bytes": r.Bytes, "counts": r.Counts, "problem": r.Problem,
		"continues": r.Continues, "tree_size": r.TreeSize, "tree_root": r.TreeRoot, "tree_at": r.TreeAt, "asked_by": r.AskedBy, "asked_by_name": r.AskedName}
}

func insertRun(ctx context.Context, tx *op.Tx, r Run) error {
	_, err := tx.Exec(ctx, sqlInsertRun, r.named())
	return err
}

func saveRun(ctx context.Context, tx *op.Tx, r Run) error {
	_, err := tx.Exec(ctx, sqlSaveRun, r.named())
	return err
}

// declarations returns what is declared of the tables whose rows go by themselves.
func declarations(ctx context.Context, q pg.Querier) ([]table, error) {
	return many[table](ctx, q, sqlTables)
}

// historyDue returns the tenants in whose history of rows something may be to be emptied.
func (s *Service) historyDue(ctx context.Context) (map[id.ID]bool, error) {
	rows, err := s.ops.DB.Pool(pg.Worker).Query(ctx, sqlHistoryDue)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]bool{}
	var t id.ID
	_, err = pgx.ForEachRow(rows, []any{&t}, func() error {
		out[t] = true
		return nil
	})
	return out, err
}

func (s *Service) pairs(ctx context.Context, who access.Actor) ([]table, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) ([]table, error) { return declarations(ctx, tx) })
}

// Tenants returns the tenants whose data is there, for the program itself: nothing of it may be shown through a door.
func (s *Service) Tenants(ctx context.Context) ([]id.ID, error) {
	rows, err := s.ops.DB.Pool(pg.Worker).Query(ctx, sqlTenants)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.ID])
}

// due returns, by tenant, which tables may have something to go.
func (s *Service) due(ctx context.Context) (map[id.ID][]pair, error) {
	rows, err := s.ops.DB.Pool(pg.Worker).Query(ctx, sqlDue)
	if err != nil {
		return nil, err
	}
	out := map[id.ID][]pair{}
	var t id.ID
	var p pair
	_, err = pgx.ForEachRow(rows, []any{&t, &p.Tab, &p.Category}, func() error {
		out[t] = append(out[t], p)
		return nil
	})
	return out, err
}

func runBatch(ctx context.Context, tx *op.Tx, sql string, args ...any) (n Count, err error) {
	if _, err = tx.Exec(ctx, sqlImpatient); err != nil {
		return n, err
	}
	return n, tx.QueryRow(ctx, sql, args...).Scan(&n.Removed, &n.Blanked, &n.Held, &n.Blocked, &n.Problem)
}

// beat says that a run is alive, and what it did so far; nil is nothing new.
func beat(ctx context.Context, tx *op.Tx, run id.ID, counts []Count) error {
	var fresh any
	if counts != nil {
		fresh = counts
	}
	_, err := tx.Exec(ctx, sqlBeat, run, tx.Now, fresh)
	return err
}

func (s *Service) monthsOver(ctx context.Context) ([]string, error) {
	rows, err := s.ops.DB.Pool(pg.Worker).Query(ctx, sqlMonthsOver)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// dropMonth drops one month. It gives up soon when it cannot be alone with the table, so that readers do not queue up behind it.
func (s *Service) dropMonth(ctx context.Context, who access.Actor, part string) (int64, error) {
	return op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (bytes int64, err error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Unchanged() // the report of the run tells it
		if _, err := tx.Exec(ctx, sqlImpatient); err != nil {
			return 0, err
		}
		return bytes, tx.QueryRow(ctx, sqlDropMonth, part).Scan(&bytes)
	})
}

func outlook(ctx context.Context, tx *op.Tx, t table) ([]bucket, error) {
	return many[bucket](ctx, tx, sqlOutlook, t.Tab, t.Category)
}
