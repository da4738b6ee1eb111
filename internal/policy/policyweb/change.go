package policyweb

import (
	"net/http"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/policy"
	"entente.dev/internal/ui"
)

type ruleView struct {
	category policy.Category
	rule     policy.Rule
	base     string // the operator's rule in words
	form     *httpx.Form
}

func (v ruleView) events() []ui.Option {
	out := make([]ui.Option, len(v.category.Events))
	for i, e := range v.category.Events {
		words := e.Words()
		out[i] = ui.Option{Value: string(e), Label: strings.ToUpper(words[:1]) + words[1:]}
	}
	return out
}

func (p pages) rule(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawRule(w, r, who, nil, http.StatusOK)
}

func (p pages) drawRule(w http.ResponseWriter, r *http.Request, who access.Actor, f *httpx.Form, status int) error {
	c, ok := policy.CategoryOf(r.PathValue("category"))
	if !ok {
		return errs.Missing("category")
	}
	e, err := p.Policies.Get(r.Context(), who)
	if err != nil {
		return err
	}
	v := ruleView{category: c, rule: e.Rule(c.ID), base: e.Base.Rule(c.ID).Words(), form: f}
	if f == nil {
		v.form = httpx.NewForm(map[string]string{"period": v.rule.Period.String(), "event": string(v.rule.Event), "version": strconv.Itoa(e.Number)})
	}
	pg, err := p.Page(w, r, who, c.Name, "policy")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Subtitle = []ui.Link{{Label: "Data policy", Href: at}}, c.Holds+"."
	return ui.Render(w, r, status, rulePage(pg, v))
}

func (p pages) saveRule(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	c, ok := policy.CategoryOf(r.PathValue("category"))
	if !ok {
		return errs.Missing("category")
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := policy.RuleInput{Category: c.ID, Period: f.Text("period"), Event: f.Text("event")}
	if f.Text("reset") != "" {
		in.Period, in.Event = "", ""
	} else if in.Period == "" {
		f.Refuse("period", "field.required", "Give a period such as 14 days.")
	}
	return p.save(w, r, who, f, policy.Input{Rules: []policy.RuleInput{in}, Number: f.Version()}, "retention."+c.ID+".", p.drawRule)
}

// save applies a change and goes back, or draws the form again with what was typed. prefix is what the form's fields are
// called in a refusal.
func (p pages) save(w http.ResponseWriter, r *http.Request, who access.Actor, f *httpx.Form, in policy.Input, prefix string,
	again func(http.ResponseWriter, *http.Request, access.Actor, *httpx.Form, int) error) error {
	err := f.Err()
	if err == nil {
		_, err = p.Policies.Apply(r.Context(), who, in)
	}
	switch {
	case err == nil:
		return done(w, r, "The policy is saved. Rows that are older go with the next retention run.")
	case errs.IsKind(err, errs.Stale):
		return tell(w, r, err)
	case !errs.IsKind(err, errs.Invalid):
		return err
	}
	for _, refused := range errs.Of(err).Fields {
		if name, ours := strings.CutPrefix(refused.Name, prefix); ours {
			f.Refuse(name, refused.Code, refused.Msg)
		}
	}
	return again(w, r, who, f, http.StatusUnprocessableEntity)
}

type clockView struct {
	clock policy.Clock
	base  string
	form  *httpx.Form
}

func (p pages) clock(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawClock(w, r, who, nil, http.StatusOK)
}

func (p pages) drawClock(w http.ResponseWriter, r *http.Request, who access.Actor, f *httpx.Form, status int) error {
	e, err := p.Policies.Get(r.Context(), who)
	if err != nil {
		return err
	}
	name := r.PathValue("clock")
	if e.Base.Clock(name).Clock == "" || e.Clock(name).Who != "" {
		return errs.Missing("clock")
	}
	v := clockView{clock: e.Clock(name), base: e.Base.Clock(name).Words(), form: f}
	if f == nil {
		v.form = httpx.NewForm(map[string]string{"period": v.clock.Period.String(), "version": strconv.Itoa(e.Number)})
	}
	pg, err := p.Page(w, r, who, v.clock.Label(), "policy")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Data policy", Href: at}}
	return ui.Render(w, r, status, clockPage(pg, v))
}

func (p pages) saveClock(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := policy.ClockInput{Clock: r.PathValue("clock"), Period: f.Text("period")}
	if f.Text("reset") != "" {
		in.Period = ""
	} else if in.Period == "" {
		f.Refuse("period", "field.required", "Give a length of time such as 72 hours.")
	}
	if in.Clock != "breach-notice" && in.Clock != "purge-after-deletion" && in.Clock != "policy-notice" {
		return errs.Missing("clock")
	}
	return p.save(w, r, who, f, policy.Input{Clocks: []policy.ClockInput{in}, Number: f.Version()}, "clocks."+in.Clock+".", p.drawClock)
}
