package trust

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/op"
)

// Attest puts on record, for one programme, what software cannot see. Invalid with every refused field.
func (s *Service) Attest(ctx context.Context, who access.Actor, in AttestInput) (Evidence, error) {
	return op.Write(ctx, s.ops, who, ActAttest, func(tx *op.Tx) (Evidence, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Evidence{}, err
		}
		e, err := in.evidence(tx.Now, s.env.program())
		if err != nil {
			return e, err
		}
		if err := addEvidence(ctx, tx, e); err != nil {
			return e, err
		}
		note := e.Checked
		if in.Withdraw {
			note = "withdrawn"
		}
		tx.Audit(audit.Change{Type: "promise", ID: e.ID, Label: e.Promise, Note: note})
		return e, nil
	})
}

// AttestInstallation is Attest by the operator, for the whole installation.
func (s *Service) AttestInstallation(ctx context.Context, in AttestInput) (Evidence, error) {
	e, err := in.evidence(s.ops.Clock().UTC(), s.env.program())
	if err != nil {
		return e, err
	}
	e.Installation = true
	return e, addInstallation(ctx, s.ops, e)
}
