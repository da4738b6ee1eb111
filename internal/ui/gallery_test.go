package ui

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/httpx"
	"github.com/a-h/templ"
	"golang.org/x/net/html"
)

var at = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func everybody() Viewer {
	return Viewer{
		Name: "Marta Silva", Email: "marta@acme.test", Role: "Admin", Company: "Acme", Brand: Brand{Name: "Acme"},
		Memberships: []Membership{{"m1", "Acme", "Admin", true}, {"m2", "Contoso", "Partner", false}},
		Can:         func(string) bool { return true }, Counts: map[string]int{"queue": 3}, Reader: Reader{Now: at},
	}
}

// all renders components one after the other.
func all(cs ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, c := range cs {
			if err := c.Render(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

// around gives c its children.
func around(c templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, all(children...)), w)
	})
}

func refusedForm() *httpx.Form {
	f := httpx.NewForm(map[string]string{"title": `a "quoted" <title>`, "secret": "hunter2hunter2x", "currency": "EUR", "kind": "b"})
	f.Refuse("title", "x", "Enter a shorter title.")
	f.Refuse("", "x", "The deal is closed.")
	return f
}

func gallery() []templ.Component {
	f := refusedForm()
	l := List{Path: "/deals", Query: map[string][]string{"state": {"won"}, "sort": {"-amount"}, "cursor": {"c1"}}, Sort: "-amount", Next: "c2", Shown: 2, Total: 900, Noun: "deals"}
	return []templ.Component{
		ErrorSummary(f),
		Input(FieldOf(f, "title", "Title").Req().Hint("Few words.").Max(20).Focus()),
		Input(FieldOf(f, "secret", "Password").As("password").Auto("current-password")),
		Input(FieldOf(f, "domain", "Domain").Around("https://", "/").Place("acme.com")),
		MoneyInput(FieldOf(f, "amount", "Amount"), FieldOf(f, "currency", "Currency").Opts(Options("EUR", "USD")...)),
		Select(FieldOf(f, "kind", "Kind").Place("Choose").Opts(Options("a", "b")...)),
		Textarea(FieldOf(f, "note", "Note").Lines(5)),
		Checkbox(FieldOf(f, "agree", "I agree").Or("true").Off()),
		Radios(FieldOf(f, "who", "Who").Opts(Option{"x", "X", "hint"}, Option{"y", "Y", ""}).Or("y")),
		Upload(FieldOf(f, "file", "File"), ".csv"),
		around(FieldRow(), Hidden("h", "1")), around(FormActions(), Submit("Save")),
		Tabs("Views", []Tab{{"All", "/deals", 9, true}, {"Mine", "/deals?owner=me", 0, false}}),
		around(Filters(l), FilterSearch(l, "q", "Search"), FilterSelect(l, "state", "All states", Options("won")), FilterDate(l, "from", "From")),
		around(Listing(l), around(Table("Deals"), html2(`<thead><tr>`), SortHead(l, "amount", "Amount", "num"), Head("State", ""), html2(`</tr></thead><tbody><tr>`),
			MainCell("/deals/1", "One", "Acme"), html2(`<td class="num">`), Money(124500, "EUR"), html2(`</td></tr></tbody>`)), NoMatch(l)),
		ExportMenu(l, "/api/v1/deals"), ColumnMenu(l, []Column{{"title", "Title", true}}),
		State("submitted"), State("half_done"), Badge(Good, "Fine"), RelTime(at), RelTime(time.Time{}), Day(at), Moment(at), Avatar("Ada Ng", "lg"), Person("Ada Ng", "Agent"),
		around(Card("Card", Button("/x", "Open", "eye")), around(Columns(Facts(Fact{Label: "A", Value: "b"}, Fact{Label: "C"})), around(Grid(2), around(Stack())))),
		Stats(Stat{Label: "Open", Value: "3", Note: "n", Tone: Warn, Icon: "inbox", Href: "/deals"}),
		Timeline(nil),
		Timeline([]Event{{Actor: "Ada", Verb: "changed it", At: at, Icon: "note", Tone: Accent, Tag: "Internal", Note: "<b>", Changes: []Change{{"A", "", "1"}, {"B", "1", ""}, {"C", "1", "2"}, {"D", "1", "2"}}}}),
		around(Callout(Warn, "Mind")), LiveProgress(Progress{Label: "Import", Done: 3, Total: 4, Events: "/e", After: "/i"}), CopyText("key", "Key", "k"),
		PrimaryButton("/x", "Go", "plus"), around(PostButton("/x", "Do", "check", "btn-primary"), Hidden("v", "1")),
		around(Menu("Menu", "dots"), MenuLink("/x", "X", "edit"), around(MenuPost("/y", "Y", "trash"))), around(MoreMenu("More")),
		around(ConfirmStep(Confirm{Label: "Reject", Title: "Reject?", Text: "They are told.", Action: "/r", Danger: true, Icon: "x"}), Textarea(FieldOf(nil, "note", "Reason").In("reject"))),
		Board(BoardData{CanMove: true, Columns: []BoardColumn{{ID: "s1", Title: "One", Count: 1, Total: "€1", Cards: []BoardCard{{Href: "/deals/1", Title: "Deal", Sub: "Acme", Amount: "€1", Owner: "Ada Ng", Due: "3 Mar", Late: true, State: "won", MoveHref: "/deals/1/stage"}}}, {ID: "s2", Title: "Two", More: Link{"more", "/deals"}}}}),
	}
}

func html2(raw string) templ.Component { return templ.Raw(raw) }

// parse renders a component and returns its document.
func parse(t *testing.T, c templ.Component) (*html.Node, string) {
	t.Helper()
	var b strings.Builder
	if err := c.Render(WithReader(t.Context(), Reader{Now: at}), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc, b.String()
}

func attrs(n *html.Node) map[string]string {
	m := map[string]string{}
	for _, a := range n.Attr {
		m[a.Key] = a.Val
	}
	return m
}

// find returns the elements with this name that carry all the attributes; "class" matches
// one class among several.
func find(doc *html.Node, name string, want map[string]string) []*html.Node {
	var out []*html.Node
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || name != "*" && n.Data != name {
			continue
		}
		have, ok := attrs(n), true
		for k, v := range want {
			got, has := have[k]
			if k == "class" {
				ok = ok && slices.Contains(strings.Fields(got), v)
			} else {
				ok = ok && has && (v == "*" || got == v)
			}
		}
		if ok {
			out = append(out, n)
		}
	}
	return out
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// TestPagesKeepTheRules holds for every component at once: nothing the content security
// policy would block, ids unique, every reference to an id met, every input labelled, every
// icon in the sprite.
func TestPagesKeepTheRules(t *testing.T) {
	t.Parallel()
	p := Page{Title: "Gallery", Active: "deals", Viewer: everybody(), Crumbs: []Link{{"Home", "/"}}, Lead: State("won"), Subtitle: "s", Flash: &Flash{Tone: Good, Text: "Done.", Link: &Link{"Undo", "/u"}}, Path: "/x"}
	for name, c := range map[string]templ.Component{
		"shell": around(Shell(p), gallery()...), "bare": around(Bare(Page{Title: "Sign in"}), gallery()[1]), "error": ErrorPage(p, 404, "Gone", "m", "req1"),
	} {
		doc, _ := parse(t, c)
		checkRules(t, name, doc)
	}
}

func checkRules(t *testing.T, name string, doc *html.Node) {
	list, err := os.ReadFile("icons.txt")
	if err != nil {
		t.Fatal(err)
	}
	icons := strings.Fields(string(list))
	ids, refs, labels := map[string]bool{}, map[string]string{}, map[string]bool{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		a := attrs(n)
		for k, v := range a {
			if k == "style" || strings.HasPrefix(k, "on") || strings.HasPrefix(k, "hx-on") || strings.HasPrefix(v, "javascript:") {
				t.Errorf("%s: <%s %s=%q> would be blocked", name, n.Data, k, v)
			}
		}
		if n.Data == "style" || n.Data == "script" && n.FirstChild != nil {
			t.Errorf("%s: inline <%s>", name, n.Data)
		}
		if id := a["id"]; id != "" {
			if ids[id] {
				t.Errorf("%s: id %q twice", name, id)
			}
			ids[id] = true
		}
		for _, k := range []string{"aria-describedby", "aria-labelledby", "popovertarget"} {
			for _, id := range strings.Fields(a[k]) {
				refs[id] = k
			}
		}
		if n.Data == "label" {
			labels[a["for"]] = true
		}
		if n.Data == "fieldset" { // its legend names it
			labels[a["id"]] = true
		}
		if n.Data == "use" {
			_, icon, _ := strings.Cut(a["href"], "#")
			if !slices.Contains(icons, icon) {
				t.Errorf("%s: icon %q is not in icons.txt", name, icon)
			}
		}
	}
	for id, k := range refs {
		if !ids[id] {
			t.Errorf("%s: %s points to %q, which is not on the page", name, k, id)
		}
	}
	for id := range ids {
		if strings.HasPrefix(id, "f-") && !labels[id] && len(find(doc, "select", map[string]string{"id": id, "aria-label": "*"})) == 0 &&
			!strings.HasSuffix(id, "-error") && !strings.HasSuffix(id, "-help") {
			t.Errorf("%s: input %q has no label", name, id)
		}
	}
	for _, want := range []string{"main", "title", "h1"} {
		if n := len(find(doc, want, nil)); n < 1 || want != "title" && n != 1 {
			t.Errorf("%s: %d <%s>", name, n, want)
		}
	}
}

// TestIconsAreListed reads every page of the program, so that an icon missing from the
// sprite shows here and not as a gap on a page.
func TestIconsAreListed(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("icons.txt")
	if err != nil {
		t.Fatal(err)
	}
	icons := strings.Fields(string(list))
	if !slices.IsSorted(icons) || len(slices.Compact(slices.Clone(icons))) != len(icons) {
		t.Error("icons.txt is not sorted, or names an icon twice")
	}
	call := regexp.MustCompile(`\bIcon(?:\(|:\s*)"([a-z0-9-]+)"`)
	err = filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".templ" {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, m := range call.FindAllStringSubmatch(string(raw), -1) {
			if !slices.Contains(icons, m[1]) {
				t.Errorf("%s uses icon %q, which is not in icons.txt", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormShowsWhatWasTypedAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	doc, raw := parse(t, all(gallery()...))
	in := find(doc, "input", map[string]string{"id": "f-title", "aria-invalid": "true", "class": "is-invalid", "aria-describedby": "f-title-error f-title-help", "maxlength": "20"})
	if len(in) != 1 || attrs(in[0])["value"] != `a "quoted" <title>` {
		t.Errorf("title field = %v", in)
	}
	if n := find(doc, "div", map[string]string{"id": "f-title-error"}); len(n) != 1 || text(n[0]) != "Enter a shorter title." {
		t.Errorf("error beside the field = %v", n)
	}
	if n := find(doc, "a", map[string]string{"href": "#f-title"}); len(n) != 1 {
		t.Errorf("%d links from the summary to the field", len(n))
	}
	if strings.Contains(raw, "hunter2") {
		t.Error("a password was drawn back")
	}
	if n := find(doc, "option", map[string]string{"value": "b", "selected": "*"}); len(n) != 1 {
		t.Errorf("%d options chosen", len(n))
	}
	// A refused form shows what was sent, not the default.
	if n := find(doc, "input", map[string]string{"name": "who", "checked": "*"}); len(n) != 0 {
		t.Error("a default came back into a refused form")
	}
	if v := FieldOf(nil, "x", "X").Or("d").Value; v != "d" {
		t.Errorf("default of a fresh form = %q", v)
	}
}

func TestNavigationShowsOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	v := everybody()
	v.Can = func(key string) bool { return key == "home" || key == "deals" || key == "deals.new" }
	doc, _ := parse(t, Shell(Page{Title: "Deals", Active: "deals", Viewer: v}))
	var got []string
	for _, n := range find(doc, "a", map[string]string{"class": "nav-entry"}) {
		got = append(got, attrs(n)["href"])
	}
	if !slices.Equal(got, []string{"/", "/deals"}) {
		t.Errorf("navigation = %v", got)
	}
	if n := find(doc, "a", map[string]string{"aria-current": "page"}); len(n) != 1 || text(n[0]) != "Deals" {
		t.Errorf("current entry = %v", n)
	}
	if n := find(doc, "a", map[string]string{"data-create": "*", "href": "/deals/new"}); len(n) != 1 {
		t.Error("a single thing to create is not a plain button")
	}
	doc, _ = parse(t, Shell(Page{Title: "x"}))
	if n := find(doc, "a", map[string]string{"class": "nav-entry"}); len(n) != 0 {
		t.Errorf("nobody sees %d entries", len(n))
	}
	if n := find(doc, "form", map[string]string{"action": "/sign-out"}); len(n) != 0 {
		t.Error("nobody can sign out")
	}
	keys := map[string]int{}
	for _, g := range nav {
		for _, it := range g.items {
			keys[it.keys]++
		}
	}
	delete(keys, "")
	if slices.Max(slices.Collect(maps.Values(keys))) > 1 {
		t.Errorf("a shortcut leads to two places: %v", keys)
	}
}

func TestBoardMovesWithoutScript(t *testing.T) {
	t.Parallel()
	doc, _ := parse(t, all(gallery()...))
	if n := find(doc, "button", map[string]string{"formaction": "/deals/1/stage", "name": "stage", "value": "s2", "aria-label": "Move Deal to Two"}); len(n) != 1 {
		t.Errorf("%d buttons to the next stage", len(n))
	}
	if n := find(doc, "button", map[string]string{"value": "s1", "name": "stage"}); len(n) != 0 {
		t.Error("a card in the first stage can move further back")
	}
}
