package document

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
)

// Shelf is one kind of document with all its versions, newest first, without their text. Document is zero while nobody wrote one.
type Shelf struct {
	Kind     Kind
	Document Document
	Versions []Version
	Now      time.Time
}

// Current returns the version in force.
func (s Shelf) Current() (Version, bool) { return InForceOf(s.Versions, s.Now) }

// Next returns the announced version.
func (s Shelf) Next() (Version, bool) { return NextOf(s.Versions, s.Now) }

// Draft returns the draft.
func (s Shelf) Draft() (Version, bool) {
	for _, v := range s.Versions {
		if v.Status == Draft {
			return v, true
		}
	}
	return Version{}, false
}

// StateOf says how one of the versions stands.
func (s Shelf) StateOf(v Version) string { return StateOf(s.Versions, v, s.Now) }

func shelves(who access.Actor, now time.Time, documents []Document, versions []Version) []Shelf {
	out := make([]Shelf, len(Kinds))
	for i, k := range Kinds {
		out[i] = Shelf{Kind: k, Now: now}
		for _, d := range documents {
			if d.Kind == k.ID {
				out[i].Document = d
			}
		}
		for _, v := range versions {
			if v.Kind == k.ID {
				out[i].Versions = append(out[i].Versions, v.shown(who))
			}
		}
	}
	return out
}

// List returns every kind of document with its versions, as the actor may see them: partners see no drafts.
func (s *Service) List(ctx context.Context, who access.Actor) ([]Shelf, error) {
	var documents []Document
	var versions []Version
	var now time.Time
	err := op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		now = r.Now
		r.Query(sqlDocuments, []any{who.Tenant}, func(rows pgx.Rows) (err error) {
			documents, err = pgx.CollectRows(rows, pgx.RowToStructByName[Document])
			return err
		})
		sql := sqlVersions
		if who.Persona != access.Staff {
			sql = sqlPublicVersions
		}
		r.Query(sql, []any{who.Tenant}, func(rows pgx.Rows) (err error) {
			versions, err = pgx.CollectRows(rows, pgx.RowToStructByName[Version])
			return err
		})
	})
	return shelves(who, now, documents, versions), err
}

// Reading is a version with its shelf and, for the vendor's people, the notice of it.
type Reading struct {
	Version Version
	Shelf   Shelf
	Notice  notice.Notice
	Told    []notice.Recipient // the first 500
}

// Get returns a version with its text. Errors: NotFound.
func (s *Service) Get(ctx context.Context, who access.Actor, key id.ID) (Reading, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (Reading, error) {
		tx.About("document_version", key)
		return readIn(ctx, tx, who.Persona == access.Staff, sqlVersion, key)
	})
}

func readIn(ctx context.Context, tx *op.Tx, vendor bool, sql string, args ...any) (Reading, error) {
	var out Reading
	var err error
	if out.Version, err = one[Version](ctx, tx, "document", sql, append([]any{tx.Who.Tenant}, args...)...); err != nil {
		return out, err
	}
	if out.Version.Status == Withdrawn && !vendor {
		return out, errs.Missing("document")
	}
	d, err := one[Document](ctx, tx, "document", sqlDocument, tx.Who.Tenant, out.Version.DocumentID)
	if err != nil {
		return out, err
	}
	versions, err := many[Version](ctx, tx, sqlVersionsOf, tx.Who.Tenant, d.ID)
	if err != nil {
		return out, err
	}
	k, _ := KindOf(d.Kind)
	out.Shelf = Shelf{Kind: k, Document: d, Now: tx.Now}
	for _, v := range versions {
		out.Shelf.Versions = append(out.Shelf.Versions, v.shown(tx.Who))
	}
	if vendor && out.Version.NoticeID != id.Nil {
		if out.Notice, err = notice.In(ctx, tx, out.Version.NoticeID); err != nil {
			return out, err
		}
		if out.Told, err = notice.RecipientsIn(ctx, tx, out.Version.NoticeID, 0, 500); err != nil {
			return out, err
		}
	}
	out.Version = out.Version.shown(tx.Who)
	return out, nil
}

// Term returns how long before its day a material change is announced in the actor's programme.
func (s *Service) Term(ctx context.Context, who access.Actor) (time.Duration, error) {
	return op.Read(ctx, s.ops, who, ActDraft, func(tx *op.Tx) (time.Duration, error) { return termIn(ctx, tx) })
}

// PublicShelf is what anybody may read of one kind: the versions, and one of them whole. Errors: NotFound when nothing is published.
func (s *Service) PublicShelf(ctx context.Context, tenant id.ID, req access.Request, kind string, number int) (Reading, error) {
	k, ok := KindOf(kind)
	if !ok {
		return Reading{}, errs.Missing("document")
	}
	return op.Public(ctx, s.ops, tenant, req, func(tx *op.Tx) (Reading, error) {
		d, err := one[Document](ctx, tx, "document", sqlDocumentKind, tx.Who.Tenant, k.ID)
		if err != nil {
			return Reading{}, err
		}
		versions, err := many[Version](ctx, tx, sqlPublicVersionsOf, tx.Who.Tenant, d.ID)
		if err != nil {
			return Reading{}, err
		}
		chosen, ok := InForceOf(versions, tx.Now)
		if !ok {
			chosen, ok = NextOf(versions, tx.Now)
		}
		for _, v := range versions {
			if number != 0 && v.Number == number {
				chosen = v
			}
		}
		if !ok || number != 0 && chosen.Number != number {
			return Reading{}, errs.Missing("document")
		}
		whole, err := one[Version](ctx, tx, "document", sqlPublicVersion, tx.Who.Tenant, chosen.ID)
		return Reading{Version: whole, Shelf: Shelf{Kind: k, Document: d, Versions: versions, Now: tx.Now}}, err
	})
}

// PublicList returns the shelves that have something published, for footers and public pages.
func (s *Service) PublicList(ctx context.Context, tenant id.ID, req access.Request) ([]Shelf, error) {
	return op.Public(ctx, s.ops, tenant, req, func(tx *op.Tx) ([]Shelf, error) {
		documents, err := many[Document](ctx, tx, sqlDocuments, tx.Who.Tenant)
		if err != nil {
			return nil, err
		}
		versions, err := many[Version](ctx, tx, sqlPublicVersions, tx.Who.Tenant)
		if err != nil {
			return nil, err
		}
		var out []Shelf
		for _, sh := range shelves(tx.Who, tx.Now, documents, versions) {
			if _, ok := sh.Current(); ok {
				out = append(out, sh)
			}
		}
		return out, nil
	})
}

// Pair is two versions of one document and how the older became the newer.
type Pair struct {
	Old, New Version
	Shelf    Shelf
	Blocks   []Block
}

// CompareVersions returns how one version became another of the same document. Errors: NotFound, Invalid "document.other_kind".
func (s *Service) CompareVersions(ctx context.Context, who access.Actor, from, to id.ID) (Pair, error) {
	a, errA := s.Get(ctx, who, from)
	b, errB := s.Get(ctx, who, to)
	if err := errors.Join(errA, errB); err != nil {
		return Pair{}, err
	}
	if a.Version.DocumentID != b.Version.DocumentID {
		return Pair{}, errs.New(errs.Invalid, "document.other_kind", "Only versions of one document can be compared.")
	}
	if a.Version.Number > b.Version.Number {
		a, b = b, a
	}
	return Pair{Old: a.Version, New: b.Version, Shelf: a.Shelf, Blocks: Compare(a.Version.Body, b.Version.Body)}, nil
}
