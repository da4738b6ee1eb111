package mail

import (
	"context"
	"html"
	"strings"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
)

// Bodies opens the bodies of the next mails after an id, at most limit, and calls fn with each. It returns the last one that it looked
// at, Nil when none is left. A mail whose body is gone already is passed over.
func Bodies(ctx context.Context, tx *op.Tx, keys *keyring.Ring, after id.ID, limit int, fn func(Mail) error) (last id.ID, err error) {
	return each(ctx, tx, keys, sqlBodies, after, limit, func(m *Mail) error { return fn(*m) })
}

// Redact opens the bodies of the next mails after an id, at most limit, runs words over their text and HTML and encrypts anew those that
// it changed. It returns how many those were and the last mail that it looked at, Nil when none is left.
func Redact(ctx context.Context, tx *op.Tx, keys *keyring.Ring, after id.ID, limit int, words func(m Mail, s string) string) (changed int, last id.ID, err error) {
	sealer, err := tx.Sealer(ctx)
	if err != nil {
		return 0, id.Nil, err
	}
	last, err = each(ctx, tx, keys, sqlLockBodies, after, limit, func(m *Mail) error {
		whose := *m
		in := func(s string) string { return words(whose, s) }
		text, markup := in(m.Text), inMarkup(m.HTML, in)
		if text == m.Text && markup == m.HTML {
			return nil
		}
		changed++
		m.Text, m.HTML = text, markup
		if err := m.seal(sealer); err != nil {
			return err
		}
		return saveBodies(ctx, tx, *m)
	})
	return changed, last, err
}

func each(ctx context.Context, tx *op.Tx, keys *keyring.Ring, sql string, after id.ID, limit int, fn func(*Mail) error) (last id.ID, err error) {
	list, err := bodies(ctx, tx, sql, after, limit)
	if err != nil {
		return id.Nil, err
	}
	for i := range list {
		m := &list[i]
		if err := m.open(ctx, keys); err != nil {
			return last, err
		}
		if err := fn(m); err != nil {
			return last, err
		}
		last = m.ID
	}
	return last, nil
}

// inMarkup runs words over the texts and the tags of HTML, each by itself; in a text, what is written as an entity is read first.
func inMarkup(s string, words func(string) string) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexByte(s, '<')
		if s[0] == '<' {
			end = strings.IndexByte(s, '>') + 1
		}
		if end <= 0 {
			end = len(s)
		}
		part := s[:end]
		plain := part
		if part[0] != '<' {
			plain = html.UnescapeString(part)
		}
		switch out := words(plain); {
		case out == plain:
			b.WriteString(part)
		case part[0] == '<':
			b.WriteString(out)
		default:
			b.WriteString(html.EscapeString(out))
		}
		s = s[end:]
	}
	return b.String()
}
