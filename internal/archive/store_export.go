package archive

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

const (
	sqlRows    = `select (to_jsonb(t) - $1::text[])::text from app.%s t where t.tenant_id = (select app.tenant()) and %s order by %s`
	sqlCount   = `select count(*) from app.%s t where t.tenant_id = (select app.tenant()) and %s`
	sqlFiles   = `select file_id from stored_file t where t.tenant_id = (select app.tenant()) and t.state = 'ready' and t.kind <> 'tenant-export' order by file_id`
	sqlKeys    = `select verifier from signing_key order by created_at, verifier`
	sqlPersons = `select person_id, email, name from app.archive_persons()`
)

// person is who signs in, as an archive names them.
type person struct {
	ID    id.ID  `json:"person_id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

func countRows(ctx context.Context, tx *op.Tx, tables []table) (total int64, err error) {
	for _, t := range tables {
		var n int64
		if err := tx.QueryRow(ctx, fmt.Sprintf(sqlCount, quoted(t.Name), t.condition())).Scan(&n); err != nil {
			return 0, fmt.Errorf("count %s: %w", t.Name, err)
		}
		total += n
	}
	return total, nil
}

// eachRow calls fn with every row of the bound tenant as JSON, in the order of the key, without the columns that are not exported.
func eachRow(ctx context.Context, tx *op.Tx, t table, fn func(row []byte) error) error {
	keep := map[string]bool{}
	for _, c := range t.exported() {
		keep[c] = true
	}
	hidden := []string{}
	for _, c := range t.Columns {
		if !keep[c.Name] {
			hidden = append(hidden, c.Name)
		}
	}
	order := make([]string, len(t.Key))
	for i, k := range t.Key {
		order[i] = "t." + quoted(k)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(sqlRows, quoted(t.Name), t.condition(), strings.Join(order, ", ")), hidden)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.RawValues()[0]); err != nil {
			return err
		}
	}
	return rows.Err()
}

// condition selects the rows that are exported.
func (t table) condition() string {
	if o, some := only[t.Name]; some {
		return o.where
	}
	return "true"
}

func verifiers(ctx context.Context, tx *op.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, sqlKeys)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func fileIDs(ctx context.Context, tx *op.Tx) ([]id.ID, error) {
	rows, err := tx.Query(ctx, sqlFiles)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[id.ID])
}

func eachPerson(ctx context.Context, tx *op.Tx, fn func(person) error) error {
	rows, err := tx.Query(ctx, sqlPersons)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		if err := rows.Scan(&p.ID, &p.Email, &p.Name); err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
	}
	return rows.Err()
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
