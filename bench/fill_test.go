package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestCompaniesDiffer(t *testing.T) {
	names, domains := map[string]bool{}, map[string]bool{}
	for _, c := range companies(12_000) {
		if names[c.name] || domains[c.domain] {
			t.Fatalf("%q or %q comes twice", c.name, c.domain)
		}
		names[c.name], domains[c.domain] = true, true
		if c.norm == "" || c.claim != "d:"+c.domain {
			t.Fatalf("%q: norm %q, claim key %q", c.name, c.norm, c.claim)
		}
	}
}

// What the fill writes into the derived columns is what the program would have written, and the whole is as large as it says.
func TestFillIsAsTheProgramWrites(t *testing.T) {
	url := pgtest.URL(t)
	w, err := fill(t.Context(), url, t.TempDir(), 0.01, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var n, shared, claims, gin int
	err = conn.QueryRow(t.Context(), `select (select count(*) from app.deal), (select count(*) from app.account_partner), (select count(*) from app.deal_claim),
		(select count(*) from pg_indexes where tablename = 'deal' and indexdef like '%gin%')`).Scan(&n, &shared, &claims, &gin)
	if err != nil {
		t.Fatal(err)
	}
	if n != 11_000 || n != w.AllDeals || shared == 0 || claims == 0 || gin < 2 {
		t.Errorf("%d deals (%d told), %d shares, %d claims, %d trigram indexes", n, w.AllDeals, shared, claims, gin)
	}
	if len(w.Partners) != keyHolders || w.Staff.Key == "" || w.Admin.Session == "" || w.Partners[0].Deals <= w.Partners[keyHolders-1].Deals {
		t.Errorf("callers: %+v", w)
	}
	rows, err := conn.Query(t.Context(), `select title, account_name, account_domain, account_country, product, search_text, name_norm, claim_key from app.deal`)
	if err != nil {
		t.Fatal(err)
	}
	var title, name, domain, country, product, search, norm, claim string
	_, err = pgx.ForEachRow(rows, []any{&title, &name, &domain, &country, &product, &search, &norm, &claim}, func() error {
		if search != orgname.SearchText(title, name, domain, product) || norm != orgname.NormalName(name) || claim != orgname.ClaimKey(domain, name, country) {
			t.Fatalf("deal %q of %q: search %q, norm %q, claim %q", title, name, search, norm, claim)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(w.Partners[0].Key, "ent_") || len(w.Partners[0].Key) != 65 || len(w.Partners[0].Session) != 43 {
		t.Errorf("key %q, session %q", w.Partners[0].Key, w.Partners[0].Session)
	}
}
