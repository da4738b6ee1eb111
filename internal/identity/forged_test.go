package identity

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// T8, for what crosses tenants: whoever can run SQL as a persona can write a membership of their own in anybody's name, for
// app.person_for_email gives the id behind an address. That must tell and change nothing about the person themselves.
func TestForgedMembershipGivesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reach := h.partner("Reach")
	eve, _ := h.join(h.admin(), InviteInput{Email: "eve@reach.test", Name: "Eve", Role: role.Partner, Partner: reach})
	victim := h.mustSignIn("ada@acme.test") // Ada has never worked for Reach
	hash := func() (v string) {
		must(t, h.super.QueryRow(t.Context(), `select password_hash from app.person where email = 'ada@acme.test'`).Scan(&v))
		return v
	}
	before := hash()
	for _, persona := range []pg.Role{pg.Partner, pg.Staff} {
		for name, sql := range map[string]string{
			"reads the hash":        `select app.my_password()`,
			"lists the sessions":    `select session_id::text from app.my_sessions(app.now())`,
			"ends the sessions":     `select v::text from app.end_my_sessions(null, null, app.now()) v`,
			"replaces the password": `select 'changed' where app.change_my_password(app.my_password(), 'x', app.now())`,
		} {
			var got []string
			err := pgx.BeginFunc(t.Context(), h.ops.DB.Pool(persona), func(tx pgx.Tx) error {
				must(t, as(t.Context(), tx, h.acme.TenantID, reach, eve.Member))
				if _, err := tx.Exec(t.Context(), `update member set person_id = app.person_for_email('ada@acme.test', 'x') where tenant_id = app.tenant() and member_id = app.member()`); err != nil {
					return err
				}
				rows, err := tx.Query(t.Context(), sql)
				if err != nil {
					return err
				}
				got, err = pgx.CollectRows(rows, pgx.RowTo[string])
				return err
			})
			if err == nil && len(got) > 0 {
				t.Errorf("%s %s: %q", persona, name, got)
			}
		}
	}
	h.alive(t, victim.Token)
	if hash() != before {
		t.Error("the password is another")
	}
}

func as(ctx context.Context, tx pgx.Tx, tenant, partner, member id.ID) error {
	_, err := tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: tenant, Partner: partner, Member: member, Now: time.Now()}.Args()...)
	return err
}

// A key that ends makes no key that outlives it: what was lent for an hour is not kept for good.
func TestKeyMakesNoneThatOutlivesIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	soon := h.now().Add(time.Hour)
	later := soon.Add(time.Second)
	for name, make := range map[string]func(in KeyInput) (NewKey, error){
		"service": func(in KeyInput) (NewKey, error) { return h.CreateKey(t.Context(), h.admin(), in) },
		"own":     func(in KeyInput) (NewKey, error) { return h.CreateMyKey(t.Context(), h.admin(), in) },
	} {
		made, err := make(KeyInput{Name: name, Role: role.Admin, ExpiresAt: &soon})
		must(t, err)
		who, err := h.ByKey(t.Context(), made.Secret)
		must(t, err)
		for _, ends := range []*time.Time{nil, &later} {
			_, err = h.CreateMyKey(t.Context(), who, KeyInput{Name: "mine", ExpiresAt: ends})
			wantCode(t, err, "key.outlives")
			_, err = h.CreateKey(t.Context(), who, KeyInput{Name: "service", Role: role.Staff, ExpiresAt: ends})
			wantCode(t, err, "key.outlives")
		}
		_, err = h.CreateMyKey(t.Context(), who, KeyInput{Name: "mine", ExpiresAt: &soon})
		must(t, err)
	}
}
