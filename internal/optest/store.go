package optest

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Line is an entry of the audit log with what it tells.
type Line struct {
	Entry, Tenant               id.ID
	Action, Outcome, ObjectType string
	audit.Payload
}

const sqlTold = `select tenant_id, entry_id, action, outcome, object_type, ` + audit.PayloadColumns + ` from audit_entry where `

// Told returns the entries that a condition names, oldest first, decrypted; super sees every tenant's.
func Told(t testing.TB, o *op.Ops, super *pgx.Conn, where string, args ...any) []Line {
	t.Helper()
	rows, err := super.Query(t.Context(), sqlTold+where+` order by at, entry_id`, args...)
	if err != nil {
		t.Fatal(err)
	}
	var stored []*audit.Stored
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Line, err error) {
		s := &audit.Stored{}
		stored = append(stored, s)
		return l, row.Scan(append([]any{&l.Tenant, &l.Entry, &l.Action, &l.Outcome, &l.ObjectType}, s.Dest()...)...)
	})
	for i := range lines {
		if err == nil {
			lines[i].Payload, err = stored[i].Open(t.Context(), o.Keys, lines[i].Tenant, lines[i].Entry)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
