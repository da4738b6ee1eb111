package browsertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// trouble is what a page must never cause: an error in the console, a violation of the content security policy, a request
// to another origin.
type trouble struct {
	base string
	mu   sync.Mutex
	list []string
	docs []string // addresses that were loaded as pages
}

// Trouble returns what went wrong behind the page since the tab was opened.
func (t *trouble) Trouble() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.list)
}

// TakeTrouble returns it and forgets it.
func (t *trouble) TakeTrouble() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.list
	t.list = nil
	return out
}

func (t *trouble) note(format string, args ...any) {
	t.list = append(t.list, fmt.Sprintf(format, args...))
}

// heard is called by the browser's events, in their order.
func (t *trouble) heard(ev any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			t.docs = append(t.docs, e.Request.URL)
		}
		if !t.own(e.Request.URL) {
			t.note("request to another origin: %s", e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			t.note("console %s: %s", e.Type, words(e.Args))
		}
	case *runtime.EventExceptionThrown:
		t.note("exception: %s %s", e.ExceptionDetails.Text, words([]*runtime.RemoteObject{e.ExceptionDetails.Exception}))
	case *log.EventEntryAdded:
		t.entry(e.Entry)
	case *audits.EventIssueAdded:
		if e.Issue.Details != nil && e.Issue.Details.ContentSecurityPolicyIssueDetails != nil {
			d := e.Issue.Details.ContentSecurityPolicyIssueDetails
			t.note("content security policy: %s %s %s", d.ViolatedDirective, d.ContentSecurityPolicyViolationType, d.BlockedURL)
		}
	}
}

// entry judges a line of the browser's log. A page that answers 403, 404 or 422 is logged as a resource that failed; the
// status of a page is looked at elsewhere.
func (t *trouble) entry(e *log.Entry) {
	page := e.Source == log.EntrySourceNetwork && slices.Contains(t.docs, e.URL)
	if e.Level == log.EntryLevelError && !page {
		t.note("browser log, %s: %s %s", e.Source, e.Text, e.URL)
	}
}

// own reports whether a request stays in this site; data: and blob: leave no machine.
func (t *trouble) own(url string) bool {
	return url == t.base || strings.HasPrefix(url, t.base+"/") || strings.HasPrefix(url, "data:") || strings.HasPrefix(url, "blob:") || strings.HasPrefix(url, "about:")
}

func words(args []*runtime.RemoteObject) string {
	var out []string
	for _, a := range args {
		if a == nil {
			continue
		}
		s := string(a.Value)
		if s == "" {
			s = a.Description
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}
