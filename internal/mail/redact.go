package mail

import (
	"context"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

// Redact opens the bodies of the next mails after an id, at most limit, runs words over their text and HTML and encrypts anew those that
// it changed. It returns how many those were and the last mail that it looked at, Nil when none is left.
func Redact(ctx context.Context, tx *op.Tx, keys *keyring.Ring, after id.ID, limit int, words func(string) string) (changed int, last id.ID, err error) {
	list, err := bodies(ctx, tx, after, limit)
	if err != nil || len(list) == 0 {
		return 0, id.Nil, err
	}
	sealer, err := tx.Sealer(ctx)
	if err != nil {
		return 0, id.Nil, err
	}
	for _, m := range list {
		last = m.ID
		if err := m.open(ctx, keys); err != nil {
			return changed, last, err
		}
		text, html := words(m.Text), words(m.HTML)
		if text == m.Text && html == m.HTML {
			continue
		}
		m.Text, m.HTML = text, html
		if err := m.seal(sealer); err != nil {
			return changed, last, err
		}
		if err := saveBodies(ctx, tx, m); err != nil {
			return changed, last, err
		}
		changed++
	}
	return changed, last, nil
}
