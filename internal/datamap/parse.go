package datamap

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseProfile reads a profile file: TOML, or YAML when the name ends in .yaml, .yml or .json. What it leaves out is as in the
// default profile. The error is a Problems that names every fault at once.
//
//	name = "acme"
//	title = "Acme partner portal"
//	source = "Acme data policy of 3 March 2026"
//
//	[retention.server-log]
//	period = "14 days"
//	event = "recorded"
//
//	[clocks.breach-notice]
//	period = "24 hours"
func ParseProfile(file string, data []byte) (Profile, error) {
	base, _ := ProfileOf(DefaultProfile)
	base.Retention = slices.Clone(base.Retention)
	for i := range base.Retention {
		base.Retention[i].Says = ""
	}
	p, err := parseProfile(file, data, base)
	if err == nil {
		if _, taken := ProfileOf(p.Name); taken {
			err = Problems{{file, 0, "name", "\"" + p.Name + "\" is a built-in profile; choose a name of your own"}}
		}
	}
	if err != nil {
		return Profile{}, err
	}
	return p, nil
}

func parseProfile(file string, data []byte, base Profile) (Profile, error) {
	r := &reader{file: file}
	p := Profile{Retention: slices.Clone(base.Retention), Clocks: slices.Clone(base.Clocks)}
	doc := r.read(data)
	if doc != nil && doc.kind != kindTable {
		r.add(doc.line, "", "a profile has the fields %s", list(profileFields))
		doc = nil
	}
	if doc != nil {
		r.profile(doc, &p)
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return Profile{}, r.problems
	}
	return p, nil
}

var (
	profileFields = []string{"name", "title", "source", "retention", "clocks"}
	ruleFields    = []string{"period", "event", "says"}
	clockFields   = []string{"period", "says"}
	answerFields  = []string{"who", "says"}

	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
)

func (r *reader) profile(doc *value, p *Profile) {
	r.known(doc, "", profileFields)
	p.Name = r.text(doc, "", "name", true, 40)
	if p.Name != "" && !nameForm.MatchString(p.Name) {
		r.add(doc.get("name").line, "name", "use small letters, digits and hyphens, such as \"acme-2026\"")
	}
	p.Title = r.text(doc, "", "title", true, 120)
	p.Source = r.text(doc, "", "source", true, 400)
	for _, f := range r.entries(doc, "retention") {
		r.rule(f, p)
	}
	for _, f := range r.entries(doc, "clocks") {
		r.clock(f, p)
	}
}

// entries returns the tables within a table.
func (r *reader) entries(doc *value, name string) []*field {
	t := doc.get(name)
	if t == nil {
		return nil
	}
	if t.kind != kindTable {
		r.add(t.line, name, "is %s; write a table [%s.…] for each entry", a(t.kind), name)
		return nil
	}
	return t.fields
}

func (r *reader) rule(f *field, p *Profile) {
	at := "retention." + f.key
	c, ok := CategoryOf(f.key)
	if !ok {
		r.add(f.line, at, "there is no category %q%s; use %s", f.key, nearest(f.key, categoryIDs()), list(categoryIDs()))
		return
	}
	if f.kind != kindTable {
		r.add(f.line, at, "is %s; give it the fields %s", a(f.kind), list(ruleFields))
		return
	}
	r.known(f.value, at, ruleFields)
	rule := &p.Retention[slices.IndexFunc(p.Retention, func(x Rule) bool { return x.Category == c.ID })]
	rule.Says = r.text(f.value, at, "says", false, 400)
	text, given := r.text(f.value, at, "period", true, 60), r.text(f.value, at, "event", false, 40)
	var err error
	rule.Event = c.Event
	if given != "" {
		rule.Event = Event(given)
		if !slices.Contains(c.Events, rule.Event) {
			r.add(f.get("event").line, at+".event", "%q is no event for this category%s; use %s", given, nearest(given, words(c.Events)), list(words(c.Events)))
		}
	}
	if text == "" {
		return
	}
	line := f.get("period").line
	var implied Event
	if rule.Period, implied, err = ParsePeriod(text); err != nil {
		r.add(line, at+".period", "%s", err)
		return
	}
	switch {
	case implied != "" && given != "" && rule.Event != implied:
		r.add(line, at+".period", "%q starts from %s; leave the event out", text, implied)
	case implied != "" && !slices.Contains(c.Events, implied):
		r.add(line, at+".period", "%q starts from %s, which is no event for this category; use %s", text, implied, list(words(c.Events)))
	case implied != "":
		rule.Event = implied
	case rule.Period.Unit == NotStored && !c.Omittable:
		r.add(line, at+".period", "the program does not work without this data; give a period")
	}
}

func (r *reader) clock(f *field, p *Profile) {
	at := "clocks." + f.key
	i := slices.IndexFunc(p.Clocks, func(c Clock) bool { return c.Clock == f.key })
	if i < 0 {
		r.add(f.line, at, "there is no clock %q%s; use %s", f.key, nearest(f.key, clockNames), list(clockNames))
		return
	}
	if f.kind != kindTable {
		r.add(f.line, at, "is %s; write a table [%s]", a(f.kind), at)
		return
	}
	clock := &p.Clocks[i]
	clock.Says = r.text(f.value, at, "says", false, 400)
	if f.key == SubjectAnswer {
		r.known(f.value, at, answerFields)
		if who := r.text(f.value, at, "who", true, 40); who != "" {
			if _, ok := whos[who]; !ok {
				r.add(f.get("who").line, at+".who", "%q answers nobody%s; use %s", who, nearest(who, keys(whos)), list(keys(whos)))
			}
			clock.Who = who
		}
		return
	}
	r.known(f.value, at, clockFields)
	text := r.text(f.value, at, "period", true, 60)
	if text == "" {
		return
	}
	line := f.get("period").line
	v, implied, err := ParsePeriod(text)
	switch {
	case err != nil:
		r.add(line, at+".period", "%s", err)
	case implied != "" || !v.Ends():
		r.add(line, at+".period", "%q is no length of time; write one such as \"72 hours\" or \"14 days\"", text)
	case !v.Within(Period{60, Months}):
		r.add(line, at+".period", "%q is too long for a clock; at most 5 years", text)
	}
	clock.Period = v
}

// known refuses fields that are none.
func (r *reader) known(t *value, at string, fields []string) {
	for _, f := range t.fields {
		if !slices.Contains(fields, f.key) {
			r.add(f.line, join(at, f.key), "there is no such field%s; use %s", nearest(f.key, fields), list(fields))
		}
	}
}

// text returns a field that holds a text on one line.
func (r *reader) text(t *value, at, key string, must bool, most int) string {
	f := t.get(key)
	name := join(at, key)
	switch {
	case f == nil && must:
		r.add(t.line, name, "is missing")
		return ""
	case f == nil:
		return ""
	case f.kind != kindText:
		r.add(f.line, name, "is %s; write a text in quotes", a(f.kind))
		return ""
	}
	s := strings.TrimSpace(f.text)
	switch {
	case s == "" && must:
		r.add(f.line, name, "is empty")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		r.add(f.line, name, "holds characters that cannot be shown")
		return ""
	case utf8.RuneCountInString(s) > most:
		r.add(f.line, name, "has more than %d characters", most)
		return ""
	}
	return s
}

func a(kind string) string {
	if kind == "nothing" || kind == "true or false" {
		return kind
	}
	return "a " + kind
}

func categoryIDs() []string {
	out := make([]string, len(categories))
	for i, c := range categories {
		out[i] = c.ID
	}
	return out
}

func words(events []Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e)
	}
	return out
}

func keys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func list(allowed []string) string {
	if len(allowed) == 1 {
		return allowed[0]
	}
	return "one of " + strings.Join(allowed, ", ")
}

// nearest proposes what was meant: ", did you mean …?", or "" when nothing is near.
func nearest(typed string, known []string) string {
	best, least := "", len(typed)/3+1
	for _, k := range known {
		if d := distance(strings.ToLower(typed), k); d <= least {
			if d < least || best == "" {
				best = k
			}
			least = d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// distance counts the letters to add, drop or change between two words.
func distance(s, t string) int {
	if len(s) > 64 {
		return len(s)
	}
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(s) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(t) {
			cost := corner
			if s[i] != t[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, corner+1, row[j]+1)
		}
	}
	return row[len(t)]
}
