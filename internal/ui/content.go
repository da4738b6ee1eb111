package ui

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// states gives each known state its tone and words. A state that is not listed is shown
// neutral, in its own words.
var states = map[string]struct {
	tone Tone
	text string
}{
	"draft":     {Neutral, "Draft"},
	"submitted": {Accent, "Submitted"},
	"returned":  {Warn, "Returned"},
	"approved":  {Good, "Approved"},
	"rejected":  {Bad, "Rejected"},
	"withdrawn": {Neutral, "Withdrawn"},
	"won":       {Good, "Won"},
	"lost":      {Bad, "Lost"},
	"expired":   {Warn, "Expired"},
	"open":      {Accent, "Open"},
	"answered":  {Good, "Answered"},
	"active":    {Good, "Active"},
	"invited":   {Accent, "Invited"},
	"listed":    {Neutral, "Not invited"},
	"suspended": {Bad, "Suspended"},
	"prospect":  {Neutral, "Prospect"},
	"inactive":  {Neutral, "Inactive"},
	"revoked":   {Bad, "Revoked"},
	"uploaded":  {Neutral, "Uploaded"},
	"checking":  {Accent, "Checking"},
	"checked":   {Accent, "Checked"},
	"running":   {Accent, "Running"},
	"done":      {Good, "Done"},
	"committed": {Good, "Imported"},
	"undone":    {Neutral, "Undone"},
	"failed":    {Bad, "Failed"},
	"queued":    {Neutral, "Queued"},
	"sent":      {Good, "Sent"},
	"logged":    {Neutral, "Logged only"},
	"writing":   {Accent, "Being written"},
	"ready":     {Good, "Ready"},
	"gone":      {Neutral, "No longer kept"},
	"free":      {Good, "Free"},
	"taken":     {Bad, "Taken"},
	"look":      {Warn, "Needs a look"},

	"suppressed": {Neutral, "Held back"},
}

func stateOf(s string) (Tone, string) {
	if st, ok := states[s]; ok {
		return st.tone, st.text
	}
	return Neutral, Capital(strings.ReplaceAll(s, "_", " "))
}

// Capital returns s with a capital first letter, as a label begins.
func Capital(s string) string {
	first := firstRune(s)
	return strings.ToUpper(first) + s[len(first):]
}

// StateLabel is a state as State words it, for choices.
func StateLabel(s string) string {
	_, text := stateOf(s)
	return text
}

// Fact is one line of Facts. Value is shown when Content is nil; both empty shows a dash.
type Fact struct {
	Label   string
	Value   string
	Content templ.Component
}

// CardLink are the actions of a Card that leads on; nil, and so none, for who may not go there.
func CardLink(may bool, href, text string) templ.Component {
	if !may {
		return nil
	}
	return cardLink(href, text)
}

// Change is one field's old and new value in words.
type Change struct{ Field, Old, New string }

// Event is one entry of a timeline: "Ada Ng approved the registration".
type Event struct {
	Actor   string
	Verb    string // "approved the registration"
	At      time.Time
	Icon    string // defaults to a dot
	Tone    Tone   // of the icon
	Tag     string // such as "Internal"
	Note    string // free text, shown as written
	Changes []Change
}

// Stat is one headline figure.
type Stat struct {
	Label, Value string
	Note         string // under the figure
	Tone         Tone   // of the note
	Icon         string
	Href         string // where the figure comes from, or ""
}

// Progress is how far a piece of long work is.
type Progress struct {
	Label       string
	Done, Total int64
	Events      string // address of the server-sent events, see LiveProgress
	After       string // where to go when it is done; "" reloads
}

func (p Progress) percent() int64 {
	if p.Total <= 0 {
		return 0
	}
	return min(100, p.Done*100/p.Total)
}

// Confirm is a step that asks once more before it is done.
type Confirm struct {
	Label  string // on the first button: "Withdraw"
	Title  string // "Withdraw this deal?"
	Text   string // what will happen, and whether it can be undone
	Action string // address the form posts to
	Button string // on the second button; defaults to Label
	Icon   string
	Danger bool
	Quiet  bool // one step among others: the first button is no primary one
}

func (c Confirm) button() string {
	if c.Button != "" {
		return c.Button
	}
	return c.Label
}

// initials are the first letters of the first and last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return "?"
	}
	out := firstRune(words[0])
	if len(words) > 1 {
		out += firstRune(words[len(words)-1])
	}
	return strings.ToUpper(out)
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// hue spreads names over the eight avatar colours of the style sheet.
func hue(name string) string {
	var h uint32 = 2166136261
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return "hue-" + string('0'+rune(h%8))
}
