package dealweb

import (
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
)

func (p *pages) exportCSV(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.export(w, r, who, false)
}

func (p *pages) exportJSON(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.export(w, r, who, true)
}

// export streams every deal of the address's filters, in its order, with the columns that the list shows.
func (p *pages) export(w http.ResponseWriter, r *http.Request, who access.Actor, asJSON bool) error {
	query := r.URL.Query()
	q, bad := queryOf(who, query)
	if err := errs.Refused(bad); err != nil {
		return err
	}
	cols := chosen(who, query)
	var heads []string
	for _, c := range cols {
		heads = append(heads, c.heads...)
	}
	t := door.WebTable(w, "deals", asJSON)
	if err := t.Columns(heads...); err != nil {
		return err
	}
	err := p.deals.Each(r.Context(), who, q, func(d *deal.Deal) error {
		for _, c := range cols {
			c.write(t, d)
		}
		return t.EndRow()
	})
	if err != nil {
		return err
	}
	return t.Close()
}
