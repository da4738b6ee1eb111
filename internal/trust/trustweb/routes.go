// Package trustweb draws the trust pages: the public one of a programme and of the installation, security.txt, and the
// register of promises that officers work with.
package trustweb

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/tenant"
	"entente.dev/internal/trust"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page    ui.PageFunc
	Site    func(w http.ResponseWriter, r *http.Request, title string) (ui.Page, tenant.Brand, error) // frame of a public page of a programme
	Bare    func(w http.ResponseWriter, r *http.Request, title string) ui.Page                        // and of the installation
	Trust   *trust.Service
	Origin  string // where people reach the installation, without a trailing slash
	Contact string // where a weakness is reported, "" for the form
	Facts   func(r *http.Request, tenant id.ID) (Facts, error)
	Desk    func(r *http.Request) (Desk, error) // nil for the installation's own
}

// Desk is where a weakness is reported, as it is reached by a request.
type Desk struct {
	Origin string // what the addresses of the pages begin with, of the host that was asked
	Form   string // path of the page with the form
}

type pages struct{ Deps }

const public = "what a programme promises is for everybody to read"

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Public("GET /.well-known/security.txt", "it says where a weakness is reported (RFC 9116)", p.securityTxt)
	w.Public("GET /trust", public, p.installation)
	w.Public("GET /trust.json", public, p.installationJSON)
	w.Public("GET /t/{tenant}/trust", public, p.tenant)
	w.Public("GET /t/{tenant}/trust.json", public, p.tenantJSON)
	w.Public("POST /t/{tenant}/trust", "anybody may report a concern; each network a few times, and no program by accident", p.report)
	w.Private("GET /promises/concerns", trust.ActConcernList, p.concerns)
	w.Private("GET /promises/concerns/{id}", trust.ActConcernList, p.concern)
	w.Private("POST /promises/concerns/{id}/answer", trust.ActConcernAnswer, p.answer)
	w.Private("GET /promises", trust.ActRead, p.register)
	w.Private("GET /promises/{promise}", trust.ActRead, p.promise)
	w.Private("POST /promises/package", trust.ActPackage, p.pack)
	w.Private("POST /promises/{promise}/check", trust.ActCheck, p.check)
	w.Private("POST /promises/{promise}/attest", trust.ActAttest, p.attest)
}

// securityTxtLife is how far ahead the file expires: it is made anew for each request.
const securityTxtLife = 180 * 24 * time.Hour

func (p pages) securityTxt(w http.ResponseWriter, r *http.Request) error {
	desk, err := p.desk(r)
	if err != nil {
		return err
	}
	contact := p.Contact
	if contact == "" {
		contact = desk.Origin + desk.Form + "#report"
	}
	expires := p.Trust.Now().UTC().Add(securityTxtLife).Truncate(24 * time.Hour)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "Contact: %s\nExpires: %s\nPreferred-Languages: en\nCanonical: %s/.well-known/security.txt\nPolicy: %s/trust\n",
		contact, expires.Format(time.RFC3339), desk.Origin, desk.Origin) // the client is gone if this fails
	return nil
}

func (p pages) desk(r *http.Request) (Desk, error) {
	if p.Desk == nil {
		return Desk{p.Origin, "/trust"}, nil
	}
	return p.Desk(r)
}

// view is what the public page shows.
type view struct {
	states    []trust.State
	name      string // whose promises they are
	facts     Facts
	json      string // address of the same as JSON
	now       time.Time
	contact   string
	report    string // address of the form's target, "" without a form
	elsewhere string // address of the one form that there is, on the page of the installation
	form      *httpx.Form
	token     string
	sent      bool
}

// Facts are what the page tells besides the register: lists that other rooms keep.
type Facts struct {
	Documents []Document
	Policy    int // version of the data policy, 0 for none
	PolicyOf  time.Time
	base      string // what addresses of the programme's public pages begin with
	Retention []Period
	Verifier  string // the public key that verifies checkpoints, packages and certificates
}

// Document is the version in force of a published document.
type Document struct {
	Title, Kind string
	Version     int
	Since       time.Time
}

// Period is one line of the retention summary.
type Period struct{ What, Long string }

func (p pages) view(r *http.Request, of id.ID) (view, error) {
	v := view{now: p.Trust.Now(), contact: p.Contact}
	var err error
	if v.states, err = p.Trust.Public(r.Context(), of, door.RequestOf(r)); err != nil || p.Facts == nil {
		return v, err
	}
	v.facts, err = p.Facts(r, of)
	return v, err
}

func (p pages) installation(w http.ResponseWriter, r *http.Request) error {
	v, err := p.view(r, id.Nil)
	if err != nil {
		return err
	}
	desk, err := p.desk(r)
	if err != nil {
		return err
	}
	v.name, v.json = "this installation", "/trust.json"
	if desk.Form != "/trust" {
		v.elsewhere = desk.Form + "#report"
	}
	pg := p.Bare(w, r, "Trust")
	pg.Viewer.Brand = ui.Brand{}
	return p.draw(w, r, http.StatusOK, pg, v)
}

func (p pages) tenant(w http.ResponseWriter, r *http.Request) error {
	pg, brand, err := p.Site(w, r, "Trust")
	if err != nil {
		return err
	}
	v, err := p.view(r, brand.Tenant)
	if err != nil {
		return err
	}
	p.of(&v, pg, brand)
	v.sent = r.URL.Query().Get("sent") != ""
	return p.draw(w, r, http.StatusOK, pg, v)
}

// of makes a view one of a programme, with the form.
func (p pages) of(v *view, pg ui.Page, brand tenant.Brand) {
	v.facts.base = pg.Base
	v.name, v.json, v.report, v.token = brand.Name, pg.Base+"/trust.json", pg.Base+"/trust", p.Trust.FormToken()
}

func (p pages) draw(w http.ResponseWriter, r *http.Request, status int, pg ui.Page, v view) error {
	pg.Plain, pg.Alone = true, v.report == ""
	return ui.Render(w, r, status, framed(ui.Site(pg), v))
}

func (p pages) installationJSON(w http.ResponseWriter, r *http.Request) error {
	v, err := p.view(r, id.Nil)
	if err != nil {
		return err
	}
	return writeJSON(w, "installation", v)
}

func (p pages) tenantJSON(w http.ResponseWriter, r *http.Request) error {
	pg, brand, err := p.Site(w, r, "Trust")
	if err != nil {
		return err
	}
	v, err := p.view(r, brand.Tenant)
	if err != nil {
		return err
	}
	v.facts.base = pg.Base
	return writeJSON(w, brand.Name, v)
}

type jsonPromise struct {
	ID        string          `json:"id"`
	Group     string          `json:"group"`
	Title     string          `json:"title"`
	Sentence  string          `json:"sentence"`
	Mechanism string          `json:"mechanism"`
	Probe     string          `json:"probe"`
	Status    trust.Status    `json:"status"`
	Reason    string          `json:"reason,omitempty"`
	Last      *trust.Evidence `json:"last,omitempty"`
	Attested  *trust.Evidence `json:"attestation,omitempty"`
}

type jsonDocument struct {
	Kind    string    `json:"kind"`
	Title   string    `json:"title"`
	Version int       `json:"version"`
	Since   time.Time `json:"since"`
	Href    string    `json:"href"`
}

func writeJSON(w http.ResponseWriter, of string, v view) error {
	out := struct {
		Of          string               `json:"of"`
		At          time.Time            `json:"at"`
		Counts      map[trust.Status]int `json:"counts"`
		Verifier    string               `json:"verifier,omitempty"`
		Documents   []jsonDocument       `json:"documents"`
		Processors  string               `json:"processors,omitempty"` // where they are listed
		Restore     *time.Time           `json:"last_restore_test"`    // this version tests none
		SecurityTxt string               `json:"security_txt"`
		Promises    []jsonPromise        `json:"promises"`
	}{Of: of, At: v.now.UTC(), Counts: trust.Summary(v.states), Verifier: v.facts.Verifier, Documents: []jsonDocument{}, SecurityTxt: "/.well-known/security.txt"}
	if v.facts.Policy > 0 {
		out.Processors = v.facts.base + "/legal/processors"
		out.Documents = append(out.Documents, jsonDocument{"data-policy", "Data policy", v.facts.Policy, v.facts.PolicyOf, v.facts.base + "/legal/data-policy"})
	}
	for _, d := range v.facts.Documents {
		out.Documents = append(out.Documents, jsonDocument{d.Kind, d.Title, d.Version, d.Since, v.facts.base + "/legal/" + d.Kind})
	}
	for _, s := range v.states {
		q := s.Promise
		out.Promises = append(out.Promises, jsonPromise{q.ID, q.Group, q.Title, q.Sentence, q.Mechanism, q.Check, s.Status, s.Reason, s.Last, s.Attestation})
	}
	w.Header().Set("Content-Type", "application/json")
	return httpx.EncodeJSON(w, out)
}

// group is one block of the register.
type group struct {
	name   string
	states []trust.State
}

func groups(all []trust.State) []group {
	out := make([]group, 0, len(trust.Groups))
	for _, name := range trust.Groups {
		g := group{name: name}
		for _, s := range all {
			if s.Promise.Group == name {
				g.states = append(g.states, s)
			}
		}
		out = append(out, g)
	}
	return out
}

// tones says how a status looks.
var tones = map[trust.Status]ui.Tone{trust.StatusKept: ui.Good, trust.StatusAttested: ui.Accent, trust.StatusFailing: ui.Bad, trust.StatusNotOffered: ui.Neutral, trust.StatusNotProbed: ui.Warn}

var labels = map[trust.Status]string{trust.StatusKept: "Kept", trust.StatusAttested: "Attested", trust.StatusFailing: "Failing", trust.StatusNotOffered: "Not offered", trust.StatusNotProbed: "Not probed"}

func anchor(p trust.Promise) string { return strings.ToLower(p.ID) }

func (p pages) found(r *http.Request) (trust.Promise, error) {
	v, ok := trust.Find(strings.ToUpper(r.PathValue("promise")))
	if !ok {
		return v, errs.Missing("promise")
	}
	return v, nil
}

func (p pages) register(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.drawRegister(w, r, who, http.StatusOK, nil)
}

type registerView struct {
	who    access.Actor
	states []trust.State
	form   *httpx.Form
	now    time.Time
}

func (p pages) drawRegister(w http.ResponseWriter, r *http.Request, who access.Actor, status int, f *httpx.Form) error {
	all, err := p.Trust.States(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Promises", "trust")
	if err != nil {
		return err
	}
	pg.Subtitle = "What this programme promises, and the evidence that it is kept."
	pg.Actions = registerTools(who)
	return ui.Render(w, r, status, registerPage(pg, registerView{who, all, f, p.Trust.Now()}))
}

// pack makes a package of evidence and leads to the file.
func (p pages) pack(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	period := trust.Period{From: f.Date("from"), To: f.Date("to")}
	pg, err := p.Page(w, r, who, "Promises", "trust")
	if err != nil {
		return err
	}
	var made id.ID
	if err = f.Err(); err == nil {
		made, err = p.Trust.Package(r.Context(), who, pg.Viewer.Brand.Name, period)
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "The package is made and signed."})
		httpx.SeeOther(w, r, "/files/"+made.String())
		return nil
	case f.Absorb(err):
		return p.drawRegister(w, r, who, http.StatusUnprocessableEntity, f)
	}
	return err
}
