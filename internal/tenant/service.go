package tenant

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Service runs the use cases of this room.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }

// Get returns the actor's programme.
func (s *Service) Get(ctx context.Context, who access.Actor) (Settings, error) {
	var out Settings
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) { querySettings(r, &out) })
	return out, err
}

// Overview is a programme with its stages and products, for the settings page.
type Overview struct {
	Settings Settings  `json:"settings"`
	Stages   []Stage   `json:"stages"`
	Products []Product `json:"products"`
}

// Overview returns the programme with its stages and products in one round trip.
func (s *Service) Overview(ctx context.Context, who access.Actor) (Overview, error) {
	var out Overview
	err := op.Batch(ctx, s.ops, who, ActRead, func(r *op.Reads) {
		querySettings(r, &out.Settings)
		queryStages(r, &out.Stages)
		queryProducts(r, &out.Products)
	})
	return out, err
}

// CreateInput is what a new programme needs; empty DefaultCurrency and TimeZone mean USD and UTC.
type CreateInput struct {
	Slug            string
	Name            string
	DefaultCurrency string
	TimeZone        string
	Demo            bool
}

// Create makes a programme with the stages Qualify, Propose, Negotiate, Won and Lost. who is the operator bound to the new
// tenant's id: access.NewPlatform(id.New(), …). then runs in the same transaction, for what must exist together with the
// programme, such as its first Admin; it may be nil.
//
// Invalid with the fields slug, name, default_currency, time_zone; Conflict "tenant.slug_taken".
func (s *Service) Create(ctx context.Context, who access.Actor, in CreateInput, then func(tx *op.Tx, made Settings) error) (Settings, error) {
	if in.DefaultCurrency == "" {
		in.DefaultCurrency = "USD"
	}
	if in.TimeZone == "" {
		in.TimeZone = "UTC"
	}
	return op.Write(ctx, s.ops, who, ActCreate, func(tx *op.Tx) (Settings, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return Settings{}, err
		}
		if who.Kind != access.System || who.Persona != access.Platform {
			return Settings{}, errs.New(errs.Forbidden, "denied", "Only the operator of this installation sets up programmes.")
		}
		if err := CheckNew(in); err != nil {
			return Settings{}, err
		}
		made := Settings{ID: who.Tenant, Slug: in.Slug, Name: in.Name, Status: Active, IsDemo: in.Demo, DefaultCurrency: in.DefaultCurrency, TimeZone: in.TimeZone,
			ProtectionDays: 90, AgentEdits: AgentsOwn, BrandColor: "#1f5fd6", Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		if err := insertTenant(ctx, tx, made); err != nil {
			return Settings{}, err
		}
		for _, st := range defaultStages() {
			if err := insertStage(ctx, tx, st); err != nil {
				return Settings{}, err
			}
		}
		tx.Audit(audit.Change{Type: "tenant", ID: made.ID, Label: made.Name, After: made})
		if then != nil {
			if err := then(tx, made); err != nil {
				return Settings{}, err
			}
		}
		if err := tx.Emit(ctx, Created{made}); err != nil {
			return Settings{}, err
		}
		return made, nil
	})
}

// CheckNew refuses values that a new programme may not have.
func CheckNew(in CreateInput) error {
	var p problems
	p.slug("slug", in.Slug)
	p.name("name", in.Name, MaxName)
	if in.DefaultCurrency != "" {
		p.currency("default_currency", in.DefaultCurrency)
	}
	if in.TimeZone != "" {
		p.zone("time_zone", in.TimeZone)
	}
	return errs.Refused(p.Problems)
}

func defaultStages() []Stage {
	return []Stage{
		{ID: id.New(), Name: "Qualify", Position: 1, Probability: 10, Kind: StageOpen, Version: 1},
		{ID: id.New(), Name: "Propose", Position: 2, Probability: 40, Kind: StageOpen, Version: 1},
		{ID: id.New(), Name: "Negotiate", Position: 3, Probability: 70, Kind: StageOpen, Version: 1},
		{ID: id.New(), Name: "Won", Position: 4, Probability: 100, Kind: StageWon, Version: 1},
		{ID: id.New(), Name: "Lost", Position: 5, Probability: 0, Kind: StageLost, Version: 1},
	}
}
