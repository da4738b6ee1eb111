// Package tenantweb draws the settings of a programme: its rules, how it looks, its pipeline and its products. It also
// serves the logo, which is public.
package tenantweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page    ui.PageFunc
	Tenants *tenant.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /settings", tenant.ActProducts, p.programme)
	w.Private("POST /settings", tenant.ActUpdate, p.saveProgramme)

	w.Private("GET /settings/brand", tenant.ActUpdate, p.brand)
	w.Private("GET /settings/brand/preview", tenant.ActUpdate, p.preview)
	w.Private("POST /settings/brand", tenant.ActUpdate, p.saveColor)
	w.Private("POST /settings/logo", tenant.ActUpdate, p.saveLogo)
	w.Private("POST /settings/logo/remove", tenant.ActUpdate, p.removeLogo)
	w.Public("GET /brand/{tenant}/logo", "a programme's logo stands on its sign-in page", p.logo)

	w.Private("GET /settings/pipeline", tenant.ActStages, p.pipeline)
	w.Private("POST /settings/stages", tenant.ActStages, p.addStage)
	w.Private("POST /settings/stages/{id}", tenant.ActStages, p.changeStage)
	w.Private("POST /settings/stages/{id}/up", tenant.ActStages, p.moveStage(-1))
	w.Private("POST /settings/stages/{id}/down", tenant.ActStages, p.moveStage(1))
	w.Private("POST /settings/stages/{id}/remove", tenant.ActStages, p.removeStage)

	w.Private("GET /settings/products", tenant.ActProducts, p.products)
	w.Private("POST /settings/products", tenant.ActProducts, p.addProduct)
	w.Private("GET /settings/products/{id}", tenant.ActProducts, p.product)
	w.Private("POST /settings/products/{id}", tenant.ActProducts, p.changeProduct)
	w.Private("POST /settings/products/{id}/remove", tenant.ActProducts, p.removeProduct)
}

// idempotency is the hidden field's name, for the templates.
const idempotency = door.IdempotencyField

// newKey returns an idempotency key for one drawn form.
func newKey() string { return id.New().String() }

// Sections are the tabs of the settings that the actor may open.
func Sections(who access.Actor, active string) []ui.Tab {
	var out []ui.Tab
	for _, s := range []struct {
		act         access.Action
		label, href string
	}{{tenant.ActUpdate, "Programme", "/settings"}, {tenant.ActUpdate, "Brand", "/settings/brand"}, {tenant.ActStages, "Pipeline", "/settings/pipeline"},
		{tenant.ActProducts, "Products", "/settings/products"}, {"archive.read", "Leaving", "/settings/leaving"}} {
		if who.May(s.act) {
			out = append(out, ui.Tab{Label: s.label, Href: s.href, Active: s.href == active})
		}
	}
	return out
}

func pathID(r *http.Request, noun string) (id.ID, error) {
	return httpx.PathID(r, noun)
}

// done goes back to a page of the settings with a message.
func done(w http.ResponseWriter, r *http.Request, to, text string) error {
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
	httpx.SeeOther(w, r, to)
	return nil
}

// orTell goes back with the reason when the state of things does not allow a step; any other error is returned.
func orTell(w http.ResponseWriter, r *http.Request, to string, err error) error {
	if !errs.IsKind(err, errs.Conflict) && !errs.IsKind(err, errs.Stale) {
		return err
	}
	ui.SetFlash(w, ui.Flash{Tone: ui.Bad, Text: errs.Of(err).Msg})
	httpx.SeeOther(w, r, to)
	return nil
}

// versionOf returns the version a form was drawn from, nil when it says none.
func versionOf(f *httpx.Form) *int {
	if v := f.Version(); v != 0 {
		return &v
	}
	return nil
}

// logo serves a programme's logo by its id or slug.
func (p pages) logo(w http.ResponseWriter, r *http.Request) error {
	v, ok := id.Parse(r.PathValue("tenant"))
	if !ok {
		entry, err := p.Tenants.BySlug(r.Context(), r.PathValue("tenant"))
		if errs.IsKind(err, errs.NotFound) {
			return errs.Missing("logo")
		} else if err != nil {
			return err
		}
		v = entry.ID
	}
	image, kind, err := p.Tenants.Logo(r.Context(), v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(image)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "public, max-age=300")
	if r.URL.Query().Get("v") != "" {
		h.Set("Cache-Control", "public, max-age=86400")
	}
	_, _ = w.Write(image) // the reader is gone if this fails
	return nil
}
