package file

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const columns = `tenant_id, file_id, kind, name, content_type, partner_id, member_id, object_type, object_id, state, size, sha256, key_version, blob_key,
  created_by, created_by_name, created_at, kept_from, expires_at, version`

const (
	sqlGet  = `select ` + columns + ` from stored_file where tenant_id = $1 and file_id = $2`
	sqlLock = sqlGet + ` for update`

	// A person sees what is theirs; a partner's people what is their company's; the vendor's people what is not private, or all.
	sqlList = `select ` + columns + `
  from stored_file where tenant_id = $1 and (created_at, file_id) < ($2, coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
   and ($5 = '' or kind = $5)
   and (member_id = $6 or not $9 and ($8 or (case when $7 then kind in ('evidence', 'certificate') else member_id is null end)))
 order by created_at desc, file_id desc limit $4`

	// A file without an end of its own is kept as the policy keeps exports: through the UTC day on which its period ends, or to
	// the hour if the policy says hours. Without a rule it is seven days.
	sqlInsert = `
insert into stored_file (tenant_id, file_id, kind, name, content_type, partner_id, member_id, object_type, object_id, state, blob_key,
  created_by, created_by_name, created_at, kept_from, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'writing', $10, $11, $12, $13, $14, case when $14::timestamptz is null then $15::timestamptz else
  (select case when date_trunc('day', k.keep) <> k.keep then $14::timestamptz + k.keep
               else (date_trunc('day', $14::timestamptz at time zone 'UTC') + interval '1 day' + k.keep) at time zone 'UTC' end
     from (select interval '7 days' as keep where not exists (select from retention_rule where tenant_id = $1 and category = 'export')
           union all select keep from retention_rule where tenant_id = $1 and category = 'export') k) end)
returning expires_at`

	sqlSetBlob = `update stored_file set blob_key = $3, version = version + 1 where tenant_id = $1 and file_id = $2 and state = 'writing'`

	sqlReady = `update stored_file set state = 'ready', size = $3, sha256 = $4, key_version = $5, blob_key = $6, version = version + 1
 where tenant_id = $1 and file_id = $2 and state = 'writing'`

	sqlNewestFiles = `select ` + columns + ` from stored_file where tenant_id = $1 and state = 'ready' and blob_key is not null and size > 0 order by created_at desc, file_id desc limit $2`

	sqlGone = `update stored_file set state = 'gone', version = version + 1 where tenant_id = $1 and file_id = any($2) and state <> 'gone'`

	// A policy that became stricter ends a file before the time it was given.
	sqlEndOver = `
update stored_file f set state = 'gone', version = version + 1
 where tenant_id = $1 and file_id in (select c.file_id from stored_file c left join retention_rule r on r.tenant_id = c.tenant_id and r.category = 'export'
   where c.tenant_id = $1 and (c.state = 'ready' and (c.expires_at <= $2 or c.kept_from is not null and r.keep is not null
     and case when date_trunc('day', r.keep) <> r.keep then c.kept_from + r.keep
              else (date_trunc('day', c.kept_from at time zone 'UTC') + interval '1 day' + r.keep) at time zone 'UTC' end <= $2)
     or c.state = 'writing' and c.created_at < $3) order by c.created_at limit 200 for update of c skip locked)
returning ` + columns

	sqlReadyAfter = `select ` + columns + ` from stored_file where tenant_id = $1 and state = 'ready' and file_id > coalesce($2::uuid, '00000000-0000-0000-0000-000000000000') order by file_id limit $3`

	sqlLeftovers = `select ` + columns + ` from stored_file where tenant_id = $1 and state = 'gone' and blob_key is not null order by expires_at, file_id limit 200`

	// The row of a file whose content is removed follows.
	sqlForget = `delete from stored_file where tenant_id = $1 and state = 'gone' and blob_key is null`

	sqlClearBlobs = `update stored_file set blob_key = null where tenant_id = $1 and file_id = any($2) and state = 'gone'`

	sqlOldFiles      = `select ` + columns + ` from stored_file where tenant_id = $1 and state = 'ready' and key_version < $2 order by created_at, file_id limit $3`
	sqlCountOldFiles = `select count(*) from stored_file where tenant_id = $1 and state = 'ready' and key_version < $2`
	sqlNeedsKey      = `select exists (select from stored_file where tenant_id = $1 and (state = 'ready' and key_version = $2 or state = 'writing'))`
	sqlMoveBlob      = `update stored_file set blob_key = $4, key_version = $5, version = version + 1 where tenant_id = $1 and file_id = $2 and blob_key = $3 and state = 'ready' and sha256 = $6`

	sqlKnownBlobs = `select blob_key from stored_file where tenant_id = $1 and blob_key = any($2)`
)

func scan(row pgx.CollectableRow) (File, error) { return pgx.RowToStructByName[File](row) }

func query(ctx context.Context, tx *op.Tx, sql string, v id.ID) (f File, err error) {
	tx.About("stored_file", v)
	rows, err := tx.Query(ctx, sql, tx.Who.Tenant, v)
	if err != nil {
		return f, err
	}
	err = pg.One(&f, scan, "file")(rows)
	return f, err
}

func get(ctx context.Context, tx *op.Tx, v id.ID) (File, error) { return query(ctx, tx, sqlGet, v) }

func lock(ctx context.Context, tx *op.Tx, v id.ID) (File, error) { return query(ctx, tx, sqlLock, v) }

// insert adds the row and sets when the file ends.
func insert(ctx context.Context, tx *op.Tx, f *File) error {
	return tx.QueryRow(ctx, sqlInsert, f.TenantID, f.ID, string(f.Kind), f.Name, f.ContentType, f.Partner, f.Member, f.ObjectType, f.Object, f.BlobKey,
		f.CreatedBy, f.CreatedName, f.CreatedAt, f.KeptFrom, f.ExpiresAt).Scan(&f.ExpiresAt)
}

func setBlob(ctx context.Context, tx *op.Tx, f File) error {
	_, err := tx.Exec(ctx, sqlSetBlob, f.TenantID, f.ID, f.BlobKey)
	return err
}

// markReady puts the content of f in place. Conflict "file.gone" when it was given up meanwhile.
func markReady(ctx context.Context, tx *op.Tx, f File) error {
	tag, err := tx.Exec(ctx, sqlReady, f.TenantID, f.ID, f.Size, f.SHA256, f.KeyVersion, f.BlobKey)
	if err == nil && tag.RowsAffected() == 0 {
		err = errs.New(errs.Conflict, "file.gone", "This file was given up while it was written. Make it again.")
	}
	return err
}

func markGone(ctx context.Context, tx *op.Tx, files []id.ID) error {
	_, err := tx.Exec(ctx, sqlGone, tx.Who.Tenant, files)
	return err
}

func collect(ctx context.Context, tx *op.Tx, sql string, args ...any) ([]File, error) {
	rows, err := tx.Query(ctx, sql, append([]any{tx.Who.Tenant}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// endOver marks files as gone whose time is up, or that began to be written before a time; at most 200.
func endOver(ctx context.Context, tx *op.Tx, now, begun time.Time) ([]File, error) {
	return collect(ctx, tx, sqlEndOver, now, begun)
}

// leftovers are files that are gone and whose content is not removed yet; at most 200.
func leftovers(ctx context.Context, tx *op.Tx) ([]File, error) {
	return collect(ctx, tx, sqlLeftovers)
}

func forget(ctx context.Context, tx *op.Tx) error {
	_, err := tx.Exec(ctx, sqlForget, tx.Who.Tenant)
	return err
}

func clearBlobs(ctx context.Context, tx *op.Tx, files []id.ID) error {
	_, err := tx.Exec(ctx, sqlClearBlobs, tx.Who.Tenant, files)
	return err
}

func knownBlobs(ctx context.Context, tx *op.Tx, keys []string) (map[string]bool, error) {
	rows, err := tx.Query(ctx, sqlKnownBlobs, tx.Who.Tenant, keys)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	var key string
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error { out[key] = true; return nil })
	return out, err
}

func oldFiles(ctx context.Context, tx *op.Tx, version, limit int) ([]File, error) {
	return collect(ctx, tx, sqlOldFiles, version, limit)
}

// moveBlob points the row of a file to the same content under another key; moved is false when the file went or changed meanwhile.
func moveBlob(ctx context.Context, tx *op.Tx, was, now File) (moved bool, err error) {
	tag, err := tx.Exec(ctx, sqlMoveBlob, was.TenantID, was.ID, was.BlobKey, now.BlobKey, now.KeyVersion, now.SHA256)
	return tag.RowsAffected() == 1, err
}

func countOldFiles(ctx context.Context, tx *op.Tx, version int) (n int64, err error) {
	err = tx.QueryRow(ctx, sqlCountOldFiles, tx.Who.Tenant, version).Scan(&n)
	return n, err
}

func needsKey(ctx context.Context, tx *op.Tx, version int) (yes bool, err error) {
	err = tx.QueryRow(ctx, sqlNeedsKey, tx.Who.Tenant, version).Scan(&yes)
	return yes, err
}
