package account

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/sheet"
)

// Export writes every account that q names to w, with the columns that the actor may see. Nothing has left w's buffer when
// the query is refused; after a later error w is not closed, so that the output is visibly incomplete.
func (s *Service) Export(ctx context.Context, who access.Actor, q Query, w sheet.Writer) error {
	vendor := who.Persona != access.Partner
	columns := []string{"id", "name", "domain", "country", "sector", "employees", "parent_name", "created_at", "updated_at"}
	if vendor {
		columns = append(columns, "source", "external_id")
	}
	if err := w.Columns(columns...); err != nil {
		return err
	}
	err := s.Each(ctx, who, q, func(a Account) error {
		for _, v := range []string{a.ID.String(), a.Name, a.Domain, a.Country, a.Sector} {
			w.Text(v)
		}
		if a.Employees == nil {
			w.Empty()
		} else {
			w.Int(int64(*a.Employees))
		}
		w.Text(a.ParentName)
		w.Time(a.CreatedAt)
		w.Time(a.UpdatedAt)
		if vendor {
			w.Text(a.Source)
			optional(w, a.ExternalID)
		}
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// ExportContacts is Export for contacts.
func (s *Service) ExportContacts(ctx context.Context, who access.Actor, q Query, w sheet.Writer) error {
	vendor := who.Persona != access.Partner
	columns := []string{"id", "name", "email", "phone", "title", "account_id", "account_name", "created_at", "updated_at"}
	if vendor {
		columns = append(columns, "partner_id", "external_id")
	}
	if err := w.Columns(columns...); err != nil {
		return err
	}
	err := s.EachContact(ctx, who, q, func(c Contact) error {
		for _, v := range []string{c.ID.String(), c.Name, c.Email, c.Phone, c.Title, c.AccountID.String(), c.AccountName} {
			w.Text(v)
		}
		w.Time(c.CreatedAt)
		w.Time(c.UpdatedAt)
		if vendor {
			w.Text(c.PartnerID.String())
			optional(w, c.ExternalID)
		}
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.Close()
}

func optional(w sheet.Writer, v *string) {
	if v == nil {
		w.Empty()
		return
	}
	w.Text(*v)
}
