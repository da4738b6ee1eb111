// Package reference draws the API reference from the OpenAPI document that the API door makes of the code. It belongs to no
// room: it shows all of them, and it is the one page that reads the document's types, which only the API door and app may.
package reference

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page   ui.PageFunc
	API    *door.API     // complete before the first request
	Origin string        // where programs reach the installation, without a trailing slash
	Read   access.Action // what somebody must be granted to read the reference
}

type pages struct {
	Deps
	rooms func() []room
}

// Routes puts the reference behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps, sync.OnceValue(func() []room { return roomsOf(deps.API.OpenAPI(), deps.Origin) })}
	w.Private("GET /api-reference", deps.Read, p.index)
	w.Private("GET /api-reference/{room}", deps.Read, p.room)
}

// room is the operations of one part of the API.
type room struct {
	key, title string
	operations []operation
	types      []kindOf // what the operations answer, each once
}

// kindOf is a named type of answer.
type kindOf struct {
	name   string
	fields []field
}

// operation is one thing the API can do, ready to draw.
type operation struct {
	id, method, path, summary string
	description               []string // paragraphs
	permission                string   // "" when anybody may call it
	params                    []param
	body                      []field
	bodyType                  string
	answers                   []answer
	curl                      string
}

// href leads to the operation's full description.
func (o operation) href(key string) string { return "/api-reference/" + key + "#" + o.id }

type param struct {
	name, in, kind, doc string
	required            bool
	limits              []string
}

type field struct {
	name, kind, doc string // name is dotted: account.domain
	required        bool
	limits          []string
}

type answer struct {
	status, says, kind string
	of                 string // the name of its type, told once a page; "" for a body that is no object
}

type indexView struct {
	ui.List
	rooms  []room
	origin string
}

// index lists every operation; ?q= keeps those whose name, path or summary holds the words.
func (p pages) index(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := indexView{List: ui.ListOf(r), origin: p.Origin}
	v.Noun = "operations"
	words := strings.Fields(strings.ToLower(v.Get("q")))
	for _, rm := range p.rooms() {
		kept := rm
		kept.operations = nil
		for _, o := range rm.operations {
			text := strings.ToLower(o.id + " " + o.method + " " + door.Prefix + o.path + " " + o.summary + " " + o.permission)
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
				kept.operations = append(kept.operations, o)
			}
		}
		if len(kept.operations) > 0 {
			v.rooms = append(v.rooms, kept)
			v.Shown += len(kept.operations)
		}
	}
	pg, err := p.Page(w, r, who, "API reference", "api")
	if err != nil {
		return err
	}
	pg.Subtitle = "Everything the pages do, for programs."
	pg.Actions = ui.Button(door.Prefix+"/openapi.json", "OpenAPI document", "code")
	return ui.Render(w, r, http.StatusOK, indexPage(pg, v))
}

type roomView struct {
	room
	rooms  []room
	origin string
}

func (p pages) room(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	all := p.rooms()
	i := slices.IndexFunc(all, func(rm room) bool { return rm.key == r.PathValue("room") })
	if i < 0 {
		if strings.Contains(r.PathValue("room"), ".") { // an operation's name leads to its room
			key, _, _ := strings.Cut(r.PathValue("room"), ".")
			named := func(op operation) bool { return op.id == r.PathValue("room") }
			at := slices.IndexFunc(all, func(rm room) bool { return slices.ContainsFunc(rm.operations, named) })
			if at < 0 {
				at = slices.IndexFunc(all, func(rm room) bool { return rm.key == key })
			}
			if at >= 0 {
				httpx.SeeOther(w, r, "/api-reference/"+all[at].key)
				return nil
			}
		}
		return errs.New(errs.NotFound, "reference.not_found", "The API has no such part.")
	}
	pg, err := p.Page(w, r, who, all[i].title, "api")
	if err != nil {
		return err
	}
	pg.Crumbs = []ui.Link{{Label: "API reference", Href: "/api-reference"}}
	return ui.Render(w, r, http.StatusOK, roomPage(pg, roomView{all[i], all, p.Origin}))
}

// titles are what people call the rooms; the order is that of the reference.
var titles = []struct{ key, title string }{
	{"deal", "Deals"}, {"partner", "Partners"}, {"account", "Accounts"}, {"contact", "Contacts"}, {"version", "Versions of records"}, {"person", "People"}, {"import", "Imports"},
	{"audit", "Audit log"}, {"mail", "E-mail log"}, {"key", "API keys"}, {"me", "Your own account"}, {"tenant", "Programme"}, {"stage", "Pipeline"}, {"product", "Products"}, {"view", "Saved views"},
}

func titleOf(key string) (title string, rank int) {
	for i, t := range titles {
		if t.key == key {
			return t.title, i
		}
	}
	return strings.ToUpper(key[:1]) + key[1:], len(titles)
}

func sortRooms(rooms []room) {
	slices.SortFunc(rooms, func(a, b room) int {
		_, i := titleOf(a.key)
		_, j := titleOf(b.key)
		return cmp.Or(cmp.Compare(i, j), strings.Compare(a.key, b.key))
	})
	for _, rm := range rooms {
		slices.SortStableFunc(rm.operations, func(a, b operation) int {
			return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(methodRank(a.method), methodRank(b.method)))
		})
	}
}

func methodRank(method string) int {
	return slices.Index([]string{"POST", "GET", "PATCH", "PUT", "DELETE"}, method)
}
