package auditweb

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

type proofView struct {
	seal.Proof
	leaf  string // base64
	path  string // a hash a line
	field [][2]string
}

// proof shows that an entry stands in the sealed log, and how anybody checks that.
func (p pages) proof(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := httpx.PathID(r, "entry")
	if err != nil {
		return err
	}
	it, err := p.Seal.Proof(r.Context(), who, key)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Proof of an entry", "audit")
	if err != nil {
		return err
	}
	v := proofView{Proof: it, leaf: base64.StdEncoding.EncodeToString(it.Entry.Leaf())}
	lines := make([]string, len(it.Hashes))
	for i, h := range it.Hashes {
		lines[i] = h.String()
	}
	v.path = strings.Join(lines, "\n")
	e := it.Entry
	for _, f := range [][2]string{{"Tenant", e.Tenant}, {"Entry", e.ID}, {"At", e.At.UTC().Format(seal.TimeFormat)}, {"Operation", e.Op}, {"Category", e.Category}, {"Actor", strings.TrimSpace(e.ActorKind + " " + e.ActorID)},
		{"Role", e.ActorRole}, {"Credential", e.Credential}, {"Partner", e.Partner}, {"Action", e.Action}, {"Outcome", e.Outcome}, {"Record", strings.TrimSpace(e.ObjectType + " " + e.ObjectID)},
		{"Commitment", base64.StdEncoding.EncodeToString(e.Commitment)}} {
		if f[1] != "" {
			v.field = append(v.field, f)
		}
	}
	pg.Crumbs = []ui.Link{{Label: "Audit log", Href: "/audit"}}
	return ui.Render(w, r, http.StatusOK, proofPage(pg, v))
}

type statusView struct {
	seal.Status
	who      access.Actor
	verifier string
	form     *httpx.Form
}

func (p pages) status(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return p.statusPage(w, r, who, httpx.NewForm(nil), http.StatusOK)
}

func (p pages) statusPage(w http.ResponseWriter, r *http.Request, who access.Actor, form *httpx.Form, status int) error {
	st, err := p.Seal.Status(r.Context(), who)
	if err != nil {
		return err
	}
	v := statusView{Status: st, who: who, form: form}
	if v.verifier, err = p.Seal.Verifier(r.Context()); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "The sealed log", "audit")
	if err != nil {
		return err
	}
	pg.Crumbs, pg.Subtitle = []ui.Link{{Label: "Audit log", Href: "/audit"}}, "Every entry gets its place in a hash tree within seconds; the tree's head is signed and sent off this server."
	return ui.Render(w, r, status, statusPage(pg, v))
}

// bundle streams the part of the sealed log that the form names.
func (p pages) bundle(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	form, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := seal.Bundle{From: form.Date("from"), To: form.Date("to")}
	if !in.To.IsZero() {
		in.To = in.To.AddDate(0, 0, 1) // the day itself counts
	}
	if !in.From.IsZero() && !in.To.IsZero() && !in.From.Before(in.To) {
		form.Refuse("to", "field.range", "Give an end after the beginning.")
	}
	if form.Err() != nil {
		return p.statusPage(w, r, who, form, http.StatusUnprocessableEntity)
	}
	if st, err := p.Seal.Status(r.Context(), who); err != nil || st.Head.Size == 0 {
		form.Refuse("from", "checkpoint.not_found", "Nothing is sealed yet: try again in a few seconds.")
		return p.statusPage(w, r, who, form, http.StatusUnprocessableEntity)
	}
	out := &late{w: w, name: fmt.Sprintf("audit-%s.zip", p.Seal.Today())}
	_, err = p.Seal.Export(r.Context(), who, in, out)
	if form.Absorb(err) && !out.begun {
		return p.statusPage(w, r, who, form, http.StatusUnprocessableEntity)
	}
	return err
}

// late sends the headers of a download with its first byte, so that a refusal before is still a page.
type late struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		door.Attach(l.w, "application/zip", l.name)
	}
	return l.w.Write(b)
}
