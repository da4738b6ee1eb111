package privacy

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Subject is how somebody names the person that a request is about.
type Subject struct {
	Email, Name, Phone string
	Namesakes          bool // whether records that carry the name only, next to other people of that name, are meant too
	Self               bool // whether they say themselves what they are called: their membership and address are proved, a name and a number are not
}

// checked returns s without stray spaces. Invalid names what cannot be searched for.
func (s Subject) checked() (Subject, error) {
	s.Email, s.Name, s.Phone = strings.ToLower(strings.TrimSpace(s.Email)), strings.Join(strings.Fields(s.Name), " "), strings.TrimSpace(s.Phone)
	var bad errs.Problems
	if s.Email == "" && s.Name == "" && s.Phone == "" {
		bad.Add("email", "field.required", "Give an e-mail address, a name or a phone number.")
	}
	if s.Email != "" && foldEmail(s.Email) == "" {
		bad.Add("email", "field.email", "Write the address like ada@example.com.")
	}
	if s.Name != "" && (len(letters(s.Name)) < 3 || len(s.Name) > 200) {
		bad.Add("name", "field.too_short", "Give at least three letters of the name, and at most 200.")
	}
	if s.Phone != "" && foldPhone(s.Phone) == "" {
		bad.Add("phone", "field.phone", "Give the whole number: at least seven digits.")
	}
	return s, errs.Refused(bad)
}

// String returns the subject in words: the first thing that names it.
func (s Subject) String() string {
	for _, v := range []string{s.Name, s.Email, s.Phone} {
		if v != "" {
			return v
		}
	}
	return "erased person"
}

// Refs are everything that names one subject in one programme: what was asked for, and what its records say besides.
type Refs struct {
	Emails   []string // folded: lower case, without +tag
	Names    []string // folded words, divided by one space
	Phones   []string // the last eight digits
	Contacts []id.ID
	Members  []id.ID
	Persons  []id.ID
	Shared   bool // whether somebody else has the name too, or may have: then a name alone is no proof
}

func (s Subject) refs() Refs {
	r := Refs{Shared: s.Self}
	r.add(s.Email, s.Name, s.Phone)
	return r
}

func (r *Refs) add(email, name, phone string) {
	put := func(list *[]string, v string) {
		if v != "" && !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
	put(&r.Emails, foldEmail(email))
	put(&r.Phones, foldPhone(phone))
	if len(letters(name)) >= 3 && name != erased {
		put(&r.Names, letters(name))
	}
}

// ids returns every id of the subject.
func (r Refs) ids() []id.ID { return slices.Concat(r.Contacts, r.Members, r.Persons) }

// foldEmail returns the address in lower case without a +tag, or "" when it is none.
func foldEmail(s string) string {
	local, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "@")
	local, _, _ = strings.Cut(local, "+")
	if !ok || local == "" || !strings.Contains(domain, ".") || len(s) > 254 || strings.ContainsAny(local+domain, " \t\n<>\",@") {
		return ""
	}
	return local + "@" + domain
}

// foldPhone returns the last eight digits of a number, so that "+31 6 1234 5678" and "06-12345678" are one; "" below seven digits.
func foldPhone(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	switch {
	case len(digits) < 7 || len(digits) > 20:
		return ""
	case len(digits) > 8:
		return digits[len(digits)-8:]
	}
	return digits
}

// special are letters that no decomposition folds.
var special = map[rune]string{'ß': "ss", 'ø': "o", 'æ': "ae", 'œ': "oe", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i"}

// foldRune returns the plain letters behind one letter, "" for a mark.
func foldRune(r rune) string {
	if r < utf8.RuneSelf {
		return string(unicode.ToLower(r))
	}
	r = unicode.ToLower(r)
	if s, ok := special[r]; ok {
		return s
	}
	var b strings.Builder
	for _, d := range norm.NFKD.String(string(r)) {
		if !unicode.Is(unicode.Mn, d) {
			b.WriteRune(unicode.ToLower(d))
		}
	}
	return b.String()
}

// word is one word of a text: its place and its folded letters.
type word struct {
	from, to int
	folded   string
}

// words divides a text at everything that is no letter or digit; an apostrophe inside a word belongs to it.
func words(text string) []word {
	var out []word
	var b strings.Builder
	start := -1
	end := func(at int) {
		if start >= 0 && b.Len() > 0 {
			out = append(out, word{start, at, b.String()})
		}
		start = -1
		b.Reset()
	}
	for i, r := range text {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			if start < 0 {
				start = i
			}
			b.WriteString(foldRune(r))
		case start >= 0 && (r == '\'' || r == '’' || unicode.Is(unicode.Mn, r)):
		default:
			end(i)
		}
	}
	end(len(text))
	return out
}

// letters returns the folded words of a text, divided by one space.
func letters(text string) string {
	ws := words(text)
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.folded
	}
	return strings.Join(out, " ")
}

// What a span was found by.
const (
	byEmail = "email"
	byName  = "name"
	byPhone = "phone"
)

// span is a place in a text that names the subject.
type span struct {
	from, to int
	by       string
}

var (
	emailLike = regexp.MustCompile(`[\p{L}\p{N}._%+'\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)+`)
	phoneLike = regexp.MustCompile(`\+?\(?[0-9][0-9 ().\-/\x{00a0}]{5,28}[0-9]`)
)

// matcher finds a subject in texts. is answers whether a folded value of a kind is one of the subject's; widths are how many words
// its names have. A search knows the values, a replay of the ledger knows only their keyed hashes.
type matcher struct {
	is     func(by, folded string) bool
	widths []int
	emails bool
	phones bool
}

// matcher returns the matcher of known values.
func (r Refs) matcher() matcher {
	return matcher{emails: len(r.Emails) > 0, phones: len(r.Phones) > 0, widths: widths(r.Names), is: func(by, folded string) bool {
		switch by {
		case byEmail:
			return slices.Contains(r.Emails, folded)
		case byPhone:
			return slices.Contains(r.Phones, folded)
		}
		return slices.Contains(r.Names, folded)
	}}
}

func widths(names []string) []int {
	var out []int
	for _, n := range names {
		if w := strings.Count(n, " ") + 1; !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// whole says by what a whole value names the subject, or "".
func (m matcher) whole(text string) string {
	if e := foldEmail(text); e != "" {
		if m.emails && m.is(byEmail, e) {
			return byEmail
		}
		return ""
	}
	if p := foldPhone(text); p != "" && m.phones && !strings.ContainsFunc(text, unicode.IsLetter) && m.is(byPhone, p) {
		return byPhone
	}
	if len(text) <= 250 && len(m.widths) > 0 {
		if ws := words(text); len(ws) <= 8 && slices.Contains(m.widths, len(ws)) && m.sequence(ws) {
			return byName
		}
	}
	return ""
}

// sequence reports whether the words are a name of the subject, also as "Last, First".
func (m matcher) sequence(ws []word) bool {
	names := make([]string, len(ws))
	for i, w := range ws {
		names[i] = w.folded
	}
	if m.is(byName, strings.Join(names, " ")) {
		return true
	}
	return len(names) > 1 && m.is(byName, strings.Join(append(slices.Clone(names[1:]), names[0]), " "))
}

// spans returns every place in text that names the subject, in order, none inside another. A name of one word is no mention: it
// counts as a whole value only.
func (m matcher) spans(text string) []span {
	var out []span
	if m.emails && strings.Contains(text, "@") {
		for _, at := range emailLike.FindAllStringIndex(text, -1) {
			if e := foldEmail(strings.Trim(text[at[0]:at[1]], ".'-")); e != "" && m.is(byEmail, e) {
				out = append(out, span{at[0], at[1], byEmail})
			}
		}
	}
	if m.phones {
		for _, at := range phoneLike.FindAllStringIndex(text, -1) {
			if p := foldPhone(text[at[0]:at[1]]); p != "" && m.is(byPhone, p) {
				out = append(out, span{at[0], at[1], byPhone})
			}
		}
	}
	if slices.ContainsFunc(m.widths, func(n int) bool { return n > 1 }) {
		out = append(out, m.names(text)...)
	}
	slices.SortFunc(out, func(a, b span) int { return a.from - b.from })
	var kept []span
	for _, s := range out {
		if len(kept) == 0 || s.from >= kept[len(kept)-1].to {
			kept = append(kept, s)
		}
	}
	return kept
}

func (m matcher) names(text string) []span {
	var out []span
	ws := words(text)
	for i := 0; i < len(ws); i++ {
		for _, n := range m.widths {
			if n < 2 || i+n > len(ws) || !near(text, ws[i:i+n]) || !m.sequence(ws[i:i+n]) {
				continue
			}
			out = append(out, span{ws[i].from, ws[i+n-1].to, byName})
			i += n - 1
			break
		}
	}
	return out
}

// near reports whether words stand side by side: little but spaces, a comma, a dot, a hyphen or an underscore between them.
func near(text string, ws []word) bool {
	for i := 1; i < len(ws); i++ {
		if gap := text[ws[i-1].to:ws[i].from]; len(gap) > 4 || strings.Trim(gap, " \t\n,.-_'’\u00a0") != "" {
			return false
		}
	}
	return true
}

// classes are the letters that people write for a plain one, for the prefilter in the database; combining marks may follow.
var classes = map[rune]string{'a': "aàáâãäåāăą", 'c': "cçćčĉ", 'd': "dďđð", 'e': "eèéêëēėęě", 'g': "gğģ", 'i': "iìíîïīįı", 'k': "kķ", 'l': "lłļľ",
	'n': "nñńňņ", 'o': "oòóôõöøōő", 'r': "rřŕ", 's': "sśšşșß", 't': "tťţț", 'u': "uùúûüūůűų", 'y': "yýÿ", 'z': "zźżž"}

// pattern returns a PostgreSQL regular expression (to be used with ~*) that every text which names the subject matches; some that do
// not match it too, so what it finds is looked at again. "" when there is nothing to look for.
func (r Refs) pattern() string {
	var parts []string
	for _, e := range r.Emails {
		local, domain, _ := strings.Cut(e, "@")
		parts = append(parts, regexp.QuoteMeta(local)+`(\+[^@[:space:]]{0,100})?@`+regexp.QuoteMeta(domain))
	}
	for _, p := range r.Phones {
		parts = append(parts, strings.Join(strings.Split(p, ""), `[^0-9a-z]{0,4}`))
	}
	for _, n := range r.Names {
		longest := slices.MaxFunc(strings.Fields(n), func(a, b string) int { return len(a) - len(b) })
		parts = append(parts, letterPattern(longest))
	}
	return strings.Join(parts, "|")
}

func letterPattern(w string) string {
	var b strings.Builder
	w = strings.NewReplacer("ss", "(ß|ss)", "ae", "(æ|ae|a[\u0300-\u036f]?e)", "oe", "(œ|oe|o[\u0300-\u036f]?e)", "th", "(þ|th)").Replace(w)
	group := 0
	for _, c := range w {
		switch {
		case c == '(':
			group++
			b.WriteRune(c)
		case c == ')':
			group--
			b.WriteRune(c)
		case group > 0:
			b.WriteRune(c)
		case classes[c] != "":
			b.WriteString("[" + classes[c] + "][\u0300-\u036f]{0,2}['’]?")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)) + "[\u0300-\u036f]{0,2}['’]?")
		}
	}
	return b.String()
}

// CategoryName names a category of data as the data policy does; an id that is none comes back as it is.
func CategoryName(id string) string {
	if c, ok := datamap.CategoryOf(id); ok {
		return c.Name
	}
	return id
}
