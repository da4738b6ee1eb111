package browsertest

import (
	"strings"
	"testing"
)

// pair is a programme with two partners, somebody at each, and a channel manager.
type pair struct {
	*programme
	mara, pat, sam person // manager, of North, of South
	north, south   string // the partners' ids
	northKey       string
	southKey       string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	w := newProgramme(t)
	p := &pair{programme: w, north: w.partner("North Systems", "north.test"), south: w.partner("South Trading", "south.test")}
	p.mara = w.person("staff", "Mara Manager", "")
	p.pat = w.person("partner", "Pat North", p.north)
	p.sam = w.person("partner", "Sam South", p.south)
	p.northKey, p.southKey = w.keyOf("partner", p.north), w.keyOf("partner", p.south)
	return p
}

// A second partner who registers a customer that is held learns that, and nothing about whom.
func TestSecondPartnerIsToldTaken(t *testing.T) {
	w := newPair(t)
	held := w.registered(w.northKey, "Conveyors for Fabrikam", "Fabrikam AG", "fabrikam.example", 900000)
	w.api("POST", "/deals/"+held+"/approve", fields{})

	sam := w.as(w.sam, Look{})
	sam.Go("/deals/new")
	sam.Fill("account.domain", "https://shop.fabrikam.example/contact")
	sam.See("Taken", "protected for somebody else")
	sam.Fill("account.name", "Fabrikam")
	sam.Fill("title", "Fabrikam retrofit")
	sam.Fill("amount", "12000")
	sam.Press("Register")
	sam.See("Registered.")
	sam.Gone("North Systems", "Conveyors for Fabrikam", "Pat North")

	mara := w.as(w.mara, Look{})
	mara.Go("/deals/queue")
	mara.See("Fabrikam retrofit", "Conveyors for Fabrikam", "protected for North Systems")
	mara.Go("/deals/queue")
	mara.PressNear("Fabrikam retrofit", "Open")
	mara.See("Fabrikam retrofit", "Looks like this", "Conveyors for Fabrikam")
	mara.Press("Approve")
	mara.See("North Systems", "protected")
	mara.Gone("Approved “Fabrikam retrofit”")

	mara.Click("Reject")
	mara.Fill("reason_code", "duplicate")
	mara.Fill("reason", "Registered by another partner in spring.")
	mara.PressNear("The partner reads both.", "Reject")
	mara.See("Rejected “Fabrikam retrofit”")
	sam.Go(sam.Where())
	sam.See("Rejected", "Registered by another partner in spring.")
}

func TestLookAlikeNameNeedsALook(t *testing.T) {
	w := newPair(t)
	w.registered(w.northKey, "Sorters", "Northwind Traders GmbH", "northwind.example", 500000)
	sam := w.as(w.sam, Look{})
	sam.Go("/deals/new")
	sam.Fill("account.name", "NORTHWIND TRADERS Inc.")
	sam.See("Needs a look")
	sam.Fill("title", "Sorting line")
	sam.Fill("amount", "7500")
	sam.Press("Register")
	sam.See("Something similar is registered already")
	sam.Gone("North Systems", "Sorters")
	w.registered(w.southKey, "Labelling", "Nordwind Traders", "", 10000)
	mara := w.as(w.mara, Look{})
	mara.Go("/deals/queue")
	mara.See("Sorting line", "Same name", "Labelling", "Similar name")
}

// Sent back with a question, completed, submitted again, approved, moved, won; another is withdrawn, another lost.
func TestDealGoesItsWays(t *testing.T) {
	w := newPair(t)
	mara, pat := w.as(w.mara, Look{}), w.as(w.pat, Look{})
	asked := w.registered(w.northKey, "Pallet robots", "Tailspin Toys", "tailspin.example", 2500000)

	mara.Go("/deals/queue")
	mara.ClickNear("Pallet robots", "Ask back")
	mara.Fill("reason", "Which site is it for?")
	mara.PressNear("Pallet robots", "Send back")
	mara.See("back with your question")

	pat.Go("/deals/" + asked)
	pat.See("More information is wanted", "Which site is it for?")
	pat.Press("Edit")
	pat.Fill("title", "Pallet robots, Rotterdam")
	pat.Press("Save")
	pat.Press("Submit again")
	pat.See("Waiting for a decision")

	mara.Go("/deals/" + asked)
	mara.Press("Approve")
	mara.See("Approved “Pallet robots, Rotterdam”")
	pat.Go("/deals/" + asked)
	pat.Press("Mark as won")
	pat.Press("Mark as won")
	pat.See("is won. Well done.", "Won")

	drop := w.registered(w.northKey, "Shelf scanner", "Wingtip", "wingtip.example", 100000)
	pat.Go("/deals/" + drop)
	pat.Click("More actions")
	pat.Press("Withdraw…")
	pat.Fill("reason", "The customer postponed it.")
	pat.Press("Withdraw")
	pat.See("Withdrawn. The customer is free again.")

	gone := w.registered(w.northKey, "Lift trucks", "Proseware", "proseware.example", 300000)
	w.api("POST", "/deals/"+gone+"/approve", fields{})
	pat.Go("/deals/" + gone)
	pat.Press("Mark as lost")
	pat.Fill("reason", "Too dear.")
	pat.Press("Mark as lost")
	pat.See("is marked lost", "Too dear.")
}

func TestNotesStayOnTheirSide(t *testing.T) {
	w := newPair(t)
	deal := w.registered(w.northKey, "Packing line", "Litware", "litware.example", 4000000)
	mara, pat, sam := w.as(w.mara, Look{}), w.as(w.pat, Look{}), w.as(w.sam, Look{})
	mara.Go("/deals/" + deal)
	mara.Fill("body", "Their credit line is thin.")
	mara.Press("Add note")
	mara.See("Their credit line is thin.", "Internal")
	mara.Fill("reader", "shared")
	mara.Fill("body", "Please send the floor plan.")
	mara.Press("Add note")
	mara.See("Please send the floor plan.")
	pat.Go("/deals/" + deal)
	pat.See("Please send the floor plan.")
	pat.Gone("Their credit line is thin.", "Internal")
	pat.Fill("body", "Floor plan is on its way.")
	pat.Press("Add note")
	mara.Go("/deals/" + deal)
	mara.See("Floor plan is on its way.")
	sam.Go("/deals/" + deal)
	sam.See("404", "Request")
	sam.Gone("Packing line", "Litware")
}

func TestBoardMovesDeals(t *testing.T) {
	w := newPair(t)
	deal := w.registered(w.northKey, "Robot fleet", "Adatum", "adatum.example", 7000000)
	w.api("POST", "/deals/"+deal+"/approve", fields{})
	mara := w.as(w.mara, Look{})
	mara.Go("/deals/board")
	mara.See("Robot fleet")
	var stages []string
	mara.Eval(`[...document.querySelectorAll("[data-stage]")].map((e) => e.dataset.stage)`, &stages)
	if len(stages) < 4 {
		t.Fatalf("the board has %d columns", len(stages))
	}
	card := `[data-move-url="/deals/` + deal + `/move"]`
	mara.Drag(card, `[data-stage="`+stages[2]+`"]`)
	mara.Has(`[data-stage="` + stages[2] + `"] ` + card)
	mara.Has(`[data-board-status]`)
	mara.wait("the server to know the new stage", func() (bool, error) {
		return w.api("GET", "/deals/"+deal, nil)["stage_id"] == stages[2], nil
	})
	// Back by the button, which is the way by keyboard and without script.
	mara.Go("/deals/board")
	mara.Has(`[data-stage="` + stages[2] + `"] ` + card)
	mara.ClickNear("Robot fleet", "Move Robot fleet to ")
	mara.See("Robot fleet is in ")
	if now := w.api("GET", "/deals/"+deal, nil)["stage_id"]; now != stages[1] && now != stages[3] {
		t.Errorf("the button moved the deal to %v, want a neighbour of %v", now, stages)
	}
	// A move onto Won asks for the day and closes the deal.
	mara.Go("/deals/board")
	won := stages[len(stages)-2]
	mara.Drag(card, `[data-stage="`+won+`"]`)
	mara.Arrive("/deals/" + deal + "/win")
	mara.Press("Mark as won")
	mara.Arrive("/deals/board")
	mara.wait("the deal to be won", func() (bool, error) { return w.api("GET", "/deals/"+deal, nil)["state"] == "won", nil })
}

// Everything but dragging works without script.
func TestWithoutScript(t *testing.T) {
	w := newPair(t)
	look := Look{NoScript: true}
	pat := w.tab(look)
	signIn(pat, w.pat, longEnough)
	pat.See("Pat North")
	pat.Go("/deals/new")
	pat.Fill("account.domain", "humongous.example")
	pat.Fill("title", "Sorting without script")
	pat.Fill("amount", "9000")
	pat.Press("Is this customer free?")
	pat.See("Free")
	if got := pat.Value("title"); got != "Sorting without script" {
		t.Errorf("asking forgot the title: %q", got)
	}
	pat.Press("Register")
	pat.See("Registered.")
	mara := w.tab(look)
	signIn(mara, w.mara, longEnough)
	mara.Go("/deals/queue")
	mara.PressNear("Sorting without script", "Approve")
	mara.See("Approved “Sorting without script”")
	mara.Go("/deals/board")
	mara.PressNear("Sorting without script", "Move Sorting without script to ")
	mara.See("Sorting without script is in ")
}

func TestPartnerExportsItsOwnRows(t *testing.T) {
	w := newPair(t)
	w.registered(w.northKey, "=HYPERLINK(1)", "Alpine", "alpine.example", 100)
	w.registered(w.southKey, "South only", "Bellows", "bellows.example", 200)
	for who, want := range map[*person][2]string{&w.pat: {"HYPERLINK", "South only"}, &w.sam: {"South only", "HYPERLINK"}} {
		tab := w.as(*who, Look{})
		tab.Go("/deals")
		var csv string
		tab.Eval(`fetch("/deals/export.csv").then((r) => r.text())`, &csv)
		if !strings.Contains(csv, want[0]) || strings.Contains(csv, want[1]) || strings.Count(strings.TrimSpace(csv), "\n") != 1 {
			t.Errorf("%s exports\n%s", who.Name, csv)
		}
		if strings.Contains(csv, ",=HYPERLINK") || strings.HasPrefix(csv, "=") {
			t.Errorf("a formula stands in a cell:\n%s", csv)
		}
	}
}
