package processorweb

import (
	"slices"
	"strings"
	"time"

	"entente.dev/internal/kernel/country"
	"entente.dev/internal/processor"
	"entente.dev/internal/ui"
)

// Published is the register as the JSON page shows it.
type Published struct {
	Processors []PublishedEntry `json:"processors"`
	Announced  []PublishedEntry `json:"announced"`
	Ended      []PublishedEntry `json:"ended"`
	Configured []processor.Host `json:"configured_by_operator"` // in use by the configuration, not yet described
}

// PublishedEntry is one sub-processor.
type PublishedEntry struct {
	Name        string     `json:"name"`
	Purpose     string     `json:"purpose"`
	Categories  []string   `json:"categories"`
	Country     string     `json:"country"`
	Regions     string     `json:"regions"`
	Safeguards  string     `json:"safeguards"`
	Link        string     `json:"link"`
	Hosts       []string   `json:"hosts"`
	AnnouncedAt *time.Time `json:"announced_at"`
	EffectiveAt *time.Time `json:"effective_at"`
	EndedAt     *time.Time `json:"ended_at"`
}

func published(all processor.Register) Published {
	list := func(states ...string) []PublishedEntry {
		out := []PublishedEntry{}
		for _, p := range all.In(states...) {
			out = append(out, PublishedEntry{p.Name, p.Purpose, p.Categories, p.Country, p.Regions, p.Safeguards, p.Link, p.Hosts, p.AnnouncedAt, p.EffectiveAt, p.EndedAt})
		}
		return out
	}
	return Published{list(processor.Active), list(processor.Announced), list(processor.Ended), append([]processor.Host{}, all.Unlisted...)}
}

func categoriesOf(ids []string) string {
	names := make([]string, len(ids))
	for i, c := range ids {
		names[i] = processor.CategoryName(c)
	}
	return strings.Join(names, ", ")
}

func countries() []ui.Option {
	all := country.All()
	out := make([]ui.Option, len(all))
	for i, c := range all {
		out[i] = ui.Option{Value: c.Code, Label: c.Name}
	}
	return out
}

func chosen(v formView, category string) bool {
	return v.form.Checked("categories", category) || slices.Contains(strings.Split(v.form.Value("categories"), ","), category)
}

func facts(v recordView) []ui.Fact {
	p := v.it.Processor
	out := []ui.Fact{{Label: "Purpose", Value: p.Purpose}, {Label: "Data", Value: categoriesOf(p.Categories)}, {Label: "Country", Value: country.Name(p.Country)}, {Label: "Regions", Value: p.Regions},
		{Label: "Safeguards", Value: p.Safeguards}, {Label: "Hosts", Value: strings.Join(p.Hosts, ", ")}}
	for _, t := range []struct {
		label string
		at    *time.Time
	}{{"Announced", p.AnnouncedAt}, {"In use from", p.EffectiveAt}, {"Ended", p.EndedAt}} {
		if t.at != nil {
			out = append(out, ui.Fact{Label: t.label, Content: ui.Moment(*t.at)})
		}
	}
	return out
}

// changes says what an entry changes of the one that it takes the place of.
func changes(it processor.Reading) []ui.Change {
	if it.Replaces == nil {
		return nil
	}
	var out []ui.Change
	o, n := *it.Replaces, it.Processor
	for _, c := range []ui.Change{{Field: "Name", Old: o.Name, New: n.Name}, {Field: "Purpose", Old: o.Purpose, New: n.Purpose}, {Field: "Data", Old: categoriesOf(o.Categories), New: categoriesOf(n.Categories)},
		{Field: "Country", Old: country.Name(o.Country), New: country.Name(n.Country)}, {Field: "Regions", Old: o.Regions, New: n.Regions}, {Field: "Safeguards", Old: o.Safeguards, New: n.Safeguards}} {
		if c.Old != c.New {
			out = append(out, c)
		}
	}
	return out
}
