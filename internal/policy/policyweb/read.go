package policyweb

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/policy"
	"entente.dev/internal/ui"
)

type historyView struct {
	page policy.VersionPage
}

func (p pages) history(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	before, err := strconv.Atoi(r.URL.Query().Get("before"))
	if err != nil || before < 0 {
		before = 0
	}
	page, err := p.Policies.Versions(r.Context(), who, before)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Data policy", "policy")
	if err != nil {
		return err
	}
	return ui.Render(w, r, http.StatusOK, historyPage(pg, historyView{page}))
}

func changesOf(changes []policy.Change) []ui.Change {
	out := make([]ui.Change, len(changes))
	for i, c := range changes {
		out[i] = ui.Change{Field: c.Label, Old: c.Old, New: c.New}
	}
	return out
}

func (p pages) processing(r *http.Request, who access.Actor) (policy.Register, error) {
	recipients, err := p.Recipients(r.Context(), who)
	if err != nil {
		return policy.Register{}, err
	}
	return p.Policies.Register(r.Context(), who, recipients)
}

func (p pages) register(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	g, err := p.processing(r, who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Register of processing activities", "policy")
	if err != nil {
		return err
	}
	pg.Subtitle = "GDPR Art. 30, for " + g.Controller + ". Made from the data map, the policy and the list of sub-processors."
	pg.Actions = registerTools()
	return ui.Render(w, r, http.StatusOK, registerPage(pg, g))
}

func (p pages) registerFile(asJSON bool) func(http.ResponseWriter, *http.Request, access.Actor) error {
	return func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
		g, err := p.processing(r, who)
		if err != nil {
			return err
		}
		if asJSON {
			w.Header().Set("Content-Disposition", `attachment; filename="register-of-processing.json"`)
			return writeJSON(w, g)
		}
		return g.Write(door.WebTable(w, "register-of-processing", false))
	}
}

type publicView struct {
	policy    policy.Effective
	company   string
	base      string
	validated time.Time
}

func (p pages) public(w http.ResponseWriter, r *http.Request) error {
	pg, v, err := p.readPublic(w, r)
	if err != nil {
		return err
	}
	pg.Subtitle = "What " + v.company + " keeps in its partner portal, why, and for how long."
	return ui.Render(w, r, http.StatusOK, publicPage(pg, v))
}

func (p pages) readPublic(w http.ResponseWriter, r *http.Request) (ui.Page, publicView, error) {
	pg, brand, err := p.Site(w, r, "Data policy")
	if err != nil {
		return pg, publicView{}, err
	}
	v := publicView{company: brand.Name, base: pg.Base}
	if v.policy, err = p.Policies.Public(r.Context(), brand.Tenant, access.Request{}); err != nil {
		return pg, v, err
	}
	v.validated, err = p.Validated(r.Context(), brand.Tenant)
	return pg, v, err
}

// publicPolicy is the data policy as JSON.
type publicPolicy struct {
	Company     string        `json:"company"`
	Policy      string        `json:"policy"`
	Version     int           `json:"version"`
	Since       *time.Time    `json:"since"`
	ValidatedAt *time.Time    `json:"validated_at"` // null: not validated yet
	Retention   []publicRule  `json:"retention"`
	Clocks      []publicClock `json:"clocks"`
	Processors  string        `json:"processors"`
}

type publicRule struct {
	Category  string   `json:"category"`
	Name      string   `json:"name"`
	Holds     string   `json:"holds"`
	PII       string   `json:"pii"`
	Subjects  []string `json:"subjects"`
	Ground    string   `json:"ground"`
	Legal     string   `json:"legal"`
	Period    string   `json:"period"`
	Event     string   `json:"event"`
	Words     string   `json:"words"`
	Processor string   `json:"processor"`
}

type publicClock struct {
	Clock  string `json:"clock"`
	Label  string `json:"label"`
	Period string `json:"period,omitempty"`
	Who    string `json:"who,omitempty"`
	Words  string `json:"words"`
}

func (p pages) publicJSON(w http.ResponseWriter, r *http.Request) error {
	_, v, err := p.readPublic(w, r)
	if err != nil {
		return err
	}
	e := v.policy
	out := publicPolicy{Company: v.company, Policy: e.Title, Version: e.Number, Since: moment(e.AppliedAt), ValidatedAt: moment(v.validated), Processors: v.base + "/legal/processors"}
	for _, c := range policy.Categories() {
		rule := e.Rule(c.ID)
		out.Retention = append(out.Retention, publicRule{c.ID, c.Name, c.Holds, c.PII, c.Subjects, c.Ground, c.Legal, rule.Period.String(), string(rule.Event), rule.Words(), c.Processor})
	}
	for _, c := range e.Clocks {
		pc := publicClock{Clock: c.Clock.Clock, Label: c.Label(), Who: c.Who, Words: c.Words()}
		if c.Who == "" {
			pc.Period = c.Period.String()
		}
		out.Clocks = append(out.Clocks, pc)
	}
	return writeJSON(w, out)
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// writeJSON answers with v; a value that cannot be encoded is an error before anything is sent.
func writeJSON(w http.ResponseWriter, v any) error {
	var b bytes.Buffer
	if err := httpx.EncodeJSON(&b, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes()) // the reader is gone if this fails
	return nil
}
