package document

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
)

// Pending is a version that somebody has not accepted yet.
type Pending struct {
	DocumentID  id.ID     `db:"document_id" json:"document_id"`
	Kind        string    `db:"kind" json:"kind"`
	Acceptance  string    `db:"acceptance" json:"acceptance"`
	AcceptFor   string    `db:"accept_for" json:"accept_for"`
	AcceptDays  int       `db:"accept_days" json:"accept_days"`
	VersionID   id.ID     `db:"version_id" json:"version_id"`
	Number      int       `db:"number" json:"number"`
	Title       string    `db:"title" json:"title"`
	Digest      string    `db:"digest" json:"digest"`
	EffectiveAt time.Time `db:"effective_at" json:"effective_at"`
}

// DueAt is the moment by which it is to be accepted.
func (p Pending) DueAt() time.Time { return p.EffectiveAt.AddDate(0, 0, p.AcceptDays) }

// MayAccept reports whether somebody may accept it: for a company, only those who run its side.
func (p Pending) MayAccept(who access.Actor) bool {
	return who.May(ActAccept) && (p.AcceptFor == "person" || who.Role == "partner")
}

// Acceptance is on record for good: who accepted which version, as they saw it.
type Acceptance struct {
	TenantID   id.ID     `db:"tenant_id" json:"tenant_id"`
	ID         id.ID     `db:"acceptance_id" json:"id"`
	VersionID  id.ID     `db:"version_id" json:"version_id"`
	PartnerID  id.ID     `db:"partner_id" json:"partner_id"`
	MemberID   id.ID     `db:"member_id" json:"member_id"`
	Name       string    `db:"name" json:"name"`
	Digest     string    `db:"digest" json:"digest"`
	AcceptedAt time.Time `db:"accepted_at" json:"accepted_at"`
}

// ToAccept returns what the actor, somebody of a partner, has not accepted yet. The vendor's people accept nothing.
func (s *Service) ToAccept(ctx context.Context, who access.Actor) (out []Pending, err error) {
	if who.Persona != access.Partner {
		return nil, nil
	}
	err = op.Batch(ctx, s.ops, who, ActList, func(r *op.Reads) {
		r.Query(sqlPending, []any{who.Tenant, who.Partner, who.Member, r.Now}, func(rows pgx.Rows) (err error) {
			out, err = pgx.CollectRows(rows, pgx.RowToStructByName[Pending])
			return err
		})
	})
	return out, err
}

// AcceptInput says what is accepted. Digest is that of the text that was shown.
type AcceptInput struct {
	Version id.ID
	Digest  string
}

// Accept records that the actor accepts a version, for themselves or for their company. Errors: NotFound, Forbidden "document.not_for_you",
// Conflict "document.accepted", Stale when another text was shown.
func (s *Service) Accept(ctx context.Context, who access.Actor, in AcceptInput) (Acceptance, error) {
	return op.Write(ctx, s.ops, who, ActAccept, func(tx *op.Tx) (Acceptance, error) {
		tx.About("document_version", in.Version)
		if err := tx.Allow(access.Object{Partner: tx.Who.Partner, Owner: tx.Who.Member}); err != nil {
			return Acceptance{}, err
		}
		v, err := one[Version](ctx, tx, "document", sqlVersion, tx.Who.Tenant, in.Version)
		if err != nil {
			return Acceptance{}, err
		}
		d, err := one[Document](ctx, tx, "document", sqlDocument, tx.Who.Tenant, v.DocumentID)
		if err != nil {
			return Acceptance{}, err
		}
		if v.Status != Announced {
			return Acceptance{}, errs.Missing("document")
		}
		if in.Digest != v.Digest {
			return Acceptance{}, errs.New(errs.Stale, "document.other_text", "This is not the text you were shown. Read it again.")
		}
		if d.AcceptFor == "company" && tx.Who.Role != "partner" {
			return Acceptance{}, errs.New(errs.Forbidden, "document.not_for_you", "Somebody who runs your company's side accepts this for all of you.")
		}
		a := Acceptance{TenantID: tx.Who.Tenant, ID: id.New(), VersionID: v.ID, PartnerID: tx.Who.Partner, MemberID: tx.Who.Member, Name: tx.Who.Name, Digest: v.Digest, AcceptedAt: tx.Now}
		tx.Audit(audit.Change{Type: "document_version", ID: v.ID, Label: fmt.Sprintf("%s, version %d", v.Title, v.Number), Partner: tx.Who.Partner, Note: "SHA-256 " + v.Digest})
		return a, insertAcceptance(ctx, tx, a)
	})
}

// Gate is the listener of deal.submitted: where the programme says so, no deal is registered past the day by which a document was to be
// accepted. The vendor's own people are not held up.
func Gate(ctx context.Context, tx *op.Tx, _ deal.Submitted) error {
	if tx.Who.Persona != access.Partner {
		return nil
	}
	all, err := pendingIn(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Acceptance == "required" && tx.Now.After(p.DueAt()) {
			return errs.New(errs.Conflict, "document.acceptance_required", "Accept “%s” first: open Documents. It was to be accepted by %s; until then no deal can be registered.",
				p.Title, p.DueAt().Format("2 January 2006"))
		}
	}
	return nil
}

// PartnerAcceptance says what a partner accepted of one document last; AcceptedAt is nil when nothing.
type PartnerAcceptance struct {
	PartnerID   id.ID      `db:"partner_id" json:"partner_id"`
	PartnerName string     `db:"partner_name" json:"partner_name"`
	NameNorm    string     `db:"name_norm" json:"-"`
	AcceptedBy  string     `db:"accepted_by" json:"accepted_by"`
	AcceptedAt  *time.Time `db:"accepted_at" json:"accepted_at"`
	Number      int        `db:"number" json:"number"`
	Digest      string     `db:"digest" json:"digest"`
}

// AcceptancePage is one page of partners; Next is the cursor of the next page, "" on the last.
type AcceptancePage struct {
	Items []PartnerAcceptance
	Next  string
}

// Acceptances returns the partners by name, with what each accepted of a document last.
func (s *Service) Acceptances(ctx context.Context, who access.Actor, document id.ID, cursor string) (AcceptancePage, error) {
	name, last := "", id.Nil
	if err := s.ops.Pages.Resume(cursor, who.Tenant.String(), "acceptances", &name, &last); err != nil {
		return AcceptancePage{}, err
	}
	const limit = page.DefaultLimit
	var out AcceptancePage
	err := op.Batch(ctx, s.ops, who, ActAcceptances, func(r *op.Reads) {
		r.Query(sqlAcceptances, []any{who.Tenant, document, name, last, limit + 1}, func(rows pgx.Rows) (err error) {
			out.Items, err = pgx.CollectRows(rows, pgx.RowToStructByName[PartnerAcceptance])
			return err
		})
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(last PartnerAcceptance) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "acceptances", last.NameNorm, last.PartnerID)
	})
	return out, err
}

// AcceptanceRow is one line of the export.
type AcceptanceRow struct {
	Kind        string    `db:"kind"`
	Number      int       `db:"number"`
	Title       string    `db:"title"`
	Digest      string    `db:"digest"`
	PartnerName string    `db:"partner_name"`
	AcceptedBy  string    `db:"accepted_by"`
	Email       string    `db:"email"`
	AcceptedAt  time.Time `db:"accepted_at"`
}

// EachAcceptance calls fn for every acceptance, oldest first; of one document unless it is Nil.
func (s *Service) EachAcceptance(ctx context.Context, who access.Actor, document id.ID, fn func(AcceptanceRow) error) error {
	return op.Batch(ctx, s.ops, who, ActAcceptances, func(r *op.Reads) {
		r.Query(sqlAllAcceptances, []any{who.Tenant, document, page.MaxExport}, func(rows pgx.Rows) error {
			return pg.Each(rows, pgx.RowToStructByName[AcceptanceRow], fn)
		})
	})
}

// Export writes every acceptance to w, oldest first; of one document unless it is Nil.
func (s *Service) Export(ctx context.Context, who access.Actor, document id.ID, w sheet.Writer) error {
	if err := w.Columns("document", "version", "title", "sha256", "partner", "accepted_by", "email", "accepted_at"); err != nil {
		return err
	}
	err := s.EachAcceptance(ctx, who, document, func(a AcceptanceRow) error {
		w.Text(a.Kind)
		w.Int(int64(a.Number))
		for _, v := range []string{a.Title, a.Digest, a.PartnerName, a.AcceptedBy, a.Email} {
			w.Text(v)
		}
		w.Time(a.AcceptedAt)
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.Close()
}
