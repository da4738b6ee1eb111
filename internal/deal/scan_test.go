package deal

import (
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Both ways of reading a row give the same deal, with every column filled and with every column empty.
func TestScanBothWays(t *testing.T) {
	w := newWorld(t)
	full := w.approved(w.partner, "kunde.de")
	w.exec(`update deal set external_id = 'x', import_id = deal_id, product = 'GTX', expected_close_on = '1999-12-31', closed_on = '2199-02-28', state = 'won',
		reason = 'r', reason_code = 'c', created_at = '1987-06-05 04:03:02.000001+00' where deal_id = $1`, full.ID)
	empty, err := w.s.Create(t.Context(), w.staff, CreateInput{Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []Deal{full, empty} {
		read := func(mode pgx.QueryExecMode, scan pgx.RowToFunc[Deal]) Deal {
			rows, err := w.super.Query(t.Context(), sqlGet, mode, w.staff.Tenant.String(), d.ID.String())
			if err != nil {
				t.Fatal(err)
			}
			got, err := pgx.CollectExactlyOneRow(rows, scan)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		plain := read(pgx.QueryExecModeCacheStatement, func(row pgx.CollectableRow) (d Deal, err error) {
			err = row.Scan(dealFields(&d)...)
			d.utc()
			return d, err
		})
		fast, text := read(pgx.QueryExecModeCacheStatement, scanDeal), read(pgx.QueryExecModeSimpleProtocol, scanDeal)
		if !reflect.DeepEqual(plain, fast) || !reflect.DeepEqual(plain, text) {
			t.Errorf("%+v\n%+v\n%+v", plain, fast, text)
		}
	}
}
