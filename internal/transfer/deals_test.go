package transfer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

const team = "regional_office,sales_agent,manager\nNorth,Abe Agent,Mia Manager\nSouth,Sue Seller,Max Manager\nSouth,Abe Agent,Max Manager\n"

// stocked has partners, people and an account.
func stocked(t *testing.T) *world {
	w := newWorld(t)
	w.want(w.load(w.ada, Partners, "", team), Committed, 3, 0, 0, 0)
	w.want(w.load(w.ada, Accounts, "", "name,country\nKonex,DE\n"), Committed, 1, 0, 0, 0)
	w.want(w.load(w.ada, Products, "", "product,series,sales_price\nGTX Pro,GTX,4821\n"), Committed, 1, 0, 0, 0)
	return w
}

// Every way in which a deal's row is refused, with column, value and code (invariant 2).
func TestDealRowsAreRefusedWithAReason(t *testing.T) {
	t.Parallel()
	w := stocked(t)
	head := "id,partner,sales_agent,deal_stage,close_date,close_value,currency,account,product\n"
	rows := []struct{ row, column, value, code string }{
		{"1,,Sue Seller,Won,2026-01-31,100,,Konex,GTX Pro", "", "", ""},
		{"2,,Nobody Here,Won,2026-01-31,100,,,", "sales_agent", "Nobody Here", "owner.unknown"},
		{"3,,Abe Agent,Won,2026-01-31,100,,,", "sales_agent", "Abe Agent", "owner.ambiguous"},
		{"4,North,Abe Agent,Won,2026-01-31,100,,,", "", "", ""},
		{"5,Nort,,Won,2026-01-31,100,,,", "partner", "Nort", "partner.unknown"},
		{"6,North,Sue Seller,Won,2026-01-31,100,,,", "sales_agent", "Sue Seller", "owner.unknown"},
		{"7,,Sue Seller,Dreaming,2026-01-31,100,,,", "deal_stage", "Dreaming", "stage.unknown"},
		{"8,,Sue Seller,Won,,100,,,", "close_date", "", "closed_on.required"},
		{"9,,Sue Seller,Won,2026-02-30,100,,,", "close_date", "2026-02-30", "date.malformed"},
		{"10,,Sue Seller,Won,01/02/2026,100,,,", "close_date", "01/02/2026", "date.ambiguous"},
		{"11,,Sue Seller,Won,31/01/2026,100,,,", "", "", ""},
		{"12,,Sue Seller,Won,2026-01-31,-5,,,", "close_value", "-5", "money.range"},
		{"13,,Sue Seller,Won,2026-01-31,a lot,,,", "close_value", "a lot", "money.malformed"},
		{"14,,Sue Seller,Won,2026-01-31,1.234,,,", "close_value", "1.234", "money.ambiguous"},
		{"15,,Sue Seller,Won,2026-01-31,100,XXX,,", "currency", "XXX", "currency.unknown"},
		{"16,,Sue Seller,Won,2026-01-31,99999999999999999999,,,", "close_value", "99999999999999999999", "money.range"},
		{"1,,Sue Seller,Lost,2026-01-31,0,,,", "id", "1", "external_id.repeated"},
		{"17,,Sue Seller,Negotiate,,,,Newcomer,GTXPro", "", "", ""},
		{"18,,,Prospecting,,,,,", "", "", ""},
		{"19,,Sue Seller,Won,1960-01-01,1,,,", "close_date", "1960-01-01", "date.range"},
		{"20,,Sue Seller,Won,2026-01-31,1,,,\"" + strings.Repeat("p", 121) + "\"", "product", "", "product.too_long"},
	}
	var file strings.Builder
	file.WriteString(head)
	refused := 0
	for _, r := range rows {
		file.WriteString(r.row + "\n")
		if r.code != "" {
			refused++
		}
	}
	r := w.load(w.ada, Deals, "", file.String())
	w.want(r, Committed, len(rows)-refused, 0, 0, refused)
	got, err := w.s.Rows(context.Background(), w.ada, RowQuery{Import: r.ID, Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range got.Items {
		want := rows[i]
		if row.No != i+2 {
			t.Errorf("row %d is numbered %d", i+2, row.No)
		}
		if want.code == "" {
			if row.Outcome != Created {
				t.Errorf("%s: %s %+v", want.row, row.Outcome, row.Problems)
			}
			continue
		}
		if row.Outcome != Refused || len(row.Problems) != 1 {
			t.Errorf("%s: %s %+v", want.row, row.Outcome, row.Problems)
			continue
		}
		p := row.Problems[0]
		if p.Column != want.column || want.value != "" && p.Value != want.value || p.Code != want.code || len(p.Message) < 20 {
			t.Errorf("%s: %+v", want.row, p)
		}
	}
	rep := r.ReportData()
	if rep.Made["accounts"] != 1 || one[int](w, `select count(*) from account where tenant_id = $1 and name = 'Newcomer' and source = 'import'`, w.ada.Tenant) != 1 {
		t.Errorf("Newcomer: %v", rep.Made)
	}
	if u := rep.Unknown("product"); len(u) != 1 || u[0].Suggestion != "GTX Pro" {
		t.Errorf("products: %+v", u)
	}
	if n := one[int](w, `select count(*) from deal where tenant_id = $1 and state = 'approved' and partner_id is null and product = ''`, w.ada.Tenant); n != 1 {
		t.Errorf("the vendor's own pursuit: %d", n)
	}
}

// A mapping changes what columns, stages, products and customers mean.
func TestMappingRules(t *testing.T) {
	t.Parallel()
	w := stocked(t)
	file := "ref;rep;phase;when;worth;client;item\nA1;sue seller;Hot;31.01.2026;1.250,50;Konex AG;GTXPro\nA2;Abe Agent;Gone;01.02.2026;;Konex AG;Other\n"
	r := w.check(w.ada, Deals, `{"columns":{"ref":"external_id","rep":"owner","phase":"stage","when":"close_on","worth":"amount","client":"account","item":"product"},
		"values":{"stage":{"hot":"Negotiate","Gone":"lost"},"product":{"GTXPro":"GTX Pro"},"account":{"Konex AG":"Konex"},"owner":{"Abe Agent":"Mia Manager"}},
		"defaults":{"currency":"EUR","date":"DD.MM.YYYY"}}`, strings.NewReader(file))
	w.want(w.commit(w.ada, r.ID), Committed, 2, 0, 0, 0)
	for want, sql := range map[string]string{
		"Negotiate/approved/125050/EUR/GTX Pro/Konex/2026-01-31/South": `select s.name || '/' || d.state || '/' || d.amount_minor || '/' || d.currency || '/' || d.product || '/' || d.account_name || '/' || d.expected_close_on || '/' || p.name
			from deal d join stage s using (tenant_id, stage_id) join partner p using (tenant_id, partner_id) where d.tenant_id = $1 and d.external_id = 'A1'`,
		"Lost/lost/2026-02-01/Other": `select s.name || '/' || d.state || '/' || d.closed_on || '/' || d.product from deal d join stage s using (tenant_id, stage_id) where d.tenant_id = $1 and d.external_id = 'A2'`,
	} {
		if got := one[string](w, sql, w.ada.Tenant); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	// Stages that the programme lacks are added once, before won and lost; only by somebody who may.
	staged := "id,stage\nB1,Discovery\nB2,Closing call\nB3,Discovery\n"
	made := w.load(w.ada, Deals, `{"options":{"create_stages":true}}`, staged)
	w.want(made, Committed, 3, 0, 0, 0)
	if got := one[string](w, `select string_agg(name, ' ' order by position) from stage where tenant_id = $1`, w.ada.Tenant); got != "Qualify Propose Negotiate Discovery Closing call Won Lost" {
		t.Errorf("stages: %s", got)
	}
	sam := w.ada
	sam.Role, sam.Grants = role.Staff, role.Grants(role.Staff)
	_, err := w.s.Upload(t.Context(), sam, UploadInput{Kind: Deals, Mapping: mustMap(t, `{"options":{"create_stages":true}}`), File: strings.NewReader(staged)})
	wantCode(t, err, errs.Forbidden, "import.stages")
	// Customers that are not known can be refused or left out.
	w.want(w.load(w.ada, Deals, `{"options":{"missing_accounts":"leave"}}`, "id,account\nC1,Nobody knows\n"), Committed, 1, 0, 0, 0)
	w.want(w.check(w.ada, Deals, `{"options":{"missing_accounts":"refuse"}}`, strings.NewReader("id,account\nC2,Nobody knows\n")), Checked, 0, 0, 0, 1)
	if n := one[int](w, `select count(*) from account where tenant_id = $1 and name = 'Nobody knows'`, w.ada.Tenant); n != 0 {
		t.Error("the account was made all the same")
	}
}

// Known deals are updated by what the file says, and undone to what they were; an empty cell says nothing (invariants 3, 4, 6).
func TestUpdateAndUndo(t *testing.T) {
	t.Parallel()
	w := stocked(t)
	first := w.load(w.ada, Deals, "", "id,sales_agent,stage,close_date,amount,account,title\nD1,Sue Seller,Qualify,2026-05-01,100,Konex,One\nD2,Sue Seller,Qualify,2026-05-01,200,Konex,Two\nD3,Sue Seller,Qualify,,300,,Three\n")
	w.want(first, Committed, 3, 0, 0, 0)
	again := "id,sales_agent,stage,close_date,amount,account,title\nD1,,Won,2026-05-02,,,\nD2,,,,,,\nD3,,Negotiate,,350,Konex,Three\n"
	keep := w.load(w.ada, Deals, `{"options":{"existing":"keep"}}`, again)
	w.want(keep, Committed, 0, 0, 3, 0)
	second := w.load(w.ada, Deals, "", again)
	w.want(second, Committed, 0, 2, 1, 0)
	state := func(external string) string {
		return one[string](w, `select d.state || ' ' || s.name || ' ' || coalesce(d.amount_minor, -1) || ' ' || coalesce(d.closed_on::text, '-') || ' ' || coalesce(d.expected_close_on::text, '-') || ' ' || d.account_name || ' ' || d.title
			from deal d join stage s using (tenant_id, stage_id) where d.tenant_id = $1 and d.external_id = $2`, w.ada.Tenant, external)
	}
	if got := state("D1"); got != "won Won 10000 2026-05-02 2026-05-01 Konex One" {
		t.Error(got)
	}
	if got := state("D3"); got != "approved Negotiate 35000 - - Konex Three" {
		t.Error(got)
	}
	w.exec(`update deal set title = 'Touched', version = version + 1 where tenant_id = $1 and external_id = 'D3'`, w.ada.Tenant)
	undone := w.undo(w.ada, second.ID)
	if u := undone.ReportData().Undo; u.Restored != 1 || u.Kept != 1 || u.Removed != 0 {
		t.Errorf("%+v", u)
	}
	if got := state("D1"); got != "approved Qualify 10000 - 2026-05-01 Konex One" {
		t.Error(got)
	}
	rows, err := w.s.Rows(t.Context(), w.ada, RowQuery{Import: second.ID, Problems: true})
	if err != nil || len(rows.Items) != 1 || rows.Items[0].No != 4 || rows.Items[0].Problems[0].Code != "undo.kept" {
		t.Errorf("what stays is reported on its row: %+v %v", rows.Items, err)
	}
	if u := w.undo(w.ada, first.ID).ReportData().Undo; u.Removed != 1 || u.Kept != 2 { // D2 only: the others were touched
		t.Errorf("%+v", u)
	}
	_, err = w.s.Undo(t.Context(), w.ada, StepInput{ID: first.ID})
	wantCode(t, err, errs.Conflict, "import.state")
	late := w.load(w.ada, Deals, "", "id,title\nE1,Late\n")
	w.now = w.now.Add(UndoDays*24*time.Hour + time.Minute)
	_, err = w.s.Undo(t.Context(), w.ada, StepInput{ID: late.ID})
	wantCode(t, err, errs.Conflict, "import.too_late")
}

// A registration that lives in the programme is not decided by an import.
func TestImportsDoNotDecideRegistrations(t *testing.T) {
	t.Parallel()
	w := stocked(t)
	stage := one[id.ID](w, `select stage_id from stage where tenant_id = $1 and name = 'Qualify'`, w.ada.Tenant)
	north := one[id.ID](w, `select partner_id from partner where tenant_id = $1 and name = 'North'`, w.ada.Tenant)
	for i, state := range []string{"submitted", "approved"} {
		w.exec(`insert into deal (tenant_id, deal_id, partner_id, title, state, stage_id, currency, external_id) values ($1, $2, $3, 'Ours', $4, $5, 'USD', $6)`,
			w.ada.Tenant, id.New(), north, state, stage, fmt.Sprintf("P%d", i))
	}
	r := w.load(w.ada, Deals, "", "id,stage,close_date,partner\nP0,Propose,2026-03-01,North\nP1,Won,2026-03-01,North\nP1x,Won,2026-03-01,South\n")
	w.want(r, Committed, 1, 1, 0, 1)
	r = w.check(w.ada, Deals, "", strings.NewReader("id,partner\nP1,South\n"))
	w.want(r, Checked, 0, 0, 0, 1)
}

// A job that is cut off between chunks goes on where it stopped, and nothing is done twice (F1).
func TestResumeAfterAKill(t *testing.T) {
	t.Parallel()
	w := stocked(t)
	var file strings.Builder
	file.WriteString("id,title,amount\n")
	const n = 4*chunkSize + 17
	for i := range n {
		fmt.Fprintf(&file, "K%d,Deal %d,10\n", i, i)
	}
	r, err := w.s.Upload(t.Context(), w.ada, UploadInput{Kind: Deals, FileName: "k.csv", File: strings.NewReader(file.String()), Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	run := func(phase func(ctx context.Context) error, done string) {
		t.Helper()
		for cut := range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			err := phase(&cutAfter{Context: ctx, calls: 25 * (cut + 1), cancel: cancel})
			cancel()
			if got := w.get(w.ada, r.ID); got.Status == done {
				if cut == 0 {
					t.Fatal("the job was not cut off")
				}
				return
			}
			if err == nil {
				t.Fatalf("the job ended and the run is %s", w.get(w.ada, r.ID).Status)
			}
		}
		if err := phase(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run(func(ctx context.Context) error { return w.s.RunCheck(ctx, job(w.ada.Tenant, CheckArgs{r.ID})) }, Checked)
	w.want(w.get(w.ada, r.ID), Checked, n, 0, 0, 0)
	if _, err := w.s.Commit(t.Context(), w.ada, StepInput{ID: r.ID, Direct: true}); err != nil {
		t.Fatal(err)
	}
	run(func(ctx context.Context) error { return w.s.RunCommit(ctx, job(w.ada.Tenant, CommitArgs{r.ID})) }, Committed)
	w.want(w.get(w.ada, r.ID), Committed, n, 0, 0, 0)
	if got := one[int](w, `select count(*) from deal where tenant_id = $1`, w.ada.Tenant); got != n {
		t.Fatalf("%d deals, want %d", got, n)
	}
	if got := one[int](w, `select count(*) from audit_entry where tenant_id = $1 and object_type = 'deal'`, w.ada.Tenant); got != n {
		t.Errorf("%d audit entries, want one a deal", got)
	}
	if err := w.s.RunCommit(t.Context(), job(w.ada.Tenant, CommitArgs{r.ID})); err != nil {
		t.Errorf("the job once more: %v", err)
	}
	if _, err := w.s.Undo(t.Context(), w.ada, StepInput{ID: r.ID, Direct: true}); err != nil {
		t.Fatal(err)
	}
	run(func(ctx context.Context) error { return w.s.RunUndo(ctx, job(w.ada.Tenant, UndoArgs{r.ID})) }, Undone)
	if got := one[int](w, `select count(*) from deal where tenant_id = $1`, w.ada.Tenant); got != 0 {
		t.Errorf("%d deals are left", got)
	}
}

// cutAfter is a context that ends once it has been looked at so often: a job that is killed somewhere.
type cutAfter struct {
	context.Context
	calls  int
	cancel context.CancelFunc
}

func (c *cutAfter) Err() error {
	if c.calls--; c.calls == 0 {
		c.cancel()
	}
	return c.Context.Err()
}

func (c *cutAfter) Done() <-chan struct{} {
	_ = c.Err()
	return c.Context.Done()
}

// Nobody but the vendor's people of the programme reaches an import, and two programmes are mirrors that never meet.
func TestImportsAreTheVendorsAndTheProgrammes(t *testing.T) {
	t.Parallel()
	w := stocked(t)
	mine := w.load(w.ada, Deals, "", "id,title\nX1,Mine\n")
	theirs := w.load(w.bob, Deals, "", "id,title\nX1,Theirs\n")
	w.want(theirs, Committed, 1, 0, 0, 0)
	w.want(w.check(w.bob, Deals, "", strings.NewReader("id,sales_agent\nX2,Sue Seller\n")), Checked, 0, 0, 0, 1)
	w.want(w.check(w.bob, Deals, "", strings.NewReader("id,partner\nX2,North\n")), Checked, 0, 0, 0, 1)
	north := one[id.ID](w, `select partner_id from partner where tenant_id = $1 and name = 'North'`, w.ada.Tenant)
	pat := access.Actor{Kind: access.Person, Persona: access.Partner, Tenant: w.ada.Tenant, Partner: north, Member: id.New(), Role: role.Partner, Name: "Pat", Grants: role.Grants(role.Partner)}
	forged := pat // a grant that no role has: the database still says no
	forged.Grants = role.Grants(role.Admin)
	for who, want := range map[*access.Actor]errs.Kind{&w.bob: errs.NotFound, &pat: errs.Forbidden, &forged: errs.Internal, {}: errs.Unauthenticated} {
		ctx := t.Context()
		calls := map[string]error{}
		_, calls["get"] = w.s.Get(ctx, *who, mine.ID)
		_, calls["rows"] = w.s.Rows(ctx, *who, RowQuery{Import: mine.ID})
		_, calls["commit"] = w.s.Commit(ctx, *who, StepInput{ID: mine.ID})
		_, calls["undo"] = w.s.Undo(ctx, *who, StepInput{ID: mine.ID})
		_, calls["map"] = w.s.Map(ctx, *who, MapInput{ID: mine.ID})
		calls["refused"] = w.s.EachRefused(ctx, *who, mine.ID, func(Run, Row) error { return nil })
		if want != errs.NotFound {
			_, calls["upload"] = w.s.Upload(ctx, *who, UploadInput{Kind: Deals, File: strings.NewReader("id,title\nZ,Z\n")})
			_, calls["list"] = w.s.List(ctx, *who, Query{})
		}
		for name, err := range calls {
			refused := err != nil && (errs.Of(err).Kind == want || want == errs.Internal && errs.IsKind(err, errs.Forbidden))
			if !refused {
				t.Errorf("%s as %s: %v", name, who.Name, err)
			}
		}
	}
	list, err := w.s.List(t.Context(), w.bob, Query{Limit: 2})
	if err != nil || len(list.Items) != 2 || list.Next == "" {
		t.Fatalf("%+v %v", list, err)
	}
	more, err := w.s.List(t.Context(), w.bob, Query{Limit: 2, Cursor: list.Next})
	if err != nil || len(more.Items) != 1 || more.Items[0].ID != theirs.ID {
		t.Errorf("%+v %v", more, err)
	}
	if _, err := w.s.List(t.Context(), w.ada, Query{Cursor: list.Next}); !errs.Is(err, "cursor.bad") {
		t.Errorf("a cursor of the mirror: %v", err)
	}
}
