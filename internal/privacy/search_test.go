package privacy

import (
	"fmt"
	"io"
	"regexp"
	"testing"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Ada+crm@Example.COM": "ada@example.com", "ada": "", "a b@c.de": "", "@x.de": ""} {
		if got := foldEmail(in); got != want {
			t.Errorf("e-mail %q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"+31 6 1234 5678": "12345678", "06-12345678": "12345678", "(0031) 612345678": "12345678", "12345": "", "555 1234": "5551234"} {
		if got := foldPhone(in); got != want {
			t.Errorf("phone %q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"José  NÚÑEZ": "jose nunez", "Jose\u0301 Nunez": "jose nunez", "O’Brien-Smith": "obrien smith", "Weiß": "weiss", "Søren Łódź": "soren lodz"} {
		if got := letters(in); got != want {
			t.Errorf("name %q: %q, want %q", in, got, want)
		}
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	r := Subject{Email: "ada@example.com", Name: "Ada Núñez", Phone: "+31 6 1234 5678"}.refs()
	m, pattern := r.matcher(), regexp.MustCompile("(?i)"+regexp.MustCompile(`\[:space:\]`).ReplaceAllString(r.pattern(), `\s`))
	for text, want := range map[string]int{
		"Called Ada Nunez (06 1234-5678), ada+x@EXAMPLE.com.": 3,
		"NÚÑEZ, Ada":                      1,
		"ada_nunez":                       1,
		"Ada wrote. Nunez answered.":      0,
		"adam@example.com ada@example.co": 0,
		"order 612345678901":              0,
		"Nun\u0303ez, Ada":                1,
	} {
		if got := len(m.spans(text)); got != want {
			t.Errorf("%q: %d places, want %d", text, got, want)
		}
		if want > 0 && !pattern.MatchString(text) {
			t.Errorf("%q is not found by the pattern %s", text, r.pattern())
		}
	}
}

func TestFindEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.contact(w.partner, "Ada Núñez", "ada@example.com", "+31 6 1234 5678")
	w.contact(w.rival, "Ada Nunez", "other@example.org", "")
	w.contact(w.foreign, "Ada Núñez", "ada@example.com", "")
	deal := w.deal(w.staff, "Roof for Ada Nunez")
	w.note(w.staff, deal, "Rang (06) 1234-5678 twice, then wrote to Ada+crm@example.com.")
	w.exec(`insert into mail (tenant_id, mail_id, template, to_email, to_name, subject, text_body, html_body) values ($1, $2, 'deal.note', 'ada@example.com', 'Ada', 'Hello', 'Dear A.', '')`, w.staff.Tenant, id.New())
	found, err := w.s.Find(t.Context(), w.officer, Subject{Email: "ADA@example.com"}, "a request", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, h := range found.Hits {
		got[h.Table+"."+h.Column+" "+h.Confidence] = h.Snippet
		if h.Table == "contact" && h.Confidence == Exact && h.Key != ada.String() {
			t.Errorf("another person is taken for the subject: %+v", h)
		}
	}
	for _, want := range []string{"contact.email exact", "contact.name exact", "contact.phone exact", "contact.name possible", "deal.title possible", "deal_note.body mention",
		"mail.to_email mention", "row_history.new_row mention"} {
		if _, ok := got[want]; !ok {
			t.Errorf("not found: %s (found %v)", want, got)
		}
	}
	if n := len(found.refs.Contacts); n != 1 {
		t.Errorf("%d contacts are the subject's, want one: a namesake is not, nor another programme's", n)
	}
	if _, err := w.s.Find(t.Context(), w.partner, Subject{Email: "ada@example.com"}, "", nil); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("a partner searched: %v", err)
	}
	if _, err := w.s.Find(t.Context(), w.officer, Subject{Phone: "12"}, "", nil); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("error %v, want a refusal of the number", err)
	}
}

// populous makes a programme of 100,000 deals, one contact of which is Ada.
func populous(b *testing.B) *world {
	w := newWorld(b)
	w.contact(w.partner, "Ada Lovelace", "ada@example.com", "+31 6 1234 5678")
	w.exec(`insert into deal (tenant_id, deal_id, title, account_name, state, stage_id, currency, search_text, reason)
	  select $1, gen_random_uuid(), 'Deal ' || i || ' for Müller', 'Maschinenbau ' || i, 'draft', $2, 'USD', 'deal ' || i, repeat('lorem ipsum ', 5) from generate_series(1, 100000) i`, w.staff.Tenant, w.stage[w.staff.Tenant])
	w.exec(`analyze`)
	w.deal(w.staff, "For Ada Lovelace")
	return w
}

// BenchmarkExport is all of what entente subject export does over 100,000 deals: find the person, collect what names them, sign the package.
func BenchmarkExport(b *testing.B) {
	w := populous(b)
	for b.Loop() {
		n, err := w.s.ExportAsOperator(b.Context(), w.staff.Tenant, Subject{Email: "ada@example.com"}, "a benchmark", io.Discard)
		if err != nil || n < 5 {
			b.Fatal(err, n)
		}
	}
}

// BenchmarkFind searches a programme of 100,000 deals.
func BenchmarkFind(b *testing.B) {
	w := populous(b)
	for b.Loop() {
		at := time.Now()
		found, err := w.s.find(b.Context(), w.staff.Tenant, Subject{Email: "ada@example.com"}, nil)
		if err != nil || len(found.Counts) == 0 {
			b.Fatal(err, found)
		}
		b.Log(fmt.Sprint(time.Since(at), " ", found.Counts))
	}
}
