package browsertest

import (
	"testing"
	"time"
)

// The first minutes of a new installation: the one-time link, the first programme, the dashboard. It does not run in
// parallel, so it comes before every test that makes a programme.
func TestSetUp(t *testing.T) {
	p := theProgram(t)
	if p.SetUp == "" {
		t.Fatalf("the program printed no set-up link: %q", p.Line)
	}
	tab := openTab(t, p.URL, Look{})
	tab.Go(p.SetUp)
	tab.See("Set up your programme")
	tab.Fill("programme", "First Vendor")
	tab.Fill("currency", "EUR")
	tab.Fill("time_zone", "Europe/Berlin")
	tab.Fill("name", "Frida First")
	tab.Fill("email", "frida@first.test")
	tab.Fill("password", "short")
	tab.Press("Start")
	tab.See("This did not go through", "15 characters")
	if got := tab.Value("programme"); got != "First Vendor" {
		t.Errorf("a refused form forgot the programme's name: %q", got)
	}
	tab.Fill("password", longEnough)
	tab.Press("Start")
	tab.Arrive("/")
	tab.See("Your programme is ready", "First Vendor", "Frida First")

	// The link worked once.
	again := openTab(t, p.URL, Look{})
	again.Go(p.SetUp)
	again.Gone("Set up your programme")
	again.Has("h1")
}

// The whole flow of a deal, as a new user would go through it.
func TestFirstDealGoesThrough(t *testing.T) {
	w := newProgramme(t)
	north := w.partner("North Systems GmbH", "north.test")
	mara := w.person("staff", "Mara Manager", "")

	admin := w.as(w.admin, Look{})
	admin.Go("/people/new")
	admin.Fill("name", "Pat Partner")
	admin.Fill("email", "pat@north-"+w.slug+".test")
	admin.Fill("role", "partner")
	admin.Fill("partner_id", north)
	admin.Press("Invite")
	link := admin.Value("#invitation-link")

	partner := w.tab(Look{})
	partner.Go(link)
	if got := partner.Value("address"); got != "pat@north-"+w.slug+".test" {
		t.Errorf("the invitation is for %q", got)
	}
	partner.Fill("password", longEnough)
	partner.Press("Join")
	partner.See("Pat Partner")

	// Less than a minute from the link in a mail to the registered deal.
	begin := time.Now()
	partner.Go("/deals/new")
	partner.Fill("account.name", "Contoso Logistics")
	partner.Fill("account.domain", "www.contoso.example")
	partner.Fill("account.country", "DE")
	partner.See("Nobody else has registered this customer")
	partner.Fill("title", "Robots for two warehouses")
	partner.Fill("amount", "48,000")
	partner.Fill("expected_close_on", "2027-03-31")
	partner.Press("Register")
	partner.See("Registered.", "Waiting for a decision")
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("registering took %s", took)
	}
	deal := partner.Where()

	// Two clicks: the queue, Approve.
	manager := w.as(mara, Look{})
	manager.Go("/")
	manager.Press("Queue")
	manager.See("Robots for two warehouses", "North Systems GmbH", "Nothing looks like this customer")
	manager.PressNear("Robots for two warehouses", "Approve")
	manager.See("Approved “Robots for two warehouses” for North Systems GmbH", "Everything is decided")

	partner.Go(deal)
	partner.See("Approved", "90 days left", "Protection", time.Now().AddDate(0, 0, 90).UTC().Format("2006"))
	admin.Go(deal)
	admin.See("Mara Manager", "approved")
}
