package accountweb

import (
	"net/url"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/ui"
)

func noAccounts(v listView) ui.EmptyState {
	e := ui.EmptyState{Icon: "building", Title: "No accounts yet", Text: "Accounts are the customers at the end: add one, or register a deal and its customer comes along.",
		Action: ui.Link{Label: "Add an account", Href: "/accounts/new"}, Second: ui.Link{Label: "Import a file", Href: "/imports/new"}}
	if v.who.Persona == access.Partner {
		e.Text, e.Second = "Here stand the customers of your deals. Register a deal and its customer comes along.", ui.Link{Label: "Register a deal", Href: "/deals/new"}
	}
	return e
}

// newDealHref leads to a registration that already names the customer.
func newDealHref(it account.Account) string {
	return "/deals/new?" + url.Values{"account.name": {it.Name}, "account.domain": {it.Domain}}.Encode()
}

func newContactHref(at *account.Account) string {
	if at == nil {
		return "/contacts/new"
	}
	return "/contacts/new?account=" + at.ID.String()
}

func contactFacts(v contactView) []ui.Fact {
	it := v.contact
	out := []ui.Fact{{Label: "Account", Content: accountLink(it)}, {Label: "Job title", Value: it.Title}, {Label: "E-mail", Content: mailTo(it.Email)},
		{Label: "Phone", Value: it.Phone}, {Label: "Added", Content: ui.Day(it.CreatedAt)}}
	if v.who.Persona == access.Partner {
		return out
	}
	external := ""
	if it.ExternalID != nil {
		external = *it.ExternalID
	}
	return append(out, ui.Fact{Label: "External id", Value: external})
}
