package partner

import (
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type bundle struct {
	svc   *Service
	db    *pg.DB
	admin access.Actor
}

func setup(t *testing.T) bundle {
	t.Helper()
	db := pgtest.New(t)
	ops := optest.New(t, db)
	tenant, member := id.New(), id.New()
	super := pgtest.Super(t, db)
	if _, err := super.Exec(t.Context(), `insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, tenant); err != nil {
		t.Fatal(err)
	}
	if _, err := super.Exec(t.Context(), `insert into member (tenant_id, member_id, role, name, status) values ($1, $2, 'admin', 'Ada', 'active')`, tenant, member); err != nil {
		t.Fatal(err)
	}
	return bundle{New(ops), db, access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: tenant, Member: member, Role: role.Admin, Name: "Ada", Grants: role.Grants(role.Admin)}}
}

func ptr[T any](v T) *T { return &v }

func partnerActor(of access.Actor, company id.ID) access.Actor {
	return access.Actor{Kind: access.Person, Persona: access.Partner, Tenant: of.Tenant, Partner: company, Member: id.New(), Role: role.Partner, Name: "Pat", Grants: role.Grants(role.Partner)}
}

func TestCreateListUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	north, err := b.svc.Create(ctx, b.admin, Facts{Name: ptr("North GmbH"), Domains: &[]string{"https://www.north.example.com/x"}, Country: ptr("Germany"), ManagerID: &b.admin.Member})
	if err != nil {
		t.Fatal(err)
	}
	if north.Country != "DE" || north.Domains[0] != "example.com" || north.ManagerName != "Ada" {
		t.Fatalf("created %+v", north)
	}
	south, err := b.svc.Create(ctx, b.admin, Facts{Name: ptr("South")})
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.svc.List(ctx, b.admin, Query{Limit: 1})
	if err != nil || len(list.Items) != 1 || list.Items[0].ID != north.ID || list.Next == "" {
		t.Fatalf("first page %+v, %v", list, err)
	}
	list, err = b.svc.List(ctx, b.admin, Query{Limit: 1, Cursor: list.Next})
	if err != nil || len(list.Items) != 1 || list.Items[0].ID != south.ID || list.Next != "" {
		t.Fatalf("second page %+v, %v", list, err)
	}
	own := partnerActor(b.admin, south.ID)
	if list, err := b.svc.List(ctx, own, Query{}); err != nil || len(list.Items) != 1 || list.Items[0].ID != south.ID {
		t.Fatalf("a partner sees its own company only, got %+v, %v", list, err)
	}
	if _, err := b.svc.Get(ctx, own, north.ID); !errs.Is(err, "partner.not_found") {
		t.Fatalf("another partner's company answers %v", err)
	}
	if _, err := b.svc.Update(ctx, b.admin, north.ID, north.Version+1, Facts{Region: ptr("EMEA")}); !errs.IsKind(err, errs.Stale) {
		t.Fatalf("a stale version answers %v", err)
	}
	got, err := b.svc.Update(ctx, b.admin, north.ID, north.Version, Facts{Region: ptr("EMEA")})
	if err != nil || got.Region != "EMEA" || got.Name != "North GmbH" || got.Version != 2 {
		t.Fatalf("updated %+v, %v", got, err)
	}
	if _, err := b.svc.Update(ctx, own, south.ID, 0, Facts{Region: ptr("x")}); !errs.Is(err, "denied") {
		t.Fatalf("a partner updating answers %v", err)
	}
	super := pgtest.Super(t, b.db)
	var done, denied, history int
	if err := super.QueryRow(ctx, `select count(*) filter (where outcome = 'done'), count(*) filter (where outcome = 'denied'), (select count(*) from row_history where table_name = 'partner' and op_id is not null) from audit_entry`).Scan(&done, &denied, &history); err != nil {
		t.Fatal(err)
	}
	if done != 3 || denied != 2 || history != 3 {
		t.Fatalf("audit: %d done, %d denied, %d history rows; want 3, 2, 3", done, denied, history)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.svc.Create(t.Context(), b.admin, Facts{Name: ptr(" "), Kind: ptr("friend"), Domains: &[]string{"nonsense"}, Country: ptr("Atlantis"), ManagerID: ptr(id.New())})
	e := errs.Of(err)
	if e == nil || e.Kind != errs.Invalid || len(e.Fields) != 5 {
		t.Fatalf("want five fields refused at once, got %v", err)
	}
	if _, err := b.svc.List(t.Context(), b.admin, Query{Sort: "password"}); !errs.IsKind(err, errs.Invalid) {
		t.Fatalf("an unknown sort answers %v", err)
	}
}
