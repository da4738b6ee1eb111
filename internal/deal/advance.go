package deal

import (
	"context"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/op"
)

var errOwn = errs.New(errs.Forbidden, "deal.own", "You registered or own this deal, so somebody else has to decide it.")

// turn is one step of a deal in the making: the deal as it will stand, the programme's rules, and the statements that go
// with the save in one round trip.
type turn struct {
	tx    *op.Tx
	deal  *Deal
	rules rules
	batch *pgx.Batch
}

// move says what a step does besides changing the state, and what it announces.
type move struct {
	act   access.Action
	step  Step
	apply func(ctx context.Context, t turn) error
	event func(Fact) event.Event
}

// advance takes a deal to another state: load, allow, rule, save, tell.
func (s *Service) advance(ctx context.Context, who access.Actor, m move) (Deal, error) {
	return op.Write(ctx, s.ops, who, m.act, func(tx *op.Tx) (Deal, error) {
		d, r, err := lock(ctx, tx, m.step.ID)
		if err != nil {
			return d, err
		}
		if err := allow(tx, d, r); err != nil {
			return d, err
		}
		err = m.run(ctx, tx, &d, r)
		return d, err
	})
}

// run applies the move to a deal that is locked and that the actor may change.
func (m move) run(ctx context.Context, tx *op.Tx, d *Deal, r rules) error {
	before := *d
	note, err := checkNote(m.step.Note, false)
	if err != nil {
		return err
	}
	if err := stale(m.step.Version, d.Version); err != nil {
		return err
	}
	if d.State, err = Next(before.State, m.act); err != nil {
		return err
	}
	t := turn{tx: tx, deal: d, rules: r, batch: &pgx.Batch{}}
	if err := m.apply(ctx, t); err != nil {
		return err
	}
	d.Version, d.UpdatedAt = before.Version+1, tx.Now
	queueSave(t.batch, tx.Who.Tenant, *d)
	if note != "" {
		queueNote(t.batch, tx.Who.Tenant, newNote(tx, *d, note, true))
	}
	if err := send(ctx, tx, t.batch); err != nil {
		return err
	}
	tx.Audit(audit.Change{Action: m.act, Type: "deal", ID: d.ID, Label: d.Title, Partner: d.Partner, Before: before, After: *d})
	return tx.Emit(ctx, m.event(Fact{Deal: *d, By: tx.Who}))
}

// decide notes who decided and when.
func (t turn) decide() {
	at := t.tx.Now
	t.deal.DecidedAt, t.deal.DecidedBy = &at, t.tx.Who.Member
}

// endClaim gives the customer free again, now; see invariant 4.
func (t turn) endClaim() {
	d := t.deal
	if d.ProtectedUntil != nil && d.ProtectedUntil.After(t.tx.Now) {
		at := t.tx.Now
		d.ProtectedUntil = &at
	}
	t.batch.Queue(sqlEndClaims, t.tx.Who.Tenant, d.ID, t.tx.Now)
}

// close puts the deal into the stage of a kind and gives it its closing day.
func (t turn) close(ctx context.Context, kind string, on Day) error {
	var p problems
	now := today(t.tx.Now, t.rules.Zone)
	if on = p.day("closed_on", on); on == "" {
		on = now
	}
	if len(p.Problems) == 0 && on > now {
		p.Add("closed_on", "field.too_large", "Give today or an earlier day.")
	}
	if err := errs.Refused(p.Problems); err != nil {
		return err
	}
	st, err := stageOf(ctx, t.tx, kind)
	t.deal.ClosedOn, t.deal.Stage, t.deal.StageName = on, st.ID, st.Name
	return err
}
