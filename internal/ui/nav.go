package ui

// navItem is one entry of the left navigation; group starts a new block.
type navItem struct {
	key, label, icon, href string
	keys                   string // what is typed to go there
}

type navGroup struct {
	label string
	items []navItem
}

// nav is ordered by job, not by table.
var nav = []navGroup{
	{"", []navItem{
		{"home", "Home", "home", "/", "g h"},
		{"queue", "Queue", "inbox", "/deals/queue", "g q"},
	}},
	{"Pipeline", []navItem{
		{"deals", "Deals", "briefcase", "/deals", "g d"},
		{"board", "Board", "layout-kanban", "/deals/board", "g b"},
		{"accounts", "Accounts", "building", "/accounts", "g a"},
		{"contacts", "Contacts", "address-book", "/contacts", "g c"},
	}},
	{"Programme", []navItem{
		{"partners", "Partners", "heart-handshake", "/partners", "g p"},
		{"people", "People", "users", "/people", "g e"},
		{"benchmarks", "Benchmarks", "chart-bar", "/benchmarks", ""},
	}},
	{"Trust", []navItem{
		{"trust", "Promises", "shield-check", "/promises", "g t"},
		{"policy", "Data policy", "scale", "/policy", ""},
		{"retention", "Retention", "hourglass", "/retention", ""},
		{"privacy", "Privacy requests", "user-circle", "/privacy", ""},
		{"incidents", "Incidents", "alert-triangle", "/incidents", ""},
		{"documents", "Documents", "file-text", "/documents", ""},
		{"processors", "Sub-processors", "world", "/processors", ""},
	}},
	{"Operate", []navItem{
		{"imports", "Imports", "file-import", "/imports", "g i"},
		{"audit", "Audit log", "history", "/audit", "g l"},
		{"journal", "Access log", "eye", "/journal", ""},
		{"files", "Files", "archive", "/files", ""},
		{"mail", "E-mail log", "mail", "/mail", "g m"},
		{"settings", "Settings", "settings", "/settings", "g s"},
		{"api", "API", "code", "/api-reference", ""},
	}},
}

// creates is the menu behind the create button.
var creates = []navItem{
	{"deals.new", "Register a deal", "briefcase", "/deals/new", ""},
	{"partners.new", "Add a partner", "heart-handshake", "/partners/new", ""},
	{"accounts.new", "Add an account", "building", "/accounts/new", ""},
	{"contacts.new", "Add a contact", "address-book", "/contacts/new", ""},
	{"people.new", "Invite a person", "user-plus", "/people/new", ""},
	{"imports.new", "Import a file", "file-import", "/imports/new", ""},
}

// NavKeys returns every key that Viewer.Can may be asked for: of the entries of the navigation, such as "deals", and of what can
// be made, such as "deals.new".
func NavKeys() []string {
	var out []string
	for _, g := range nav {
		for _, it := range g.items {
			out = append(out, it.key)
		}
	}
	for _, it := range creates {
		out = append(out, it.key)
	}
	return out
}

// visibleNav is the navigation without what v may not see; empty groups are left out.
func visibleNav(v Viewer) []navGroup {
	var out []navGroup
	for _, g := range nav {
		if items := visibleItems(v, g.items); len(items) > 0 {
			out = append(out, navGroup{g.label, items})
		}
	}
	return out
}

func visibleItems(v Viewer, items []navItem) []navItem {
	var out []navItem
	for _, it := range items {
		if v.can(it.key) {
			out = append(out, it)
		}
	}
	return out
}
