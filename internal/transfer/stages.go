package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/tenant"
)

// stateWords is how others call the states of a registration.
var stateWords = map[string]deal.State{
	"won": deal.StateWon, "closed won": deal.StateWon, "closedwon": deal.StateWon, "win": deal.StateWon, "close won": deal.StateWon, "sold": deal.StateWon,
	"lost": deal.StateLost, "closed lost": deal.StateLost, "closedlost": deal.StateLost, "close lost": deal.StateLost, "dead": deal.StateLost,
	"approved": deal.StateApproved, "active": deal.StateApproved, "open": deal.StateApproved, "accepted": deal.StateApproved, "registered": deal.StateApproved, "in progress": deal.StateApproved,
	"draft": deal.StateDraft, "submitted": deal.StateSubmitted, "pending": deal.StateSubmitted, "new": deal.StateSubmitted, "in review": deal.StateSubmitted, "pending approval": deal.StateSubmitted,
	"returned": deal.StateReturned, "rejected": deal.StateRejected, "declined": deal.StateRejected, "denied": deal.StateRejected,
	"withdrawn": deal.StateWithdrawn, "cancelled": deal.StateWithdrawn, "canceled": deal.StateWithdrawn, "expired": deal.StateExpired,
}

// stageRanks guesses how far along the pipeline a stage of somebody else's is: 0 is the first open stage.
var stageRanks = map[string]int{
	"prospecting": 0, "prospect": 0, "new": 0, "lead": 0, "open": 0, "qualification": 0, "appointment scheduled": 0, "appointmentscheduled": 0, "discovery": 0, "identified": 0, "registered": 0,
	"engaging": 1, "engaged": 1, "qualified": 1, "qualified to buy": 1, "qualifiedtobuy": 1, "needs analysis": 1, "demo": 1, "contacted": 1, "meeting scheduled": 1,
	"value proposition": 2, "presentation scheduled": 2, "presentationscheduled": 2, "id decision makers": 2, "perception analysis": 2, "proposal": 2, "proposal price quote": 2, "quote": 2,
	"evaluation": 2, "trial": 2, "decision maker bought in": 2, "decisionmakerboughtin": 2,
	"negotiation": 3, "negotiation review": 3, "negotiate": 3, "contract sent": 3, "contractsent": 3, "commit": 3, "verbal": 3, "closing": 3,
}

// placed is what a stage or state of the file means here.
type placed struct {
	state   deal.State
	stage   id.ID // Nil: to be created
	name    string
	guessed bool
	known   bool
	wrong   *Problem // why it means nothing
}

// pipeline finds stages and states by what rows say.
type pipeline struct {
	c      *cells
	stages []tenant.Stage
	open   []tenant.Stage
	won    tenant.Stage
	lost   tenant.Stage
	cache  map[[2]string]placed
}

func newPipeline(c *cells, stages []tenant.Stage) *pipeline {
	p := &pipeline{c: c, stages: stages, cache: map[[2]string]placed{}}
	for _, s := range stages {
		switch s.Kind {
		case tenant.StageWon:
			p.won = s
		case tenant.StageLost:
			p.lost = s
		default:
			p.open = append(p.open, s)
		}
	}
	return p
}

// place says where a row's deal belongs. rawStage and rawState are cells as written, "" for none.
func (p *pipeline) place(rawStage, rawState string) placed {
	key := [2]string{rawStage, rawState}
	out, ok := p.cache[key]
	if ok {
		return out
	}
	out = placed{state: deal.StateApproved, known: true}
	if rawStage != "" {
		out = p.stage(rawStage)
	}
	if rawState != "" && out.wrong == nil {
		state, wrong := p.state(rawState)
		switch {
		case wrong != nil:
			out.wrong = wrong
		case out.stage != id.Nil && rawStage != "" && (out.state == deal.StateWon || out.state == deal.StateLost):
			// a stage that ends the deal says more than "active" does
		default:
			out.state = state
		}
	}
	switch {
	case out.wrong != nil:
	case out.state == deal.StateWon:
		out.stage, out.name = p.won.ID, p.won.Name
	case out.state == deal.StateLost:
		out.stage, out.name = p.lost.ID, p.lost.Name
	case out.stage == id.Nil && out.name == "":
		out.stage, out.name = p.open[0].ID, p.open[0].Name
	}
	p.cache[key] = out
	return out
}

func (p *pipeline) state(raw string) (deal.State, *Problem) {
	v, byMap := p.c.values["state"].get(raw)
	if !byMap {
		v = raw
	}
	if state, ok := stateWords[plain(v)]; ok {
		return state, nil
	}
	wrong := p.c.problem("state", raw, "state.unknown", "This is no state we know. Map the value to one of %s.", stateNames())
	return "", &wrong
}

func (p *pipeline) named(name string) (placed, bool) {
	i := slices.IndexFunc(p.stages, func(s tenant.Stage) bool { return orgname.SearchText(s.Name) == orgname.SearchText(name) })
	if i < 0 {
		return placed{}, false
	}
	s := p.stages[i]
	state := map[string]deal.State{tenant.StageWon: deal.StateWon, tenant.StageLost: deal.StateLost, tenant.StageOpen: deal.StateApproved}[s.Kind]
	return placed{state: state, stage: s.ID, name: s.Name, known: true}, true
}

// stage finds the stage that a cell names: by the mapping, by its name, by a word for a state, or by a guess.
func (p *pipeline) stage(raw string) placed {
	v, byMap := p.c.values["stage"].get(raw)
	if !byMap {
		v = raw
	}
	if out, ok := p.named(v); ok {
		return out
	}
	state, isState := stateWords[plain(v)]
	if isState && (byMap || state == deal.StateWon || state == deal.StateLost) {
		return placed{state: state, known: true}
	}
	if p.c.mapping.Options.CreateStages && v != "" && len([]rune(v)) <= 60 {
		return placed{state: deal.StateApproved, name: v}
	}
	if rank, ok := stageRanks[plain(v)]; ok && !byMap && len(p.open) > 0 {
		s := p.open[min(rank, len(p.open)-1)]
		return placed{state: deal.StateApproved, stage: s.ID, name: s.Name, guessed: true, known: true}
	}
	if isState {
		return placed{state: state, known: true}
	}
	hint := "Map the value to one of " + p.names() + ", or let the import add missing stages."
	if near := suggest(v, p.list()); near != "" {
		hint = fmt.Sprintf("It looks like %q. ", near) + hint
	}
	wrong := p.c.problem("stage", raw, "stage.unknown", "The programme has no stage of this name. %s", hint)
	if byMap {
		wrong.Message = fmt.Sprintf("The mapping says that this is %q, which is neither a stage nor a state. ", shorten(v, 60)) + hint
	}
	return placed{wrong: &wrong}
}

func (p *pipeline) list() []string {
	out := make([]string, len(p.stages))
	for i, s := range p.stages {
		out[i] = s.Name
	}
	return out
}

func (p *pipeline) names() string { return strings.Join(p.list(), ", ") }

func stateNames() string {
	out := make([]string, len(deal.States))
	for i, s := range deal.States {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// makeStages adds the stages that the check found missing, before the first row is written. Adding one that is there
// already is no fault: the work may have been interrupted.
func (s *Service) makeStages(ctx context.Context, who access.Actor, r Run) error {
	if r.Kind != Deals || !r.MappingData().Options.CreateStages {
		return nil
	}
	for _, v := range r.ReportData().Values["stage"] {
		if v.Known || v.Target == "" {
			continue
		}
		_, err := s.tenants.AddStage(ctx, who, tenant.StageInput{Name: &v.Target})
		if err != nil && !errs.Is(err, "stage.name_taken") {
			return err
		}
	}
	return nil
}
