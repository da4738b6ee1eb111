package benchmark

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlChoice = `
select choice_id, opted_in, said_by, said_by_name, said_at from benchmark_choice where tenant_id = (select app.tenant()) order by said_at desc, choice_id desc limit 1`
	sqlAddChoice = `insert into benchmark_choice (tenant_id, choice_id, opted_in, said_by, said_by_name, said_at) values ((select app.tenant()), $1, $2, $3, $4, $5)`

	sqlFigures = `
select r.quarter::timestamptz as quarter, c.metric, c.segment, c.figure, c.band from benchmark_cell c join benchmark_release r using (release_id)
 order by r.quarter desc, c.metric, c.segment limit 500`

	// What a programme brings to a quarter: each metric for the whole and for its size; deal sizes by currency.
	sqlParts = `
with size (segment) as (select case when count(*) < 10 then 'small' when count(*) < 50 then 'medium' else 'large' end from partner where tenant_id = (select app.tenant()) and status = 'active'),
decided as (select count(*) as n, percentile_cont(0.5) within group (order by extract(epoch from decided_at - submitted_at) / 86400) as v
  from deal where tenant_id = (select app.tenant()) and decided_at >= $1 and decided_at < $2 and submitted_at is not null),
closed as (select count(*) as n, avg(case state when 'won' then 1.0 else 0.0 end) as v
  from deal where tenant_id = (select app.tenant()) and state in ('won', 'lost') and closed_on >= $1::date and closed_on < $2::date),
sized as (select currency, count(*) as n, percentile_cont(0.5) within group (order by amount_minor) as v
  from deal where tenant_id = (select app.tenant()) and state = 'won' and closed_on >= $1::date and closed_on < $2::date and amount_minor is not null group by currency)
select 'decision-days', s.segment, n::int, v::float8 from decided, (select segment from size union all select 'all') s where n > 0
union all select 'win-rate', s.segment, n::int, v::float8 from closed, (select segment from size union all select 'all') s where n > 0
union all select 'deal-size', currency, n::int, v::float8 from sized`

	sqlReleased   = `select exists (select from benchmark_release where quarter = $1::date)`
	sqlAddRelease = `insert into benchmark_release (release_id, quarter, released_at) values ($1, $2::date, $3)`
	sqlAddCell    = `insert into benchmark_cell (cell_id, release_id, metric, segment, figure, contributors, band, marks) values ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlPast       = `select metric, marks from benchmark_cell`
)

type part struct {
	Metric, Segment string
	Deals           int
	Value           float64
}

// choiceIn returns the bound programme's choice; one that never said anything is out.
func choiceIn(ctx context.Context, tx *op.Tx) (Choice, error) {
	rows, err := tx.Query(ctx, sqlChoice)
	if err != nil {
		return Choice{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Choice])
	if errors.Is(err, pgx.ErrNoRows) {
		return Choice{}, nil
	}
	return c, err
}

func addChoice(ctx context.Context, tx *op.Tx, c Choice) error {
	_, err := tx.Exec(ctx, sqlAddChoice, c.ID, c.In, c.ByID, c.By, c.At)
	return err
}

func figures(ctx context.Context, tx *op.Tx) ([]Figure, error) {
	rows, err := tx.Query(ctx, sqlFigures)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Figure])
}

func partsIn(ctx context.Context, tx *op.Tx, from, before time.Time) ([]part, error) {
	rows, err := tx.Query(ctx, sqlParts, from, before)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[part])
}

func released(ctx context.Context, o *op.Ops, quarter time.Time) (yes bool, err error) {
	err = o.DB.Pool(pg.Worker).QueryRow(ctx, sqlReleased, quarter).Scan(&yes)
	return yes, err
}

// pastCells returns everything that was released, as far as later releases are held against it.
func pastCells(ctx context.Context, o *op.Ops) ([]Past, error) {
	rows, err := o.DB.Pool(pg.Worker).Query(ctx, sqlPast)
	if err != nil {
		return nil, err
	}
	var out []Past
	var metric string
	var marks [][]byte
	_, err = pgx.ForEachRow(rows, []any{&metric, &marks}, func() error {
		p := Past{Metric: metric, Marks: Marks{}}
		for _, m := range marks {
			p.Marks[string(m)] = true
		}
		out = append(out, p)
		return nil
	})
	return out, err
}

// keepRelease keeps the figures of a quarter; errReleased when somebody else did.
func keepRelease(ctx context.Context, o *op.Ops, quarter, now time.Time, all []Released) error {
	err := pgx.BeginFunc(ctx, o.DB.Pool(pg.Worker), func(tx pgx.Tx) error {
		release := id.New()
		if _, err := tx.Exec(ctx, sqlAddRelease, release, quarter, now); err != nil {
			return err
		}
		b := &pgx.Batch{}
		for _, r := range all {
			b.Queue(sqlAddCell, cellArgs(release, r)...)
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if pg.Constraint(err) == "benchmark_release_quarter_uq" {
		return errReleased
	}
	return err
}

func cellArgs(release id.ID, r Released) []any {
	marks := make([][]byte, 0, len(r.Marks))
	for m := range r.Marks {
		marks = append(marks, []byte(m))
	}
	return []any{id.New(), release, r.Metric, r.Segment, r.Figure, len(marks), band(len(marks)), marks}
}

var errBack = errors.New("rolled back on purpose")

// tryNine tries to keep a figure of nine programmes and reports whether the database refused it.
func tryNine(ctx context.Context, o *op.Ops) (refused bool, err error) {
	nine := Released{Metric: WinRate, Segment: "probe", Marks: Marks{}}
	for i := range K - 1 {
		nine.Marks[string(rune('a'+i))] = true
	}
	err = pgx.BeginFunc(ctx, o.DB.Pool(pg.Worker), func(tx pgx.Tx) error {
		release := id.New()
		if _, err := tx.Exec(ctx, sqlAddRelease, release, time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), o.Clock()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sqlAddCell, cellArgs(release, nine)...); err != nil {
			return err
		}
		return errBack
	})
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, errBack):
		return false, nil
	case errors.As(err, &pgErr) && pgErr.Code == "23514":
		return true, nil
	}
	return false, err
}
