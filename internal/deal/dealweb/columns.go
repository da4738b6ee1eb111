package dealweb

import (
	"net/url"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/ui"
)

// column is one that the list can show and the export can write.
type column struct {
	key, label string
	class      string // of its cells: "num", "hide-sm"
	sort       string // key of the order it sorts by, "" for none
	shown      bool   // without a choice
	vendor     bool   // for the vendor's people only
	heads      []string
	write      func(w sheet.Writer, d *deal.Deal)
}

// columns stand in the order in which the list shows them; the first is always there.
var columns = []column{
	{key: "deal", label: "Deal", class: "main", shown: true, heads: []string{"title", "customer"}, write: func(w sheet.Writer, d *deal.Deal) {
		w.Text(d.Title)
		w.Text(d.AccountName)
	}},
	{key: "state", label: "State", shown: true, heads: []string{"state"}, write: text(func(d *deal.Deal) string { return string(d.State) })},
	{key: "amount", label: "Amount", class: "num", sort: "amount", shown: true, heads: []string{"amount", "currency"}, write: writeAmount},
	{key: "stage", label: "Stage", class: "hide-sm", shown: true, heads: []string{"stage"}, write: text(func(d *deal.Deal) string { return d.StageName })},
	{key: "partner", label: "Partner", class: "hide-sm", shown: true, vendor: true, heads: []string{"partner"}, write: text(func(d *deal.Deal) string { return d.PartnerName })},
	{key: "owner", label: "Owner", class: "hide-sm", shown: true, heads: []string{"owner"}, write: text(func(d *deal.Deal) string { return d.OwnerName })},
	{key: "close", label: "Expected close", class: "hide-sm", sort: "close", shown: true, heads: []string{"expected_close_on"}, write: text(func(d *deal.Deal) string { return string(d.ExpectedCloseOn) })},
	{key: "created", label: "Registered", class: "hide-sm", sort: "created", shown: true, heads: []string{"registered_at"}, write: func(w sheet.Writer, d *deal.Deal) { w.Time(d.CreatedAt) }},
	{key: "domain", label: "Domain", class: "hide-sm", heads: []string{"domain"}, write: text(func(d *deal.Deal) string { return d.AccountDomain })},
	{key: "country", label: "Country", class: "hide-sm", heads: []string{"country"}, write: text(func(d *deal.Deal) string { return d.AccountCountry })},
	{key: "product", label: "Product", class: "hide-sm", heads: []string{"product"}, write: text(func(d *deal.Deal) string { return d.Product })},
	{key: "submitted", label: "Submitted", class: "hide-sm", heads: []string{"submitted_at"}, write: func(w sheet.Writer, d *deal.Deal) { w.Time(at(d.SubmittedAt)) }},
	{key: "decided", label: "Decided", class: "hide-sm", heads: []string{"decided_at"}, write: func(w sheet.Writer, d *deal.Deal) { w.Time(at(d.DecidedAt)) }},
	{key: "protected", label: "Protected until", class: "hide-sm", heads: []string{"protected_until"}, write: func(w sheet.Writer, d *deal.Deal) { w.Time(at(d.ProtectedUntil)) }},
	{key: "closed", label: "Closed", class: "hide-sm", heads: []string{"closed_on"}, write: text(func(d *deal.Deal) string { return string(d.ClosedOn) })},
	{key: "reason", label: "Reason", class: "hide-sm", heads: []string{"reason"}, write: text(reasonOf)},
	{key: "source", label: "Source", class: "hide-sm", vendor: true, heads: []string{"source"}, write: text(func(d *deal.Deal) string { return d.Source })},
	{key: "external", label: "External id", class: "hide-sm", vendor: true, heads: []string{"external_id"}, write: text(func(d *deal.Deal) string { return d.ExternalID })},
}

func text(of func(*deal.Deal) string) func(sheet.Writer, *deal.Deal) {
	return func(w sheet.Writer, d *deal.Deal) { w.Text(of(d)) }
}

func writeAmount(w sheet.Writer, d *deal.Deal) {
	if cur, ok := money.Lookup(d.Currency); ok && d.AmountMinor != nil {
		w.Decimal(*d.AmountMinor, cur.Exponent)
	} else {
		w.Empty()
	}
	w.Text(d.Currency)
}

// reasonOf is why a deal was rejected, returned, lost or withdrawn.
func reasonOf(d *deal.Deal) string {
	switch label := deal.RejectLabel(d.ReasonCode); {
	case label == "" || d.ReasonCode == "other" && d.Reason != "":
		return d.Reason
	case d.Reason == "":
		return label
	default:
		return label + ": " + d.Reason
	}
}

// offered are the columns that the actor may choose from.
func offered(who access.Actor) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.vendor && !vendor(who) })
}

// chosen are the columns that the address asks for with ?col=, or those of everybody.
func chosen(who access.Actor, q url.Values) []column {
	all := offered(who)
	var out []column
	for i, c := range all {
		if i == 0 || slices.Contains(q["col"], c.key) {
			out = append(out, c)
		}
	}
	if len(out) > 1 || slices.Contains(q["col"], all[0].key) {
		return out
	}
	return slices.DeleteFunc(all, func(c column) bool { return !c.shown })
}

// choices are the boxes of the column menu.
func choices(who access.Actor, shown []column) []ui.Column {
	var out []ui.Column
	for _, c := range offered(who) {
		out = append(out, ui.Column{Key: c.key, Label: c.label, Shown: slices.ContainsFunc(shown, func(s column) bool { return s.key == c.key })})
	}
	return out
}

// cellText is what a cell without special drawing says.
func (c column) cellText(rd ui.Reader, d *deal.Deal) string {
	switch c.key {
	case "stage":
		return d.StageName
	case "partner":
		return partnerOf(*d)
	case "owner":
		return d.OwnerName
	case "close":
		return day(rd, d.ExpectedCloseOn)
	case "closed":
		return day(rd, d.ClosedOn)
	case "domain":
		return d.AccountDomain
	case "country":
		return country.Name(d.AccountCountry)
	case "product":
		return d.Product
	case "reason":
		return reasonOf(d)
	case "source":
		return sourceWords(d.Source)
	case "external":
		return d.ExternalID
	}
	return ""
}
