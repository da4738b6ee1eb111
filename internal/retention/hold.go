package retention

import (
	"context"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// Hold keeps every row that refers to its object.
type Hold struct {
	ID             id.ID      `db:"hold_id" json:"id"`
	Kind           string     `db:"kind" json:"kind"`
	ObjectID       id.ID      `db:"object_id" json:"object_id"`
	Label          string     `db:"label" json:"label"`
	Email          string     `db:"email" json:"email"`
	Reason         string     `db:"reason" json:"reason"`
	Until          *time.Time `db:"until" json:"until"`
	PlacedBy       *id.ID     `db:"placed_by" json:"placed_by"`
	PlacedByName   string     `db:"placed_by_name" json:"placed_by_name"`
	PlacedAt       time.Time  `db:"placed_at" json:"placed_at"`
	ReleasedByName string     `db:"released_by_name" json:"released_by_name"`
	ReleasedAt     *time.Time `db:"released_at" json:"released_at"`
	ReleaseReason  string     `db:"release_reason" json:"release_reason"`
	Version        int        `db:"version" json:"version"`
}

// Active reports whether the hold keeps anything at that time.
func (h Hold) Active(at time.Time) bool {
	return h.ReleasedAt == nil && (h.Until == nil || !at.UTC().Truncate(24*time.Hour).After(*h.Until))
}

// HoldKinds are what can be held.
var HoldKinds = []string{"person", "account", "partner", "tenant"}

// PlaceInput says what to hold. Object is a member or a contact for a person, empty for the tenant.
type PlaceInput struct {
	Kind   string
	Object id.ID
	Email  string // of a person who is not found by Object, or has more records than that one
	Reason string
	Until  string // YYYY-MM-DD, the last day; "" until released
}

// Place holds an object: from the moment this returns nothing that refers to it is deleted. Refused with the fields "kind",
// "object", "reason", "until".
func (s *Service) Place(ctx context.Context, who access.Actor, in PlaceInput) (Hold, error) {
	return op.Write(ctx, s.ops, who, ActPlace, func(tx *op.Tx) (Hold, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Hold{}, err
		}
		h := Hold{ID: id.New(), Kind: in.Kind, ObjectID: in.Object, Email: strings.ToLower(strings.TrimSpace(in.Email)), Reason: strings.TrimSpace(in.Reason), PlacedBy: opt(tx.Who.Member),
			PlacedByName: tx.Who.Name, PlacedAt: tx.Now, Version: 1}
		var bad errs.Problems
		if !slices.Contains(HoldKinds, in.Kind) {
			bad.Add("kind", "field.choice", "Use one of: %s.", strings.Join(HoldKinds, ", "))
		}
		h.Reason = bad.Text("reason", h.Reason, 2000)
		bad.Need("reason", h.Reason)
		h.Until = day(&bad, "until", in.Until, tx.Now)
		if in.Kind == "tenant" {
			h.ObjectID = tx.Who.Tenant
		}
		if err := errs.Refused(bad); err != nil {
			return h, err
		}
		found, label, email, err := holdObject(ctx, tx, h)
		if err != nil {
			return h, err
		}
		if !found {
			bad.Add("object", "field.unknown_object", "There is no such %s here.", in.Kind)
			return h, errs.Refused(bad)
		}
		h.Label = label
		if h.Email == "" {
			h.Email = email
		}
		tx.Audit(audit.Change{Type: "legal_hold", ID: h.ID, Label: h.Label, Note: h.Reason})
		return h, insertHold(ctx, tx, h)
	})
}

func day(bad *errs.Problems, field, typed string, now time.Time) *time.Time {
	if typed = strings.TrimSpace(typed); typed == "" {
		return nil
	}
	t, err := time.Parse(time.DateOnly, typed)
	switch {
	case err != nil:
		bad.Add(field, "field.date", "Give a day such as 2027-12-31.")
	case t.Before(now.UTC().Truncate(24 * time.Hour)):
		bad.Add(field, "field.past", "Give today or a later day.")
	}
	return &t
}

// ReleaseInput ends a hold.
type ReleaseInput struct {
	ID      id.ID
	Version int // 0: whatever it is
	Reason  string
}

// Release ends a hold: what is past its period goes with the next run. NotFound, Conflict "hold.released", "version".
func (s *Service) Release(ctx context.Context, who access.Actor, in ReleaseInput) (Hold, error) {
	return op.Write(ctx, s.ops, who, ActRelease, func(tx *op.Tx) (Hold, error) {
		tx.About("legal_hold", in.ID)
		old, err := lockHold(ctx, tx, in.ID)
		if err != nil {
			return Hold{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Hold{}, err
		}
		var bad errs.Problems
		reason := bad.Text("reason", in.Reason, 2000)
		bad.Need("reason", reason)
		if err := errs.Refused(bad); err != nil {
			return old, err
		}
		if old.ReleasedAt != nil {
			return old, errs.New(errs.Conflict, "hold.released", "This hold was released already.")
		}
		h := old
		h.ReleasedAt, h.ReleasedByName, h.ReleaseReason, h.Version = &tx.Now, tx.Who.Name, reason, old.Version+1
		tx.Audit(audit.Change{Type: "legal_hold", ID: h.ID, Label: h.Label, Before: old, After: h, Note: reason})
		return h, releaseHold(ctx, tx, h)
	})
}

// HoldQuery selects holds.
type HoldQuery struct {
	Active bool // only those that keep something now
	Limit  int
	Cursor string
}

// HoldPage is one page of holds, the newest first.
type HoldPage struct {
	Items []Hold
	Next  string
}

// Holds lists the holds. Malformed "cursor.bad".
func (s *Service) Holds(ctx context.Context, who access.Actor, q HoldQuery) (HoldPage, error) {
	limit := page.Limit(q.Limit)
	at, last, err := s.cursor(who, "holds", q.Cursor)
	if err != nil {
		return HoldPage{}, err
	}
	var out HoldPage
	err = op.Batch(ctx, s.ops, who, ActHolds, func(r *op.Reads) {
		r.Query(sqlHolds, []any{q.Active, r.Now, at, last, limit + 1}, collect(&out.Items))
	})
	out.Items, out.Next = page.Cut(out.Items, limit, func(h Hold) string {
		return s.ops.Pages.Encode(who.Tenant.String(), "holds", h.PlacedAt, h.ID)
	})
	return out, err
}

func (s *Service) cursor(who access.Actor, list, cursor string) (at time.Time, last id.ID, err error) {
	at = s.ops.Clock().Add(24 * time.Hour)
	err = s.ops.Pages.Resume(cursor, who.Tenant.String(), list, &at, &last)
	return at, last, err
}
