package tenantweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

const productsAt = "/settings/products"

type productsView struct {
	tabs     []ui.Tab
	products []tenant.Product
	currency string
	add      *httpx.Form
	key      string
}

func (p pages) products(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawProducts(w, r, who, http.StatusOK, nil)
}

func (p pages) drawProducts(w http.ResponseWriter, r *http.Request, who access.Actor, status int, add *httpx.Form) error {
	all, err := p.Tenants.Overview(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Settings", "settings")
	if err != nil {
		return err
	}
	v := productsView{tabs: Sections(who, productsAt), products: all.Products, currency: all.Settings.DefaultCurrency, add: add, key: newKey()}
	return ui.Render(w, r, status, productsPage(pg, v))
}

type productView struct {
	product  tenant.Product
	currency string
	form     *httpx.Form
}

// find returns a product with the programme's currency.
func (p pages) find(r *http.Request, who access.Actor, key id.ID) (tenant.Product, string, error) {
	all, err := p.Tenants.Overview(r.Context(), who)
	if err != nil {
		return tenant.Product{}, "", err
	}
	for _, it := range all.Products {
		if it.ID == key {
			return it, all.Settings.DefaultCurrency, nil
		}
	}
	return tenant.Product{}, "", errs.Missing("product")
}

func (p pages) product(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "product")
	if err != nil {
		return err
	}
	it, currency, err := p.find(r, who, key)
	if err != nil {
		return err
	}
	values := map[string]string{"name": it.Name, "series": it.Series, "version": strconv.Itoa(it.Version)}
	if it.PriceMinor != nil {
		values["price_minor"] = money.Decimal(*it.PriceMinor, currency)
	}
	return p.drawProduct(w, r, who, http.StatusOK, productView{it, currency, httpx.NewForm(values)})
}

func (p pages) drawProduct(w http.ResponseWriter, r *http.Request, who access.Actor, status int, v productView) error {
	pg, err := p.Page(w, r, who, "Edit "+v.product.Name, "settings")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "Settings", Href: "/settings"}, {Label: "Products", Href: productsAt}}
	return ui.Render(w, r, status, productPage(pg, v))
}

// productOf reads the form of one product; the price is typed in major units, empty for none.
func productOf(f *httpx.Form, key id.ID, currency string) tenant.ProductInput {
	name, series, price := f.Text("name"), f.Text("series"), int64(-1)
	if typed := f.Text("price_minor"); typed != "" {
		minor, err := money.Parse(typed, currency)
		switch e := errs.Of(err); {
		case e != nil:
			f.Refuse("price_minor", e.Code, e.Msg)
		case minor < 0:
			f.Refuse("price_minor", "field.range", "Give 0 or more, or leave this empty.")
		default:
			price = minor
		}
	}
	return tenant.ProductInput{ID: key, Version: versionOf(f), Name: &name, Series: &series, PriceMinor: &price}
}

func (p pages) addProduct(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	s, err := p.Tenants.Get(r.Context(), who)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := productOf(f, id.Nil, s.DefaultCurrency)
	if err = f.Err(); err == nil {
		_, err = p.Tenants.AddProduct(r.Context(), who, in)
	}
	switch {
	case err == nil:
		return done(w, r, productsAt, *in.Name+" is on the list.")
	case absorbName(f, err):
		return p.drawProducts(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}

func (p pages) changeProduct(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "product")
	if err != nil {
		return err
	}
	it, currency, err := p.find(r, who, key)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := productOf(f, key, currency)
	if err = f.Err(); err == nil {
		_, err = p.Tenants.ChangeProduct(r.Context(), who, in)
	}
	switch {
	case err == nil:
		return done(w, r, productsAt, *in.Name+" is saved.")
	case absorbName(f, err):
		return p.drawProduct(w, r, who, http.StatusUnprocessableEntity, productView{it, currency, f})
	}
	return orTell(w, r, productsAt+"/"+key.String(), err)
}

func (p pages) removeProduct(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "product")
	if err != nil {
		return err
	}
	if err := p.Tenants.RemoveProduct(r.Context(), who, key); err != nil {
		return err
	}
	return done(w, r, productsAt, "The product is off the list. Deals keep the name they were registered with.")
}
