package privacy

import (
	"context"
	"fmt"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/op"
)

// Propose makes the plan of an erasure and asks a second person for their approval. Conflict "privacy.second_person" where nobody else
// could approve, "privacy.nothing" when nothing was found.
func (s *Service) Propose(ctx context.Context, who access.Actor, v id.ID, version int) (Request, error) {
	r, err := s.Get(ctx, who, v)
	if err != nil {
		return r, err
	}
	if err := s.mayPropose(r); err != nil {
		return r, err
	}
	plan, err := s.makePlan(ctx, who.Tenant, r.Subject())
	if err != nil {
		return r, err
	}
	return s.change(ctx, who, ActPropose, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if err := s.mayPropose(*r); err != nil {
			return "", err
		}
		if len(plan.Lines) == 0 {
			return "", errs.New(errs.Conflict, "privacy.nothing", "Nothing was found about this person. Check how they are named, or close the request as answered.")
		}
		officers, err := officersIn(ctx, tx, tx.Who.Tenant)
		if err != nil {
			return "", err
		}
		if err := keepsAnAdmin(officers, plan); err != nil {
			return "", err
		}
		others := 0
		for _, o := range officers {
			if o.ID != tx.Who.Member {
				others++
			}
		}
		if others == 0 {
			return "", errs.New(errs.Conflict, "privacy.second_person", "An erasure needs two people, and you are this programme's only Admin. Invite a second Admin under People, then propose again.")
		}
		open, err := openTasks(ctx, tx, r.ID)
		if err != nil {
			return "", err
		}
		if open > 0 {
			return "", errs.New(errs.Conflict, "privacy.partners", "%d partners have not answered yet. Wait for them, or close their tasks with a reason.", open)
		}
		r.Plan, r.State = plan, WaitingApproval
		r.ProposedBy, r.ProposedByName, r.ProposedAt = tx.Who.Member, tx.Who.Name, &tx.Now
		return plan.Summary(), nil
	})
}

// keepsAnAdmin refuses a plan after which nobody could run the programme. Conflict "privacy.last_admin".
func keepsAnAdmin(officers []officer, plan Plan) error {
	if plan.Refs == nil || len(officers) == 0 {
		return nil
	}
	for _, o := range officers {
		if !slices.Contains(plan.Refs.Members, o.ID) {
			return nil
		}
	}
	return errs.New(errs.Conflict, "privacy.last_admin", "This person is the programme's last Admin. Make somebody else Admin under People first; without one, nobody could run the programme.")
}

func (s *Service) mayPropose(r Request) error {
	switch {
	case r.Kind != Erasure:
		return errs.New(errs.Conflict, "privacy.kind", "Only an erasure is proposed and approved.")
	case r.State == Received || r.State == Verifying:
		return errNotVerified
	case r.State != InProgress && r.State != WaitingPartners:
		return wrongState(r, "proposed")
	}
	return nil
}

// SendBack returns a proposed erasure to whoever works on it, with a reason.
func (s *Service) SendBack(ctx context.Context, who access.Actor, v id.ID, version int, reason string) (Request, error) {
	var bad errs.Problems
	reason = bad.Text("reason", reason, 1000)
	bad.Need("reason", reason)
	if err := errs.Refused(bad); err != nil {
		return Request{}, err
	}
	return s.change(ctx, who, ActApprove, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if r.State != WaitingApproval {
			return "", wrongState(*r, "sent back")
		}
		r.State, r.ProposedBy, r.ProposedByName, r.ProposedAt = InProgress, id.Nil, "", nil
		return "sent back: " + reason, nil
	})
}

// Approve lets a proposed erasure be carried out. Forbidden "privacy.four_eyes" for whoever proposed it.
func (s *Service) Approve(ctx context.Context, who access.Actor, v id.ID, version int) (Request, error) {
	return s.change(ctx, who, ActApprove, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if r.State != WaitingApproval {
			return "", wrongState(*r, "approved")
		}
		if r.ProposedBy == tx.Who.Member || tx.Who.Kind != access.Person {
			return "", errs.New(errs.Forbidden, "privacy.four_eyes", "Nobody approves what they proposed. Another Admin has to look at it.")
		}
		r.State, r.ApprovedBy, r.ApprovedByName, r.ApprovedAt, r.ApprovedHow = Executing, tx.Who.Member, tx.Who.Name, &tx.Now, "second-person"
		r.Progress = Run{Ledger: id.New(), Total: r.Plan.Total()}
		return r.Plan.Summary(), tx.Enqueue(ctx, RunArgs{Request: r.ID}, jobs.Unique(r.ID.String()))
	})
}

// approveAlone is the way of a policy that names the operator or the app as who answers: plan, approval and execution in one step.
func (s *Service) approveAlone(ctx context.Context, who access.Actor, v id.ID, how string) (Request, error) {
	r, err := s.load(ctx, who.Tenant, v)
	if err != nil {
		return r, err
	}
	plan, err := s.makePlan(ctx, who.Tenant, r.Subject())
	if err != nil {
		return r, err
	}
	system := access.NewSystem(who.Tenant, "answer by the "+how+", as the policy says")
	propose := func(tx *op.Tx, r *Request) (string, error) {
		if err := s.mayPropose(*r); err != nil {
			return "", err
		}
		officers, err := officersIn(ctx, tx, tx.Who.Tenant)
		if err != nil {
			return "", err
		}
		if err := keepsAnAdmin(officers, plan); err != nil {
			return "", err
		}
		r.Plan, r.State, r.ProposedAt, r.ProposedByName = plan, WaitingApproval, &tx.Now, system.Name
		return plan.Summary(), nil
	}
	if r, err = s.change(ctx, system, ActPropose, v, 0, propose); err != nil {
		return r, err
	}
	return s.change(ctx, system, ActApprove, v, 0, func(tx *op.Tx, r *Request) (string, error) {
		r.State, r.ApprovedByName, r.ApprovedAt, r.ApprovedHow = Executing, system.Name, &tx.Now, how
		r.Progress = Run{Ledger: id.New(), Total: plan.Total()}
		return plan.Summary(), tx.Enqueue(ctx, RunArgs{Request: r.ID}, jobs.Unique(r.ID.String()))
	})
}

// Answer closes a verified request that is no erasure: a restriction and an objection take effect now, a correction was made on the
// records themselves, and an access or portability request is answered once its package is there. outcome is what the subject is told.
func (s *Service) Answer(ctx context.Context, who access.Actor, v id.ID, version int, outcome string) (Request, error) {
	var bad errs.Problems
	outcome = bad.Text("outcome", outcome, 2000)
	bad.Need("outcome", outcome)
	if err := errs.Refused(bad); err != nil {
		return Request{}, err
	}
	r, err := s.Get(ctx, who, v)
	if err != nil {
		return r, err
	}
	if !r.Verified() {
		return r, errNotVerified
	}
	if r.Kind == Restriction || r.Kind == Objection {
		if _, err := s.takeEffect(ctx, who, r); err != nil {
			return r, err
		}
	}
	return s.change(ctx, who, ActAnswer, v, version, func(tx *op.Tx, r *Request) (string, error) {
		switch {
		case r.State != InProgress && r.State != WaitingPartners:
			return "", wrongState(*r, "answered")
		case r.Kind == Erasure && r.Plan.Made != nil && len(r.Plan.Lines) > 0:
			return "", errs.New(errs.Conflict, "privacy.kind", "Something was found about this person: propose the erasure instead.")
		case (r.Kind == Access || r.Kind == Portability) && r.PackageUntil == nil:
			return "", errs.New(errs.Conflict, "privacy.no_package", "Make the package of the person's data first.")
		case r.Kind == Erasure:
			return "", errs.New(errs.Conflict, "privacy.kind", "An erasure is proposed, approved by somebody else and carried out. If there is nothing to erase, refuse it with that reason.")
		}
		open, err := openTasks(ctx, tx, r.ID)
		if err != nil {
			return "", err
		}
		if open > 0 {
			return "", errs.New(errs.Conflict, "privacy.partners", "%d partners have not answered yet. Wait for them, or close their tasks with a reason.", open)
		}
		r.State, r.Outcome = InProgress, outcome
		if err := s.finish(ctx, tx, r); err != nil {
			return "", err
		}
		return outcome, s.tellSubject(ctx, tx, r, "Your request is answered", outcome)
	})
}

// Withdraw takes one's own request back, or an officer notes that the person did.
func (s *Service) Withdraw(ctx context.Context, who access.Actor, v id.ID, version int) (Request, error) {
	act := ActAnswer
	if !who.May(ActAnswer) {
		act = ActAsk
	}
	return s.change(ctx, who, act, v, version, func(tx *op.Tx, r *Request) (string, error) {
		if act == ActAsk && (r.MemberID == id.Nil || r.MemberID != who.Member) {
			return "", errs.Missing("request")
		}
		if !r.Open() || r.State == Executing {
			return "", wrongState(*r, "withdrawn")
		}
		r.State = Withdrawn
		return "", nil
	})
}

// Get returns one request. Errors: NotFound.
func (s *Service) Get(ctx context.Context, who access.Actor, v id.ID) (Request, error) {
	var out Request
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		r.About("privacy_request", v)
		r.Query(sqlRequest, []any{who.Tenant, v}, oneRequest(&out))
	})
	return out, err
}

// load reads a request as the program itself.
func (s *Service) load(ctx context.Context, tenant, v id.ID) (Request, error) {
	return s.Get(ctx, access.NewSystem(tenant, "a request of a person"), v)
}

// finish closes a request with its certificate.
func (s *Service) finish(ctx context.Context, tx *op.Tx, r *Request) error {
	cert, err := s.certify(ctx, tx, r)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	r.Certificate, r.State = cert, Done
	return nil
}
