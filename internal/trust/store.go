package trust

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlAddEvidence = `
insert into promise_evidence (tenant_id, evidence_id, promise, at, kind, result, checked, items, detail, tree_size, tree_root, program, took_ms, by_name, until_on)
values ((select app.tenant()), @evidence_id, @promise, @at, @kind, @result, @checked, @items, @detail, @tree_size, @tree_root, @program, @took_ms, @by_name, @until_on)`

	sqlAddInstallation = `
insert into installation_evidence (evidence_id, promise, at, kind, result, checked, items, detail, tree_size, tree_root, program, took_ms, by_name, until_on)
values (@evidence_id, @promise, @at, @kind, @result, @checked, @items, @detail, @tree_size, @tree_root, @program, @took_ms, @by_name, @until_on)`

	evidenceColumns = `e.evidence_id, e.promise, e.at, e.kind, e.result, e.checked, e.items, e.tree_size, e.tree_root, e.program, e.took_ms, e.by_name, e.until_on`

	// The newest probe and the newest attestation of each promise.
	sqlLatest = `
select ` + evidenceColumns + `, '' as detail
  from unnest($1::text[]) as p (promise) cross join unnest(array['probe', 'attestation']) as k (kind)
 cross join lateral (select evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on
   from promise_evidence x where x.tenant_id = (select app.tenant()) and x.promise = p.promise and x.kind = k.kind order by x.at desc, x.evidence_id desc limit 1) e`

	sqlLatestInstallation = `
select ` + evidenceColumns + `, '' as detail
  from unnest($1::text[]) as p (promise) cross join unnest(array['probe', 'attestation']) as k (kind)
 cross join lateral (select evidence_id, promise, at, kind, result, checked, items, tree_size, tree_root, program, took_ms, by_name, until_on
   from installation_evidence x where x.promise = p.promise and x.kind = k.kind order by x.at desc, x.evidence_id desc limit 1) e`

	// The history of one promise, newest first; with the details that officers read.
	sqlHistory = `
select ` + evidenceColumns + `, e.detail from promise_evidence e
 where e.tenant_id = (select app.tenant()) and e.promise = $1 and (e.at, e.evidence_id) < ($2, $3) order by e.at desc, e.evidence_id desc limit $4`

	sqlHistoryInstallation = `
select ` + evidenceColumns + `, '' as detail from installation_evidence e
 where e.promise = $1 and (e.at, e.evidence_id) < ($2, $3) order by e.at desc, e.evidence_id desc limit $4`

	sqlDetailInstallation = `select evidence_id, detail from installation_evidence where evidence_id = any($1)`

	sqlForgetInstallation = `delete from installation_evidence where at < $1`
	sqlProbed             = `select exists (select from promise_evidence where tenant_id = (select app.tenant()) and kind = 'probe')`
)

// Evidence is one line: what a probe found, or what somebody attests.
type Evidence struct {
	ID       id.ID      `db:"evidence_id" json:"id"`
	Promise  string     `db:"promise" json:"promise"`
	At       time.Time  `db:"at" json:"at"`
	Kind     string     `db:"kind" json:"kind"` // probe or attestation
	Result   Result     `db:"result" json:"result"`
	Checked  string     `db:"checked" json:"checked"` // of an attestation: the statement
	Items    int64      `db:"items" json:"count"`
	TreeSize *int64     `db:"tree_size" json:"tree_size,omitempty"`
	TreeRoot string     `db:"tree_root" json:"tree_root,omitempty"`
	Program  string     `db:"program" json:"program"`
	TookMS   int        `db:"took_ms" json:"took_ms"`
	ByName   string     `db:"by_name" json:"by,omitempty"`
	UntilOn  *time.Time `db:"until_on" json:"until,omitempty"`
	Detail   string     `db:"detail" json:"detail,omitempty"` // for officers

	Installation bool `db:"-" json:"installation"` // it is about the installation, not one programme
}

func (e Evidence) args() pgx.NamedArgs {
	return pgx.NamedArgs{"evidence_id": e.ID, "promise": e.Promise, "at": e.At, "kind": e.Kind, "result": string(e.Result), "checked": e.Checked, "items": e.Items, "detail": e.Detail,
		"tree_size": e.TreeSize, "tree_root": e.TreeRoot, "program": e.Program, "took_ms": e.TookMS, "by_name": e.ByName, "until_on": e.UntilOn}
}

func addEvidence(ctx context.Context, q pg.Querier, e Evidence) error {
	_, err := q.Exec(ctx, sqlAddEvidence, e.args())
	return err
}

// addInstallation writes evidence about the installation as a whole.
func addInstallation(ctx context.Context, o *op.Ops, e Evidence) error {
	_, err := o.DB.Pool(pg.Worker).Exec(ctx, sqlAddInstallation, e.args())
	return err
}

func scanEvidence(rows pgx.Rows, installation bool) ([]Evidence, error) {
	out, err := pgx.CollectRows(rows, pgx.RowToStructByName[Evidence])
	for i := range out {
		out[i].Installation = installation
	}
	return out, err
}

// latest returns the newest probe and attestation of each promise: of the bound programme when tenant is set, and of the installation.
func latest(ctx context.Context, q pg.Querier, tenant id.ID) ([]Evidence, error) {
	ids := make([]string, len(register))
	for i, p := range register {
		ids[i] = p.ID
	}
	rows, err := q.Query(ctx, sqlLatestInstallation, ids)
	if err != nil {
		return nil, err
	}
	out, err := scanEvidence(rows, true)
	if err != nil || tenant == id.Nil {
		return out, err
	}
	if rows, err = q.Query(ctx, sqlLatest, ids); err != nil {
		return nil, err
	}
	own, err := scanEvidence(rows, false)
	return append(out, own...), err
}

// installationLatest is latest for the installation alone, as nobody in particular.
func installationLatest(ctx context.Context, o *op.Ops) ([]Evidence, error) {
	return latest(ctx, o.DB.Pool(pg.Public), id.Nil)
}

// history returns evidence of one promise that is older than at, newest first.
func history(ctx context.Context, q pg.Querier, p Promise, installation bool, at time.Time, last id.ID, limit int) ([]Evidence, error) {
	sql := sqlHistory
	if installation {
		sql = sqlHistoryInstallation
	}
	rows, err := q.Query(ctx, sql, p.ID, at, last, limit)
	if err != nil {
		return nil, err
	}
	return scanEvidence(rows, installation)
}

// details returns what probes of the installation found; it is for officers and for the command line.
func details(ctx context.Context, o *op.Ops, ids []id.ID) (map[id.ID]string, error) {
	rows, err := o.DB.Pool(pg.Worker).Query(ctx, sqlDetailInstallation, ids)
	if err != nil {
		return nil, err
	}
	out := map[id.ID]string{}
	var v id.ID
	var detail string
	_, err = pgx.ForEachRow(rows, []any{&v, &detail}, func() error { out[v] = detail; return nil })
	return out, err
}

// bound runs fn as a role in a transaction of a tenant.
func bound(ctx context.Context, o *op.Ops, role pg.Role, b pg.Binding, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, o.DB.Pool(role), func(tx pgx.Tx) error {
		if b.Now.IsZero() {
			b.Now = o.Clock()
		}
		if _, err := tx.Exec(ctx, pg.SQLBind, b.Args()...); err != nil {
			return err
		}
		return fn(tx)
	})
}

// undo ends a transaction of a probe without committing it.
type undo struct{}

// Error makes undo an error.
func (undo) Error() string { return "rolled back on purpose" }

// tried is bound, always rolled back, with short limits so that a probe never stands in anybody's way.
func tried(ctx context.Context, o *op.Ops, role pg.Role, b pg.Binding, fn func(tx pgx.Tx) error) error {
	err := bound(ctx, o, role, b, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlShortLimits); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		return undo{}
	})
	if _, ok := err.(undo); ok { //nolint:errorlint // it comes back as it was given
		return nil
	}
	return err
}

const sqlShortLimits = `select set_config('lock_timeout', '2s', true), set_config('statement_timeout', '10s', true)`

func probed(ctx context.Context, o *op.Ops, tenant id.ID) (yes bool, err error) {
	err = bound(ctx, o, pg.Worker, pg.Binding{Tenant: tenant}, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sqlProbed).Scan(&yes) })
	return yes, err
}

// forget drops what is known of the installation from before.
func forget(ctx context.Context, o *op.Ops, before time.Time) error {
	_, err := o.DB.Pool(pg.Worker).Exec(ctx, sqlForgetInstallation, before)
	return err
}
