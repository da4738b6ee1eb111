package privacy

import (
	"context"
	"fmt"
	"io"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/op"
)

// needReason refuses an operator's step without a reason.
func needReason(reason string) error {
	var bad errs.Problems
	bad.Need("reason", strings.TrimSpace(reason))
	return errs.Refused(bad)
}

// FindAsOperator is Find by the operator; the programme sees that it happened and why.
func (s *Service) FindAsOperator(ctx context.Context, tenant id.ID, sub Subject, reason string, report Progress) (Found, error) {
	if err := needReason(reason); err != nil {
		return Found{}, err
	}
	return s.Find(ctx, access.NewOperator(tenant), sub, "operator access: "+reason, report)
}

// ExportAsOperator writes the signed package of a person's data to w.
func (s *Service) ExportAsOperator(ctx context.Context, tenant id.ID, sub Subject, reason string, w io.Writer) (int, error) {
	sub, err := sub.checked()
	if err != nil {
		return 0, err
	}
	if err := needReason(reason); err != nil {
		return 0, err
	}
	if err := s.tellSearch(ctx, access.NewOperator(tenant), "operator access, export: "+reason); err != nil {
		return 0, err
	}
	p, err := s.gather(ctx, tenant, sub)
	if err != nil {
		return 0, err
	}
	return len(p.Data), s.writePackage(ctx, w, tenant, p)
}

// RestrictAsOperator is Restrict by the operator.
func (s *Service) RestrictAsOperator(ctx context.Context, tenant id.ID, sub Subject, reason string, lift bool) (int, error) {
	if err := needReason(reason); err != nil {
		return 0, err
	}
	return s.Restrict(ctx, access.NewOperator(tenant), sub, reason, lift)
}

// EraseAsOperator records an erasure that the operator was asked for. Where the policy says that the operator answers, it is carried out
// at once; else the programme's Admins verify, propose and approve it as any other.
func (s *Service) EraseAsOperator(ctx context.Context, tenant id.ID, sub Subject, reason string) (Request, error) {
	if err := needReason(reason); err != nil {
		return Request{}, err
	}
	who := access.NewOperator(tenant)
	a := Ask{Kind: Erasure, Source: "operator", Subject: sub, Asked: reason}
	if err := a.check(s.ops.Clock()); err != nil {
		return Request{}, err
	}
	answers := ""
	r, err := op.Write(ctx, s.ops, who, ActOpen, func(tx *op.Tx) (r Request, err error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return r, err
		}
		if answers, _, err = answerClock(ctx, tx, tenant); err != nil {
			return r, err
		}
		return s.begin(ctx, tx, a, Verifying, nil)
	})
	if err != nil || answers != "operator" {
		return r, err
	}
	_, err = s.change(ctx, who, ActVerify, r.ID, 0, func(tx *op.Tx, r *Request) (string, error) {
		r.IdentityHow, r.IdentityNote, r.IdentityByName, r.IdentityAt, r.State = "document", "by the operator: "+reason, who.Name, &tx.Now, InProgress
		return "", nil
	})
	if err != nil {
		return r, err
	}
	if r, err = s.approveAlone(ctx, who, r.ID, "operator"); err != nil {
		return r, err
	}
	if err := s.Run(ctx, jobs.Job[RunArgs]{Tenant: tenant, Args: RunArgs{Request: r.ID}}); err != nil {
		return r, err
	}
	return s.load(ctx, tenant, r.ID)
}

// Next says in a sentence what happens to the request now, for a reader at the command line.
func (r Request) Next() string {
	switch r.State {
	case Verifying, Received:
		return fmt.Sprintf("Request %d waits: an Admin of the programme checks who the person is, proposes the erasure, and another Admin approves it. Due %s.", r.Number, r.LastDay())
	case Forwarded:
		return fmt.Sprintf("Request %d is forwarded to the programme's Admins: as the policy says, the controller answers.", r.Number)
	case Done:
		return fmt.Sprintf("Request %d is done. %s", r.Number, r.Outcome)
	}
	return fmt.Sprintf("Request %d is %s.", r.Number, r.State.Words())
}
