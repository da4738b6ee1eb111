// Package datamap knows what kind of data every column holds. The classification stands in the schema itself, as column
// comments written by the migrations; this package reads it from the catalogue.
package datamap

import "strings"

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

// Category is a data category of the policy profiles; the retention of a row follows from it.
type Category string

// Categories are the data categories that a column may name.
var Categories = []Category{"legal-entity", "customer-data", "audit-log", "email-log", "analytics", "user-account", "backup",
	"export", "error-report", "workflow-log", "server-log", "cache", "login-ip", "password-breach", "feature-flag",
	"business-data", "billing", "authorization", "preference"}

// Column is one classified column.
type Column struct {
	Table, Name string
	Class       Class
	Category    Category
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
			c.Category = Category(v)
		}
	}
	switch c.Class {
	case Public, Internal, Business, Personal, Secret:
	default:
		return c, false
	}
	for _, k := range Categories {
		if c.Category == k {
			return c, true
		}
	}
	return c, false
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
