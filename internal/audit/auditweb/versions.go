package auditweb

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// Rooms are the rooms whose records can be restored.
type Rooms struct {
	Deals    *deal.Service
	Accounts *account.Service
	Partners *partner.Service
}

// kept is a kind of record with a history of versions: its words and addresses, and the use cases of its room.
type kept struct {
	page         ui.PageFunc
	noun, list   string // "deal", "Deals"
	dir          string // of its pages, also its key in the navigation: "deals"
	see, restore access.Action

	versions func(ctx context.Context, who access.Actor, v id.ID, q trail.VersionQuery) (trail.VersionPage, error)
	compare  func(ctx context.Context, who access.Actor, v id.ID, number int) (trail.Comparison, error)
	back     func(ctx context.Context, who access.Actor, v id.ID, number, version int) (trail.Comparison, error)
}

// Versions puts the pages of old versions of records behind the door: one set of pages for every kind.
func Versions(w *door.Web, page ui.PageFunc, in Rooms) {
	for _, k := range []kept{
		{page, "deal", "Deals", "deals", deal.ActVersions, deal.ActRestore, in.Deals.Versions, in.Deals.Version, in.Deals.Restore},
		{page, "account", "Accounts", "accounts", account.ActVersions, account.ActRestore, in.Accounts.Versions, in.Accounts.Version, in.Accounts.Restore},
		{page, "contact", "Contacts", "contacts", account.ActContactVersions, account.ActContactRestore, in.Accounts.ContactVersions, in.Accounts.ContactVersion, in.Accounts.RestoreContact},
		{page, "partner", "Partners", "partners", partner.ActVersions, partner.ActRestore, in.Partners.Versions, in.Partners.Version, in.Partners.Restore},
	} {
		at := "/" + k.dir + "/{id}/versions"
		w.Private("GET "+at, k.see, k.listVersions)
		w.Private("GET "+at+"/{version}", k.see, k.showVersion)
		w.Private("POST "+at+"/{version}/restore", k.restore, k.restoreVersion)
	}
}

// record returns the record that the path names; a malformed id is as missing as an unknown one.
func (k kept) record(r *http.Request) (id.ID, error) {
	v, ok := id.Parse(r.PathValue("id"))
	if !ok {
		return v, errs.Missing(k.noun)
	}
	return v, nil
}

// versionOf returns the version that the path names, 0 for what is no number: no record has a version 0.
func versionOf(r *http.Request) int {
	n, err := strconv.ParseInt(r.PathValue("version"), 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

func (k kept) href(v id.ID) string { return "/" + k.dir + "/" + v.String() }

type versionsView struct {
	ui.List
	kept
	record   id.ID
	current  int
	versions []versionRow
}

// versionRow is a version as its page draws it.
type versionRow struct {
	trail.Version
	changes []ui.Change
}

func (k kept) listVersions(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := k.record(r)
	if err != nil {
		return err
	}
	v := versionsView{List: ui.ListOf(r), kept: k, record: key}
	v.Noun = "versions"
	page, err := k.versions(r.Context(), who, key, trail.VersionQuery{Limit: onPage, Cursor: v.Get("cursor")})
	switch {
	case errs.Is(err, "cursor.bad"):
		httpx.SeeOther(w, r, v.With())
		return nil
	case err != nil:
		return err
	}
	pg, err := k.frame(w, r, who, "Versions", key, page.Label)
	if err != nil {
		return err
	}
	pg.Subtitle = "How this " + k.noun + " stood after each change, as far back as the policy keeps it."
	v.current, v.Next, v.Shown = page.Current, page.Next, len(page.Items)
	for _, it := range page.Items {
		v.versions = append(v.versions, versionRow{it, changesOf(trail.Lines(it.Changes, it.Currency, pg.Viewer.Reader))})
	}
	return ui.Render(w, r, http.StatusOK, versionsPage(pg, v))
}

// frame is the page of a record's versions before its content.
func (k kept) frame(w http.ResponseWriter, r *http.Request, who access.Actor, title string, record id.ID, label string) (ui.Page, error) {
	pg, err := k.page(w, r, who, title, k.dir)
	pg.Crumbs = []ui.Link{{Label: k.list, Href: "/" + k.dir}, {Label: label, Href: k.href(record)}}
	return pg, err
}

func changesOf(lines []trail.Line) []ui.Change {
	out := make([]ui.Change, len(lines))
	for i, l := range lines {
		out[i] = ui.Change{Field: l.Field, Old: l.Old, New: l.New}
	}
	return out
}

type versionView struct {
	kept
	trail.Comparison
	record  id.ID
	refusal error // of the restoring that was tried
	may     bool  // restore
	back    []ui.Change
	stays   []stay
	key     string // of the form, so that sending it twice restores once
}

// stay is a field that differs and stays as it is.
type stay struct {
	ui.Change
	why string
}

func (k kept) showVersion(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	return k.drawVersion(w, r, who, http.StatusOK, nil)
}

// drawVersion shows a version beside its record as it stands; refusal is why restoring it did not work, or nil.
func (k kept) drawVersion(w http.ResponseWriter, r *http.Request, who access.Actor, status int, refusal error) error {
	key, err := k.record(r)
	if err != nil {
		return err
	}
	c, err := k.compare(r.Context(), who, key, versionOf(r))
	if err != nil {
		return err
	}
	pg, err := k.frame(w, r, who, "Version "+strconv.Itoa(c.Version.Number), key, c.Label)
	if err != nil {
		return err
	}
	pg.Crumbs = append(pg.Crumbs, ui.Link{Label: "Versions", Href: k.href(key) + "/versions"})
	pg.Subtitle = c.Version.Told() + ", " + pg.Viewer.Reader.Moment(c.Version.At) + "."
	v := versionView{kept: k, Comparison: c, record: key, refusal: refusal, may: who.May(k.restore), key: id.New().String()}
	v.back = changesOf(trail.Lines(c.Back, c.Currency, pg.Viewer.Reader))
	v.stays = staysOf(c, pg.Viewer.Reader)
	return ui.Render(w, r, status, versionPage(pg, v))
}

// staysOf puts the reason beside each field that stays.
func staysOf(c trail.Comparison, rd ui.Reader) []stay {
	why, differ := map[string]string{}, map[string][2]any{}
	for _, k := range c.Kept {
		why[k.Column], differ[k.Column] = k.Why, [2]any{k.Now, k.Then}
	}
	var out []stay
	for _, l := range trail.Lines(differ, c.Currency, rd) {
		out = append(out, stay{ui.Change{Field: l.Field, Old: l.Old, New: l.New}, why[l.Column]})
	}
	return out
}

func (k kept) restoreVersion(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := k.record(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	read := f.Version()
	var done trail.Comparison
	if err = f.Err(); err == nil {
		done, err = k.back(r.Context(), who, key, versionOf(r), read)
	}
	if err == nil {
		ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: restored(done)})
		httpx.SeeOther(w, r, k.href(key))
		return nil
	}
	if status := map[errs.Kind]int{errs.Stale: http.StatusPreconditionFailed, errs.Conflict: http.StatusConflict, errs.Invalid: http.StatusUnprocessableEntity}[errs.Of(err).Kind]; status != 0 {
		return k.drawVersion(w, r, who, status, err)
	}
	return err
}

// restored says what came back: "Konex is back as in version 3: Name, Domain."
func restored(c trail.Comparison) string {
	var fields []string
	for _, l := range trail.Lines(c.Back, c.Currency, ui.Reader{}) {
		fields = append(fields, l.Field)
	}
	return c.Label + " says again what version " + strconv.Itoa(c.Version.Number) + " said: " + strings.Join(fields, ", ") + "."
}

// refusals are the sentences of a refusal.
func refusals(err error) []string {
	e := errs.Of(err)
	if len(e.Fields) == 0 {
		return []string{e.Msg}
	}
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Msg)
	}
	return out
}
