package app

import (
	"strings"

	"entente.dev/internal/kernel/orgname"
)

// address makes an e-mail address of a name. All domains of the demo end in .example, which nobody can register.
func address(name, domain string) string {
	return strings.ReplaceAll(orgname.SearchText(name), " ", ".") + "@" + domain
}

var demoManagers = []string{"Jonas Brandt", "Amélie Laurent", "Priya Raman", "Tom Okafor"}

var demoPartners = []struct {
	name, kind, domain, country, region string
	people                              []string
}{
	{"Nordlicht Systems GmbH", "reseller", "nordlicht.example", "DE", "DACH", []string{"Katrin Vogel", "Lukas Stein", "Mira Hoffmann", "Emil Krause"}},
	{"Voss & Partner AG", "agency", "voss-partner.example", "CH", "DACH", []string{"Reto Ammann", "Lea Keller", "Noah Frei"}},
	{"Atelier Logistique", "reseller", "atelier-logistique.example", "FR", "France", []string{"Claire Fontaine", "Hugo Mercier", "Inès Roux"}},
	{"Polder Automation B.V.", "distributor", "polder.example", "NL", "Benelux", []string{"Sanne de Wit", "Bram Visser", "Fleur Jansen", "Daan Bakker"}},
	{"Meridian Warehousing Ltd", "reseller", "meridian-w.example", "GB", "UK & Ireland", []string{"Harriet Cole", "Owen Price", "Zara Malik"}},
	{"Great Lakes Integrators", "reseller", "greatlakes.example", "US", "North America", []string{"Marcus Hill", "Dana Whitfield", "Joel Reyes", "Tessa Nguyen"}},
	{"Cascade Fulfilment Partners", "referrer", "cascadefp.example", "US", "North America", []string{"Robin Tran", "Avery Stone"}},
	{"Maple Materials Handling", "distributor", "maplemh.example", "CA", "North America", []string{"Élise Gagnon", "Peter McLeod", "Anika Singh"}},
	{"Sistemi Veloce S.r.l.", "technology", "veloce.example", "IT", "Southern Europe", []string{"Giulia Conti", "Marco Ferri", "Sara Lombardi"}},
	{"Ibérica de Robótica S.L.", "reseller", "iberica-robotica.example", "ES", "Southern Europe", []string{"Lucía Ortega", "Pablo Marín", "Elena Vidal"}},
	{"Fjord Solutions AS", "reseller", "fjordsolutions.example", "NO", "Nordics", []string{"Sigrid Dahl", "Henrik Moe"}},
	{"Baltika Engineering", "agency", "baltika.example", "EE", "Nordics", []string{"Kadri Tamm", "Rein Saar"}},
}

var demoCustomers = makeCustomers(
	[]string{"Alder", "Birchwood", "Cobalt", "Dunmore", "Eastgate", "Ferrum", "Granite", "Harbour", "Ivory", "Juniper", "Kestrel", "Linden", "Monarch", "Northfield", "Orchard",
		"Pinnacle", "Quarry", "Riverside", "Summit", "Tidewater", "Umber", "Valley", "Westbrook", "Yarrow", "Zephyr", "Amberley", "Brightwater", "Castellan", "Driftwood", "Elmstone"},
	[]string{"Logistics", "Foods", "Pharma", "Retail Group", "Components", "Textiles", "Distribution"},
	[]string{"DE", "FR", "NL", "GB", "US", "CA", "IT", "ES", "NO", "CH"})

type demoCustomer struct{ name, domain, country string }

func makeCustomers(first, second, countries []string) []demoCustomer {
	var out []demoCustomer
	for i, f := range first {
		for k, s := range second {
			name := f + " " + s
			out = append(out, demoCustomer{name, strings.ReplaceAll(strings.ToLower(name), " ", "-") + ".example", countries[(i+3*k)%len(countries)]})
		}
	}
	return out
}

var demoProducts = []struct {
	name, title string
	low, high   int // hundreds of the currency
}{
	{"Shuttle S2", "Shuttle racking for %s", 280, 1900},
	{"Picker P4", "Picking robots, %s", 450, 3200},
	{"Sorter X", "Parcel sorter for %s", 900, 6400},
	{"Fleet Manager", "Fleet software, %s", 60, 480},
	{"Service Plan", "Service plan for %s", 40, 320},
	{"Lift L1", "Pallet lift upgrade, %s", 150, 900},
}

var (
	demoReasons = []string{"Our own team has been in talks with this customer since spring.", "The customer told us that they work with somebody else.", "The domain belongs to the parent company, which is an existing customer."}

	demoQuestions = []string{"Who is your contact at the customer, and when did you last speak?", "Please name the site and the rough throughput, so that we can size it.", "Is there a tender? If so, when is the deadline?"}

	demoNotes = []string{"First visit went well; they want a reference of the same size.", "Sent the layout study. Next meeting in two weeks.", "Budget is confirmed for this quarter.", "They ask whether the service plan can start with the pilot."}

	demoAsides = []string{"Offer the reference visit in Rotterdam.", "Watch the discount: two approvals already this quarter.", "Ask the partner for the site plan before we send an engineer."}

	demoLosses = []string{"Chose a cheaper supplier.", "Project stopped by the board.", "No decision before the budget year ended.", "Stayed with manual picking."}
)
