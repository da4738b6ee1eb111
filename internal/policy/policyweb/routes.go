// Package policyweb draws the data policy: for the programme's people, who may tighten it, and for everybody.
package policyweb

import (
	"context"
	"net/http"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/policy"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page     ui.PageFunc
	Site     func(w http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error)
	Policies *policy.Service
	Tenants  *tenant.Service
	// Validated tells when every probe of the promises about retention last passed; the zero time means never.
	Validated func(ctx context.Context, tenant id.ID) (time.Time, error)
	// Recipients lists the sub-processors.
	Recipients func(ctx context.Context, who access.Actor) ([]policy.Recipient, error)
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /policy", policy.ActRead, p.policy)
	w.Private("GET /policy/preview", policy.ActApply, p.preview)
	w.Private("POST /policy/apply", policy.ActApply, p.apply)
	w.Private("GET /policy/rules/{category}", policy.ActApply, p.rule)
	w.Private("POST /policy/rules/{category}", policy.ActApply, p.saveRule)
	w.Private("GET /policy/clocks/{clock}", policy.ActApply, p.clock)
	w.Private("POST /policy/clocks/{clock}", policy.ActApply, p.saveClock)
	w.Private("GET /policy/history", policy.ActRead, p.history)
	w.Private("GET /policy/register", policy.ActRead, p.register)
	w.Private("GET /policy/register.json", policy.ActRead, p.registerFile(true))
	w.Private("GET /policy/register.csv", policy.ActRead, p.registerFile(false))
	const why = "a data policy is published for everybody whose data it is about"
	w.Public("GET /t/{tenant}/legal/data-policy", why, p.public)
	w.Public("GET /t/{tenant}/legal/data-policy.json", why, p.publicJSON)
}

const at = "/policy"

// tabs are the pages of the policy.
func tabs(active string) []ui.Tab {
	var out []ui.Tab
	for _, t := range [][2]string{{"Policy", at}, {"History", at + "/history"}, {"Register of processing", at + "/register"}} {
		out = append(out, ui.Tab{Label: t[0], Href: t[1], Active: t[1] == active})
	}
	return out
}

type policyView struct {
	policy    policy.Effective
	slug      string
	change    bool // the reader may change it
	profiles  []policy.Profile
	validated time.Time
}

func (p pages) policy(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	e, err := p.Policies.Get(r.Context(), who)
	if err != nil {
		return err
	}
	set, err := p.Tenants.Get(r.Context(), who)
	if err != nil {
		return err
	}
	v := policyView{policy: e, slug: set.Slug, change: who.May(policy.ActApply)}
	if v.profiles, err = p.Policies.Profiles(r.Context(), who); err != nil {
		return err
	}
	if v.validated, err = p.Validated(r.Context(), who.Tenant); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Data policy", "policy")
	if err != nil {
		return err
	}
	pg.Subtitle = "What this programme promises about data. Retention reads these rows; the public page shows them."
	pg.Actions = ui.Button("/t/"+set.Slug+"/legal/data-policy", "Public page", "external-link")
	return ui.Render(w, r, http.StatusOK, policyPage(pg, v))
}

type previewView struct {
	old, fresh policy.Effective
	changes    []policy.Change
	problems   []errs.Field // why the profile as a whole is refused; changes are then those of its stricter part
	stricter   policy.Effective
}

// preview shows what another profile would change, before anything is.
func (p pages) preview(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawPreview(w, r, who, r.URL.Query().Get("profile"), http.StatusOK)
}

func (p pages) drawPreview(w http.ResponseWriter, r *http.Request, who access.Actor, profile string, status int) error {
	if profile == "" {
		httpx.SeeOther(w, r, at)
		return nil
	}
	old, err := p.Policies.Get(r.Context(), who)
	if err != nil {
		return err
	}
	v := previewView{old: old}
	v.fresh, v.changes, err = p.Policies.Preview(r.Context(), who, policy.Input{Profile: profile})
	if errs.IsKind(err, errs.Invalid) {
		v.problems = errs.Of(err).Fields
		if v.stricter, v.changes, err = p.Policies.Preview(r.Context(), who, policy.Input{Profile: profile, Stricter: true}); err != nil && !errs.IsKind(err, errs.Invalid) {
			return err
		}
	} else if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Apply another profile", "policy")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Data policy", Href: at}}
	return ui.Render(w, r, status, previewPage(pg, v))
}

func (p pages) apply(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	profile := f.Text("profile")
	_, err = p.Policies.Apply(r.Context(), who, policy.Input{Profile: profile, Stricter: f.Text("stricter") != "", Number: f.Version()})
	switch {
	case err == nil:
		return done(w, r, "The policy is applied. Rows that are older go with the next retention run.")
	case errs.IsKind(err, errs.Stale):
		return tell(w, r, err)
	case errs.IsKind(err, errs.Invalid):
		return p.drawPreview(w, r, who, profile, http.StatusUnprocessableEntity)
	}
	return err
}

func done(w http.ResponseWriter, r *http.Request, text string) error {
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
	httpx.SeeOther(w, r, at)
	return nil
}

func tell(w http.ResponseWriter, r *http.Request, err error) error {
	ui.SetFlash(w, ui.Flash{Tone: ui.Bad, Text: errs.Of(err).Msg})
	httpx.SeeOther(w, r, at)
	return nil
}
