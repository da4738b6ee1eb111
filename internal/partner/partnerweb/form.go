package partnerweb

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

type formView struct {
	form     *httpx.Form
	action   string
	cancel   string
	submit   string
	key      string // of this form, so that sending it twice adds one partner
	managers []ui.Option
	status   bool        // whether the form offers the status
	stale    bool        // somebody else saved the partner meanwhile
	theirs   []ui.Change // where that differs from what was typed
}

func (p pages) blank(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.draw(w, r, who, http.StatusOK, partner.Partner{}, httpx.NewForm(map[string]string{"kind": partner.Kinds[0]}), nil)
}

func (p pages) create(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	facts := factsOf(f, false)
	var made partner.Partner
	if err = f.Err(); err == nil {
		made, err = p.Partners.Create(r.Context(), who, facts)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: made.Name + " is a partner now.", Link: &ui.Link{Label: "Invite its people", Href: "/people/new?partner=" + made.ID.String()}})
		httpx.SeeOther(w, r, "/partners/"+made.ID.String())
		return nil
	case f.Absorb(err):
		return p.draw(w, r, who, http.StatusUnprocessableEntity, partner.Partner{}, f, nil)
	}
	return err
}

func (p pages) edit(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := partnerID(r)
	if err != nil {
		return err
	}
	it, err := p.Partners.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	return p.draw(w, r, who, http.StatusOK, it, httpx.NewForm(valuesOf(it)), nil)
}

func (p pages) update(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := partnerID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	facts, version := factsOf(f, true), f.Version()
	var it partner.Partner
	if err = f.Err(); err == nil {
		it, err = p.Partners.Update(r.Context(), who, key, version, facts)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: it.Name + " is saved."})
		httpx.SeeOther(w, r, "/partners/"+key.String())
		return nil
	case errs.IsKind(err, errs.Stale):
		return p.stale(w, r, who, key, f)
	case f.Absorb(err):
		if it, err = p.Partners.Get(r.Context(), who, key); err != nil {
			return err
		}
		return p.draw(w, r, who, http.StatusUnprocessableEntity, it, f, nil)
	}
	return err
}

// stale draws the form again with what was typed, beside what somebody else saved meanwhile; sending it again replaces that.
func (p pages) stale(w http.ResponseWriter, r *http.Request, who access.Actor, key id.ID, f *httpx.Form) error {
	it, err := p.Partners.Get(r.Context(), who, key)
	if err != nil {
		return err
	}
	var theirs []ui.Change
	stored := valuesOf(it)
	for _, field := range []struct{ name, label string }{{"name", "Name"}, {"kind", "Type"}, {"status", "Status"}, {"domains", "Domains"}, {"country", "Country"},
		{"region", "Region"}, {"manager_id", "Manager"}, {"external_id", "External id"}} {
		typed := strings.ReplaceAll(strings.TrimSpace(f.Value(field.name)), "\r\n", "\n")
		if typed == stored[field.name] {
			continue
		}
		saved := stored[field.name]
		if field.name == "manager_id" {
			typed, saved = "as chosen below", it.ManagerName
		}
		theirs = append(theirs, ui.Change{Field: field.label, Old: saved, New: typed})
	}
	f.Set("version", strconv.Itoa(it.Version))
	return p.draw(w, r, who, http.StatusPreconditionFailed, it, f, theirs)
}

// draw shows the form: for a new partner when it has no id yet.
func (p pages) draw(w http.ResponseWriter, r *http.Request, who access.Actor, status int, it partner.Partner, f *httpx.Form, theirs []ui.Change) error {
	v := formView{form: f, action: "/partners", cancel: "/partners", submit: "Add the partner", key: id.New().String(), stale: status == http.StatusPreconditionFailed, theirs: theirs}
	title, crumbs := "Add a partner", []ui.Link{{Label: "Partners", Href: "/partners"}}
	if it.ID != id.Nil {
		at := "/partners/" + it.ID.String()
		v.action, v.cancel, v.submit, v.status = at+"/edit", at, "Save", true
		title, crumbs = "Edit "+it.Name, append(crumbs, ui.Link{Label: it.Name, Href: at})
	}
	var err error
	if v.managers, err = p.managers(r.Context(), who, it); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, title, "partners")
	if err != nil {
		return err
	}
	pg.Crumbs = crumbs
	return ui.Render(w, r, status, formPage(pg, v))
}

// managers are the vendor's people, and the present manager even if the list does not reach it.
func (p pages) managers(ctx context.Context, who access.Actor, it partner.Partner) ([]ui.Option, error) {
	var out []ui.Option
	if who.May(identity.ActList) {
		for _, of := range []string{role.Admin, role.Staff} {
			page, err := p.People.People(ctx, who, identity.PeopleQuery{Role: of, Limit: 200})
			if err != nil {
				return nil, err
			}
			for _, m := range page.Items {
				if m.Kind == "person" {
					out = append(out, ui.Option{Value: m.ID.String(), Label: m.Name})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	known := slices.ContainsFunc(out, func(o ui.Option) bool { return o.Value == it.ManagerID.String() })
	if it.ManagerID != id.Nil && !known {
		out = append(out, ui.Option{Value: it.ManagerID.String(), Label: it.ManagerName})
	}
	return out, nil
}

func valuesOf(it partner.Partner) map[string]string {
	v := map[string]string{"name": it.Name, "kind": it.Kind, "status": it.Status, "domains": strings.Join(it.Domains, "\n"), "country": it.Country, "region": it.Region,
		"manager_id": it.ManagerID.String(), "version": strconv.Itoa(it.Version), "external_id": ""}
	if it.ExternalID != nil {
		v["external_id"] = *it.ExternalID
	}
	return v
}

func factsOf(f *httpx.Form, status bool) partner.Facts {
	name, kind, land, region, external := f.Text("name"), f.Choice("kind", partner.Kinds...), f.Text("country"), f.Text("region"), f.Text("external_id")
	domains, manager := strings.Fields(strings.ReplaceAll(f.Text("domains"), ",", " ")), f.ID("manager_id")
	facts := partner.Facts{Name: &name, Kind: &kind, Domains: &domains, Country: &land, Region: &region, ManagerID: &manager, ExternalID: &external}
	if status {
		st := f.Choice("status", partner.Statuses...)
		facts.Status = &st
	}
	return facts
}

// idempotency is the hidden field's name, for the template.
const idempotency = door.IdempotencyField
