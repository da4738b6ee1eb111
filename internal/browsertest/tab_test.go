package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// site serves small pages, good and bad, for the tests of the tab itself.
func site(t *testing.T) string {
	page := func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src * data:")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>Page</title><link rel="icon" href="data:,"><main><h1>Page</h1>%s</main></html>`, body)
	}
	mux := http.NewServeMux()
	bodies := map[string]string{
		"/good":    `<form method="post" action="/said"><label>Name <input name="name"></label> <label>Colour <select name="colour"><option value="r">Red<option value="b">Blue</select></label> <label>Day <input type="date" name="day"></label> <label>Sure <input type="checkbox" name="sure" value="true"></label><button>Send it</button></form><ul><li>Left <a href="/good?left">Open</a><li>Right <a href="/good?right">Open</a></ul>`,
		"/inline":  `<script>document.title = "x"</script>`,
		"/foreign": `<img alt="dot" src="http://127.0.0.1:9/dot.png">`,
		"/console": `<script src="/loud.js"></script>`,
		"/broken":  `<script src="/broken.js"></script>`,
		"/wide":    `<pre>` + strings.Repeat("wide", 400) + `</pre>`,
		"/blind":   `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">`,
		"/twice":   `<h1>Again</h1>`,
		"/fat":     `<p>` + strings.Repeat("fat ", 30_000) + `</p>`,
	}
	for path, body := range bodies {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { page(w, body) })
	}
	mux.HandleFunc("POST /said", func(w http.ResponseWriter, r *http.Request) {
		page(w, fmt.Sprintf("<p>name=%s colour=%s day=%s sure=%s</p>", r.FormValue("name"), r.FormValue("colour"), r.FormValue("day"), r.FormValue("sure")))
	})
	mux.HandleFunc("GET /loud.js", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `console.error("too loud")`) })
	mux.HandleFunc("GET /broken.js", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `nowhere.to.be.found()`) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestTabActsAsAPerson(t *testing.T) {
	base := site(t)
	for _, look := range []Look{{}, {NoScript: true}, Phone} {
		tab := theBrowser(t).Open(t, base, look)
		tab.Go("/good")
		tab.Fill("name", "Ünal & Söhne")
		tab.Fill("colour", "Blue")
		tab.Fill("day", "2026-03-28")
		tab.Fill("sure", "true")
		tab.Press("Send it")
		tab.See("name=Ünal & Söhne colour=b day=2026-03-28 sure=true")
		tab.Go("/good")
		tab.PressNear("Right", "Open")
		tab.Arrive("/good?right")
		if trouble := tab.Trouble(); len(trouble) > 0 {
			t.Errorf("%+v: trouble on a good page: %q", look, trouble)
		}
		tab.Close()
	}
}

// Every law is broken once, and must be told.
func TestFaultsAreFound(t *testing.T) {
	base := site(t)
	tab := theBrowser(t).Open(t, base, Phone)
	defer tab.Close()
	for path, want := range map[string]string{
		"/inline": "content security policy", "/foreign": "another origin", "/console": "too loud", "/broken": "exception", "/wide": "sideways",
		"/blind": "axe, critical image-alt", "/twice": "2 <h1>", "/fat": "bytes of HTML", "/gone": "",
	} {
		tab.Go(path)
		status, faults := tab.Faults()
		if path == "/gone" {
			if status != http.StatusNotFound {
				t.Errorf("status of a missing page: %d", status)
			}
			continue
		}
		if got := strings.Join(faults, "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: want a fault that says %q, got %q", path, want, got)
		}
	}
	tab.Go("/good")
	if status, faults := tab.Faults(); status != http.StatusOK || len(faults) > 0 {
		t.Errorf("a good page: status %d, faults %q", status, faults)
	}
}
