package archive

import (
	"testing"

	"entente.dev/internal/access"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
)

func TestEndPartner(t *testing.T) {
	t.Parallel()
	h, _ := moved(t)
	ctx := t.Context()
	old := partnerOf(t, *h)
	next, err := partner.New(h.ops).Create(ctx, h.admin, partner.Facts{Name: ptr("Next")})
	must(t, err)
	p, err := h.PreviewPartner(ctx, h.admin, old)
	must(t, err)
	if p.Deals != 7 || p.People != 1 {
		t.Errorf("%+v", p)
	}
	_, err = h.EndPartner(ctx, h.admin, old, old)
	wantCode(t, err, "invalid")
	_, err = h.EndPartner(ctx, h.admin, old, next.ID)
	must(t, err)
	var theirs, his, claims, alive, dated int
	must(t, h.super.QueryRow(ctx, `select count(*) filter (where partner_id = $1), count(*) filter (where partner_id = $2),
	  (select count(*) from deal_claim where partner_id = $2), (select count(*) from member where partner_id = $2 and status <> 'removed'),
	  (select count(*) from partner where partner_id = $2 and status = 'ended' and ended_at is not null) from deal`, next.ID, old).Scan(&theirs, &his, &claims, &alive, &dated))
	if theirs != 7 || his+claims+alive != 0 || dated != 1 {
		t.Errorf("%d deals went over, %d stayed, %d claims, %d people, %d ended", theirs, his, claims, alive, dated)
	}
	_, err = h.EndPartner(ctx, h.admin, old, id.Nil)
	wantCode(t, err, "partner.ended")
}

// A30: whoever leaves is out in the transaction that hands their deals over.
func TestLeaver(t *testing.T) {
	t.Parallel()
	h, _ := moved(t)
	ctx := t.Context()
	people := identity.New(h.ops, identity.Options{Tenants: tenant.New(h.ops)})
	_, err := people.Invite(ctx, h.admin, identity.InviteInput{Name: "Grace", Email: "grace@acme.example", Role: "staff"})
	must(t, err)
	var grace id.ID
	must(t, h.super.QueryRow(ctx, `update member set status = 'active' where name = 'Grace' returning member_id`).Scan(&grace))
	if _, err := h.super.Exec(ctx, `update deal set owner_id = $1`, grace); err != nil {
		t.Fatal(err)
	}
	_, err = h.super.Exec(ctx, `insert into saved_view (tenant_id, view_id, member_id, list, name, query) values ($1, $2, $3, 'deals', 'Mine', 'q=x')`, h.admin.Tenant, id.New(), grace)
	must(t, err)
	_, err = h.Leaver(ctx, h.admin, h.admin.Member, id.Nil)
	wantCode(t, err, "person.self")
	_, err = h.Leaver(ctx, h.admin, grace, h.admin.Member)
	must(t, err)
	var mine, views, open int
	must(t, h.super.QueryRow(ctx, `select (select count(*) from deal where owner_id = $1), (select count(*) from saved_view), (select count(*) from invitation where member_id = $2 and revoked_at is null)`,
		h.admin.Member, grace).Scan(&mine, &views, &open))
	if mine != 7 || views+open != 0 {
		t.Errorf("%d deals, %d views, %d invitations", mine, views, open)
	}
	who := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: h.admin.Tenant, Member: grace, Role: "staff"}
	_, err = h.Leaver(ctx, who, h.admin.Member, id.Nil)
	wantCode(t, err, "denied")
}
