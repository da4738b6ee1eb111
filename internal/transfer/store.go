package transfer

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const runColumns = `import_id, kind, status, phase, file_name, header, mapping, file_info, report, total, done, last_row, created, updated, unchanged, refused,
  failure, created_by, created_by_name, acted_by, acted_by_name, version, created_at, updated_at, committed_at, undone_at`

const (
	sqlRun     = `select ` + runColumns + ` from import_run where tenant_id = $1 and import_id = $2`
	sqlLockRun = sqlRun + ` for update`
	// The report is left out of lists: it is as long as the file is odd.
	sqlRuns = `
select import_id, kind, status, phase, file_name, header, '{}'::jsonb as mapping, '{}'::jsonb as file_info, '{}'::jsonb as report, total, done, last_row,
  created, updated, unchanged, refused, failure, created_by, created_by_name, acted_by, acted_by_name, version, created_at, updated_at, committed_at, undone_at
  from import_run
 where tenant_id = $1 and ($2 = '' or kind = $2) and ($3 = '' or status = $3) and (created_at, import_id) < ($4, $5::uuid)
 order by created_at desc, import_id desc limit $6`

	sqlInsertRun = `
insert into import_run (tenant_id, import_id, kind, status, phase, file_name, header, mapping, file_info, total, created_by, created_by_name, acted_by, acted_by_name, created_at, updated_at)
values ($1, $2, $3, 'checking', 'check', $4, $5, $6, $7, $8, $9, $10, $9, $10, $11, $11)`

	sqlFinishUpload = `update import_run set total = $3, file_info = $4, updated_at = $5 where tenant_id = $1 and import_id = $2`

	sqlInsertRows = `
insert into import_row (tenant_id, import_id, row_no, cells, outcome, problems)
select $1, $2, r.row_no, r.cells, coalesce(r.outcome, 'waiting'), coalesce(r.problems, '[]')
  from json_to_recordset($3::json) as r (row_no int, cells text[], outcome text, problems jsonb)`

	// A new round begins: what an earlier check refused waits again, unless the file itself is broken there.
	sqlBegin = `
update import_run set status = $3, phase = $4, mapping = $5, report = $6, done = 0, last_row = 0, created = 0, updated = 0, unchanged = 0,
       refused = case when $4 = 'check' then 0 else refused end, failure = '', acted_by = $7, acted_by_name = $8, version = version + 1, updated_at = $9
 where tenant_id = $1 and import_id = $2`
	sqlForgetRefusals = `
update import_row set outcome = 'waiting', problems = '[]'
 where tenant_id = $1 and import_id = $2 and outcome = 'refused' and problems -> 0 ->> 'code' not like 'sheet.%'`
	// Work that failed is taken up where it stopped.
	sqlTakeUp = `
update import_run set status = $3, failure = '', acted_by = $4, acted_by_name = $5, version = version + 1, updated_at = $6
 where tenant_id = $1 and import_id = $2`

	// An import fills tables that were empty when the session's plans were made; those plans would read whole tenants. Checks of
	// foreign keys keep their plans: there are five for each row.
	sqlPlanMode = `select set_config('plan_cache_mode', $1, true)`

	sqlChunk = `
select row_no, cells, outcome, problems, object_id, before from import_row
 where tenant_id = $1 and import_id = $2 and row_no > $3 order by row_no limit $4`

	sqlProgress = `
update import_run set done = $3, last_row = $4, created = $5, updated = $6, unchanged = $7, refused = $8, report = $9, status = $10, updated_at = $11,
       committed_at = case when $10 = 'committed' and status = 'committing' then $11 else committed_at end,
       undone_at = case when $10 = 'undone' then $11 else undone_at end
 where tenant_id = $1 and import_id = $2`

	sqlFail = `update import_run set status = 'failed', failure = $3, updated_at = $4 where tenant_id = $1 and import_id = $2`

	sqlKeepOutcomes = `
update import_row r set outcome = v.outcome, problems = coalesce(v.problems, '[]'), object_id = coalesce(v.object_id, r.object_id), before = coalesce(v.before, r.before)
  from jsonb_to_recordset($3::jsonb) as v (row_no int, outcome text, problems jsonb, object_id uuid, before jsonb)
 where r.tenant_id = $1 and r.import_id = $2 and r.row_no = v.row_no`

	sqlRows = `
select row_no, cells, outcome, problems, object_id, before from import_row
 where tenant_id = $1 and import_id = $2 and ($3 = '' or outcome = $3) and ($4 = false or problems <> '[]') and row_no > $5 order by row_no limit $6`

	// Rows that name the same thing as an earlier row: by the cells of one or two columns, or by the whole row.
	sqlDuplicates = `
select row_no, first from (
  select row_no, min(row_no) over (partition by lower(btrim(cells[$3]))) as first from import_row
   where tenant_id = $1 and import_id = $2 and outcome <> 'refused' and btrim(cells[$3]) <> '') d
 where first < row_no order by row_no`
	sqlDuplicateRows = `
select row_no, first from (
  select row_no, min(row_no) over (partition by cells) as first from import_row where tenant_id = $1 and import_id = $2 and outcome <> 'refused') d
 where first < row_no order by row_no`
)

func scanRun(row pgx.CollectableRow) (Run, error) { return pgx.RowToStructByName[Run](row) }

func oneRun(out *Run) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*out, err = pgx.CollectExactlyOneRow(rows, scanRun)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.Missing("import")
		}
		return err
	}
}

func readRun(ctx context.Context, tx *op.Tx, sql string, v id.ID) (r Run, err error) {
	tx.About("import_run", v)
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, v)
	if err != nil {
		return r, err
	}
	err = oneRun(&r)(rows)
	return r, err
}

func lockRun(ctx context.Context, tx *op.Tx, v id.ID) (Run, error) {
	return readRun(ctx, tx, sqlLockRun, v)
}

func insertRun(ctx context.Context, tx *op.Tx, r Run) error {
	_, err := tx.Exec(ctx, sqlInsertRun, tx.Who.Tenant, r.ID, r.Kind, r.FileName, r.Header, r.Mapping, r.FileInfo, r.Total, r.CreatedBy, r.CreatedByName, tx.Now)
	return err
}

func finishUpload(ctx context.Context, tx *op.Tx, r Run) error {
	_, err := tx.Exec(ctx, sqlFinishUpload, tx.Who.Tenant, r.ID, r.Total, r.FileInfo, tx.Now)
	return err
}

// freshRow is a row as it is stored first; outcome and problems only when the file is broken there.
type freshRow struct {
	No       int       `json:"row_no"`
	Cells    []string  `json:"cells"`
	Outcome  string    `json:"outcome,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
}

func insertRows(ctx context.Context, tx *op.Tx, run id.ID, rows []freshRow) error {
	arg, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlInsertRows, tx.Who.Tenant, run, string(arg))
	return err
}

// begin starts a round of work from the first row.
func begin(ctx context.Context, tx *op.Tx, r Run, status, phase string, mapping, report any) error {
	m, err := json.Marshal(mapping)
	if err != nil {
		return err
	}
	rep, err := json.Marshal(report)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlBegin, tx.Who.Tenant, r.ID, status, phase, string(m), string(rep), tx.Who.Member, tx.Who.Name, tx.Now); err != nil {
		return err
	}
	if phase == "check" {
		_, err = tx.Exec(ctx, sqlForgetRefusals, tx.Who.Tenant, r.ID)
	}
	return err
}

func takeUp(ctx context.Context, tx *op.Tx, r Run, status string) error {
	_, err := tx.Exec(ctx, sqlTakeUp, tx.Who.Tenant, r.ID, status, tx.Who.Member, tx.Who.Name, tx.Now)
	return err
}

func saveFailure(ctx context.Context, tx *op.Tx, r Run, why string) error {
	_, err := tx.Exec(ctx, sqlFail, tx.Who.Tenant, r.ID, why, tx.Now)
	return err
}

// planAfresh has what follows in the transaction planned for the tables as they are now, or not any more.
func planAfresh(ctx context.Context, tx *op.Tx, on bool) error {
	_, err := tx.Exec(ctx, sqlPlanMode, map[bool]string{true: "force_custom_plan", false: "auto"}[on])
	return err
}

func readChunk(ctx context.Context, tx *op.Tx, run id.ID, after int) ([]Row, error) {
	rows, err := tx.Query(ctx, sqlChunk, tx.Who.Tenant, run, after, chunkSize)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Row])
}

func saveProgress(ctx context.Context, tx *op.Tx, r Run, report Report) error {
	rep, err := json.Marshal(report)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlProgress, tx.Who.Tenant, r.ID, r.Done, r.LastRow, r.Created, r.Updated, r.Unchanged, r.Refused, string(rep), r.Status, tx.Now)
	return err
}

// kept is what is stored of a row once it is decided.
type kept struct {
	No       int       `json:"row_no"`
	Outcome  string    `json:"outcome"`
	Problems []Problem `json:"problems,omitempty"`
	Object   id.ID     `json:"object_id,omitzero"`
	Before   any       `json:"before,omitempty"`
}

func keepOutcomes(ctx context.Context, tx *op.Tx, run id.ID, rows []kept) error {
	if len(rows) == 0 {
		return nil
	}
	arg, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, sqlKeepOutcomes, tx.Who.Tenant, run, string(arg))
	return err
}

// duplicates returns, for rows that name what an earlier row names, that row's number. column is an index, or below zero for
// the whole row.
func duplicates(ctx context.Context, tx *op.Tx, run id.ID, column int) (map[int]int, error) {
	sql, args := sqlDuplicateRows, []any{tx.Who.Tenant, run}
	if column >= 0 {
		sql, args = sqlDuplicates, append(args, column+1)
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	out := map[int]int{}
	var no, first int
	_, err = pgx.ForEachRow(rows, []any{&no, &first}, func() error { out[no] = first; return nil })
	return out, err
}
