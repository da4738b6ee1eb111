package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"entente.dev/internal/access"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// What is encrypted is seen by no scan of the tables: the bodies of mails to other people, and the contents of stored files. They are
// opened one by one, in memory only, and counted under names of their own.
const (
	mailBody    = "mail_body"
	fileContent = "file_content"
)

// sealed are those, with the category that each belongs to.
var sealed = []struct{ name, category string }{{mailBody, "email-log"}, {fileContent, "export"}}

// sieve says quickly of a long text that it surely does not name the subject: each of what names them leaves a trace that survives
// folding. It is nil where only keyed hashes are known.
func (r Refs) sieve() func(text string) bool {
	var traces, digits []string
	for _, e := range r.Emails {
		local, _, _ := strings.Cut(e, "@")
		traces = append(traces, folded(local))
	}
	for _, n := range r.Names {
		traces = append(traces, slices.MaxFunc(strings.Fields(n), func(a, b string) int { return len(a) - len(b) }))
	}
	digits = append(digits, r.Phones...)
	return func(text string) bool {
		plain := folded(text)
		if slices.ContainsFunc(traces, func(t string) bool { return strings.Contains(plain, t) }) {
			return true
		}
		if len(digits) == 0 {
			return false
		}
		only := strings.Map(func(c rune) rune {
			if c < '0' || c > '9' {
				return -1
			}
			return c
		}, plain)
		return slices.ContainsFunc(digits, func(d string) bool { return strings.Contains(only, d) })
	}
}

// folded is a text in plain letters, without the marks that may stand inside a word.
func folded(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, c := range text {
		switch {
		case c >= 'A' && c <= 'Z':
			b.WriteByte(byte(c) + 'a' - 'A')
		case c == '\'' || c == '’' || unicode.Is(unicode.Mn, c):
		case c < 0x80:
			b.WriteByte(byte(c))
		default:
			b.WriteString(foldRune(c))
		}
	}
	return b.String()
}

// eachMail calls fn with every mail to somebody else whose body names the subject, and how.
func (s *Service) eachMail(ctx context.Context, tenant id.ID, refs Refs, fn func(m mail.Mail, by string, sp []span)) error {
	m, may := refs.matcher(), refs.sieve()
	after := id.Nil
	for {
		last, err := op.Read(ctx, s.ops, access.NewSystem(tenant, "subject search"), ActFind, func(tx *op.Tx) (id.ID, error) {
			return mail.Bodies(ctx, tx, s.ops.Keys, after, scanLimit, func(l mail.Mail) error {
				if m.whole(l.To) != "" || !may(l.Text) {
					return nil // one to the subject is found by its address
				}
				if sp := m.spans(l.Text); len(sp) > 0 {
					fn(l, sp[0].by, sp)
				}
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("search the bodies of mails: %w", err)
		}
		if last == id.Nil {
			return nil
		}
		after = last
	}
}

// place is where a stored file names the subject first.
type place struct {
	file          file.File
	member, piece string
	spans         []span
}

// eachFile calls fn with every stored file whose content names the subject. may passes over what surely does not; nil looks at all.
func (s *Service) eachFile(ctx context.Context, tenant id.ID, m matcher, may func(string) bool, fn func(place)) error {
	after := id.Nil
	for {
		list, err := op.Read(ctx, s.ops, access.NewSystem(tenant, "subject search"), ActFind, func(tx *op.Tx) ([]file.File, error) {
			return file.ReadyIn(ctx, tx, after, 200)
		})
		if err != nil {
			return err
		}
		for _, f := range list {
			after = f.ID
			if f.Kind == file.Certificate {
				continue // it says by design nothing of anybody
			}
			var at *place
			err := s.files.Texts(ctx, f, func(member, piece string) bool {
				if may != nil && !may(piece) {
					return true
				}
				if sp := m.spans(piece); len(sp) > 0 {
					at = &place{f, member, piece, sp}
				}
				return at == nil
			})
			if e := new(errs.Error); errors.As(err, &e) && e.Kind == errs.Unavailable || ctx.Err() != nil {
				return fmt.Errorf("search the file %s: %w", f.Name, err)
			}
			if err != nil {
				s.ops.Log.Warn("a stored file cannot be searched for a person", "file", f.ID, "error", err)
			}
			if at != nil {
				fn(*at)
			}
		}
		if len(list) == 0 {
			return nil
		}
	}
}

// findSealed searches what is encrypted.
func (s *Service) findSealed(ctx context.Context, tenant id.ID, found *Found, keep func(Hit, int), told func(table string)) ([]Count, error) {
	var out []Count
	refs := found.refs
	bodies, files := Count{Category: sealed[0].category, Table: mailBody}, Count{Category: sealed[1].category, Table: fileContent}
	sure := func(by string) string {
		if by == byName && refs.Shared {
			return Possible
		}
		return Mention
	}
	told(mailBody)
	err := s.eachMail(ctx, tenant, refs, func(m mail.Mail, by string, sp []span) {
		h := Hit{Category: bodies.Category, Table: mailBody, Key: m.ID.String(), Record: m.Subject, Column: "text", By: by, Snippet: around(m.Text, sp[0]), Confidence: sure(by)}
		if bodies.add([]Hit{h}, func(h Hit) { keep(h, bodies.Rows) }) {
			bodies.weigh(found.duties, recorded(m.CreatedAt))
		}
	})
	if err != nil {
		return nil, err
	}
	told(fileContent)
	err = s.eachFile(ctx, tenant, refs.matcher(), refs.sieve(), func(p place) {
		h := Hit{Category: files.Category, Table: fileContent, Key: p.file.ID.String(), Record: p.file.Name, Column: p.member, By: p.spans[0].by, Snippet: around(p.piece, p.spans[0]), Confidence: sure(p.spans[0].by)}
		if files.add([]Hit{h}, func(h Hit) { keep(h, files.Rows) }) {
			files.weigh(found.duties, recorded(p.file.CreatedAt))
		}
	})
	for _, c := range []Count{bodies, files} {
		if c.Rows > 0 {
			out = append(out, c)
		}
	}
	return out, err
}

// collectSealed adds what is encrypted to a package: of a mail or a file that names the subject the mention, masked.
func (s *Service) collectSealed(ctx context.Context, tenant id.ID, refs Refs, p *Package) error {
	m := refs.matcher()
	put := func(d Datum, text string, sp []span) {
		if refs.doubtful(sp) {
			return
		}
		text = near80(text, sp[0])
		d.Why, d.Value = "mention", mask(text, m.spans(text))
		if len(p.Data) < maxData {
			p.Data = append(p.Data, d)
		}
	}
	err := s.eachMail(ctx, tenant, refs, func(m mail.Mail, _ string, sp []span) {
		put(Datum{Category: sealed[0].category, Table: mailBody, Record: m.ID.String(), Field: "text"}, m.Text, sp)
	})
	if err != nil {
		return err
	}
	return s.eachFile(ctx, tenant, m, refs.sieve(), func(at place) {
		put(Datum{Category: sealed[1].category, Table: fileContent, Record: at.file.Name, Field: at.member}, at.piece, at.spans)
	})
}

// near80 cuts a text to the place and about 80 letters on each side of it.
func near80(text string, sp span) string {
	from, to := max(0, sp.from-80), min(len(text), sp.to+80)
	for from > 0 && text[from]&0xC0 == 0x80 {
		from--
	}
	for to < len(text) && text[to]&0xC0 == 0x80 {
		to++
	}
	return text[from:to]
}

// planSealed is what an erasure does to what is encrypted.
func planSealed(table string) (What, string) {
	switch table {
	case mailBody:
		return Anonymise, "The person is replaced by “" + erased + "” in the text of mails to others."
	case fileContent:
		return Delete, "A file is a signed copy of what was here when it was made: it goes, and can be made again without the person."
	}
	return "", ""
}

// sealedStep carries out one of the steps after the tables: the bodies of mails, then the files that were found to name the subject.
func (e *eraser) sealedStep(ctx context.Context, tx *op.Tx, p *Run) error {
	at := sealed[p.Step-len(e.tables)]
	p.Table = at.name
	next := func() error {
		p.Step, p.After = p.Step+1, nil
		return nil
	}
	count := func(n int) {
		if n > 0 {
			p.Counts[at.name] += n
			p.Done += n
		}
	}
	if at.name == fileContent {
		n, err := file.EndIn(ctx, tx, e.files, "it named a person who is erased")
		if err != nil {
			return fmt.Errorf("end the files that name a person: %w", err)
		}
		count(n)
		return next()
	}
	after := id.Nil
	if len(p.After) == 1 {
		after, _ = id.Parse(p.After[0])
	}
	n, last, err := mail.Redact(ctx, tx, e.s.ops.Keys, after, chunk, func(l mail.Mail, s string) string {
		if _, keep := keeps(e.duties, at.category, recorded(l.CreatedAt)); keep || e.refs.doubtful(e.m.spans(s)) {
			return s
		}
		return e.text(s, erased)
	})
	if err != nil {
		return fmt.Errorf("erase in the bodies of mails: %w", err)
	}
	count(n)
	if last == id.Nil {
		return next()
	}
	p.After = []string{last.String()}
	return nil
}

// lookIntoFiles finds the files to end, before the first transaction of an erasure: reading them may take long.
func (e *eraser) lookIntoFiles(ctx context.Context, tenant id.ID, may func(string) bool) error {
	return e.s.eachFile(ctx, tenant, e.m, may, func(p place) {
		if _, keep := keeps(e.duties, sealed[1].category, recorded(p.file.CreatedAt)); !keep && !e.refs.doubtful(p.spans) {
			e.files = append(e.files, p.file.ID)
		}
	})
}

// doubtful reports whether places may be about another person of the same name.
func (r Refs) doubtful(places []span) bool {
	return r.Shared && !slices.ContainsFunc(places, func(s span) bool { return s.by != byName })
}
