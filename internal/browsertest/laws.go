package browsertest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chromedp/cdproto/page"
)

// MaxHTML is the most that a page may weigh, in bytes.
const MaxHTML = 100 << 10

// Phone is the narrowest screen that every page fits on.
var Phone = Look{Width: 390, Height: 844}

// Faults holds the page that the tab shows to the laws of pages and returns what breaks them: a title, one h1, at most
// MaxHTML bytes, no room needed beyond the tab's width, nothing that axe finds, no trouble behind the page. Status is the
// page's HTTP status.
func (b *Tab) Faults() (status int, faults []string) {
	b.t.Helper()
	status, faults = b.shape()
	faults = append(faults, b.axe()...)
	return status, append(faults, b.TakeTrouble()...)
}

// shape is what Faults looks at before it asks axe.
func (b *Tab) shape() (status int, faults []string) {
	b.t.Helper()
	var facts struct {
		Status, Bytes, Headings int
		Title                   string
	}
	b.Eval(`(() => {
		const nav = performance.getEntriesByType("navigation")[0];
		return {Status: nav.responseStatus, Bytes: nav.decodedBodySize, Title: document.title.trim(), Headings: document.querySelectorAll("h1").length};
	})()`, &facts)
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if facts.Title == "" {
		add("no <title>")
	}
	if facts.Headings != 1 {
		add("%d <h1>, want one", facts.Headings)
	}
	if facts.Bytes > MaxHTML {
		add("%d bytes of HTML, more than %d", facts.Bytes, MaxHTML)
	}
	return facts.Status, append(faults, b.overflow()...)
}

// overflow returns what makes the page scroll sideways at the tab's width.
func (b *Tab) overflow() []string {
	var wide []string
	b.Eval(`(() => {
		const room = document.documentElement.clientWidth;
		if (document.scrollingElement.scrollWidth <= room) return [];
		const held = (e) => { for (let up = e.parentElement; up && up !== document.body; up = up.parentElement) if (/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX)) return true; return false; };
		const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 0.5 && !held(e))
			.map((e) => "<" + e.tagName.toLowerCase() + " class=\"" + e.className + "\"> reaches " + Math.round(e.getBoundingClientRect().right) + " px");
		return ["scrolls sideways at " + room + " px: needs " + document.scrollingElement.scrollWidth, ...out.slice(0, 3)];
	})()`, &wide)
	return wide
}

// axeScript is axe-core as npm installed it for the tests.
var axeScript = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if js, e := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")); e == nil {
			return string(js), nil
		} else if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		err = os.ErrNotExist
	}
	return "", fmt.Errorf("axe-core is not installed; run make test, or npm ci: %w", err)
})

// bringAxe lets every page that the tab loads from now on have axe in it.
func (b *Tab) bringAxe() {
	b.t.Helper()
	js, err := axeScript()
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	b.do("bring axe", command(page.Enable, page.EnableParams{}), command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: js}))
}

// axe returns what axe-core finds on the page: WCAG 2.2 AA and its best practices.
func (b *Tab) axe() []string {
	b.t.Helper()
	defer func(before time.Duration) { b.Patience = before }(b.Patience)
	b.Patience = 2 * time.Minute // a long page on a busy machine
	var ready bool
	if b.Eval(`typeof axe === "object"`, &ready); !ready {
		js, err := axeScript()
		if err != nil {
			b.t.Fatalf("%v", err)
		}
		b.Eval(js+"\n;0", nil)
	}
	var found []string
	b.Eval(`axe.run(document, {preload: false, resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then((r) => r.violations.map((v) => v.impact + " " + v.id + ": " + v.help + " — " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)
			+ (n.any[0]?.message ? " (" + n.any[0].message.slice(0, 160) + ")" : "")).join(" | ") + (v.nodes.length > 3 ? " and " + (v.nodes.length - 3) + " more" : "")))`, &found)
	for i, f := range found {
		found[i] = "axe, " + f
	}
	return found
}
