package accountweb

import (
	"net/http"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/ui"
)

// recordConsent takes the consent form of a contact's page; what was typed stays where it is refused.
func (p pages) recordConsent(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := pathID(r, "contact")
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	facts := account.ConsentFacts{Purpose: f.Text("purpose"), Basis: f.Text("basis"), Source: f.Text("source"), Wording: f.Text("wording"), WordingVersion: f.Text("wording_version")}
	if err = f.Err(); err == nil {
		err = p.Accounts.RecordConsent(r.Context(), who, key, facts)
	}
	if errs.Is(err, "consent.none") {
		err = errs.Refused([]errs.Field{{Name: "basis", Code: "consent.none", Msg: errs.Of(err).Msg}})
	}
	switch {
	case err == nil:
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: "It is recorded."})
		httpx.SeeOther(w, r, "/contacts/"+key.String()+"#consents")
		return nil
	case f.Absorb(err):
		return p.drawContactPage(w, r, who, key, http.StatusUnprocessableEntity, f)
	}
	return err
}

// groundWords are a legal ground as people read it.
func groundWords(basis string) string {
	switch basis {
	case "objection":
		return "Objection"
	case account.Withdrawn:
		return "Withdrawn: it no longer stands"
	}
	return capital(strings.ReplaceAll(basis, "-", " "))
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func purposeOptions() []ui.Option {
	what := map[string]string{"service": "Service: what their orders and questions need", "announcement": "Announcements", "marketing": "Marketing", "analytics": "Analytics", "profiling": "Profiling"}
	out := make([]ui.Option, len(account.Purposes))
	for i, v := range account.Purposes {
		out[i] = ui.Option{Value: v, Label: what[v]}
	}
	return out
}

func groundOptions() []ui.Option {
	out := make([]ui.Option, len(account.Bases))
	for i, v := range account.Bases {
		out[i] = ui.Option{Value: v, Label: groundWords(v)}
	}
	return out
}

// standing are the consents that hold, ended are the rest.
func (v contactView) standing(holds bool) []account.Consent {
	var out []account.Consent
	for _, c := range v.consents {
		if c.Stands() == holds {
			out = append(out, c)
		}
	}
	return out
}
