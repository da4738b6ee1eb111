package partner

import (
	"context"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/sheet"
)

// Export writes every partner that q names to w, with the columns that the actor may see. Nothing has left w's buffer when
// the query is refused; after a later error w is not closed, so that the output is visibly incomplete.
func (s *Service) Export(ctx context.Context, who access.Actor, q Query, w sheet.Writer) error {
	vendor := who.Persona != access.Partner
	columns := []string{"id", "name", "kind", "status", "domains", "country", "region", "manager_name", "created_at", "updated_at"}
	if vendor {
		columns = append(columns, "external_id")
	}
	if err := w.Columns(columns...); err != nil {
		return err
	}
	err := s.Each(ctx, who, q, func(p Partner) error {
		for _, v := range []string{p.ID.String(), p.Name, p.Kind, p.Status, strings.Join(p.Domains, " "), p.Country, p.Region, p.ManagerName} {
			w.Text(v)
		}
		w.Time(p.CreatedAt)
		w.Time(p.UpdatedAt)
		if vendor {
			text(w, p.ExternalID)
		}
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.Close()
}

func text(w sheet.Writer, v *string) {
	if v == nil {
		w.Empty()
		return
	}
	w.Text(*v)
}
