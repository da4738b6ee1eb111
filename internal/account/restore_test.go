package account

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	*testing.T
	*Service
	ops        *op.Ops
	super      *pgx.Conn
	staff, foe access.Actor // of two tenants
	partner    access.Actor
}

func newWorld(t *testing.T) world {
	t.Helper()
	db := pgtest.New(t)
	w := world{T: t, ops: optest.New(t, db), super: pgtest.Super(t, db)}
	w.Service = New(w.ops)
	person := func(tenant, partner id.ID, r string) access.Actor {
		v := id.New()
		w.exec(`insert into member (tenant_id, member_id, partner_id, role, name, status) values ($1, $2, $3, $4, 'Sam', 'active')`, tenant, v, partner, r)
		return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: tenant, Partner: partner, Member: v, Role: r, Name: "Sam", Grants: role.Grants(r)}
	}
	for i, slug := range []string{"acme", "bolt"} {
		v, company := id.New(), id.New()
		w.exec(`insert into tenant (tenant_id, slug, name) values ($1, $2, $2)`, v, slug)
		w.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, 'North')`, v, company)
		if i == 1 {
			w.foe = person(v, id.Nil, role.Admin)
			break
		}
		w.staff, w.partner = person(v, id.Nil, role.Staff), person(v, company, role.Partner)
	}
	return w
}

func (w world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.super.Exec(w.Context(), sql, args...); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ptr[T any](v T) *T { return &v }

func wants(t testing.TB, err error, code string) {
	t.Helper()
	if !errs.Is(err, code) {
		t.Errorf("error %v, want %s", err, code)
	}
}

// kept are the columns that a comparison leaves as they are.
func kept(c trail.Comparison) (out []string) {
	for _, k := range c.Kept {
		out = append(out, k.Column)
	}
	return out
}

// Restoring brings every fact back as it was, and only what differs is touched.
func TestRestoreAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	first := must(w.Create(ctx, w.staff, Facts{Name: ptr("Konex"), Domain: ptr("konex.example"), Country: ptr("DE"), Sector: ptr("Energy"), Employees: ptr(1200), ParentName: ptr("Holding"), ExternalID: ptr("crm-1")}))(t)
	must(w.Update(ctx, w.staff, first.ID, 1, Facts{Name: ptr("Typo"), Domain: ptr(""), Country: ptr("FR"), Sector: ptr(""), Employees: ptr(-1), ParentName: ptr(""), ExternalID: ptr("")}))(t)
	second := must(w.Update(ctx, w.staff, first.ID, 2, Facts{Name: ptr("Typo & Söhne")}))(t)

	seen := must(w.Version(ctx, w.staff, first.ID, 1))(t)
	if seen.Label != second.Name || seen.Current != 3 || len(seen.Kept) != 0 || len(seen.Back) != 7 {
		t.Errorf("version 1: %+v", seen)
	}
	if got := seen.Back["employees"]; got != [2]any{nil, 1200.0} {
		t.Errorf("employees %v", got)
	}
	_, err := w.Restore(ctx, w.staff, first.ID, 1, 2)
	wants(t, err, "account.stale")
	done := must(w.Restore(ctx, w.staff, first.ID, 1, 3))(t)
	if diff := cmp.Diff(seen.Back, done.Back); diff != "" || done.Current != 4 || done.Label != "Konex" {
		t.Errorf("done %+v\n%s", done, diff)
	}
	now := must(w.Get(ctx, w.staff, first.ID))(t)
	want := first
	want.Version, want.UpdatedAt, want.CreatedAt = 4, now.UpdatedAt, now.CreatedAt
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
	// It is on record with what changed, and is a version itself.
	line := optest.Told(t, w.ops, w.super, `action = 'account.restore'`)
	if len(line) != 1 || line[0].Outcome != "done" || !strings.HasPrefix(line[0].Note, "Version 1 of ") || !strings.Contains(string(line[0].Changes), `"Konex"`) {
		t.Errorf("on record: %+v", line)
	}
	page := must(w.Versions(ctx, w.staff, first.ID, trail.VersionQuery{Limit: 3}))(t)
	rest := must(w.Versions(ctx, w.staff, first.ID, trail.VersionQuery{Limit: 3, Cursor: page.Next}))(t)
	var numbers []int
	var did []string
	for _, v := range append(page.Items, rest.Items...) {
		numbers, did = append(numbers, v.Number), append(did, v.By()+" "+v.Did())
	}
	if !slices.Equal(numbers, []int{4, 3, 2, 1}) || !slices.Equal(did, []string{"Sam restored an old version of", "Sam changed", "Sam changed", "Sam added"}) || rest.Next != "" || page.Current != 4 {
		t.Errorf("versions %v %q", numbers, did)
	}
	if got := page.Items[1].Changes; len(got) != 1 || got["name"] != [2]any{"Typo", "Typo & Söhne"} {
		t.Errorf("version 3 changed %v", got)
	}
	_, err = w.Restore(ctx, w.staff, first.ID, 4, 0)
	wants(t, err, "version.nothing")
}

// Rules of today hold: what they refuse stays, and is named; the rest comes back.
func TestRestoreAccountKeepsWhatRulesRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	a := must(w.Create(ctx, w.staff, Facts{Name: ptr("Konex"), Domain: ptr("konex.example"), ExternalID: ptr("crm-1")}))(t)
	must(w.Update(ctx, w.staff, a.ID, 0, Facts{Name: ptr("Konex AG"), Domain: ptr("konex.test"), ExternalID: ptr("")}))(t)
	must(w.Create(ctx, w.staff, Facts{Name: ptr("Other"), ExternalID: ptr("crm-1")}))(t)
	// A provider that became public since, and a value that retention took out of the history.
	w.exec(`update row_history set new_row = jsonb_set(new_row, '{domain}', '"gmail.com"') - 'sector' where row_id = $1 and new_row ->> 'version' = '1'`, a.ID)
	w.exec(`update account set sector = 'Energy' where account_id = $1`, a.ID)
	c := must(w.Restore(ctx, w.staff, a.ID, 1, 0))(t)
	if !slices.Equal(kept(c), []string{"domain", "external_id", "sector"}) || len(c.Back) != 1 {
		t.Errorf("back %v, kept %+v", c.Back, c.Kept)
	}
	now := must(w.Get(ctx, w.staff, a.ID))(t)
	if now.Name != "Konex" || now.Domain != "konex.test" || now.ExternalID != nil || now.Sector != "Energy" {
		t.Errorf("now %+v", now)
	}
	// What went around the program is told so.
	page := must(w.Versions(ctx, w.staff, a.ID, trail.VersionQuery{}))(t)
	if got := page.Items[1]; got.By() != "Somebody at the database" || got.Changes["sector"] != [2]any{nil, "Energy"} {
		t.Errorf("%+v", got)
	}
}

// What somebody may not see is not there: another tenant's, no record, no such version, and what the policy took.
func TestVersionsOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	a := must(w.Create(ctx, w.staff, Facts{Name: ptr("Konex")}))(t)
	c := must(w.CreateContact(ctx, w.partner, ContactFacts{Name: ptr("Ada")}))(t)
	must(w.Update(ctx, w.staff, a.ID, 0, Facts{Name: ptr("Konex AG")}))(t)
	must(w.UpdateContact(ctx, w.partner, c.ID, 0, ContactFacts{Name: ptr("Ada Wong")}))(t)
	for _, who := range []struct {
		access.Actor
		account, contact id.ID
		codeA, codeC     string
	}{{w.foe, a.ID, c.ID, "account.not_found", "contact.not_found"}, {w.staff, id.New(), id.New(), "account.not_found", "contact.not_found"}, {w.partner, a.ID, c.ID, "denied", "denied"}} {
		_, err := w.Versions(ctx, who.Actor, who.account, trail.VersionQuery{})
		wants(t, err, who.codeA)
		_, err = w.Version(ctx, who.Actor, who.account, 1)
		wants(t, err, who.codeA)
		_, err = w.Restore(ctx, who.Actor, who.account, 1, 0)
		wants(t, err, who.codeA)
		_, err = w.ContactVersions(ctx, who.Actor, who.contact, trail.VersionQuery{})
		wants(t, err, who.codeC)
		_, err = w.ContactVersion(ctx, who.Actor, who.contact, 1)
		wants(t, err, who.codeC)
		_, err = w.RestoreContact(ctx, who.Actor, who.contact, 1, 0)
		wants(t, err, who.codeC)
	}
	for _, n := range []int{0, -1, 9, 1 << 40} {
		_, err := w.Restore(ctx, w.staff, a.ID, n, 0)
		wants(t, err, "version.not_found")
	}
	// Another record's cursor is none, and gone is gone.
	page := must(w.Versions(ctx, w.staff, a.ID, trail.VersionQuery{Limit: 1}))(t)
	_, err := w.ContactVersions(ctx, w.staff, c.ID, trail.VersionQuery{Cursor: page.Next})
	wants(t, err, "cursor.bad")
	w.exec(`delete from row_history where row_id = $1 and change = 'insert'`, a.ID)
	page = must(w.Versions(ctx, w.staff, a.ID, trail.VersionQuery{}))(t)
	if len(page.Items) != 2 || page.Items[1].Number != 1 || page.Items[1].Told() != "As the oldest change on record found it" || page.Items[1].At.IsZero() {
		t.Errorf("%+v", page.Items)
	}
	if seen := must(w.Version(ctx, w.staff, a.ID, 1))(t); seen.Back["name"] != [2]any{"Konex AG", "Konex"} {
		t.Errorf("%+v", seen)
	}
	w.exec(`update row_history set old_row = null, new_row = null where row_id = $1`, a.ID)
	_, err = w.Restore(ctx, w.staff, a.ID, 1, 0)
	wants(t, err, "version.not_found")
	if page = must(w.Versions(ctx, w.staff, a.ID, trail.VersionQuery{}))(t); len(page.Items) != 0 {
		t.Errorf("%+v", page.Items)
	}
	// Suspended processing hides the contact from everybody's versions.
	w.exec(`update contact set restricted_at = now(), restricted_reason = 'asked' where contact_id = $1`, c.ID)
	_, err = w.ContactVersion(ctx, w.staff, c.ID, 1)
	wants(t, err, "contact.not_found")
	_, err = w.RestoreContact(ctx, w.staff, c.ID, 1, 0)
	wants(t, err, "contact.not_found")
}

func TestRestoreContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	konex, zot := must(w.Create(ctx, w.staff, Facts{Name: ptr("Konex")}))(t), must(w.Create(ctx, w.staff, Facts{Name: ptr("Zot")}))(t)
	c := must(w.CreateContact(ctx, w.staff, ContactFacts{Name: ptr("Ada"), Email: ptr("ada@konex.example"), Phone: ptr("1"), Title: ptr("CIO"), AccountID: &konex.ID, ExternalID: ptr("c-1")}))(t)
	must(w.UpdateContact(ctx, w.staff, c.ID, 0, ContactFacts{Name: ptr("Bo"), Email: ptr(""), Phone: ptr(""), Title: ptr(""), AccountID: &zot.ID, ExternalID: ptr("")}))(t)
	page := must(w.ContactVersions(ctx, w.staff, c.ID, trail.VersionQuery{}))(t)
	if got := page.Items[0].Changes["account_id"]; got != [2]any{"Konex", "Zot"} || page.Label != "Bo" {
		t.Errorf("%+v", page)
	}
	_, err := w.RestoreContact(ctx, w.staff, c.ID, 1, 1)
	wants(t, err, "contact.stale")
	must(w.RestoreContact(ctx, w.staff, c.ID, 1, 2))(t)
	now := must(w.GetContact(ctx, w.staff, c.ID))(t)
	want := c
	want.Version, want.UpdatedAt, want.CreatedAt = 3, now.UpdatedAt, now.CreatedAt
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
	if lines := optest.Told(t, w.ops, w.super, `action = 'contact.restore'`); len(lines) != 1 {
		t.Errorf("%+v", lines)
	}
	// An account that is gone, and an external id that another has by now.
	must(w.UpdateContact(ctx, w.staff, c.ID, 0, ContactFacts{Title: ptr("CEO"), AccountID: &zot.ID, ExternalID: ptr("")}))(t)
	must(w.CreateContact(ctx, w.staff, ContactFacts{Name: ptr("Cy"), ExternalID: ptr("c-1")}))(t)
	w.exec(`delete from account where account_id = $1`, konex.ID)
	got := must(w.RestoreContact(ctx, w.staff, c.ID, 3, 0))(t)
	if !slices.Equal(kept(got), []string{"account_id", "external_id"}) || len(got.Back) != 1 || got.Kept[0].Then != "an account that is gone" {
		t.Errorf("%+v", got)
	}
}

// What an erasure took from the history does not come back, nor what is left of the person beside it.
func TestErasedPersonDoesNotComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	konex := must(w.Create(ctx, w.staff, Facts{Name: ptr("Konex")}))(t)
	c := must(w.CreateContact(ctx, w.staff, ContactFacts{Name: ptr("Ada"), Email: ptr("ada@konex.example"), Phone: ptr("1"), Title: ptr("CIO"), AccountID: &konex.ID}))(t)
	// As the privacy room leaves the history of an erased contact whose row has to stay.
	w.exec(`update row_history set new_row = new_row || '{"name": "[erased]", "title": "[erased]", "email": "", "phone": ""}' where row_id = $1`, c.ID)
	must(w.UpdateContact(ctx, w.staff, c.ID, 0, ContactFacts{Name: ptr("Reception"), Email: ptr("desk@konex.example"), Phone: ptr("2"), Title: ptr("Desk"), AccountID: ptr(id.Nil)}))(t)
	got := must(w.RestoreContact(ctx, w.staff, c.ID, 1, 0))(t)
	if !slices.Equal(kept(got), []string{"email", "name", "phone", "title"}) || len(got.Back) != 1 {
		t.Errorf("%+v", got)
	}
	now := must(w.GetContact(ctx, w.staff, c.ID))(t)
	if now.Name != "Reception" || now.Email != "desk@konex.example" || now.Phone != "2" || now.Title != "Desk" || now.AccountID != konex.ID {
		t.Errorf("%+v", now)
	}
}
