package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

const (
	// Every tenant table that the worker persona reads, with its key, its classified columns and their types.
	sqlCatalogue = `
select c.relname::text,
       array(select a.attname::text || ' ' || format_type(a.atttypid, null) from pg_index i cross join lateral unnest(i.indkey) with ordinality as k (n, o)
               join pg_attribute a on a.attrelid = c.oid and a.attnum = k.n where i.indrelid = c.oid and i.indisprimary and a.attname <> 'tenant_id' order by k.o),
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null), 'generated', a.attgenerated <> '', 'writable', has_column_privilege(c.oid, a.attnum, 'update'),
                 'comment', coalesce(col_description(c.oid, a.attnum), '')) order by a.attnum)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull)
   and has_table_privilege(c.oid, 'select')
 order by c.relname`

	// From which columns the periods of a table's rows run, or to which table's rows they belong.
	sqlDeclared = `select tab, events, coalesce(parent, '') from app.retention_tables() order by tab, category`

	// One window of a table: rows after a key whose text matches, or that are linked to one of the subject's ids.
	sqlScan = `select array[%[1]s]::text[], jsonb_build_object(%[2]s) from %[3]s where tenant_id = $1 and (%[4]s)%[5]s order by %[6]s limit %[7]d`

	sqlPeople = `select person_id, member_id, email, name, created_at, last_sign_in_at, elsewhere from app.subject_people($1)`
)

// column is one column of a table of the data map.
type column struct {
	Name, Type      string
	Class, Category string
	Generated       bool
	Writable        bool
}

// text reports whether a subject can be named in the column.
func (c column) text() bool {
	return !c.Generated && (c.Class == "personal" || c.Class == "business" || freeText[c.Name]) && (c.Type == "text" || c.Type == "jsonb" || c.Type == "text[]" || c.Type == "character varying")
}

// freeText are columns that people type into although nothing about people belongs there.
var freeText = map[string]bool{"query": true, "file_name": true, "failure": true, "cells": true, "report": true, "restricted_reason": true, "reason": true}

// derived are columns made from others of the same row: found with them, and erased with them.
var derived = map[string]bool{"search_text": true, "name_norm": true, "claim_key": true}

// table is one table of the data map, as a search sees it.
type table struct {
	name     string
	key      []column // without tenant_id
	columns  []column
	texts    []column
	links    []string          // uuid columns, which may hold one of the subject's ids
	category string            // of most of its personal columns
	events   map[string]string // an event, and the SQL for when it happened to a row
}

func (t table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

func (t table) has(name string) bool { _, ok := t.column(name); return ok }

// catalogue reads every table a subject can stand in.
func catalogue(ctx context.Context, q pg.Querier) ([]table, error) {
	rows, err := q.Query(ctx, sqlCatalogue)
	if err != nil {
		return nil, err
	}
	var out []table
	var name string
	var key []string
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &key, &raw}, func() error {
		var cols []struct {
			Name, Type, Comment string
			Generated, Writable bool
		}
		if err := json.Unmarshal(raw, &cols); err != nil {
			return err
		}
		t := table{name: name}
		for _, c := range cols {
			col := column{Name: c.Name, Type: c.Type, Generated: c.Generated, Writable: c.Writable}
			for _, w := range strings.Fields(c.Comment) {
				switch k, v, _ := strings.Cut(w, "="); k {
				case "class":
					col.Class = v
				case "category":
					col.Category = v
				}
			}
			t.columns = append(t.columns, col)
			if t.category == "" || col.Class == "personal" && !t.personal() {
				t.category = col.Category
			}
			if col.text() {
				t.texts = append(t.texts, col)
			}
			if c.Type == "uuid" && c.Name != "tenant_id" {
				t.links = append(t.links, c.Name)
			}
		}
		for _, k := range key {
			n, typ, _ := strings.Cut(k, " ")
			t.key = append(t.key, column{Name: n, Type: typ})
		}
		if len(t.texts) > 0 && len(t.key) > 0 {
			out = append(out, t)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, declare(ctx, q, out)
}

func (t table) personal() bool {
	return slices.ContainsFunc(t.texts, func(c column) bool { return c.Class == "personal" })
}

// declare fills in the events of tables: their own columns, or those of the row that theirs belong to.
func declare(ctx context.Context, q pg.Querier, tables []table) error {
	rows, err := q.Query(ctx, sqlDeclared)
	if err != nil {
		return err
	}
	var name, parent string
	var events map[string]string
	own, parents := map[string]map[string]string{}, map[string]string{}
	_, err = pgx.ForEachRow(rows, []any{&name, &events, &parent}, func() error {
		if own[name] == nil {
			own[name] = map[string]string{}
		}
		maps.Copy(own[name], events)
		parents[name], events = parent, nil
		return nil
	})
	for i := range tables {
		t := &tables[i]
		t.events = map[string]string{}
		for e, c := range own[t.name] {
			t.events[e] = quote(t.name) + "." + quote(c)
		}
		above := slices.IndexFunc(tables, func(x table) bool { return x.name == parents[t.name] })
		if above < 0 || len(tables[above].key) != 1 || !t.has(tables[above].key[0].Name) {
			continue
		}
		p, key := tables[above], quote(tables[above].key[0].Name)
		for e, c := range own[p.name] {
			t.events[e] = fmt.Sprintf("(select above.%s from app.%s above where above.tenant_id = %s.tenant_id and above.%s = %s.%s)", quote(c), quote(p.name), quote(t.name), key, quote(t.name), key)
		}
	}
	return err
}

// found is one row that a scan returns: its key and its columns as JSON.
type found struct {
	key    []string
	values map[string]json.RawMessage
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// window is what one scan of a table looks for.
type window struct {
	pattern string // "" for every row
	links   bool   // also rows that carry one of ids in a uuid column
	ids     []id.ID
	after   []string // the key of the last row seen, nil for the beginning
	limit   int
	extra   string // one more condition on constants of this package
}

// scan returns the next rows of a table that may name the subject, in the order of its key.
func scan(ctx context.Context, q pg.Querier, tenant id.ID, t table, w window) ([]found, error) {
	var keys, order, cols, conds []string
	for _, k := range t.key {
		keys, order = append(keys, quote(k.Name)+"::text"), append(order, quote(k.Name))
	}
	for _, c := range t.columns {
		if c.Class != "secret" && c.Type != "bytea" {
			cols = append(cols, "'"+c.Name+"', to_jsonb("+quote(c.Name)+")")
		}
	}
	for _, e := range slices.Sorted(maps.Keys(t.events)) {
		cols = append(cols, "'@"+e+"', to_jsonb("+t.events[e]+")")
	}
	args := []any{tenant}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	if w.pattern != "" {
		var texts []string
		for _, c := range t.texts {
			if !derived[c.Name] {
				texts = append(texts, quote(c.Name)+"::text")
			}
		}
		if len(texts) == 0 {
			return nil, nil // whatever stands here stands in another table too
		}
		conds = append(conds, "concat_ws(E'\\x1f', "+strings.Join(texts, ", ")+") ~* "+arg(w.pattern))
	}
	if w.links && len(w.ids) > 0 {
		ids := arg(w.ids)
		for _, l := range t.links {
			conds = append(conds, quote(l)+" = any ("+ids+"::uuid[])")
		}
	}
	if len(conds) == 0 {
		conds = []string{"true"}
	}
	after := ""
	if w.after != nil {
		var vs []string
		for i, k := range t.key {
			vs = append(vs, arg(w.after[i])+"::text::"+k.Type)
		}
		after = " and (" + strings.Join(order, ", ") + ") > (" + strings.Join(vs, ", ") + ")"
	}
	rows, err := q.Query(ctx, fmt.Sprintf(sqlScan, strings.Join(keys, ", "), strings.Join(cols, ", "), "app."+quote(t.name),
		strings.Join(conds, " or "), after+w.extra, strings.Join(order, ", "), w.limit), args...)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", t.name, err)
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (f found, err error) {
		var raw []byte
		if err = r.Scan(&f.key, &raw); err == nil {
			err = json.Unmarshal(raw, &f.values)
		}
		return f, err
	})
}

// loginsOf returns the logins behind members.
func loginsOf(ctx context.Context, q pg.Querier, members []id.ID) ([]login, error) {
	if len(members) == 0 {
		return nil, nil
	}
	rows, err := q.Query(ctx, sqlPeople, members)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (l login, err error) {
		err = r.Scan(&l.Person, &l.Member, &l.Email, &l.Name, &l.CreatedAt, &l.LastSignInAt, &l.UsedElsewhere)
		return l, err
	})
}
