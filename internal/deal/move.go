package deal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// Move puts a deal into another stage of the pipeline. The stage of won or lost deals closes it by the rules of Win and
// Lose, and needs their permission.
//
// Invalid "stage_id" for a stage that does not exist; Conflict "deal.state", Stale "deal.stale". Emits what Win and Lose emit.
func (s *Service) Move(ctx context.Context, who access.Actor, in MoveInput) (Deal, error) {
	return op.Write(ctx, s.ops, who, ActMove, func(tx *op.Tx) (Deal, error) {
		d, r, err := lock(ctx, tx, in.ID)
		if err != nil {
			return d, err
		}
		if err := allow(tx, d, r); err != nil {
			return d, err
		}
		if err := stale(in.Version, d.Version); err != nil {
			return d, err
		}
		st, err := stageByID(ctx, tx, in)
		if err != nil {
			return d, err
		}
		step := Step{ID: in.ID, Version: in.Version}
		switch st.Kind {
		case tenant.StageWon:
			err = closeByMove(ctx, tx, &d, r, win(WinInput{Step: step}))
			return d, err
		case tenant.StageLost:
			err = closeByMove(ctx, tx, &d, r, lose(LoseInput{Step: step, Reason: in.Reason}))
			return d, err
		}
		if !movable(d.State) {
			return d, wrongState(d.State, "moved to another stage")
		}
		if st.ID == d.Stage {
			tx.Unchanged()
			return d, nil
		}
		before, b := d, &pgx.Batch{}
		d.Stage, d.StageName, d.Version, d.UpdatedAt = st.ID, st.Name, d.Version+1, tx.Now
		queueSave(b, tx.Who.Tenant, d)
		if err := send(ctx, tx, b); err != nil {
			return d, err
		}
		tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: d.Partner, Before: before, After: d})
		return d, nil
	})
}

func closeByMove(ctx context.Context, tx *op.Tx, d *Deal, r rules, m move) error {
	tx.Action = m.act
	if err := allow(tx, *d, r); err != nil {
		return err
	}
	if _, err := Next(d.State, m.act); err != nil {
		return errs.New(errs.Conflict, "deal.state", "%s Only an approved deal goes to this stage.", errs.Of(err).Msg)
	}
	return m.run(ctx, tx, d, r)
}

func stageByID(ctx context.Context, tx *op.Tx, in MoveInput) (Stage, error) {
	all, err := tenant.StagesIn(ctx, tx)
	if err != nil {
		return Stage{}, err
	}
	for _, s := range all {
		if s.ID == in.Stage {
			return s, nil
		}
	}
	return Stage{}, errs.Refused([]errs.Field{{Name: "stage_id", Code: "field.choice", Msg: "Choose one of the programme's stages."}})
}
