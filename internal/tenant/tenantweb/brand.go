package tenantweb

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

type brandView struct {
	tabs     []ui.Tab
	form     *httpx.Form
	upload   *httpx.Form
	settings tenant.Settings
	check    ui.ColorCheck
}

func (v brandView) logoHref() string {
	if v.settings.LogoType == "" {
		return ""
	}
	return ui.LogoHref(v.settings.ID.String(), strconv.Itoa(v.settings.Version))
}

// brand shows colour and logo; ?brand_color= looks at another colour without saving it.
func (p pages) brand(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawBrand(w, r, who, http.StatusOK, nil, nil)
}

func (p pages) drawBrand(w http.ResponseWriter, r *http.Request, who access.Actor, status int, form, upload *httpx.Form) error {
	s, err := p.Tenants.Get(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Settings", "settings")
	if err != nil {
		return err
	}
	v := brandView{tabs: Sections(who, "/settings/brand"), form: form, upload: upload, settings: s}
	if v.form == nil {
		v.form = httpx.NewForm(map[string]string{"brand_color": s.BrandColor})
		if try := r.URL.Query().Get("brand_color"); ui.ValidColor(try) {
			v.form.Set("brand_color", try)
		}
	}
	v.check = ui.CheckColor(v.form.Value("brand_color"))
	return ui.Render(w, r, status, brandPage(pg, v))
}

// preview is the part of the page that changes while somebody chooses a colour.
func (p pages) preview(w http.ResponseWriter, r *http.Request, _ access.Actor) error {
	return ui.Render(w, r, http.StatusOK, preview(ui.CheckColor(r.URL.Query().Get("brand_color"))))
}

func (p pages) saveColor(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	color := f.Text("brand_color")
	in := tenant.UpdateInput{Version: versionOf(f), BrandColor: &color}
	if err = f.Err(); err == nil {
		_, err = p.Tenants.Update(r.Context(), who, in)
	}
	switch {
	case err == nil:
		return done(w, r, "/settings/brand", "The brand colour is saved.")
	case f.Absorb(err):
		return p.drawBrand(w, r, who, http.StatusUnprocessableEntity, f, nil)
	}
	return orTell(w, r, "/settings/brand", err)
}

func (p pages) saveLogo(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	defer f.Close(r)
	file, _, ok := f.File("logo")
	if !ok {
		f.Refuse("logo", "field.required", "Choose an image first.")
	}
	if err = f.Err(); err == nil {
		defer file.Close()
		err = p.setLogo(r, who, file)
	}
	switch {
	case err == nil:
		return done(w, r, "/settings/brand", "The logo is saved.")
	case f.Absorb(err):
		return p.drawBrand(w, r, who, http.StatusUnprocessableEntity, nil, f)
	}
	return err
}

func (p pages) setLogo(r *http.Request, who access.Actor, file io.Reader) error {
	image, err := io.ReadAll(io.LimitReader(file, tenant.MaxLogo+1)) // one more shows that it is too large
	if err != nil && !errors.Is(err, io.EOF) {
		return errs.New(errs.Malformed, "file.unreadable", "The file could not be read. Choose it again.")
	}
	_, err = p.Tenants.Update(r.Context(), who, tenant.UpdateInput{Logo: &image})
	return err
}

func (p pages) removeLogo(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	none := []byte{}
	if _, err := p.Tenants.Update(r.Context(), who, tenant.UpdateInput{Logo: &none}); err != nil {
		return err
	}
	return done(w, r, "/settings/brand", "The logo is removed.")
}
