package datamap

import (
	"strings"
	"testing"

	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestParse(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"class=personal category=user-account":      true,
		"category=cache class=internal":             true,
		"class=secret category=email-log plus text": true,
		"":                                     false,
		"class=personal":                       false,
		"category=user-account":                false,
		"class=Personal category=user-account": false,
		"class=personal category=users":        false,
		"class=private category=user-account":  false,
		"class= category=":                     false,
	}
	for comment, want := range cases {
		if _, ok := parse(comment); ok != want {
			t.Errorf("%q: %t, want %t", comment, ok, want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	m, err := Load(t.Context(), db.Pool(pg.Staff))
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string]Class{
		"person.email": Personal, "person.password_hash": Secret, "api_key.key_hash": Secret, "mail.link": Secret, "installation.secret": Secret,
		"deal.title": Business, "deal.deal_id": Internal, "tenant.brand_color": Public, "deal_note.body": Personal,
		"deal.unheard_of": Secret, "unheard_of.title": Secret, // what nobody classified is not shown
	} {
		table, name, _ := strings.Cut(column, ".")
		if got := m.Class(table, name); got != want {
			t.Errorf("%s is %s, want %s", column, got, want)
		}
	}
	if (Map{}).Class("deal", "title") != Secret {
		t.Error("an empty map shows something")
	}
	for _, c := range m.Columns() {
		if c.Table == "schema_version" || strings.HasSuffix(c.Table, "_rest") || m.Class(c.Table, c.Name) != c.Class {
			t.Errorf("strange column %+v", c)
		}
	}
}

func TestLoadNamesWhatIsUnclassified(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	super := pgtest.Super(t, db)
	for _, sql := range []string{`alter table deal add column mood text`, `comment on column contact.phone is 'class=personnel category=customer-data'`} {
		if _, err := super.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(t.Context(), db.Pool(pg.Staff))
	if err == nil || !strings.HasSuffix(err.Error(), ": contact.phone, deal.mood") {
		t.Errorf("error %v", err)
	}
}
