package mail

import (
	"context"
	"errors"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

func (m *Mail) place(column string) keyring.Place {
	return keyring.Place{Table: "mail", Row: m.ID.String(), Column: column}
}

// seal fills in what is stored of the bodies and the link.
func (m *Mail) seal(with keyring.Sealer) (err error) {
	var terr, herr, lerr error
	m.sealed.text, terr = with.Seal(m.place("text_sealed"), []byte(m.Text))
	m.sealed.html, herr = with.Seal(m.place("html_sealed"), []byte(m.HTML))
	if m.link != "" {
		m.sealed.link, lerr = with.Seal(m.place("link_sealed"), []byte(m.link))
	}
	return errors.Join(terr, herr, lerr)
}

// open fills in the bodies and the link from what is stored; a mail from before has them in plain columns.
func (m *Mail) open(ctx context.Context, keys *keyring.Ring) error {
	for column, v := range map[string]struct {
		from []byte
		to   *string
	}{"text_sealed": {m.sealed.text, &m.Text}, "html_sealed": {m.sealed.html, &m.HTML}, "link_sealed": {m.sealed.link, &m.link}} {
		if v.from == nil {
			continue
		}
		plain, err := keys.Open(ctx, m.TenantID, m.place(column), v.from)
		if err != nil {
			return err
		}
		*v.to = string(plain)
	}
	return nil
}

// SealPlain encrypts the mails of a tenant that were written before mails were encrypted, 200 in a transaction. Broken off, it goes
// on where it stopped.
func (s *Service) SealPlain(ctx context.Context, tenant id.ID) error {
	for {
		n, err := op.Write(ctx, s.ops, access.NewSystem(tenant, "encrypt mails"), ActSeal, func(tx *op.Tx) (int, error) {
			if err := tx.Allow(access.Object{}); err != nil {
				return 0, err
			}
			tx.Unchanged() // the mails say what they said
			return sealPlain(ctx, tx)
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
