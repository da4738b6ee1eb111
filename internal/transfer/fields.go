package transfer

import (
	"slices"
	"strings"

	"entente.dev/internal/kernel/orgname"
)

// Field is something that a column of a file may mean.
type Field struct {
	Name     string
	Label    string
	Hint     string
	Required bool
	Values   bool     // its values may be mapped
	Also     []string // how others call it: HubSpot, Salesforce, PartnerPortal.io, our own exports
}

// Fields returns what the columns of a kind of file may mean.
func Fields(kind string) []Field { return fields[kind] }

var fields = map[string][]Field{
	Deals: {
		{Name: "external_id", Label: "Deal id", Hint: "Finds the deal again when the file is imported once more",
			Also: []string{"opportunity id", "deal id", "record id", "lead id", "hs object id", "registration id", "id", "external reference"}},
		{Name: "title", Label: "Title", Also: []string{"deal name", "opportunity name", "dealname", "name", "opportunity", "deal", "lead name", "subject"}},
		{Name: "account", Label: "Customer", Values: true,
			Also: []string{"account name", "company", "company name", "customer", "customer name", "end customer", "associated company", "primary associated company", "client", "prospect", "organization", "lead company"}},
		{Name: "account_domain", Label: "Customer's domain", Also: []string{"domain", "website", "company domain", "company domain name", "account website", "web site", "url"}},
		{Name: "country", Label: "Customer's country", Values: true, Also: []string{"account country", "billing country", "country region", "company country", "region country"}},
		{Name: "partner", Label: "Partner", Values: true,
			Also: []string{"partner name", "partner account", "partner company", "reseller", "channel partner", "regional office", "partner id", "referral partner", "referred by"}},
		{Name: "owner", Label: "Person in charge", Hint: "The partner's agent, by name or e-mail", Values: true,
			Also: []string{"sales agent", "owner name", "deal owner", "opportunity owner", "agent", "sales rep", "rep", "salesperson", "assigned to", "partner user", "owner email", "partner contact"}},
		{Name: "stage", Label: "Stage", Values: true,
			Also: []string{"deal stage", "dealstage", "stage name", "opportunity stage", "sales stage", "pipeline stage", "phase", "lead stage"}},
		{Name: "state", Label: "State", Hint: "Of the registration: approved, won, lost …", Values: true,
			Also: []string{"status", "deal status", "lead status", "registration status", "approval status"}},
		{Name: "amount", Label: "Amount",
			Also: []string{"close value", "value", "deal value", "deal amount", "amount in company currency", "opportunity amount", "total", "price", "revenue", "estimated value", "amount usd"}},
		{Name: "amount_minor", Label: "Amount in minor units", Hint: "Whole cents, as our own export writes it"},
		{Name: "currency", Label: "Currency", Values: true, Also: []string{"currency code", "deal currency", "currency iso code", "currencyisocode", "opportunity currency"}},
		{Name: "product", Label: "Product", Values: true, Also: []string{"product name", "product line", "solution", "offering", "product interest"}},
		{Name: "close_on", Label: "Close date", Hint: "Closed on, for won and lost; expected, for all others", Also: []string{"close date", "closedate", "closing date"}},
		{Name: "closed_on", Label: "Closed on", Also: []string{"closed date", "closed", "won date", "date closed", "actual close date"}},
		{Name: "expected_close_on", Label: "Expected close", Also: []string{"expected close date", "expected close", "estimated close date", "forecast close date", "target close date"}},
		{Name: "created_on", Label: "Registered on",
			Also: []string{"engage date", "create date", "created date", "created at", "createdate", "date created", "registered on", "registration date", "submitted at", "date submitted", "submitted date"}},
		{Name: "reason", Label: "Reason", Hint: "Why it was lost or rejected", Also: []string{"loss reason", "lost reason", "closed lost reason", "reason lost", "rejection reason"}},
	},
	Accounts: {
		{Name: "name", Label: "Name", Required: true, Also: []string{"account", "account name", "company", "company name", "customer", "customer name", "organization", "client"}},
		{Name: "external_id", Label: "Account id", Also: []string{"account id", "company id", "record id", "id", "customer id", "hs object id"}},
		{Name: "domain", Label: "Domain", Also: []string{"website", "company domain name", "company domain", "account domain", "web site", "url", "website url"}},
		{Name: "country", Label: "Country", Values: true, Also: []string{"office location", "billing country", "country region", "location", "hq country", "account country"}},
		{Name: "sector", Label: "Sector", Also: []string{"industry", "segment", "vertical"}},
		{Name: "employees", Label: "Employees", Also: []string{"number of employees", "employee count", "headcount", "company size", "no of employees", "numberofemployees"}},
		{Name: "parent_name", Label: "Subsidiary of", Also: []string{"parent account", "parent company", "parent", "ultimate parent", "subsidiary of"}},
	},
	Partners: {
		{Name: "partner", Label: "Partner company", Required: true, Values: true,
			Also: []string{"regional office", "partner name", "name", "company", "company name", "account name", "partner account", "reseller", "organization", "partner company name"}},
		{Name: "external_id", Label: "Partner id", Also: []string{"partner id", "account id", "company id", "record id", "id"}},
		{Name: "kind", Label: "Kind", Hint: "reseller, referrer, distributor, agency or technology", Values: true, Also: []string{"partner type", "type", "category"}},
		{Name: "country", Label: "Country", Values: true, Also: []string{"billing country", "location", "partner country"}},
		{Name: "region", Label: "Region", Also: []string{"territory", "sales region"}},
		{Name: "domain", Label: "Domain", Also: []string{"domains", "website", "company domain name", "company domain", "web site", "url"}},
		{Name: "agent", Label: "Agent", Hint: "A person of the partner", Also: []string{"sales agent", "person", "contact", "contact name", "full name", "user", "user name", "partner user", "agent name", "employee"}},
		{Name: "agent_email", Label: "Agent's e-mail", Also: []string{"email", "e mail", "email address", "contact email", "user email", "work email"}},
		{Name: "manager", Label: "Partner admin", Hint: "Runs the partner's side", Also: []string{"manager name", "partner manager", "partner admin", "primary contact", "team lead", "sales manager"}},
		{Name: "manager_email", Label: "Partner admin's e-mail", Also: []string{"manager email address", "partner admin email", "primary contact email"}},
	},
	Products: {
		{Name: "name", Label: "Name", Required: true, Also: []string{"product", "product name", "title", "item"}},
		{Name: "external_id", Label: "Product id", Also: []string{"product id", "product code", "sku", "record id", "id"}},
		{Name: "series", Label: "Series", Also: []string{"product family", "family", "product line", "category", "group"}},
		{Name: "price", Label: "Price", Also: []string{"sales price", "unit price", "list price", "standard price", "amount"}},
		{Name: "price_minor", Label: "Price in minor units", Hint: "Whole cents, as our own export writes it"},
		{Name: "currency", Label: "Currency", Values: true, Also: []string{"currency code", "currency iso code"}},
	},
}

func fieldOf(kind, name string) (Field, bool) {
	i := slices.IndexFunc(fields[kind], func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return fields[kind][i], true
}

func fieldNames(kind string, pick func(Field) bool) []string {
	var out []string
	for _, f := range fields[kind] {
		if pick == nil || pick(f) {
			out = append(out, f.Name)
		}
	}
	return out
}

// plain is what spellings of one header share: its words, without accents, signs and what stands in parentheses.
func plain(s string) string {
	if i := strings.IndexByte(s, '('); i > 0 {
		s = s[:i]
	}
	s = strings.NewReplacer("_", " ", "-", " ", ".", " ", "/", " ", ":", " ", "#", " ", "'", "", "’", "").Replace(s)
	return orgname.SearchText(s)
}

// guessColumns returns a field for each header, "" for one that says nothing to us. taken are fields that the mapping has
// given to other columns; a field goes to one column only: the one that is called most like it.
func guessColumns(kind string, header []string, taken map[string]bool) []string {
	out := make([]string, len(header))
	used := map[string]bool{}
	for name := range taken {
		used[name] = true
	}
	words := make([]string, len(header))
	for i, h := range header {
		words[i] = plain(h)
	}
	give := func(f Field, alias string) bool {
		for i, w := range words {
			if out[i] == "" && w != "" && w == plain(alias) {
				out[i] = f.Name
				return true
			}
		}
		return false
	}
	all := fields[kind]
	for _, f := range all { // our own names first, then other names in their order
		if !used[f.Name] && (give(f, f.Name) || give(f, f.Label)) {
			used[f.Name] = true
		}
	}
	for rank := 0; ; rank++ {
		more := false
		for _, f := range all {
			if rank >= len(f.Also) {
				continue
			}
			more = true
			if !used[f.Name] && give(f, f.Also[rank]) {
				used[f.Name] = true
			}
		}
		if !more {
			return out
		}
	}
}
