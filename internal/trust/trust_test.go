package trust_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/file"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/optest"
	"entente.dev/internal/trust"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Every control names promises that exist, once each, and every promise gives evidence for a control of both frameworks or none.
func TestRegisterAndControls(t *testing.T) {
	seen := map[string]bool{}
	for i, p := range trust.Register() {
		if seen[p.ID] || p.ID != "P-"+twoDigits(i+1) {
			t.Errorf("the promise after P-%s is %s", twoDigits(i), p.ID)
		}
		seen[p.ID] = true
		if p.Title == "" || !strings.HasSuffix(p.Sentence, ".") || p.Mechanism == "" || p.Check == "" || p.Every <= 0 {
			t.Errorf("%s says too little", p.ID)
		}
	}
	if len(seen) != 38 {
		t.Errorf("%d promises", len(seen))
	}
	used := map[string]bool{}
	for _, c := range trust.Controls() {
		if used[c.ID] || len(c.Promises) == 0 {
			t.Errorf("%s stands twice or for nothing", c.ID)
		}
		used[c.ID] = true
		for _, p := range c.Promises {
			if !seen[p] {
				t.Errorf("%s names %s", c.ID, p)
			}
		}
	}
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

func TestEvidencePackage(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	o := optest.New(t, db)
	super := pgtest.Super(t, db)
	tenant := id.New()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := super.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`insert into tenant (tenant_id, slug, name) values ($1, 'acme', 'Acme')`, tenant)
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	o.Clock = func() time.Time { return day.AddDate(0, 1, 0) }
	for i, result := range []string{"kept", "kept", "failing", "kept"} {
		exec(`insert into installation_evidence (evidence_id, promise, at, kind, result, checked, items, detail) values ($1, 'P-10', $2, 'probe', $3, 'tables', 9, 'operator only')`, id.New(), day.Add(time.Duration(i)*24*time.Hour), result)
		exec(`insert into promise_evidence (tenant_id, evidence_id, promise, at, kind, result, checked, items, detail) values ($4, $1, 'P-16', $2, 'probe', $3, 'triggers', 9, 'officers read this')`, id.New(), day.Add(time.Duration(i)*24*time.Hour), "kept", tenant)
	}
	exec(`insert into promise_evidence (tenant_id, evidence_id, promise, at, kind, result, checked) values ($1, $2, 'P-16', $3, 'probe', 'failing', 'too late for the period')`, tenant, id.New(), day.AddDate(0, 0, 4))
	s := trust.New(o)
	var buf bytes.Buffer
	if err := s.WritePackage(t.Context(), tenant, "Acme “Robots”", trust.Period{From: day, To: day.AddDate(0, 0, 3)}, &buf); err != nil {
		t.Fatal(err)
	}
	verifier, err := o.Keys.Verifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verify := func(b []byte) error {
		_, err := file.VerifyPackage(bytes.NewReader(b), int64(len(b)), verifier)
		return err
	}
	if err := verify(buf.Bytes()); err != nil {
		t.Error(err)
	}
	for at := 40; at < buf.Len(); at += buf.Len() / 7 {
		bent := bytes.Clone(buf.Bytes())
		bent[at] ^= 1
		if verify(bent) == nil && !bytes.Equal(read(t, bent, "report.json"), read(t, buf.Bytes(), "report.json")) {
			t.Errorf("a bit at %d was turned and nobody noticed", at)
		}
	}
	var r trust.Report
	if err := json.Unmarshal(read(t, buf.Bytes(), "report.json"), &r); err != nil {
		t.Fatal(err)
	}
	got := map[string]trust.ReportLine{}
	for _, l := range r.Promises {
		got[l.ID] = l
	}
	if l := got["P-10"]; l.Conclude != "failed at times" || l.Probes != 4 || l.Failing != 1 || l.Gap != 86400 {
		t.Errorf("P-10: %+v", l)
	}
	if l := got["P-16"]; l.Conclude != "kept" || l.Probes != 4 {
		t.Errorf("P-16: %+v", l)
	}
	if got["P-30"].Conclude != "not offered" || got["P-14"].Conclude != "no evidence" {
		t.Errorf("P-30 %q, P-14 %q", got["P-30"].Conclude, got["P-14"].Conclude)
	}
	rows := string(read(t, buf.Bytes(), "evidence.csv"))
	if strings.Contains(rows, "operator only") || !strings.Contains(rows, "officers read this") || strings.Count(rows, "\n") != 9 {
		t.Errorf("rows:\n%s", rows)
	}
	if pdf := read(t, buf.Bytes(), "report.pdf"); !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 5000 {
		t.Errorf("%d bytes of PDF", len(pdf))
	}
	for _, p := range []trust.Period{{}, {From: day}, {From: day, To: day.AddDate(0, 0, -1)}, {From: day, To: day.AddDate(3, 0, 0)}} {
		if err := s.WritePackage(t.Context(), tenant, "Acme", p, io.Discard); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%v: %v", p, err)
		}
	}
}

func read(t *testing.T, b []byte, name string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil
	}
	f, err := z.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	out, err := io.ReadAll(f)
	if err != nil {
		return nil
	}
	return out
}
