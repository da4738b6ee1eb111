package orgname

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// NormalName returns the comparable form of a company's name: compatibility characters unified,
// case and accents folded, punctuation and a leading "the" gone, legal forms ("GmbH & Co. KG",
// "Inc.", "Sp. z o.o.") taken off the end, words divided by one space. A name that consists of
// nothing but a legal form keeps it. It is "" when s has no letter or digit.
// NormalName(NormalName(s)) is NormalName(s).
func NormalName(s string) string {
	words := strings.Fields(norm.NFKC.String(wordsOf(fold(s)))) // a vanished apostrophe may bring marks together
	for {
		n := formAtEnd(words)
		switch {
		case len(words) > 1 && (words[0] == "the" || leadingForms[words[0]]):
			words = words[1:]
		case n > 0:
			words = words[:len(words)-n]
		case !cutJoined(words):
			return strings.Join(words, " ")
		}
	}
}

// cutJoined takes one form that is written without a space off the first or last word, unless it is the word.
func cutJoined(words []string) bool {
	if len(words) == 0 {
		return false
	}
	first, last := &words[0], &words[len(words)-1]
	for _, form := range joinedForms {
		if rest, ok := strings.CutPrefix(*first, form); ok && rest != "" {
			*first = rest
			return true
		}
		if rest, ok := strings.CutSuffix(*last, form); ok && rest != "" {
			*last = rest
			return true
		}
	}
	return false
}

// SearchText returns the parts as one folded line for substring search: lower case, no accents,
// single spaces, punctuation kept. Both what is stored and what is looked for go through it.
func SearchText(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		for _, word := range strings.FieldsFunc(fold(p), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(word)
		}
	}
	return b.String()
}

// fold returns s without differences of case, width, accent or invisible characters. Marks of
// scripts where they are letters of their own (Devanagari, Hangul, Kana) stay.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	s = strings.ToValidUTF8(s, "")
	for range 4 { // one round is enough but for a few characters that fold into foldable ones
		next := foldOnce(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

func foldOnce(s string) string {
	s = cases.Fold().String(norm.NFKD.String(s))
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		if 0x300 <= r && r <= 0x36f || unicode.Is(unicode.Cf, r) {
			continue
		}
		if plain, ok := letters[r]; ok {
			b.WriteString(plain)
			continue
		}
		b.WriteRune(r)
	}
	return norm.NFKC.String(b.String())
}

// letters have no decomposition but are commonly typed as plain ones.
var letters = map[rune]string{
	'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'æ': "ae", 'œ': "oe", 'ı': "i", 'ħ': "h", 'ŧ': "t",
	'’': "'", '‘': "'", '`': "'", '´': "'", '–': "-", '—': "-",
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// wordsOf replaces punctuation by spaces, "&" by "and"; apostrophes and the points of
// abbreviations ("S.p.A.", "o.o.") vanish, so that their letters stay together.
func wordsOf(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	run := 0 // letters since the last break
	for _, r := range s {
		switch {
		case unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
			b.WriteRune(r)
			run++
			continue
		case r == '\'':
			continue
		case r == '.' && run == 1:
		case r == '&':
			b.WriteString(" and ")
		default:
			b.WriteByte(' ')
		}
		run = 0
	}
	return b.String()
}

// formAtEnd returns how many words at the end of words are a legal form; at least one other word stays.
func formAtEnd(words []string) int {
	for n := min(longestForm, len(words)-1); n > 0; n-- {
		if forms[strings.Join(words[len(words)-n:], " ")] {
			return n
		}
	}
	return 0
}

const longestForm = 5 // words

var leadingForms = set("ooo oao zao pao jsc pjsc ojsc ооо оао зао ао пао 株式会社 有限会社 合同会社 주식회사 株")

// joinedForms are written without a space before or after the name.
var joinedForms = []string{"股份有限公司", "有限责任公司", "有限公司", "株式会社", "有限会社", "合同会社", "주식회사"}

var forms = lines(`
	gmbh
	mbh
	ggmbh
	gesmbh
	ges mbh
	gesellschaft mbh
	ug
	ug haftungsbeschrankt
	ag
	kg
	kgaa
	ohg
	og
	gbr
	se
	eg
	ek
	e k
	ev
	and co
	and cie
	und co
	and co kg
	und co kg
	and co kgaa
	and co ohg
	and company
	bv
	b v
	bvba
	nv
	n v
	cv
	vof
	cvba
	srl
	s r l
	srls
	spa
	s p a
	sas
	s a s
	sasu
	sarl
	s a r l
	sa rl
	eurl
	snc
	scs
	sca
	sa
	s a
	sl
	s l
	slu
	sau
	sa de cv
	s a de c v
	sapi de cv
	s de rl de cv
	s de rl
	ltda
	limitada
	eireli
	lda
	ltd
	limited
	ltd co
	co ltd
	co limited
	pte
	pte ltd
	pty
	pty ltd
	pvt
	pvt ltd
	private limited
	sdn bhd
	bhd
	plc
	public limited company
	llp
	lp
	llc
	l l c
	pllc
	inc
	incorporated
	corp
	corporation
	co
	company
	oy
	oyj
	ab
	publ
	as
	a s
	asa
	aps
	is
	i s
	ks
	k s
	ps
	p s
	ans
	hf
	ehf
	kft
	zrt
	nyrt
	bt
	sp z oo
	sp z o o
	sp zoo
	spzoo
	spolka z oo
	sp k
	sp j
	spk
	spj
	sro
	s r o
	spol s ro
	spol s r o
	doo
	d o o
	dd
	d d
	ad
	ead
	eood
	ood
	ou
	uab
	sia
	as sia
	tbk
	kk
	k k
	gk
	yk
	ооо
	оао
	зао
	ао
	пао
	тов
	αε
	επε
	as ve ticaret
	anonim sirketi
	ltd sti
	limited sirketi
	fzco
	fze
	fz llc
	wll
	株
	有
	股份有限公司
	有限责任公司
	有限公司
	株式会社
	有限会社
	合同会社
	주식회사
`)

func lines(s string) map[string]bool {
	m := map[string]bool{}
	for line := range strings.Lines(s) {
		if form := strings.TrimSpace(line); form != "" {
			m[form] = true
		}
	}
	return m
}
