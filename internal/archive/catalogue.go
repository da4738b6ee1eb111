package archive

import (
	"cmp"
	"fmt"
	"slices"
)

// table is a tenant table as the catalogue has it.
type table struct {
	Name    string
	Key     []string // of the primary key
	Columns []column
	Links   []link
}

// column is one column of a table.
type column struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	NotNull   bool   `json:"not_null"`
	Generated bool   `json:"generated"`
	Secret    bool   `json:"secret"`
	Category  string `json:"category"`
	Class     string `json:"class"`
}

// link is a foreign key to another tenant table.
type link struct {
	Column     string `json:"column"` // besides tenant_id
	To         string `json:"to"`
	Deferrable bool   `json:"deferrable"`
	NotNull    bool   `json:"not_null"`
}

// exported are the columns that an archive holds: all but secrets, what the database computes, and transaction numbers, which
// mean something in one database only.
func (t table) exported() []string {
	var out []string
	for _, c := range t.Columns {
		if (!c.Secret || opened[t.Name+"."+c.Name] != nil) && !c.Generated && c.Type != "xid8" && local[t.Name+"."+c.Name] == "" {
			out = append(out, c.Name)
		}
	}
	return out
}

func (t table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.Columns, func(c column) bool { return c.Name == name })
	if i < 0 {
		return column{}, false
	}
	return t.Columns[i], true
}

// local are columns that mean something in one installation only, each with what it is instead elsewhere.
var local = map[string]string{
	"stored_file.blob_key":    "where the content lies in this installation; it is in files/",
	"stored_file.key_version": "the key of this installation that encrypts the content; it is in files/, opened",
	"audit_tree.fence":        "which run of this installation's sequencer made it",
}

// begins are what local columns that must have a value begin with elsewhere, as JSON.
var begins = map[string]string{"audit_tree.fence": "0"}

// only are tables of which not every row is exported: the condition, and why.
var only = map[string]struct{ where, reason string }{
	"stored_file": {"t.state = 'ready' and t.kind <> 'tenant-export'", "only files that are kept, and no earlier archives"},
}

// inOrder returns the tables so that each stands behind those it refers to; foreign keys that may be looked at later do not
// count. An error names a circle, which a migration must make deferrable.
func inOrder(all []table) ([]table, error) {
	left := slices.Clone(all)
	slices.SortFunc(left, func(a, b table) int { return cmp.Compare(a.Name, b.Name) })
	var out []table
	for len(left) > 0 {
		i := slices.IndexFunc(left, func(t table) bool {
			return !slices.ContainsFunc(t.Links, func(l link) bool {
				return !l.Deferrable && l.To != t.Name && slices.ContainsFunc(left, func(o table) bool { return o.Name == l.To })
			})
		})
		if i < 0 {
			return nil, fmt.Errorf("the foreign keys of %s go in a circle: make one deferrable, as 0189_archive.sql does", left[0].Name)
		}
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	// The tenant is made by hand, and its history is written last: whatever arrives leaves traces there that are not its own.
	last := func(name string) {
		if i := slices.IndexFunc(out, func(t table) bool { return t.Name == name }); i >= 0 {
			t := out[i]
			out = append(slices.Delete(out, i, i+1), t)
		}
	}
	last("row_history")
	return out, nil
}
