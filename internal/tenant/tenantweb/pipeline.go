package tenantweb

import (
	"net/http"
	"slices"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

const pipelineAt = "/settings/pipeline"

type pipelineView struct {
	tabs   []ui.Tab
	stages []tenant.Stage
	forms  map[id.ID]*httpx.Form // of a stage whose change was refused
	add    *httpx.Form
	key    string
}

// form returns what a stage's inputs show.
func (v pipelineView) form(st tenant.Stage) *httpx.Form {
	if f := v.forms[st.ID]; f != nil {
		return f
	}
	return httpx.NewForm(map[string]string{"name": st.Name, "probability": strconv.Itoa(st.Probability)})
}

// open reports how many stages there are that a deal can be in.
func (v pipelineView) open() (n int) {
	for _, st := range v.stages {
		if st.Kind == tenant.StageOpen {
			n++
		}
	}
	return n
}

func (p pages) pipeline(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawPipeline(w, r, who, http.StatusOK, pipelineView{})
}

func (p pages) drawPipeline(w http.ResponseWriter, r *http.Request, who access.Actor, status int, v pipelineView) error {
	all, err := p.Tenants.Overview(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Settings", "settings")
	if err != nil {
		return err
	}
	v.tabs, v.stages, v.key = Sections(who, pipelineAt), all.Stages, newKey()
	return ui.Render(w, r, status, pipelinePage(pg, v))
}

// stageOf reads the form of one stage.
func stageOf(f *httpx.Form, key id.ID) tenant.StageInput {
	name, percent := f.Text("name"), int(f.Int("probability"))
	return tenant.StageInput{ID: key, Version: versionOf(f), Name: &name, Probability: &percent}
}

// absorbName takes a refused form over, and a name that is taken as a word beside the name.
func absorbName(f *httpx.Form, err error) bool {
	if e := errs.Of(err); e != nil && (e.Code == "stage.name_taken" || e.Code == "product.name_taken") {
		f.Refuse("name", e.Code, e.Msg)
		return true
	}
	return f.Absorb(err)
}

func (p pages) addStage(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := stageOf(f, id.Nil)
	if err = f.Err(); err == nil {
		_, err = p.Tenants.AddStage(r.Context(), who, in)
	}
	switch {
	case err == nil:
		return done(w, r, pipelineAt, "The stage "+*in.Name+" is added.")
	case absorbName(f, err):
		return p.drawPipeline(w, r, who, http.StatusUnprocessableEntity, pipelineView{add: f})
	}
	return orTell(w, r, pipelineAt, err)
}

func (p pages) changeStage(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "stage")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := stageOf(f, key)
	if err = f.Err(); err == nil {
		_, err = p.Tenants.ChangeStage(r.Context(), who, in)
	}
	switch {
	case err == nil:
		return done(w, r, pipelineAt, "The stage "+*in.Name+" is saved.")
	case absorbName(f, err):
		return p.drawPipeline(w, r, who, http.StatusUnprocessableEntity, pipelineView{forms: map[id.ID]*httpx.Form{key: f}})
	}
	return orTell(w, r, pipelineAt, err)
}

// moveStage swaps a stage with its neighbour; at the end of the line nothing happens.
func (p pages) moveStage(by int) func(http.ResponseWriter, *http.Request, access.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		key, err := pathID(r, "stage")
		if err != nil {
			return err
		}
		all, err := p.Tenants.Overview(r.Context(), who)
		if err != nil {
			return err
		}
		order := make([]id.ID, len(all.Stages))
		for i, st := range all.Stages {
			order[i] = st.ID
		}
		at := slices.Index(order, key)
		if at < 0 {
			return errs.Missing("stage")
		}
		if to := at + by; to >= 0 && to < len(order) {
			order[at], order[to] = order[to], order[at]
			if _, err := p.Tenants.OrderStages(r.Context(), who, order); err != nil {
				return orTell(w, r, pipelineAt, err)
			}
		}
		httpx.SeeOther(w, r, pipelineAt)
		return nil
	}
}

func (p pages) removeStage(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "stage")
	if err != nil {
		return err
	}
	if err := p.Tenants.RemoveStage(r.Context(), who, key); err != nil {
		return orTell(w, r, pipelineAt, err)
	}
	return done(w, r, pipelineAt, "The stage is removed.")
}
