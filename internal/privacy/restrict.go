package privacy

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// RestrictedRecord is a person whose processing is suspended.
type RestrictedRecord struct {
	Kind   string    `json:"kind"` // contact or member
	ID     id.ID     `json:"id"`
	Name   string    `json:"name"`
	Email  string    `json:"email"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// Restricted lists whose processing is suspended, the newest first, at most 500. Only the officer sees them.
func (s *Service) Restricted(ctx context.Context, who access.Actor) ([]RestrictedRecord, error) {
	err := op.Batch(ctx, s.ops, who, ActRestricted, func(*op.Reads) {})
	if err != nil {
		return nil, err
	}
	var out []RestrictedRecord
	err = op.Batch(ctx, s.ops, access.NewSystem(who.Tenant, "privacy officer's view"), ActRestricted, func(r *op.Reads) {
		r.Query(sqlRestricted, []any{who.Tenant}, func(rows pgx.Rows) (err error) { out, err = pgx.CollectRows(rows, scanRestricted); return err })
	})
	return out, err
}

// Restrict suspends the processing of everything that is surely the subject's, or lifts that (lift). It returns how many records it
// touched. The officer decides; no request is needed.
func (s *Service) Restrict(ctx context.Context, who access.Actor, sub Subject, reason string, lift bool) (int, error) {
	sub, err := sub.checked()
	var bad errs.Problems
	if err != nil {
		bad = errs.Of(err).Fields
	}
	reason = bad.Text("reason", reason, 500)
	bad.Need("reason", reason)
	if err := errs.Refused(bad); err != nil {
		return 0, err
	}
	if err := s.tellRestriction(ctx, who, reason, lift); err != nil {
		return 0, err
	}
	refs, err := s.knownBy(ctx, who.Tenant, sub)
	if err != nil {
		return 0, err
	}
	return s.restrictRefs(ctx, who, refs, reason, lift)
}

// RestrictRecord does the same to one contact or member by its id.
func (s *Service) RestrictRecord(ctx context.Context, who access.Actor, v id.ID, reason string, lift bool) error {
	var bad errs.Problems
	reason = bad.Text("reason", reason, 500)
	bad.Need("reason", reason)
	if err := errs.Refused(bad); err != nil {
		return err
	}
	if err := s.tellRestriction(ctx, who, reason, lift); err != nil {
		return err
	}
	n, err := s.restrictRefs(ctx, who, Refs{Contacts: []id.ID{v}, Members: []id.ID{v}}, reason, lift)
	if err == nil && n == 0 {
		return errs.Missing("record")
	}
	return err
}

// tellRestriction asks the permission in the officer's name; what follows runs as the program, which alone reaches restricted rows.
func (s *Service) tellRestriction(ctx context.Context, who access.Actor, reason string, lift bool) error {
	_, err := op.Write(ctx, s.ops, who, ActRestrict, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		what := "suspended"
		if lift {
			what = "lifted"
		}
		tx.Audit(audit.Change{Type: "privacy_request", Label: "Restriction " + what, Note: reason})
		return struct{}{}, nil
	})
	return err
}

func (s *Service) restrictRefs(ctx context.Context, who access.Actor, refs Refs, reason string, lift bool) (int, error) {
	return op.Write(ctx, s.ops, access.NewSystem(who.Tenant, "restriction by "+who.Name), ActRestrict, func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		n, err := restrictIn(ctx, tx, refs, reason, lift)
		if err != nil {
			return n, err
		}
		tx.Audit(audit.Change{Type: "privacy_request", Label: "Restriction", Note: fmt.Sprintf("%d records, %s", n, reason)})
		return n, nil
	})
}

// takeEffect does what a restriction or an objection asks for.
func (s *Service) takeEffect(ctx context.Context, who access.Actor, r Request) (int, error) {
	refs, err := s.knownBy(ctx, who.Tenant, r.Subject())
	if err != nil {
		return 0, err
	}
	if len(refs.Contacts)+len(refs.Members) == 0 {
		return 0, errs.New(errs.Conflict, "privacy.nothing", "No record of a person was found. Check how the person is named.")
	}
	if r.Kind == Restriction {
		return s.restrictRefs(ctx, who, refs, r.label(), false)
	}
	return op.Write(ctx, s.ops, access.NewSystem(who.Tenant, "objection recorded by "+who.Name), ActAnswer, func(tx *op.Tx) (int, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Audit(audit.Change{Type: "privacy_request", ID: r.ID, Label: r.label(), Note: "objection to " + r.Purpose})
		return objectIn(ctx, tx, refs, r)
	})
}
