package seal

import (
	"context"
	"errors"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
)

// plain is an entry that a program before this one wrote.
type plain struct {
	id      id.ID
	at      time.Time
	action  access.Action
	outcome audit.Outcome
	stored  audit.Stored
}

// adopt encrypts the entries that a program before this one wrote, in batches; one that is cut off is taken up again.
func (s *Service) adopt(ctx context.Context) error {
	tenants, err := s.plainTenants(ctx)
	var failed error
	for _, t := range tenants {
		for n := adoptAtOnce; n == adoptAtOnce && err == nil; {
			n, err = s.adoptSome(ctx, t)
		}
		failed, err = errors.Join(failed, err), nil
	}
	return errors.Join(failed, err)
}

// encrypt turns one plain entry into what is stored.
func (p plain) encrypt(ctx context.Context, keys *keyring.Ring, s keyring.Sealer, tenant id.ID) (audit.Sealed, error) {
	told, err := p.stored.Open(ctx, keys, tenant, p.id)
	if err != nil {
		return audit.Sealed{}, err
	}
	return told.Seal(s, p.id)
}
