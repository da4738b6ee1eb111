package deal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Note writes a note on a deal, in any state. One by a partner's people is shared whatever they ask. Invalid "body". Emits Noted.
func (s *Service) Note(ctx context.Context, who access.Actor, in NoteInput) (Note, error) {
	return op.Write(ctx, s.ops, who, ActNote, func(tx *op.Tx) (Note, error) {
		d, r, err := lock(ctx, tx, in.ID)
		if err != nil {
			return Note{}, err
		}
		if err := allow(tx, d, r); err != nil {
			return Note{}, err
		}
		body, err := checkNote(in.Body, true)
		if err != nil {
			return Note{}, err
		}
		n, b := newNote(tx, d, body, in.Internal), &pgx.Batch{}
		queueNote(b, tx.Who.Tenant, n)
		if err := send(ctx, tx, b); err != nil {
			return Note{}, err
		}
		reader := d.Partner
		if n.Internal {
			reader = id.Nil
		}
		tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: reader, Note: sideNote(n)})
		return n, tx.Emit(ctx, Noted{Fact{d, tx.Who}, n})
	})
}

func sideNote(n Note) string {
	if n.Internal {
		return "internal note"
	}
	return "shared note"
}

func checkNote(body string, needed bool) (string, error) {
	var p problems
	name := "note"
	if needed {
		name = "body"
	}
	body = p.Text(name, body, 10000)
	if needed {
		p.Need(name, body)
	}
	return body, errs.Refused(p.Problems)
}

// newNote returns a note by the actor. The vendor's people may keep one to themselves.
func newNote(tx *op.Tx, d Deal, body string, internal bool) Note {
	side := "vendor"
	if tx.Who.Persona == access.Partner {
		side, internal = "partner", false
	}
	return Note{ID: id.New(), Deal: d.ID, partner: d.Partner, Author: tx.Who.Member, AuthorName: tx.Who.Name, AuthorSide: side,
		Internal: internal || d.Partner == id.Nil, Body: body, CreatedAt: tx.Now}
}
