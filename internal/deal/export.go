package deal

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/kernel/sheet"
)

var exportColumns = []string{"id", "title", "state", "stage", "partner", "owner", "account", "domain", "country", "amount", "currency", "product",
	"expected_close_on", "submitted_at", "decided_at", "protected_until", "closed_on", "reason_code", "reason", "answer", "source", "external_id",
	"created_at", "updated_at"}

var vendorColumns = []string{"claim_key", "partner_id", "owner_id", "account_id", "import_id"}

// Export writes every deal of the query to w, with the columns that the actor may see. Nothing has left w's buffer when the
// query is refused; after a later error w is not closed, so that the output is visibly incomplete.
func (s *Service) Export(ctx context.Context, who access.Actor, q Query, w sheet.Writer) error {
	vendor := who.Persona != access.Partner
	columns := exportColumns
	if vendor {
		columns = append(columns[:len(columns):len(columns)], vendorColumns...)
	}
	if err := w.Columns(columns...); err != nil {
		return err
	}
	exponents := map[string]int{}
	err := s.Each(ctx, who, q, func(d *Deal) error {
		exponent, known := exponents[d.Currency]
		if !known {
			c, _ := money.Lookup(d.Currency)
			exponent = c.Exponent
			exponents[d.Currency] = exponent
		}
		writeRow(w, d, exponent)
		if vendor {
			w.Text(d.ClaimKey)
			for _, v := range [...]id.ID{d.Partner, d.Owner, d.Account, d.Import} {
				w.Text(v.String())
			}
		}
		return w.EndRow()
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// writeRow writes the cells of exportColumns.
func writeRow(w sheet.Writer, d *Deal, exponent int) {
	for _, v := range [...]string{d.ID.String(), d.Title, string(d.State), d.StageName, d.PartnerName, d.OwnerName, d.AccountName, d.AccountDomain, d.AccountCountry} {
		w.Text(v)
	}
	if d.AmountMinor == nil {
		w.Empty()
	} else {
		w.Decimal(*d.AmountMinor, exponent)
	}
	w.Text(d.Currency)
	w.Text(d.Product)
	day(w, d.ExpectedCloseOn)
	for _, t := range [...]*time.Time{d.SubmittedAt, d.DecidedAt, d.ProtectedUntil} {
		if t == nil {
			w.Empty()
		} else {
			w.Time(*t)
		}
	}
	day(w, d.ClosedOn)
	for _, v := range [...]string{d.ReasonCode, d.Reason, string(d.Answer), d.Source, d.ExternalID} {
		w.Text(v)
	}
	w.Time(d.CreatedAt)
	w.Time(d.UpdatedAt)
}

func day(w sheet.Writer, d Day) {
	if d == "" {
		w.Empty()
		return
	}
	w.Text(string(d))
}
