// Package datamap knows what kind of data the program holds and how long a policy keeps it. The classification of a column
// stands in the schema itself, as a comment written by its migration, and names a Category; the categories, their grounds,
// processors and events are declared in categories.toml; a Profile says for how long each is kept.
package datamap

import (
	"slices"
	"strings"
)

// Class is how sensitive a column is.
type Class string

// The classes, from harmless to never shown.
const (
	Public   Class = "public"   // may be on a public page
	Internal Class = "internal" // ids, states, counters
	Business Class = "business" // about companies
	Personal Class = "personal" // about people
	Secret   Class = "secret"   // never leaves the database
)

// Erased stands in a text where something about a person was erased.
const Erased = "[erased]"

// Column is one classified column.
type Column struct {
	Table, Name string
	Class       Class
	Category    string // id of a Category
}

// Map holds the classification of a schema.
type Map struct{ columns map[string]Column }

// parse reads 'class=personal category=user-account'.
func parse(comment string) (Column, bool) {
	var c Column
	for _, word := range strings.Fields(comment) {
		switch k, v, _ := strings.Cut(word, "="); k {
		case "class":
			c.Class = Class(v)
		case "category":
			c.Category = v
		}
	}
	switch c.Class {
	case Public, Internal, Business, Personal, Secret:
	default:
		return c, false
	}
	_, known := CategoryOf(c.Category)
	return c, known
}

// Class returns the class of a column; one that is not known is Secret.
func (m Map) Class(table, column string) Class {
	if c, ok := m.columns[table+"."+column]; ok {
		return c.Class
	}
	return Secret
}

// Columns returns every classified column, in no particular order.
func (m Map) Columns() []Column {
	out := make([]Column, 0, len(m.columns))
	for _, c := range m.columns {
		out = append(out, c)
	}
	return out
}

// Tables returns for each category the tables that hold columns of it, by name.
func (m Map) Tables() map[string][]string {
	out := map[string][]string{}
	for _, c := range m.columns {
		if !slices.Contains(out[c.Category], c.Table) {
			out[c.Category] = append(out[c.Category], c.Table)
		}
	}
	for _, tables := range out {
		slices.Sort(tables)
	}
	return out
}
