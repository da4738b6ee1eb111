package deal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/kernel/pg"
)

// Whatever way the search goes (newest first, a small partner's whole list, or the index), it finds exactly what LIKE finds.
func TestSearchFindsWhatLikeFinds(t *testing.T) {
	w := newWorld(t)
	texts := []string{"Müller & Söhne GmbH", "Åkerlund-Öst AB", "О'Коннор ООО", "株式会社ケンプス", "100% Pure_Ltd.", `back\slash co`, "a b c", "R2-D2 x.y.z", "Northwind Logistics", "ab", "x", "ﬁne Œuvre", "e-mail@firm.example"}
	var rows []string
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	for i := range 9000 {
		v := fmt.Sprintf("deal %d", i)
		if i%9 == 0 {
			v = texts[r.IntN(len(texts))] + " " + texts[r.IntN(len(texts))]
		}
		rows = append(rows, orgname.SearchText(v, "gtx"))
	}
	for _, p := range []id.ID{w.partner.Partner, w.rival.Partner} { // one beyond what is looked through, one below
		n := len(rows)
		if p == w.rival.Partner {
			n = 900
		}
		w.exec(`set session_replication_role = replica`)
		w.exec(`insert into deal (tenant_id, deal_id, partner_id, title, search_text, state, stage_id, currency, created_at)
			select $1, gen_random_uuid(), $2, 'x', v, 'draft', $4, 'EUR', now() - n * interval '1 second' from unnest($3::text[]) with ordinality as u (v, n)`, w.staff.Tenant, p, rows[:n], w.stages["Qualify"])
		w.exec(`set session_replication_role = origin`)
	}
	w.exec(`analyze deal`)
	queries := []string{"gtx", "deal", "eal 12", "8999", "a", "ab", "zz", "%", "_", `\`, "-", " ", "r2-d", "2-d2", "x.y", "ов", "会社", "ケン", "öst", "ost a", "n & s", "pure_", "0% p", "no such thing", "l 1234 g"}
	for _, v := range texts {
		for range 12 {
			word := []rune(v)
			from := r.IntN(len(word))
			queries = append(queries, string(word[from:from+1+r.IntN(len(word)-from)]))
		}
	}
	for _, q := range queries {
		q = orgname.SearchText(q)
		if q == "" {
			continue
		}
		pattern, also := "%"+likeEscaper.Replace(q)+"%", ""
		if utf8.RuneCountInString(q) < 3 {
			pattern, also = "% "+pattern[1:], pattern[1:]
		}
		for _, who := range []access.Actor{w.staff, w.partner, w.rival, w.foreign} {
			const sql = `select deal_id from deal where tenant_id = $1 and ($2::uuid is null or partner_id = $2) and (search_text like $3 or search_text like nullif($4, ''))
				order by created_at desc, deal_id desc limit 700`
			want := w.ids(w.super, sql, who.Tenant, who.Partner, pattern, also)
			if got := w.found(who, pattern, 700); !slices.Equal(got, want) {
				t.Errorf("%q as %s: %d found, %d stand there", q, who.Name, len(got), len(want))
			}
		}
	}
}

func (w *world) ids(q pg.Querier, sql string, args ...any) []id.ID {
	w.t.Helper()
	rows, err := q.Query(w.t.Context(), sql, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// found asks the database as the actor's persona.
func (w *world) found(who access.Actor, pattern string, most int) (out []id.ID) {
	w.t.Helper()
	pool := w.ops.DB.Pool(pg.Staff)
	if who.Persona == access.Partner {
		pool = w.ops.DB.Pool(pg.Partner)
	}
	err := pgx.BeginFunc(w.t.Context(), pool, func(tx pgx.Tx) error {
		bind := pg.Binding{Tenant: who.Tenant, Partner: who.Partner, Member: who.Member, Now: w.now()}
		_, err := tx.Exec(w.t.Context(), pg.SQLBind, bind.Args()...)
		if err == nil {
			out = w.ids(tx, `select app.search_deals($1, $2)`, pattern, most)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// The index serves a search, however many tenants and deals there are.
func TestSearchUsesItsIndex(t *testing.T) {
	w, mate := crowd(t)
	var raw string
	err := w.super.QueryRow(t.Context(), `explain (format json) select t.deal_id from app.deal t
		where app.search_trigrams(t.tenant_id, t.search_text) collate "C" @> app.search_wanted($1, 'c4ca42')`, mate.Tenant).Scan(&raw)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(raw, `"deal_search_ix"`) {
		t.Errorf("not by its index: %s", raw)
	}
}
