package tenant

import (
	"context"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// The kinds of a stage.
const (
	StageOpen = "open"
	StageWon  = "won"
	StageLost = "lost"
)

const maxStages = 30

// Stage is a step of the pipeline.
type Stage struct {
	ID          id.ID  `db:"stage_id" json:"id"`
	Name        string `db:"name" json:"name"`
	Position    int    `db:"position" json:"position"`       // from 1
	Probability int    `db:"probability" json:"probability"` // percent
	Kind        string `db:"kind" json:"kind"`               // open, won or lost
	Version     int    `db:"version" json:"version"`
}

// StageInput is a stage to add, or what changes of one; nil stays as it is.
type StageInput struct {
	ID          id.ID
	Version     *int
	Name        *string
	Probability *int
}

func (in StageInput) apply(st Stage) (Stage, error) {
	var p problems
	if in.Name != nil {
		st.Name = strings.TrimSpace(*in.Name)
	}
	p.name("name", st.Name, 60)
	if in.Probability != nil {
		if st.Kind != StageOpen && *in.Probability != st.Probability {
			p.Add("probability", "stage.fixed", "Won means 100 percent and lost means 0.")
		}
		st.Probability = *in.Probability
	}
	if st.Probability < 0 || st.Probability > 100 {
		p.Add("probability", "field.range", "Give 0 to 100 percent.")
	}
	return st, errs.Refused(p.Problems)
}

// AddStage adds an open stage before won and lost. Conflict "stage.name_taken", "stage.too_many".
func (s *Service) AddStage(ctx context.Context, who access.Actor, in StageInput) (Stage, error) {
	return op.Write(ctx, s.ops, who, ActStages, func(tx *op.Tx) (Stage, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Stage{}, err
		}
		all, err := lockStages(ctx, tx)
		if err != nil {
			return Stage{}, err
		}
		if len(all) >= maxStages {
			return Stage{}, errs.New(errs.Conflict, "stage.too_many", "A pipeline has at most %d stages.", maxStages)
		}
		st, err := in.apply(Stage{ID: id.New(), Kind: StageOpen, Version: 1})
		if err != nil {
			return Stage{}, err
		}
		at := len(all)
		for i, other := range all {
			if other.Kind != StageOpen {
				at = i
				break
			}
		}
		all = append(all[:at:at], append([]Stage{st}, all[at:]...)...)
		st.Position = at + 1
		if err := insertStage(ctx, tx, st); err != nil {
			return Stage{}, err
		}
		if err := positionStages(ctx, tx, all); err != nil {
			return Stage{}, err
		}
		tx.Audit(audit.Change{Type: "stage", ID: st.ID, Label: st.Name, After: st})
		return st, nil
	})
}

// ChangeStage renames a stage or sets its probability. NotFound, Stale "stage.stale", Conflict "stage.name_taken".
func (s *Service) ChangeStage(ctx context.Context, who access.Actor, in StageInput) (Stage, error) {
	return op.Write(ctx, s.ops, who, ActStages, func(tx *op.Tx) (Stage, error) {
		tx.About("stage", in.ID)
		old, err := lockStage(ctx, tx, in.ID)
		if err != nil {
			return Stage{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Stage{}, err
		}
		if in.Version != nil && *in.Version != old.Version {
			return Stage{}, stale("stage")
		}
		st, err := in.apply(old)
		if err != nil {
			return Stage{}, err
		}
		if st == old {
			tx.Unchanged()
			return old, nil
		}
		st.Version++
		if err := updateStage(ctx, tx, st); err != nil {
			return Stage{}, err
		}
		tx.Audit(audit.Change{Type: "stage", ID: st.ID, Label: st.Name, Before: old, After: st})
		return st, nil
	})
}

// OrderStages puts the stages into the order of ids, which names each of them once. Invalid "stage.order" otherwise.
func (s *Service) OrderStages(ctx context.Context, who access.Actor, ids []id.ID) ([]Stage, error) {
	return op.Write(ctx, s.ops, who, ActStages, func(tx *op.Tx) ([]Stage, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return nil, err
		}
		all, err := lockStages(ctx, tx)
		if err != nil {
			return nil, err
		}
		known := map[id.ID]Stage{}
		for _, st := range all {
			known[st.ID] = st
		}
		out := make([]Stage, 0, len(all))
		names := make([]string, 0, len(all))
		for i, v := range ids {
			st, ok := known[v]
			if !ok {
				break
			}
			delete(known, v)
			st.Position = i + 1
			out, names = append(out, st), append(names, st.Name)
		}
		if len(out) != len(all) || len(ids) != len(all) {
			return nil, errs.Refused([]errs.Field{{Name: "ids", Code: "stage.order", Msg: "Name every stage once. Load the list again: it may have changed."}})
		}
		if err := positionStages(ctx, tx, out); err != nil {
			return nil, err
		}
		tx.Audit(audit.Change{Type: "stage", Label: "order", Note: strings.Join(names, ", ")})
		return out, nil
	})
}

// RemoveStage removes an open stage that no deal is in. Conflict "stage.used", "stage.fixed", "stage.last".
func (s *Service) RemoveStage(ctx context.Context, who access.Actor, stage id.ID) error {
	_, err := op.Write(ctx, s.ops, who, ActStages, func(tx *op.Tx) (struct{}, error) {
		tx.About("stage", stage)
		all, err := lockStages(ctx, tx)
		if err != nil {
			return struct{}{}, err
		}
		open := 0
		var old Stage
		for _, st := range all {
			if st.ID == stage {
				old = st
			}
			if st.Kind == StageOpen {
				open++
			}
		}
		if old.ID == id.Nil {
			return struct{}{}, errs.Missing("stage")
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		if old.Kind != StageOpen {
			return struct{}{}, errs.New(errs.Conflict, "stage.fixed", "Won and lost belong to every pipeline.")
		}
		if open == 1 {
			return struct{}{}, errs.New(errs.Conflict, "stage.last", "A pipeline needs at least one open stage.")
		}
		if err := deleteStage(ctx, tx, stage); err != nil {
			return struct{}{}, err
		}
		tx.Audit(audit.Change{Type: "stage", ID: stage, Label: old.Name, Before: old})
		return struct{}{}, nil
	})
	return err
}
