package tenantweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

type programmeView struct {
	tabs     []ui.Tab
	form     *httpx.Form
	settings tenant.Settings
	stale    bool
	changes  []ui.Change
}

// programme shows the rules of play. Who may change the products only is led there.
func (p pages) programme(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	if !who.May(tenant.ActUpdate) {
		httpx.SeeOther(w, r, "/settings/products")
		return nil
	}
	s, err := p.Tenants.Get(r.Context(), who)
	if err != nil {
		return err
	}
	return p.drawProgramme(w, r, who, http.StatusOK, programmeView{settings: s, form: httpx.NewForm(programmeValues(s))})
}

func (p pages) drawProgramme(w http.ResponseWriter, r *http.Request, who access.Actor, status int, v programmeView) error {
	pg, err := p.Page(w, r, who, "Settings", "settings")
	if err != nil {
		return err
	}
	v.tabs = Sections(who, "/settings")
	return ui.Render(w, r, status, programmePage(pg, v))
}

func programmeValues(s tenant.Settings) map[string]string {
	return map[string]string{"name": s.Name, "default_currency": s.DefaultCurrency, "time_zone": s.TimeZone, "protection_days": strconv.Itoa(s.ProtectionDays),
		"agent_edits": s.AgentEdits, "public_host": s.PublicHost, "version": strconv.Itoa(s.Version)}
}

func (p pages) saveProgramme(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	name, currency, zone, days := f.Text("name"), f.Text("default_currency"), f.Text("time_zone"), int(f.Int("protection_days"))
	host := f.Text("public_host")
	edits := f.Choice("agent_edits", tenant.AgentsOwn, tenant.AgentsCompany)
	in := tenant.UpdateInput{Version: versionOf(f), Name: &name, DefaultCurrency: &currency, TimeZone: &zone, ProtectionDays: &days, AgentEdits: &edits, PublicHost: &host}
	if err = f.Err(); err == nil {
		_, err = p.Tenants.Update(r.Context(), who, in)
	}
	if err == nil {
		return done(w, r, "/settings", "The settings are saved.")
	}
	stale := errs.IsKind(err, errs.Stale)
	if !stale && !f.Absorb(err) {
		return err
	}
	s, err := p.Tenants.Get(r.Context(), who)
	if err != nil {
		return err
	}
	v := programmeView{settings: s, form: f, stale: stale}
	if !stale {
		return p.drawProgramme(w, r, who, http.StatusUnprocessableEntity, v)
	}
	stored := programmeValues(s)
	for _, field := range [][2]string{{"name", "Name"}, {"default_currency", "Currency"}, {"time_zone", "Time zone"}, {"protection_days", "Days of protection"}, {"agent_edits", "Agents may edit"}, {"public_host", "Host of the public pages"}} {
		if typed := f.Value(field[0]); typed != stored[field[0]] {
			v.changes = append(v.changes, ui.Change{Field: field[1], Old: stored[field[0]], New: typed})
		}
	}
	f.Set("version", strconv.Itoa(s.Version))
	return p.drawProgramme(w, r, who, http.StatusPreconditionFailed, v)
}

func currencies() []ui.Option {
	all := money.All()
	out := make([]ui.Option, len(all))
	for i, c := range all {
		out[i] = ui.Option{Value: c.Code, Label: c.Code + " – " + c.Name}
	}
	return out
}

// zones are offered while typing; any zone of the database is accepted.
var zones = []string{"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Chicago",
	"America/Denver", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Sao_Paulo", "America/Toronto", "Asia/Dubai", "Asia/Hong_Kong",
	"Asia/Jakarta", "Asia/Jerusalem", "Asia/Kolkata", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Europe/Amsterdam",
	"Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul", "Europe/Lisbon", "Europe/London",
	"Europe/Madrid", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland"}
