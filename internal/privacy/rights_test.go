package privacy

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

func TestDeadline(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, received, want string
		policy               time.Duration
	}{
		{"an ordinary month", "2026-03-10T12:00:00+01:00", "2026-04-11T00:00:00+02:00", 0},
		{"31 January", "2026-01-31T09:00:00+01:00", "2026-03-01T00:00:00+01:00", 0},
		{"31 January of a leap year", "2028-01-31T09:00:00+01:00", "2028-03-01T00:00:00+01:00", 0},
		{"30 January of a leap year", "2028-01-30T09:00:00+01:00", "2028-03-01T00:00:00+01:00", 0},
		{"29 January of a leap year", "2028-01-29T09:00:00+01:00", "2028-03-01T00:00:00+01:00", 0},
		{"28 January of a leap year", "2028-01-28T09:00:00+01:00", "2028-02-29T00:00:00+01:00", 0},
		{"31 August", "2026-08-31T00:00:00+02:00", "2026-10-01T00:00:00+02:00", 0},
		{"into summer time", "2026-02-28T23:30:00+01:00", "2026-03-29T00:00:00+01:00", 0},
		{"the day the clocks go on", "2026-03-01T10:00:00+01:00", "2026-04-02T00:00:00+02:00", 0},
		{"into winter time", "2026-09-25T10:00:00+02:00", "2026-10-26T00:00:00+01:00", 0},
		{"late in the evening elsewhere", "2026-01-31T23:30:00Z", "2026-03-02T00:00:00+01:00", 0},
		{"over the year", "2026-12-31T12:00:00+01:00", "2027-02-01T00:00:00+01:00", 0},
		{"a shorter policy", "2026-03-10T12:00:00Z", "2026-03-17T12:00:00Z", 7 * 24 * time.Hour},
		{"a longer policy", "2026-03-10T12:00:00+01:00", "2026-04-11T00:00:00+02:00", 90 * 24 * time.Hour},
	} {
		received, _ := time.Parse(time.RFC3339, c.received)
		want, _ := time.Parse(time.RFC3339, c.want)
		if got := deadline(received, c.policy, berlin); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", c.name, got.In(berlin), want.In(berlin))
		}
	}
}

// send queues a mail for a purpose within a transaction that first runs before.
func (w *world) send(to, purpose string, duty bool) string {
	w.t.Helper()
	v := id.New()
	_, err := op.Write(w.t.Context(), w.ops, access.NewSystem(w.officer.Tenant, "test"), ActRun, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged()
		return struct{}{}, mail.Queue(w.t.Context(), tx, mail.Letter{ID: v, Template: "test", To: to, Subject: "News", Purpose: purpose, Duty: duty, Layout: mailer.Layout{Heading: "News"}})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.text(`select status || ' ' || last_error from mail where mail_id = $1`, v)
}

// P3: what a person agreed or objected to holds for the very next mail.
func TestConsentIsHonoured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.contact(w.partner, "Carla Consent", "carla@konex.example", "")
	accounts := account.New(w.ops)
	say := func(purpose, basis string) {
		t.Helper()
		if err := accounts.RecordConsent(t.Context(), w.partner, c, account.ConsentFacts{Purpose: purpose, Basis: basis, Source: "test", Wording: "Yes."}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	const none, objected = "suppressed The person did not agree to mails of this kind.", "suppressed The person objected."
	expect("marketing without a word", w.send("carla@konex.example", "marketing", false), none)
	expect("service without a word", w.send("carla@konex.example", "service", false), "queued ")
	say("marketing", "consent")
	expect("marketing with consent", w.send("Carla@Konex.example", "marketing", false), "queued ")
	expect("consent to marketing is none to profiling", w.send("carla@konex.example", "profiling", false), none)
	say("marketing", account.Withdrawn)
	expect("withdrawn", w.send("carla@konex.example", "marketing", false), none)
	say("service", "objection")
	expect("objection", w.send("carla@konex.example", "service", false), objected)
	expect("the law goes before", w.send("carla@konex.example", "service", true), "queued ")
}

// P4: nothing is handed out before the identity is on record.
func TestNobodyUnproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact(w.partner, "Carla Consent", "carla@konex.example", "")
	for _, kind := range []Kind{Access, Erasure, Restriction, Objection} {
		r, err := w.s.Open(t.Context(), w.officer, Ask{Kind: kind, Source: "e-mail", Subject: Subject{Email: "carla@konex.example"}, Purpose: "service"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.MakePackage(t.Context(), w.officer, r.ID); err == nil {
			t.Errorf("%s: a package without proof", kind)
		}
		if _, err := w.s.HandOver(t.Context(), w.officer, r.ID); err == nil {
			t.Errorf("%s: a link without proof", kind)
		}
		if _, err := w.s.Propose(t.Context(), w.officer, r.ID, 0); err == nil {
			t.Errorf("%s: proposed without proof", kind)
		}
		if _, err := w.s.Answer(t.Context(), w.officer, r.ID, 0, "Done."); !errs.Is(err, "privacy.not_verified") {
			t.Errorf("%s: answered without proof: %v", kind, err)
		}
		if _, err := w.s.Verify(t.Context(), w.officer, r.ID, 0, "e-mail", "She wrote."); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%s: an e-mail is taken for proof: %v", kind, err)
		}
		if _, err := w.s.Refuse(t.Context(), w.officer, r.ID, 0, "No proof."); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if n := w.count(`select count(*) from mail where to_email = 'carla@konex.example'`); n != 0 {
		t.Errorf("%d mails told an unproved address something", n)
	}
	if n := w.count(`select count(*) from contact where restricted_at is not null`) + w.count(`select count(*) from contact_consent`); n != 0 {
		t.Errorf("%d records changed for an unproved person", n)
	}
}

// A restricted person's record is seen by nobody but the officer.
func TestRestrictedIsSeenByNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.contact(w.partner, "Carla Consent", "carla@konex.example", "")
	accounts := account.New(w.ops)
	seen := func(who access.Actor) (n int) {
		t.Helper()
		for _, q := range []account.Query{{}, {Text: "carla"}} {
			page, err := accounts.ListContacts(t.Context(), who, q)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page.Items)
		}
		if _, err := accounts.GetContact(t.Context(), who, c); err == nil {
			n++
		}
		if _, err := accounts.Consents(t.Context(), who, c); err == nil {
			n++
		}
		title := "CEO"
		if _, err := accounts.UpdateContact(t.Context(), who, c, 0, account.ContactFacts{Title: &title}); err == nil {
			n++
		}
		var csv bytes.Buffer
		if err := accounts.ExportContacts(t.Context(), who, account.Query{}, sheet.NewCSV(&csv)); err != nil {
			t.Fatal(err)
		}
		return n + strings.Count(csv.String(), "carla@konex.example")
	}
	for name, who := range map[string]access.Actor{"staff": w.staff, "partner": w.partner} {
		if n := seen(who); n != 6 {
			t.Errorf("%s sees %d of 6 before", name, n)
		}
	}
	if n, err := w.s.Restrict(t.Context(), w.officer, Subject{Email: "carla@konex.example"}, "She contests it.", false); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for name, who := range map[string]access.Actor{"admin": w.officer, "staff": w.staff, "partner": w.partner, "rival": w.rival, "foreign": w.foreign} {
		if n := seen(who); n != 0 {
			t.Errorf("%s still sees %d", name, n)
		}
	}
	if list, err := w.s.Restricted(t.Context(), w.officer); err != nil || len(list) != 1 {
		t.Errorf("the officer sees %d: %v", len(list), err)
	}
	if list, err := w.s.Restricted(t.Context(), w.foreign); err != nil || len(list) != 0 {
		t.Errorf("another programme's officer sees %d: %v", len(list), err)
	}
	if got := w.send("carla@konex.example", "service", false); got != "suppressed The person's processing is restricted." {
		t.Error(got)
	}
	if _, err := w.s.Restrict(t.Context(), w.officer, Subject{Email: "carla@konex.example"}, "Settled.", true); err != nil {
		t.Fatal(err)
	}
	if n := seen(w.staff); n != 6 {
		t.Errorf("staff sees %d of 6 after it was lifted", n)
	}
}

// What was written about the subject to somebody else is encrypted, and so are stored files; search, plan, package and erasure reach them
// all the same.
func TestEncryptedIsReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contact(w.partner, "Carla Consent", "carla@konex.example", "")
	v := w.mailed("Carla Consent (carla@konex.example) asked for you.")
	named, other := w.stored("Q3 report.zip", strings.Repeat("Lorem ipsum. ", 20_000)+"Kept by Carla Consent."), w.stored("Others.zip", "Carl Consenting")
	sub := Subject{Email: "carla@konex.example"}
	steps := 0
	found, err := w.s.Find(t.Context(), w.officer, sub, "a request", func(done, total int, _ string) {
		if done != steps || done >= total {
			t.Errorf("step %d of %d after %d", done, total, steps)
		}
		steps++
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps != found.Tables {
		t.Errorf("%d steps were told of %d", steps, found.Tables)
	}
	at := map[string]Hit{}
	for _, h := range found.Hits {
		at[h.Table+" "+h.Column] = h
	}
	if h := at["mail_body text"]; h.Key != v.String() || h.Confidence != Mention || !strings.Contains(h.Snippet, "«Carla Consent»") {
		t.Errorf("the mail: %+v", h)
	}
	if h := at["file_content notes.txt"]; h.Key != named.String() || !strings.Contains(h.Snippet, "«Carla Consent»") {
		t.Errorf("the file: %+v", h)
	}
	pkg, err := w.s.gather(t.Context(), w.officer.Tenant, sub)
	if err != nil {
		t.Fatal(err)
	}
	told := jsonOf(pkg.Data)
	if !strings.Contains(told, `"mail_body"`) || !strings.Contains(told, "by Carla Consent.") {
		t.Errorf("the package says %s", told)
	}
	r := w.requested(sub)
	for _, l := range r.Plan.Lines {
		if l.Table == fileContent && (l.What != Delete || l.Rows != 1) || l.Table == mailBody && (l.What != Anonymise || l.Rows != 1) {
			t.Errorf("the plan: %+v", l)
		}
		delete(at, l.Table+" "+map[string]string{fileContent: "notes.txt", mailBody: "text"}[l.Table])
	}
	if len(at["mail_body text"].Key)+len(at["file_content notes.txt"].Key) > 0 {
		t.Errorf("the plan says nothing of mails or files: %+v", r.Plan.Lines)
	}
	if _, err := w.s.Approve(t.Context(), w.second, r.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.run(r)
	m, err := mail.New(w.ops, nil).Get(t.Context(), w.officer, v)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{m.Text, m.HTML} {
		if strings.Contains(body, "Carla") || strings.Contains(body, "konex") || !strings.Contains(body, "asked for you") || !strings.Contains(body, erased) {
			t.Errorf("the mail to somebody else says %q", body)
		}
	}
	if m.To != "bob@else.example" {
		t.Errorf("the mail is to %q now", m.To)
	}
	if n := w.count(`select count(*) from stored_file where file_id = $1 and state = 'ready'`, named); n != 0 {
		t.Error("a file that names the person is still there")
	}
	if n := w.count(`select count(*) from stored_file where file_id = $1 and state = 'ready'`, other); n != 1 {
		t.Error("a file that names somebody else is gone")
	}
}

// mailed queues a mail to Bob that says something.
func (w *world) mailed(text string) id.ID {
	w.t.Helper()
	v := id.New()
	_, err := op.Write(w.t.Context(), w.ops, access.NewSystem(w.officer.Tenant, "test"), ActRun, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged()
		return struct{}{}, mail.Queue(w.t.Context(), tx, mail.Letter{ID: v, Template: "test", To: "bob@else.example", Subject: "Hello", Link: "https://x.example/1",
			Layout: mailer.Layout{Heading: "Hello", Paragraphs: []string{text}}})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// stored makes a package with one text in it.
func (w *world) stored(name, text string) id.ID {
	w.t.Helper()
	f, err := w.s.files.Save(w.t.Context(), access.NewSystem(w.officer.Tenant, "test"), file.Meta{Kind: file.Evidence, Name: name, ContentType: "application/zip"}, func(out io.Writer) error {
		z := zip.NewWriter(out)
		m, err := z.Create("notes.txt")
		if err == nil {
			_, err = io.WriteString(m, text)
		}
		return errors.Join(err, z.Close())
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return f.ID
}
