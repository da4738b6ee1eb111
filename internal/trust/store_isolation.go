package trust

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	// Every tenant table and what is wrong with its floor, "" when nothing is.
	sqlFloors = `
select c.relname::text,
       concat_ws(' and ', case when not c.relrowsecurity then 'its row-level security is off' when not c.relforcerowsecurity then 'its row-level security is not forced' end,
         case when not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant_floor' and not p.polpermissive and p.polcmd = '*'
                and regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+|app\.', '', 'g') = '(tenant_id=(SELECTtenant()AStenant))'
                and regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\s+|app\.', '', 'g') = '(tenant_id=(SELECTtenant()AStenant))'
                and array(select r.rolname::text from unnest(p.polroles) o join pg_roles r on r.oid = o order by 1)
                    @> array['entente_partner', 'entente_platform', 'entente_public', 'entente_staff', 'entente_worker'])
              then 'it has no floor that keeps tenants apart' end)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and c.relkind in ('r', 'p')
   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull and not a.attisdropped)
 order by 1`

	// What the role may do at all, table by table; what it may not, nobody needs to try.
	sqlReach = `
select c.relname::text, has_any_column_privilege(c.oid, 'select'), has_any_column_privilege(c.oid, 'insert'), has_any_column_privilege(c.oid, 'update'), has_table_privilege(c.oid, 'delete'),
       exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'partner_reach' and pg_get_expr(p.polqual, p.polrelid) like '(partner_id = %')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull and not a.attisdropped)
 order by 1`

	sqlTryRead      = `select count(*) from (select tenant_id from app.%s where tenant_id = $1 limit 1000) x`
	sqlTryUnbound   = `select count(*) from (select tenant_id from app.%s limit 1000) x`
	sqlTryUpdate    = `update app.%s set tenant_id = tenant_id where tenant_id = $1`
	sqlTryDelete    = `delete from app.%s where tenant_id = $1`
	sqlTryInsert    = `insert into app.%s (tenant_id) values ($1)`
	sqlTryNeighbour = `select count(*) from (select tenant_id from app.%s where partner_id is not null limit 1000) x`
)

// readFloors returns the tenant tables whose row-level security is not what it must be, and how many tables there are.
func readFloors(ctx context.Context, o *op.Ops) (wrong []string, tables int, err error) {
	rows, err := o.DB.Pool(pg.Worker).Query(ctx, sqlFloors)
	if err != nil {
		return nil, 0, err
	}
	var name, what string
	_, err = pgx.ForEachRow(rows, []any{&name, &what}, func() error {
		tables++
		if what != "" {
			wrong = append(wrong, name+": "+what)
		}
		return nil
	})
	return wrong, tables, err
}

// grip is what a role may do to a table at all.
type grip struct {
	Table                        string
	Read, Insert, Update, Delete bool
	ByPartner                    bool // a partner's people see its own rows only
}

// attack tries, as one role bound to the attacker, to reach the victim's rows in every table. It is rolled back.
func attack(ctx context.Context, o *op.Ops, role pg.Role, attacker, victim id.ID) (n int, leaks []string, err error) {
	b := pg.Binding{Tenant: attacker, Member: id.New(), Op: id.New()}
	if role == pg.Partner {
		b.Partner = id.New()
	}
	err = tried(ctx, o, role, b, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlReach)
		if err != nil {
			return err
		}
		grips, err := pgx.CollectRows(rows, pgx.RowToStructByPos[grip])
		if err != nil {
			return err
		}
		for _, g := range grips {
			for what, try := range g.tries() {
				n++
				if !try.may {
					continue
				}
				leak, err := tryOne(ctx, tx, fmt.Sprintf(try.sql, ident(g.Table)), victim)
				if err != nil {
					return fmt.Errorf("%s %s: %w", what, g.Table, err)
				}
				if leak != "" {
					leaks = append(leaks, fmt.Sprintf("%s could %s another programme's %s (%s)", strings.TrimPrefix(string(role), "entente_"), what, g.Table, leak))
				}
			}
		}
		return nil
	})
	if err == nil && role != pg.Jobs {
		var more []string
		var tries int
		tries, more, err = attackUnbound(ctx, o, role, victim)
		n, leaks = n+tries, append(leaks, more...)
	}
	slices.Sort(leaks)
	return n, leaks, err
}

type try struct {
	sql string
	may bool
}

func (g grip) tries() map[string]try {
	return map[string]try{"read": {sqlTryRead, g.Read}, "change": {sqlTryUpdate, g.Update}, "delete": {sqlTryDelete, g.Delete}, "add to": {sqlTryInsert, g.Insert}}
}

// tryOne runs one attempt behind a savepoint; leak says what got through, "" when it was refused or met nothing.
func tryOne(ctx context.Context, tx pgx.Tx, sql string, arg any) (leak string, err error) {
	err = pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
		if strings.HasPrefix(sql, "select") {
			var n int
			args := []any{arg}
			if arg == nil {
				args = nil
			}
			if err := sub.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				leak = fmt.Sprintf("%d rows", n)
			}
			return undo{}
		}
		tag, err := sub.Exec(ctx, sql, arg)
		if err == nil && tag.RowsAffected() > 0 {
			leak = fmt.Sprintf("%d rows", tag.RowsAffected())
		}
		if err != nil {
			return err
		}
		return undo{}
	})
	switch code, constraint := state(err); {
	case err == nil:
		return leak, nil
	case code == "":
		if _, ok := err.(undo); ok { //nolint:errorlint // it comes back as it was given
			return leak, nil
		}
		return "", err
	case code == "23502", code == "23503", code == "23505", code == "23514" && constraint != "": // a check came after the row was let in
		return "row-level security let the row in", nil
	case code == "57014", code == "55P03": // it took too long or waited for a lock: nobody knows
		return "the attempt was neither refused nor over in time", nil
	}
	return "", nil
}

// attackUnbound reads as a role that is bound to nobody, and as a made-up partner of the victim.
func attackUnbound(ctx context.Context, o *op.Ops, role pg.Role, victim id.ID) (n int, leaks []string, err error) {
	reach := func(b pg.Binding, sql, what string, wanted func(grip) bool) error {
		return tried(ctx, o, role, b, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, sqlReach)
			if err != nil {
				return err
			}
			grips, err := pgx.CollectRows(rows, pgx.RowToStructByPos[grip])
			if err != nil {
				return err
			}
			for _, g := range grips {
				if !wanted(g) {
					continue
				}
				n++
				leak, err := tryOne(ctx, tx, fmt.Sprintf(sql, ident(g.Table)), nil)
				if err != nil {
					return err
				}
				if leak != "" {
					leaks = append(leaks, fmt.Sprintf("%s %s %s (%s)", strings.TrimPrefix(string(role), "entente_"), what, g.Table, leak))
				}
			}
			return nil
		})
	}
	if err := reach(pg.Binding{}, sqlTryUnbound, "bound to nobody could read", func(g grip) bool { return g.Read }); err != nil {
		return n, leaks, err
	}
	if role != pg.Partner {
		return n, leaks, nil
	}
	err = reach(pg.Binding{Tenant: victim, Partner: id.New(), Member: id.New()}, sqlTryNeighbour, "could read another partner's", func(g grip) bool { return g.Read && g.ByPartner })
	return n, leaks, err
}
