package privacy

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// The SQL of the partners' role makes no request about somebody else, none that is proved, and no package of another file.
func TestPartnerForgesNoRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.text(`select email from member where member_id = $1`, w.partner.Member)
	f := id.New()
	const insert = `insert into app.privacy_request (tenant_id, request_id, number, kind, source, state, member_id, subject_email, received_at, due_at, identity_how, identity_at, package_file)
values (app.tenant(), gen_random_uuid(), $1, 'access', $2, $3, app.member(), $4, app.now(), app.now() + interval '20 days', '', $5::timestamptz, $6)`
	undone := errors.New("undone")
	try := func(sql string, args ...any) (taken bool) {
		t.Helper()
		err := pgx.BeginFunc(t.Context(), w.ops.DB.Pool(pg.Partner), func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), pg.SQLBind, pg.Binding{Tenant: w.partner.Tenant, Partner: w.partner.Partner, Member: w.partner.Member, Op: id.New(), Now: w.ops.Clock()}.Args()...); err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
				return err
			}
			return undone
		})
		if !errors.Is(err, undone) && !strings.Contains(err.Error(), "42501") {
			t.Errorf("refused for another reason: %v", err)
		}
		return errors.Is(err, undone)
	}
	if !try(insert, 901, selfService, "verifying", address, nil, nil) {
		t.Error("a person's own request is refused")
	}
	for what, args := range map[string][]any{
		"for another address": {902, selfService, "verifying", "victim@konex.example", nil, nil},
		"from another source": {903, "staff", "verifying", address, nil, nil},
		"in progress":         {904, selfService, "in-progress", address, nil, nil},
		"proved already":      {905, selfService, "verifying", address, start, nil},
		"with a file":         {906, selfService, "verifying", address, nil, f},
	} {
		if try(insert, args...) {
			t.Errorf("a request %s is taken", what)
		}
	}
	r, err := op.Write(t.Context(), w.ops, w.partner, ActAsk, func(tx *op.Tx) (Request, error) {
		if err := tx.Allow(access.Object{Partner: w.partner.Partner, Owner: w.partner.Member}); err != nil {
			return Request{}, err
		}
		sub := Subject{Email: address, Self: true}
		return w.s.begin(t.Context(), tx, Ask{Kind: Access, Source: selfService, Subject: sub}, Verifying, func(r *Request) { r.MemberID = w.partner.Member })
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{`subject_email = 'victim@konex.example'`, `subject_name = 'Carla Customer'`, `subject_phone = '0612345678'`, `source = 'staff'`, `namesakes = true`,
		`package_file = '` + f.String() + `'`, `link_hash = '\x00'`} {
		if try(`update app.privacy_request set `+set+` where request_id = $1`, r.ID) {
			t.Errorf("%s is taken", set)
		}
	}
}
