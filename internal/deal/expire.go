package deal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const expireBatch = 500

// Expire ends the registrations of a tenant whose protection has run out and returns how many. It may run at any time,
// twice too: what has expired already is left alone. Emits Expired for each.
func (s *Service) Expire(ctx context.Context, tenant id.ID) (int, error) {
	who, sum := access.NewSystem(tenant, "deal expiry"), 0
	for {
		n, err := s.expireSome(ctx, who)
		sum += n
		if err != nil || n < expireBatch {
			return sum, err
		}
	}
}

func (s *Service) expireSome(ctx context.Context, who access.Actor) (int, error) {
	return op.Write(ctx, s.ops, who, ActExpire, func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Unchanged()
		due, err := read(ctx, tx, sqlDue, who.Tenant, tx.Now, expireBatch)
		if err != nil || len(due) == 0 {
			return 0, err
		}
		b := &pgx.Batch{}
		for i := range due {
			d, before := &due[i], due[i]
			if d.State, err = Next(before.State, ActExpire); err != nil {
				return 0, err
			}
			d.Version, d.UpdatedAt = d.Version+1, tx.Now
			b.Queue(sqlExpire, who.Tenant, d.ID, d.Version, tx.Now)
			b.Queue(sqlEndClaims, who.Tenant, d.ID, tx.Now)
			tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: d.Partner, Before: before, After: *d})
		}
		if err := send(ctx, tx, b); err != nil {
			return 0, err
		}
		for _, d := range due {
			if err := tx.Emit(ctx, Expired{Fact{d, who}}); err != nil {
				return 0, err
			}
		}
		return len(due), nil
	})
}
