package dealweb

import (
	"net/http"
	"net/url"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

func (p *pages) saveView(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := deal.ViewInput{List: "deals", Name: f.Text("name"), Query: f.Text("query")}
	if err = f.Err(); err == nil {
		_, err = p.deals.SaveView(r.Context(), who, in)
	}
	back := "/deals"
	if q, perr := url.ParseQuery(in.Query); perr == nil && len(q) > 0 {
		back += "?" + q.Encode()
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "View “" + in.Name + "” saved. It stands above the list now."})
	case f.Absorb(err):
		ui.SetFlash(w, ui.Flash{Tone: ui.Bad, Text: "The view was not saved. " + f.Fields()[0].Msg})
	default:
		return err
	}
	httpx.SeeOther(w, r, back)
	return nil
}

func (p *pages) deleteView(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v, err := httpx.PathID(r, "view")
	if err != nil {
		return err
	}
	if err := p.deals.DeleteView(r.Context(), who, v); err != nil {
		return err
	}
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "The view is deleted."})
	httpx.SeeOther(w, r, "/deals")
	return nil
}
