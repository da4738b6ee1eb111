package trail

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// An operation's entries have its time: the key of the log finds them, the one about the record first.
const (
	sqlVersionColumns = `
select h.at, h.history_id, (h.new_row ->> 'version')::int, h.op_id is null, h.member_id is null, h.change = 'insert', h.old_row, h.new_row, coalesce(h.new_row ->> 'currency', ''),
  coalesce(m.name, ''),
  coalesce((select e.action from audit_entry e where e.tenant_id = h.tenant_id and e.at = h.at and e.op_id = h.op_id and e.outcome = 'done'
             order by (e.object_id = h.row_id) desc nulls last limit 1), '')
  from row_history h left join member m on m.tenant_id = h.tenant_id and m.member_id = h.member_id
 where h.tenant_id = $1 and h.row_id = $2 and h.table_name = $3 and h.new_row ? 'version'`

	sqlVersions = sqlVersionColumns + ` and ($4::timestamptz is null or (h.at, h.history_id) < ($4, $5)) order by h.at desc, h.history_id desc limit $6`
	sqlVersion  = sqlVersionColumns + ` and (h.new_row ->> 'version')::int = $4 order by h.at desc, h.history_id desc limit 1`

	// How the record stood before the oldest change on record: the change that left it so has gone from the history.
	sqlVersionBefore = `select h.old_row from row_history h
 where h.tenant_id = $1 and h.row_id = $2 and h.table_name = $3 and (h.old_row ->> 'version')::int = $4 order by h.at, h.history_id limit 1`
)

// versionLine is a line of the history of a row, with what it stood for.
type versionLine struct {
	Version
	history    int64
	old, fresh json.RawMessage
}

func scanVersion(row pgx.CollectableRow) (v versionLine, err error) {
	err = row.Scan(&v.At, &v.history, &v.Number, &v.Outside, &v.System, &v.First, &v.old, &v.fresh, &v.Currency, &v.Actor, (*string)(&v.Action))
	v.At = v.At.UTC()
	return v, err
}

// versionSort keeps the cursor of one record's versions from being used for another's.
func versionSort(table string, record id.ID) string {
	return "versions " + table + " " + record.String()
}

func versionRows(ctx context.Context, o *op.Ops, tx *op.Tx, table string, record id.ID, cursor string, most int) ([]versionLine, error) {
	var after *time.Time
	var last int64
	if cursor != "" {
		c, err := o.Pages.Decode(cursor, tx.Who.Tenant.String(), versionSort(table, record))
		if err != nil {
			return nil, err
		}
		after = new(time.Time)
		if err := c.Scan(after, &last); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Query(ctx, sqlVersions, tx.Who.Tenant, record, table, after, last, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanVersion)
}

// versionRow returns how the record stood after the last change that left it with this version.
func versionRow(ctx context.Context, tx *op.Tx, table string, record id.ID, number int) (versionLine, error) {
	if number < 1 || number > math.MaxInt32 {
		return versionLine{}, errs.Missing("version")
	}
	rows, err := tx.Query(ctx, sqlVersion, tx.Who.Tenant, record, table, number)
	if err != nil {
		return versionLine{}, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVersion)
	if !errors.Is(err, pgx.ErrNoRows) {
		return v, err
	}
	var row json.RawMessage
	err = tx.QueryRow(ctx, sqlVersionBefore, tx.Who.Tenant, record, table, number).Scan(&row)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, errs.Missing("version")
	}
	if err != nil {
		return v, err
	}
	return before(row)
}

// before returns the version that a change found.
func before(row json.RawMessage) (versionLine, error) {
	var r struct {
		Version   int       `json:"version"`
		UpdatedAt time.Time `json:"updated_at"`
		Currency  string    `json:"currency"`
	}
	err := json.Unmarshal(row, &r)
	return versionLine{Version: Version{Number: r.Version, At: r.UpdatedAt.UTC(), Lost: true, Currency: r.Currency}, fresh: row}, err
}
