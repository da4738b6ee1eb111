package archive

import (
	"bytes"
	"encoding/json"
	"slices"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
)

// changer makes a row of an archive into one of this installation.
type changer struct {
	table   string
	keys    keyring.Sealer
	sealed  map[string]*sealedColumn
	added   []string // secrets that must have a value and have none in the archive
	bytea   map[string]bool
	persons map[id.ID]id.ID
	begins  map[string]string
	take    func(id.ID) (key string, version int, err error) // of stored files
}

func changerOf(t table, m Member, keys keyring.Sealer, persons map[id.ID]id.ID) changer {
	ch := changer{table: t.Name, keys: keys, sealed: sealedOf(t), begins: map[string]string{}, bytea: map[string]bool{}}
	for _, c := range t.Columns {
		if c.Secret && c.NotNull && !slices.Contains(m.Columns, c.Name) {
			ch.added = append(ch.added, c.Name)
			ch.bytea[c.Name] = c.Type == "bytea"
		}
	}
	for _, c := range t.Columns {
		if v := begins[t.Name+"."+c.Name]; v != "" {
			ch.begins[c.Name] = v
		}
	}
	if _, has := t.column("person_id"); has && len(persons) > 0 {
		ch.persons = persons
	}
	return ch
}

// change returns the row as this installation keeps it. It refuses one of another tenant.
func (ch changer) change(line []byte, tenant id.ID) ([]byte, error) {
	if !bytes.Contains(line, []byte(tenant.String())) {
		return nil, errRow // the policy of the database says the same; this says it with the reason
	}
	if len(ch.sealed) == 0 && len(ch.added) == 0 && ch.persons == nil && ch.take == nil && len(ch.begins) == 0 {
		if !json.Valid(line) || line[0] != '{' {
			return nil, errRow
		}
		return line, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil, errRow
	}
	if err := closeUp(ch.keys, ch.table, ch.sealed, fields); err != nil {
		return nil, err
	}
	for _, name := range ch.added {
		v := randomHex()
		if ch.bytea[name] {
			v = `\x` + v
		}
		fields[name], _ = json.Marshal(v)
	}
	for name, v := range ch.begins {
		fields[name] = json.RawMessage(v)
	}
	if ch.take != nil {
		var v id.ID
		if err := json.Unmarshal(fields["file_id"], &v); err != nil {
			return nil, errRow
		}
		key, version, err := ch.take(v)
		if err != nil {
			return nil, err
		}
		fields["blob_key"], _ = json.Marshal(key)
		fields["key_version"], _ = json.Marshal(version)
	}
	if ch.persons != nil {
		var v id.ID
		if err := json.Unmarshal(fields["person_id"], &v); err == nil {
			if here, moved := ch.persons[v]; moved {
				fields["person_id"], _ = json.Marshal(here)
			}
		}
	}
	return json.Marshal(fields)
}
