package dealweb

import (
	"io"
	"net/http"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/sheet"
)

func (p *pages) exportCSV(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.export(w, r, who, "text/csv; charset=utf-8", "deals.csv", func(out io.Writer) sheet.Writer {
		c := sheet.NewCSV(out)
		c.BOM()
		return c
	})
}

func (p *pages) exportJSON(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.export(w, r, who, "application/json", "deals.json", func(out io.Writer) sheet.Writer { return sheet.NewJSON(out) })
}

// export streams every deal of the address's filters, in its order, with the columns that the list shows.
func (p *pages) export(w http.ResponseWriter, r *http.Request, who access.Actor, kind, name string, open func(io.Writer) sheet.Writer) error {
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
	h := w.Header() // a refusal before the first byte drops these again
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	t := open(w)
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
