package pg_test

import (
	"testing"

	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

// A temporary table stands before schema app for everybody who gets the connection next, whatever their tenant.
func TestNoPersonaMakesTemporaryTables(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	conn := connect(t, url)
	exec(t, conn, `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`)
	db := open(t, url)
	for _, role := range []pg.Role{pg.Staff, pg.Partner, pg.Public, pg.Worker, pg.Platform, pg.Jobs} {
		if _, err := db.Pool(role).Exec(t.Context(), `create temporary table deal (deal_id uuid)`); err == nil {
			t.Errorf("%s puts a table of its own before app.deal", role)
		}
	}
}
