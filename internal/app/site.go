package app

import (
	"net/http"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/tenant"
	"entente.dev/internal/trust/trustweb"
	"entente.dev/internal/ui"
)

// site returns the frame of a public page of one tenant, in its brand: the tenant that the path names ("/t/{tenant}/…", also
// where onOwnHost put it), else the one whose public host was asked. NotFound "tenant.not_found".
func (a *App) site(w http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error) {
	brand, base, err := a.siteTenant(r)
	if err != nil {
		return ui.Page{}, brand, err
	}
	httpx.Identify(r.Context(), httpx.Caller{Tenant: brand.Tenant, Kind: string(access.Anonymous)})
	v := ui.Viewer{Brand: ui.Brand{Name: brand.Name, Color: brand.Color}, Reader: ui.Reader{Language: language(r), Zone: brand.Zone, Now: a.Ops.Clock()}}
	if brand.HasLogo {
		v.Brand.Logo = "/brand/" + brand.Slug + "/logo"
	}
	p := ui.NewPage(w, r, v, title, "")
	p.Base = base
	return p, brand, nil
}

// siteTenant finds whose public page is asked for, and what the addresses of its other public pages begin with.
func (a *App) siteTenant(r *http.Request) (brand tenant.Brand, base string, err error) {
	own, err := a.Tenants.ByHost(r.Context(), r.Host)
	if err != nil && !errs.IsKind(err, errs.NotFound) {
		return brand, "", err
	}
	found := own
	if slug := r.PathValue("tenant"); slug != "" {
		entry, err := a.Tenants.BySlug(r.Context(), slug)
		if err != nil {
			return brand, "", err
		}
		if found = entry.ID; found != own {
			base = "/t/" + entry.Slug
		}
	}
	if found == id.Nil {
		return brand, "", errs.Missing("tenant")
	}
	if brand, err = a.Tenants.Brand(r.Context(), found); err == nil && !brand.Shown() {
		err = errs.Missing("tenant")
	}
	return brand, base, err
}

// onOwnHost leads a public page that is asked for on a tenant's own host, without the tenant in its path, to the page that
// stands under /t/{tenant}. Other requests pass as they are.
func (a *App) onOwnHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if first != "legal" && first != "trust" && first != "trust.json" {
			next.ServeHTTP(w, r)
			return
		}
		v, err := a.Tenants.ByHost(r.Context(), r.Host)
		if err == nil {
			var brand tenant.Brand
			if brand, err = a.Tenants.Brand(r.Context(), v); err == nil && brand.Slug != "" {
				there := *r.URL // the request stays the same, so that its log line knows the route
				there.Path, there.RawPath = "/t/"+brand.Slug+r.URL.Path, ""
				r.URL = &there
			}
		}
		if err != nil && !errs.IsKind(err, errs.NotFound) {
			a.Log.Warn("the tenant of a host was not found out", "host", r.Host, "error", err)
		}
		next.ServeHTTP(w, r)
	})
}

// desk says where a weakness is reported: on a programme's own host with its form, and where there is one programme only with that
// one's.
func (a *App) desk(r *http.Request) (trustweb.Desk, error) {
	d := trustweb.Desk{Origin: a.Config.Origin(), Form: "/trust"}
	if _, _, err := a.siteTenant(r); err == nil {
		scheme, _, _ := strings.Cut(d.Origin, "://")
		d.Origin = scheme + "://" + strings.ToLower(r.Host)
		return d, nil
	} else if !errs.IsKind(err, errs.NotFound) {
		return d, err
	}
	all, err := a.Tenants.Register(r.Context())
	all = slices.DeleteFunc(all, func(e tenant.Entry) bool { return !e.Lives() })
	if len(all) == 1 {
		d.Form = "/t/" + all[0].Slug + "/trust"
	}
	return d, err
}
