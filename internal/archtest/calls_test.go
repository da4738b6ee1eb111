package archtest

import (
	"go/ast"
	"strings"
)

var callLaws = []law{{"some calls only where listed", callLaw}}

// allowed is one place that may use a symbol.
type allowed struct {
	where string // a file or a directory
	why   string
}

// listed is a symbol that may be used only in some places.
type listed struct {
	pkg, name string
	tests     bool // holds in tests too
	fix       string
	places    []allowed
}

var symbols = []listed{
	{"time", "Now", false, "take the time from tx.Now or an argument: one transaction has one time and tests can set it", []allowed{
		{"internal/op", "gives every transaction its time"},
		{"internal/app", "is where the program starts"},
		{"internal/kernel/httpx", "measures and paces requests"},
		{"internal/kernel/jobs", "measures jobs and their lateness"},
		{"internal/kernel/pg", "bounds waiting for a database to come up"},
		{"internal/kernel/mailer", "dates a message that leaves"},
		{"internal/ui/reader.go", "is the reader's now, for relative dates, where no page gave one"},
		{"internal/tools", "are no part of the program"},
		{"bench", "measures"},
		{"internal/browsertest", "waits for a browser"},
		{"internal/optest", "gives use cases of tests their time"},
		{"internal/doortest", "gives the doors of tests their time"},
	}},
	{"time", "Sleep", true, "wait for the event itself, or use testing/synctest", []allowed{
		{"bench", "paces a load and samples a process"},
	}},
	{"context", "TO" + "DO", true, "take the caller's context", nil},
	{"context", "Background", false, "take the caller's context, so that it can be cancelled", []allowed{
		{"internal/app", "is where the program starts and stops"},
		{"cmd", "is where the program starts"},
		{"internal/op", "records a denial although the request was cancelled"},
		{"internal/kernel/jobs", "stops jobs after the serving context has ended"},
		{"internal/kernel/pg", "starts and stops a database that outlives a request"},
		{"internal/tools", "are no part of the program"},
		{"bench", "is a program of its own"},
		{"internal/browsertest", "starts a browser for many tests"},
	}},
	{"net/http", "Error", false, "return an errs.Error; httpx renders it", []allowed{
		{"internal/app", "answers the probes of the admin address in plain text"},
	}},
	{"os", "Getenv", false, "add a field to kernel/config", []allowed{
		{"internal/kernel/config/validate.go", "reads the one variable that systemd names, not we"},
		{"internal/browsertest", "finds the browser of the tests"},
		{"internal/kernel/pg/pgtest", "finds the database of the tests"},
		{"internal/kernel/pg/embedded", "looks for PostgreSQL's programs and gives them a clean environment"},
		{"internal/tools", "are no part of the program"},
		{"bench", "is a program of its own"},
	}},
	{"github.com/a-h/templ", "Raw", false, "let templ escape it; draw with templ elements", nil},
}

func callLaw(t *tree) []finding {
	var out []finding
	for _, s := range symbols {
		used := map[string]bool{}
		for _, g := range t.gos {
			if g.generated || g.test && !s.tests {
				continue
			}
			packages := g.names()
			ast.Inspect(g.ast, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok || sel.Sel.Name != s.name {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if !ok || packages[x.Name] != s.pkg {
					return true
				}
				if place := s.covering(g.path); place != "" {
					used[place] = true
				} else {
					out = append(out, g.find(n, s.fix+"; a place that must use it is listed with its reason in internal/archtest/calls_test.go", "%s.%s is not used here", x.Name, s.name))
				}
				return true
			})
		}
		out = append(out, s.stale(t, used)...)
	}
	return out
}

// covering returns the listed place a file belongs to, "" for none.
func (s listed) covering(file string) string {
	for _, a := range s.places {
		if under(file, a.where) {
			return a.where
		}
	}
	return ""
}

// stale finds files that are listed one by one and no longer use the symbol; a
// directory's permission may wait for its first use.
func (s listed) stale(t *tree, used map[string]bool) []finding {
	var out []finding
	for _, a := range s.places {
		if strings.HasSuffix(a.where, ".go") && !used[a.where] && t.has(a.where) {
			out = append(out, finding{a.where, 1, "is listed for " + s.pkg + "." + s.name + " and does not use it",
				"take it off the list in internal/archtest/calls_test.go"})
		}
	}
	return out
}
