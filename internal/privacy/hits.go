package privacy

import (
	"slices"
	"strings"

	"entente.dev/internal/kernel/id"
)

// hitsOf returns every place of one row that names the subject, or the row itself when it only refers to them.
func (s *Service) hitsOf(t table, f found, refs Refs, m matcher) []Hit {
	var out []Hit
	base := Hit{Category: t.category, Table: t.name, Key: strings.Join(f.key, "/"), Record: record(t, f)}
	own := t.ownRow(f, refs, m)
	_, ident := identity[t.name]
	others := ident && !own || t.othersHistory(f, refs) // a number in it may be the company's
	sure := own || t.linked(f, refs) != ""
	for _, c := range t.texts {
		if derived[c.Name] {
			continue
		}
		h := base
		h.Column, h.Category = c.Name, c.Category
		f.strings(c.Name, func(text string) {
			if h.By == byEmail {
				return // one hit a column, by what is surest
			}
			if by, snippet := found1(m, text); by != "" && (h.By == "" || by == byEmail || h.By == byName) {
				h.By, h.Snippet = by, snippet
			}
		})
		if h.By == "" {
			continue
		}
		h.Confidence = Mention
		sure = sure || h.By == byEmail || h.By == byPhone && !others
		if who, ok := identity[t.name]; ok && (c.Name == who.email || c.Name == who.name || c.Name == who.phone) {
			h.Confidence = Possible
			if own {
				h.Confidence = Exact
			}
		}
		out = append(out, h)
	}
	if !sure && (refs.Shared || others) { // found by a name that somebody else has too
		for i := range out {
			out[i].Confidence = Possible
		}
	}
	if l := t.linked(f, refs); len(out) == 0 && l != "" {
		base.Column, base.Confidence = l, Linked
		return append(out, base)
	}
	return out
}

// linked returns the column in which a row refers to the subject, or "".
func (t table) linked(f found, refs Refs) string {
	for _, l := range t.links {
		if v, ok := id.Parse(f.text(l)); ok && slices.Contains(refs.ids(), v) {
			return l
		}
	}
	return ""
}

// ownRow reports whether a row is one of the subject's own identity rows: by its id, its e-mail address, or its phone number together
// with the name, for colleagues share a number.
func (t table) ownRow(f found, refs Refs, m matcher) bool {
	who, ok := identity[t.name]
	if !ok {
		return false
	}
	v, ok := id.Parse(f.text(who.id))
	return ok && slices.Contains(refs.ids(), v) || sureOf(f, who.email, who.name, who.phone, m)
}

func sureOf(f found, email, name, phone string, m matcher) bool {
	if m.whole(f.text(email)) == byEmail {
		return true
	}
	return m.whole(f.text(phone)) == byPhone && (m.whole(f.text(name)) == byName || len(m.widths) == 0 && !m.emails)
}

// othersHistory reports whether a line of the history is about the identity row of somebody else.
func (t table) othersHistory(f found, refs Refs) bool {
	if _, ok := identity[f.text("table_name")]; !ok || t.name != "row_history" {
		return false
	}
	v, ok := id.Parse(f.text("row_id"))
	return ok && !slices.Contains(refs.ids(), v)
}

// found1 returns by what a text names the subject and the words around the first place.
func found1(m matcher, text string) (by, snippet string) {
	if by = m.whole(text); by != "" {
		return by, "«" + text + "»"
	}
	spans := m.spans(text)
	if len(spans) == 0 {
		return "", ""
	}
	sp := spans[0]
	for _, other := range spans {
		if sp.by == byName && other.by != byName || other.by == byEmail {
			sp = other
		}
	}
	return sp.by, around(text, sp)
}

// around cuts at most 60 letters before and after the place.
func around(text string, sp span) string {
	before, after := []rune(text[:sp.from]), []rune(text[sp.to:])
	head, tail := "", ""
	if len(before) > 60 {
		before, head = before[len(before)-60:], "…"
	}
	if len(after) > 60 {
		after, tail = after[:60], "…"
	}
	return strings.Join(strings.Fields(head+string(before)+"«"+text[sp.from:sp.to]+"»"+string(after)+tail), " ")
}

// record returns what people call a row.
func record(t table, f found) string {
	for _, c := range []string{"title", "name", "subject", "object_label", "file_name", "table_name", "purpose"} {
		if v := f.text(c); v != "" && t.has(c) {
			if at := f.text("at"); at != "" && len(at) >= 10 {
				return v + ", " + at[:10]
			}
			return v
		}
	}
	if at := f.text("created_at"); len(at) >= 10 {
		return strings.ReplaceAll(t.name, "_", " ") + " of " + at[:10]
	}
	return strings.ReplaceAll(t.name, "_", " ")
}
