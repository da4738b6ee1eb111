package datamap

import (
	_ "embed"
	"slices"

	"github.com/pelletier/go-toml/v2"
)

// Event is what a period starts from.
type Event string

// The events. A row for which the event has not happened keeps waiting: its period has not begun.
const (
	Recorded        Event = "recorded"
	LastSignIn      Event = "last-sign-in"
	RelationEnd     Event = "relation-end"
	AccountDeletion Event = "account-deletion" // the whole tenant is deleted
	SessionEnd      Event = "session-end"
	Solved          Event = "solved"
)

var eventLabels = map[Event]string{Recorded: "recording", LastSignIn: "the last sign-in", RelationEnd: "the end of the relation",
	AccountDeletion: "the deletion of the customer's account", SessionEnd: "the end of the session", Solved: "solving"}

// Words says the event within a sentence: "the last sign-in".
func (e Event) Words() string { return eventLabels[e] }

// Category is a kind of data with one retention rule.
type Category struct {
	ID        string   `toml:"id" json:"id"`
	Name      string   `toml:"name" json:"name"`
	Holds     string   `toml:"holds" json:"holds"`         // in plain words
	Ground    string   `toml:"ground" json:"ground"`       // why it may be processed, in words
	Legal     string   `toml:"legal" json:"legal"`         // the articles of the GDPR
	PII       string   `toml:"pii" json:"pii"`             // yes, likely or no: does it say something about people
	Subjects  []string `toml:"subjects" json:"subjects"`   // about whom
	Stores    []string `toml:"stores" json:"stores"`       // where it lies
	Processor string   `toml:"processor" json:"processor"` // who else handles it, "" for nobody
	Elsewhere string   `toml:"elsewhere" json:"elsewhere"` // why no table holds it; "" when tables do
	Default   Period   `toml:"period" json:"default_period"`
	Event     Event    `toml:"event" json:"default_event"`
	Events    []Event  `toml:"events" json:"events"`       // a rule may start from
	Omittable bool     `toml:"omittable" json:"omittable"` // may be "not stored"
}

// Personal reports whether rules for personal data hold for the category.
func (c Category) Personal() bool { return c.PII != "no" }

//go:embed categories.toml
var categoriesFile []byte

var categories = func() []Category {
	var file struct {
		Category []Category `toml:"category"`
	}
	if err := toml.Unmarshal(categoriesFile, &file); err != nil {
		panic("datamap: categories.toml: " + err.Error())
	}
	return file.Category
}()

// Categories returns every data category, in the order of every page.
func Categories() []Category { return slices.Clone(categories) }

// CategoryOf returns the category with that id.
func CategoryOf(id string) (Category, bool) {
	i := slices.IndexFunc(categories, func(c Category) bool { return c.ID == id })
	if i < 0 {
		return Category{}, false
	}
	return categories[i], true
}
