package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a Tab waits for what is to appear, unless it is told to be more patient.
const patience = 15 * time.Second

//go:embed page.js
var pageScript string

// Reporter is told what went wrong; Fatalf does not return. A *testing.T is one.
type Reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Tab is one page in a cookie jar of its own. It acts as a person does: it finds things by the words on them, clicks with
// the mouse, and waits for what comes of it. Whatever it cannot do is reported as fatal, with what the page shows.
type Tab struct {
	t      Reporter
	ctx    context.Context
	cancel context.CancelFunc
	base   string
	look   Look
	*trouble

	// Patience is how long the tab waits for what is to appear.
	Patience time.Duration
}

// Look is how a Tab shows pages.
type Look struct {
	Width, Height int64 // default 1440 × 900; up to 600 wide it is a phone
	Dark          bool
	NoScript      bool
}

// Open opens a tab on the site at base; nothing is loaded yet. Close it when done.
func (b *Browser) Open(t Reporter, base string, look Look) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	tab := &Tab{t: t, ctx: ctx, cancel: cancel, base: base, look: look, Patience: patience, trouble: &trouble{base: base}}
	if err := chromedp.Listen(ctx, tab.heard); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	tab.do("listen", command(audits.Enable, cdp.Empty{}), command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}))
	tab.Resize(0, 0)
	if look.Dark {
		tab.do("dark", command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}))
	}
	if look.NoScript {
		tab.do("no script", command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	}
	return tab
}

// command makes an action of a protocol command whose answer does not matter.
func command[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cmd, params)
		return err
	})
}

// Close closes the tab and forgets its cookies.
func (b *Tab) Close() { b.cancel() }

// Resize gives the tab another size; zeros are the size it was opened with.
func (b *Tab) Resize(width, height int64) {
	b.t.Helper()
	if width == 0 {
		width, height = b.look.Width, b.look.Height
	}
	if width == 0 {
		width, height = 1440, 900
	}
	b.do("resize", command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width <= 600}))
}

func (b *Tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, b.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s at %s: %v", what, b.Where(), err)
	}
}

// call runs a function of page.js in the page and decodes what it returns.
func (b *Tab) call(out any, name string, args ...any) error {
	list, err := json.Marshal(append([]any{}, args...))
	if err != nil {
		return err
	}
	return b.eval("("+pageScript+")()."+name+"(..."+string(list)+")", out)
}

// eval decodes the value of an expression into out, unless that is nil.
func (b *Tab) eval(expr string, out any) error {
	ctx, cancel := context.WithTimeout(b.ctx, b.Patience)
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](expr, chromedp.EvalAsValue, chromedp.EvalAwaitPromise))
	if err != nil || out == nil || len(raw) == 0 {
		return err
	}
	return json.Unmarshal(raw, out)
}

// wait tries fn until it is content. An error of fn counts as not yet: a page that is being left answers nothing.
func (b *Tab) wait(what string, fn func() (bool, error)) {
	b.t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(b.Patience)
	defer deadline.Stop()
	for {
		ok, err := fn()
		if ok && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			why := ""
			if err != nil {
				why = " (" + err.Error() + ")"
			}
			b.t.Fatalf("waited %s for %s%s\n%s", b.Patience, what, why, b.picture())
		}
	}
}

// picture says what the tab shows, for the message of a failure.
func (b *Tab) picture() string {
	text := b.Text()
	if len(text) > 2500 {
		text = text[:2500] + " …"
	}
	return fmt.Sprintf("at %s the page says:\n%s\ntrouble: %s", b.Where(), text, strings.Join(b.Trouble(), "\n"))
}

// Go loads an address of the site, or a whole URL, and waits until it is drawn. The status does not matter.
func (b *Tab) Go(path string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	b.do("go to "+path, chromedp.Navigate(path))
	b.settle("the page at " + path)
}

// settle waits until a page that was not marked is complete.
func (b *Tab) settle(what string) {
	b.t.Helper()
	b.wait(what, func() (ok bool, err error) { return ok, b.call(&ok, "settled") })
}

// leave does what is to load another page, and waits for that.
func (b *Tab) leave(what string, act func()) {
	b.t.Helper()
	if err := b.call(nil, "mark"); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	act()
	b.settle("a new page after " + what)
}

// point is the middle of something that can be clicked.
type point struct{ X, Y float64 }

// find waits until something clickable with the words is there, uncovered, and returns its middle. near are words that
// stand in the same row, card or section, "" for anywhere.
func (b *Tab) find(near, words string) point {
	b.t.Helper()
	var at *point
	b.wait(fmt.Sprintf("something to press called %q near %q", words, near), func() (bool, error) {
		err := b.call(&at, "find", near, words)
		return at != nil, err
	})
	return *at
}

// Click presses what has the words on it, and waits for nothing.
func (b *Tab) Click(words string) { b.t.Helper(); b.ClickNear("", words) }

// ClickNear is Click for what stands in one row, card or section with other words.
func (b *Tab) ClickNear(near, words string) {
	b.t.Helper()
	at := b.find(near, words)
	b.do("click "+words, chromedp.MouseClickXY(at.X, at.Y))
}

// Press clicks what has the words on it and waits for the page that follows.
func (b *Tab) Press(words string) { b.t.Helper(); b.PressNear("", words) }

// PressNear is Press for what stands in one row, card or section with other words.
func (b *Tab) PressNear(near, words string) {
	b.t.Helper()
	at := b.find(near, words)
	b.leave("pressing "+words, func() { b.do("press "+words, chromedp.MouseClickXY(at.X, at.Y)) })
}

// Fill puts a value into the field with the name (or the CSS selector, when it begins with # . or [): text, a choice by
// value or label, a date, "true" or "false" for a box.
func (b *Tab) Fill(name, value string) {
	b.t.Helper()
	var how string
	b.wait("a field named "+name, func() (bool, error) {
		err := b.call(&how, "focus", name)
		return how != "", err
	})
	if how == "text" {
		b.do("type into "+name, command(input.InsertText, input.InsertTextParams{Text: value}))
	}
	b.wait(fmt.Sprintf("the field %s to take %q", name, value), func() (ok bool, err error) { return ok, b.call(&ok, "fill", name, value) })
}

// Upload gives a file to the field with the name.
func (b *Tab) Upload(name string, paths ...string) {
	b.t.Helper()
	b.do("upload into "+name, chromedp.SetUploadFiles(chromedp.CSS(`input[type=file][name="`+name+`"]`), paths))
}

// Keys presses keys one after the other, as on a keyboard: what handles the key keeps its character from being typed.
func (b *Tab) Keys(keys string) {
	b.t.Helper()
	for _, r := range keys {
		for _, ev := range kb.Encode(r) {
			if ev.Type == kb.KeyDown {
				ev.Type = input.DispatchKeyEventTypeRawKeyDown
			}
			b.do("keys "+keys, command(input.DispatchKeyEvent, *ev))
		}
	}
}

// KeysTo is Keys for keys that lead to another page.
func (b *Tab) KeysTo(keys string) { b.t.Helper(); b.leave("the keys "+keys, func() { b.Keys(keys) }) }

// Escape is the key of that name, for Keys.
const Escape = kb.Escape

// Drag moves what the selector from finds onto what the selector to finds, with the mouse.
func (b *Tab) Drag(from, to string) {
	b.t.Helper()
	var ends []point
	b.wait("both ends of a drag: "+from+" to "+to, func() (bool, error) {
		err := b.call(&ends, "ends", from, to)
		return len(ends) == 2, err
	})
	b.do("drag "+from, chromedp.DragAndDropXY(ends[0].X, ends[0].Y, ends[1].X, ends[1].Y, 12))
}

// See waits until the page shows all the words.
func (b *Tab) See(words ...string) {
	b.t.Helper()
	for _, w := range words {
		b.wait(fmt.Sprintf("%q to be seen", w), func() (ok bool, err error) { return ok, b.call(&ok, "shows", w) })
	}
}

// Gone waits until the page shows none of the words.
func (b *Tab) Gone(words ...string) {
	b.t.Helper()
	for _, w := range words {
		b.wait(fmt.Sprintf("%q to be gone", w), func() (bool, error) {
			var shown bool
			err := b.call(&shown, "shows", w)
			return !shown, err
		})
	}
}

// Has waits until the selector finds something.
func (b *Tab) Has(selector string) {
	b.t.Helper()
	b.wait("an element "+selector, func() (bool, error) { n, err := b.count(selector); return n > 0, err })
}

// Hides waits until the selector finds nothing.
func (b *Tab) Hides(selector string) {
	b.t.Helper()
	b.wait("no element "+selector, func() (bool, error) { n, err := b.count(selector); return n == 0, err })
}

func (b *Tab) count(selector string) (n int, err error) {
	return n, b.call(&n, "count", selector)
}

// Value returns the value of the field with the name, or the text of what the selector finds.
func (b *Tab) Value(name string) string {
	b.t.Helper()
	var v *string
	b.wait("a value of "+name, func() (bool, error) { err := b.call(&v, "value", name); return v != nil, err })
	return *v
}

// Text returns the visible text of the page, with single spaces.
func (b *Tab) Text() string {
	var s string
	_ = b.call(&s, "text")
	return s
}

// Where returns path and query of the page.
func (b *Tab) Where() string {
	var s string
	_ = b.call(&s, "where")
	return s
}

// Arrive waits until the page's path and query begin with prefix.
func (b *Tab) Arrive(prefix string) {
	b.t.Helper()
	b.wait("the address "+prefix, func() (bool, error) {
		var s string
		err := b.call(&s, "where")
		return strings.HasPrefix(s, prefix), err
	})
}

// Eval runs an expression in the page, promises included, and decodes its value into out.
func (b *Tab) Eval(expr string, out any) {
	b.t.Helper()
	if err := b.eval(expr, out); err != nil {
		b.t.Fatalf("evaluate at %s: %v", b.Where(), err)
	}
}

// SetCookie puts a cookie of this site into the jar.
func (b *Tab) SetCookie(name, value string) {
	b.t.Helper()
	yes := true
	b.do("set a cookie", command(network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.base + "/", Path: "/", Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteLax}))
}

// Cookies returns the jar, by name.
func (b *Tab) Cookies() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	all, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.base + "/"}})
	if err != nil {
		b.t.Fatalf("read cookies: %v", err)
	}
	for _, c := range all.Cookies {
		out[c.Name] = c.Value
	}
	return out
}

// Screenshot returns the visible part of the page as PNG.
func (b *Tab) Screenshot() []byte {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatalf("screenshot of %s: %v", b.Where(), err)
	}
	return png
}
