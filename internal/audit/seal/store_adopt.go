package seal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// adoptAtOnce is how many plain entries one transaction encrypts.
const adoptAtOnce = 1000

const (
	sqlPlainTenants = `select app.audit_plain()`
	sqlPlain        = `
select entry_id, at, action, outcome, commitment is not null, payload, erased_at, actor_name, object_label, changes::text, note, request_id, ip, user_agent
  from audit_entry where tenant_id = $1 and commitment is null order by at limit $2`
	sqlAdopt = `select app.audit_adopt($1, $2, $3, $4, $5, $6)`
)

func (s *Service) plainTenants(ctx context.Context) ([]id.ID, error) {
	rows, err := s.ops.DB.Pool(pg.Worker).Query(ctx, sqlPlainTenants)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.ID])
}

// adoptSome encrypts at most adoptAtOnce entries of a tenant and returns how many.
func (s *Service) adoptSome(ctx context.Context, tenant id.ID) (n int, err error) {
	keys, err := s.ops.Keys.Sealer(ctx, tenant)
	if err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, s.ops.DB.Pool(pg.Worker), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pg.SQLBind, binding(tenant, s.ops.Clock())...); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sqlPlain, tenant, adoptAtOnce)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p plain, err error) {
			return p, r.Scan(append([]any{&p.id, &p.at, &p.action, &p.outcome}, p.stored.Dest()...)...)
		})
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		for _, p := range all {
			sealed, err := p.encrypt(ctx, s.ops.Keys, keys, tenant)
			if err != nil {
				return err
			}
			b.Queue(sqlAdopt, p.at, p.id, string(audit.CategoryOf(p.action, p.outcome)), sealed.Payload, sealed.Salt, sealed.Commitment)
		}
		n = len(all)
		return tx.SendBatch(ctx, b).Close()
	})
	return n, err
}
