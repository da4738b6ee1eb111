package browsertest

import (
	"path/filepath"
	"testing"
	"time"
)

// sample returns a file of the public pipeline that the tests import.
func sample(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "testdata", "crm-sales-opportunities", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// upload brings a file as far as its check.
func upload(tab *Tab, kind, path string) {
	tab.t.Helper()
	tab.Go("/imports/new")
	tab.Fill("kind", kind)
	tab.Upload("file", path)
	tab.Press("Upload and check")
	tab.Arrive("/imports/")
	tab.See("Commit", "Check again")
}

// commit writes what was checked, in the two steps that the page asks for.
func commit(tab *Tab) {
	tab.t.Helper()
	tab.Click("Commit")
	tab.Press("Write the rows")
	tab.See("Committed", "Undo")
}

// A vendor brings its whole pipeline: products, accounts, partners with their people, 8,800 deals. The one product that the
// file spells otherwise is reported, and mapped to the known one.
func TestImportThePipeline(t *testing.T) {
	w := newProgramme(t)
	tab := w.as(w.admin, Look{})
	tab.Patience = time.Minute
	for _, f := range [][2]string{{"products", "products.csv"}, {"accounts", "accounts.csv"}, {"partners", "sales_teams.csv"}} {
		upload(tab, f[0], sample(t, f[1]))
		commit(tab)
	}
	upload(tab, "deals", sample(t, "sales_pipeline.csv"))
	tab.See("GTXPro", "Unknown; like “GTX Pro”?", "Deals by state", "4,238", "2,473", "2,089", "$10,005,534")
	tab.Fill(`[aria-label="What GTXPro means"]`, "GTX Pro")
	tab.Press("Check again")
	tab.See("Commit", "Check again")
	tab.Gone("Unknown; like “GTX Pro”?")
	commit(tab)
	tab.See("4,238", "2,473", "2,089", "$10,005,534")

	for state, want := range map[string]int{"won": 4238, "lost": 2473, "approved": 2089, "": 8800} {
		if n := w.countDeals("?limit=200&state=" + state); n != want {
			t.Errorf("%d deals in state %q, want %d", n, state, want)
		}
	}
	if n := w.countDeals("?limit=200&q=GTXPro"); n != 0 {
		t.Errorf("%d deals with the misspelt product", n)
	}
	tab.Go("/partners")
	tab.See("Central", "East", "West")
	tab.Go("/")
	tab.See("Won")
	tab.Go("/imports")
	tab.See("sales_pipeline.csv", "8,800 rows")

	// A file that is no table is refused as a whole, with what to do.
	tab.Go("/imports/new")
	tab.Fill("kind", "deals")
	tab.Upload("file", sample(t, "README.md"))
	tab.Press("Upload and check")
	tab.Has(".form")
	tab.Gone("Commit")
}

func (w *programme) countDeals(query string) (n int) {
	w.t.Helper()
	for cursor := ""; ; {
		v := w.api("GET", "/deals"+query+cursor, nil)
		n += len(v["items"].([]any))
		next, _ := v["next_cursor"].(string)
		if next == "" {
			return n
		}
		cursor = "&cursor=" + next
	}
}
