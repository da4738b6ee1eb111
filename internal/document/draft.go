package document

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// DraftInput is what a draft says.
type DraftInput struct {
	Kind    string // for a new draft
	ID      id.ID  // of the draft to change
	Version int    // of the draft that was read; 0 is not checked
	Title   string
	Body    string
	Change  string // material or minor; "" is material
	Summary string
}

func (in *DraftInput) check() error {
	var bad errs.Problems
	in.Title = bad.Line("title", in.Title, 200)
	bad.Need("title", in.Title)
	in.Body = bad.Text("body", in.Body, 200_000)
	bad.Need("body", in.Body)
	in.Summary = bad.Text("summary", in.Summary, 2000)
	switch in.Change {
	case "":
		in.Change = Material
	case First, Material, Minor:
	default:
		bad.Add("change", "field.choice", "Use one of: material, minor.")
	}
	return errs.Refused(bad)
}

// SaveDraft writes the draft of a document: a new one for a kind, or changes to the one that is there. Errors: Invalid with fields,
// NotFound, Stale, Conflict "document.draft_exists" and "document.frozen".
func (s *Service) SaveDraft(ctx context.Context, who access.Actor, in DraftInput) (Version, error) {
	bad := in.check()
	return op.Write(ctx, s.ops, who, ActDraft, func(tx *op.Tx) (Version, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Version{}, err
		}
		if in.ID == id.Nil {
			return s.newDraft(ctx, tx, in, bad)
		}
		tx.About("document_version", in.ID)
		v, err := one[Version](ctx, tx, "document", sqlLockVersion, tx.Who.Tenant, in.ID)
		if err != nil {
			return v, err
		}
		if v.Status != Draft {
			return v, errs.New(errs.Conflict, "document.frozen", "This version is published and stays as it is. Begin a new draft.")
		}
		if in.Version != 0 && in.Version != v.Version {
			return v, stale()
		}
		if bad != nil {
			return v, bad
		}
		before := v
		v.Title, v.Body, v.Change, v.Summary, v.Version, v.UpdatedAt = in.Title, in.Body, in.Change, in.Summary, v.Version+1, tx.Now
		tx.Audit(audit.Change{Type: "document_version", ID: v.ID, Label: v.Title, Before: before, After: v})
		return v, updateDraft(ctx, tx, v)
	})
}

func (s *Service) newDraft(ctx context.Context, tx *op.Tx, in DraftInput, bad error) (Version, error) {
	if _, ok := KindOf(in.Kind); !ok {
		return Version{}, errs.Refused([]errs.Field{{Name: "kind", Code: "field.choice", Msg: "Use one of: privacy, terms, dpa, programme-terms."}})
	}
	if bad != nil {
		return Version{}, bad
	}
	d, err := ensure(ctx, tx, in.Kind)
	if err != nil {
		return Version{}, err
	}
	if d, err = one[Document](ctx, tx, "document", sqlLockDocument, tx.Who.Tenant, d.ID); err != nil {
		return Version{}, err
	}
	all, err := many[Version](ctx, tx, sqlVersionsOf, tx.Who.Tenant, d.ID)
	if err != nil {
		return Version{}, err
	}
	if _, ok := (Shelf{Versions: all}).Draft(); ok {
		return Version{}, errs.New(errs.Conflict, "document.draft_exists", "There is a draft already. Open it.")
	}
	n, err := nextNumber(ctx, tx, d.ID)
	if err != nil {
		return Version{}, err
	}
	v := Version{TenantID: tx.Who.Tenant, ID: id.New(), DocumentID: d.ID, Number: n, Title: in.Title, Body: in.Body, Change: in.Change, Summary: in.Summary, Status: Draft,
		CreatedBy: tx.Who.Member, CreatedByName: tx.Who.Name, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now, Kind: d.Kind}
	tx.Audit(audit.Change{Type: "document_version", ID: v.ID, Label: v.Title, After: v})
	return v, insertVersion(ctx, tx, v)
}

// Discard deletes a draft. Errors: NotFound, Conflict "document.frozen".
func (s *Service) Discard(ctx context.Context, who access.Actor, v id.ID) error {
	_, err := op.Write(ctx, s.ops, who, ActDraft, func(tx *op.Tx) (struct{}, error) {
		tx.About("document_version", v)
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		d, err := one[Version](ctx, tx, "document", sqlLockVersion, tx.Who.Tenant, v)
		if err != nil {
			return struct{}{}, err
		}
		if d.Status != Draft {
			return struct{}{}, errs.New(errs.Conflict, "document.frozen", "Only a draft can be discarded.")
		}
		tx.Audit(audit.Change{Type: "document_version", ID: v, Label: d.Title, Before: d, Note: "discarded"})
		return struct{}{}, deleteDraft(ctx, tx, v)
	})
	return err
}

// UpdateInput says who a document concerns.
type UpdateInput struct {
	ID         id.ID
	Version    int // 0 is not checked
	Audience   string
	Acceptance string
	AcceptFor  string
	AcceptDays int
}

// Update changes who is told of a document and who accepts it. Errors: Invalid with fields, NotFound, Stale.
func (s *Service) Update(ctx context.Context, who access.Actor, in UpdateInput) (Document, error) {
	var bad errs.Problems
	choice := func(name, v string, of ...string) {
		for _, o := range of {
			if v == o {
				return
			}
		}
		bad.Add(name, "field.choice", "Choose one of the list.")
	}
	choice("audience", in.Audience, Vendor, Partners, All)
	choice("acceptance", in.Acceptance, "none", "asked", "required")
	choice("accept_for", in.AcceptFor, "company", "person")
	if in.AcceptDays < 0 || in.AcceptDays > 365 {
		bad.Add("accept_days", "field.range", "Give a number of days between 0 and 365.")
	}
	return op.Write(ctx, s.ops, who, ActUpdate, func(tx *op.Tx) (Document, error) {
		tx.About("document", in.ID)
		if err := tx.Allow(access.Object{}); err != nil {
			return Document{}, err
		}
		d, err := one[Document](ctx, tx, "document", sqlLockDocument, tx.Who.Tenant, in.ID)
		if err != nil {
			return d, err
		}
		if in.Version != 0 && in.Version != d.Version {
			return d, stale()
		}
		if err := errs.Refused(bad); err != nil {
			return d, err
		}
		before := d
		d.Audience, d.Acceptance, d.AcceptFor, d.AcceptDays, d.Version, d.UpdatedAt = in.Audience, in.Acceptance, in.AcceptFor, in.AcceptDays, d.Version+1, tx.Now
		k, _ := KindOf(d.Kind)
		tx.Audit(audit.Change{Type: "document", ID: d.ID, Label: k.Title, Before: before, After: d})
		return d, updateDocument(ctx, tx, d)
	})
}
