package deal

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// sqlCrowd fills one tenant: 40 partners, 200 people, a few thousand customers, and deals in every state. $1 is its slug.
const sqlCrowd = `
with t as (select tenant_id from tenant where slug = $1),
st as (select array_agg(stage_id order by position) as ids from stage where tenant_id = (select tenant_id from t)),
p as (select array_agg(partner_id) as ids from partner where tenant_id = (select tenant_id from t) and name like 'Crowd%'),
m as (select array_agg(member_id) as ids from member where tenant_id = (select tenant_id from t) and name like 'Crowd%')
insert into deal (tenant_id, deal_id, partner_id, owner_id, title, account_name, account_domain, claim_key, name_norm, search_text, state, stage_id, amount_minor,
  currency, expected_close_on, submitted_at, protected_until, closed_on, reason, created_at)
select t.tenant_id, gen_random_uuid(), p.ids[1 + n % 40], m.ids[1 + n % 40 + 40 * (n % 5)], 'Deal ' || n, 'Firm ' || md5((n % 5000)::text), md5((n % 5000)::text) || '.example',
  'd:' || md5((n % 5000)::text) || '.example', 'firm ' || md5((n % 5000)::text), 'deal ' || n || ' firm ' || md5((n % 5000)::text), s.state,
  case s.state when 'won' then st.ids[3] when 'lost' then st.ids[4] else st.ids[1 + n % 2] end, (n * 7919) % 10000000, case n % 3 when 0 then 'USD' else 'EUR' end,
  date '2026-01-01' + n % 500, now() - n * interval '1 minute', case when s.state = 'approved' then now() + (n % 90) * interval '1 day' end,
  case when s.state in ('won', 'lost') then date '2026-03-01' - n % 900 end, case when s.state in ('rejected', 'returned') then 'x' else '' end,
  now() - n * interval '1 minute'
  from t, st, p, m, generate_series(1, 10000) n,
  lateral (select (array['won', 'won', 'won', 'won', 'lost', 'lost', 'lost', 'approved', 'approved', 'approved', 'approved', 'submitted', 'draft', 'returned', 'rejected', 'expired'])[1 + (n * 31) % 16] as state) s`

const sqlCrowdPeople = `
with t as (select tenant_id from tenant where slug = $1),
p as (insert into partner (tenant_id, partner_id, name) select tenant_id, gen_random_uuid(), 'Crowd ' || n from t, generate_series(1, 40) n returning tenant_id, partner_id),
n as (select tenant_id, partner_id, row_number() over () as i from p)
insert into member (tenant_id, member_id, partner_id, role, name, status)
select n.tenant_id, gen_random_uuid(), n.partner_id, 'agent', 'Crowd ' || n.i || ' ' || k, 'active' from n, generate_series(1, 5) k`

// crowd returns a world with 20,000 deals in two tenants, somebody of a partner with deals, and that one's owner id.
func crowd(t testing.TB) (*world, access.Actor) {
	w := newWorld(t)
	w.exec(`set session_replication_role = replica`)
	for _, slug := range []string{"acme", "bolt"} {
		w.exec(sqlCrowdPeople, slug)
		w.exec(sqlCrowd, slug)
	}
	w.exec(`set session_replication_role = origin`)
	for _, table := range []string{"deal", "partner", "member", "stage", "deal_claim", "deal_note", "tenant"} {
		w.exec(`vacuum analyze ` + table)
	}
	var partner, member id.ID
	if err := w.super.QueryRow(t.Context(), `select partner_id, member_id from member where name like 'Crowd 7 %' and tenant_id = $1 limit 1`, w.staff.Tenant).Scan(&partner, &member); err != nil {
		t.Fatal(err)
	}
	return w, access.Actor{Kind: access.Person, Persona: access.Partner, Tenant: w.staff.Tenant, Partner: partner, Member: member, Role: role.Partner, Name: "Crowd",
		Credential: id.New(), Grants: role.Grants(role.Partner)}
}

type planNode struct {
	Kind     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Rows     float64    `json:"Plan Rows"`
	Plans    []planNode `json:"Plans"`
}

func (n planNode) walk(fn func(planNode)) {
	fn(n)
	for _, c := range n.Plans {
		c.walk(fn)
	}
}

// plans returns the plan for these arguments and the one for any arguments, which PostgreSQL changes to after a few calls.
func (w *world) plans(who access.Actor, sql string, args []any) map[string]planNode {
	pool := w.ops.DB.Pool(pg.Staff)
	if who.Persona == access.Partner {
		pool = w.ops.DB.Pool(pg.Partner)
	}
	out := map[string]planNode{}
	err := pgx.BeginFunc(w.t.Context(), pool, func(tx pgx.Tx) error {
		bind := pg.Binding{Tenant: who.Tenant, Partner: who.Partner, Member: who.Member, Now: w.now()}
		if _, err := tx.Exec(w.t.Context(), pg.SQLBind, bind.Args()...); err != nil {
			return err
		}
		for _, name := range []string{"custom", "generic"} {
			var raw []byte
			var err error
			if name == "custom" {
				err = tx.QueryRow(w.t.Context(), "explain (format json) "+sql, args...).Scan(&raw)
			} else if res, e := tx.Conn().PgConn().Exec(w.t.Context(), "explain (generic_plan, format json) "+sql).ReadAll(); e == nil {
				raw = res[0].Rows[0][0]
			} else {
				err = e
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			var top []struct{ Plan planNode }
			if err := json.Unmarshal(raw, &top); err != nil {
				return err
			}
			out[name] = top[0].Plan
		}
		return nil
	})
	if err != nil {
		w.t.Fatalf("%v in %s", err, sql)
	}
	return out
}

// The commonest statements use their index under the row policies of whoever asks.
func TestPlans(t *testing.T) {
	w, mate := crowd(t)
	list := func(who access.Actor, q Query) (string, []any) {
		sel, err := w.s.selection(who, q)
		if err != nil {
			t.Fatal(err)
		}
		return sel.page(50)
	}
	var some id.ID
	if err := w.super.QueryRow(t.Context(), `select deal_id from deal where partner_id = $1 limit 1`, mate.Partner).Scan(&some); err != nil {
		t.Fatal(err)
	}
	first, err := w.s.List(t.Context(), w.staff, Query{})
	if err != nil || first.Next == "" {
		t.Fatal(first.Next, err)
	}
	tenant := []any{mate.Tenant}
	for _, c := range []struct {
		name  string
		who   access.Actor
		index string
		sql   string
		args  []any
		query *Query
	}{
		{name: "read one, partner", who: mate, index: "deal_pk", sql: sqlGet, args: []any{mate.Tenant, some}},
		{name: "read one, staff", who: w.staff, index: "deal_pk", sql: sqlGet, args: []any{mate.Tenant, some}},
		{name: "newest, staff", who: w.staff, index: "deal_created_ix", query: &Query{}},
		{name: "newest, partner", who: mate, index: "deal_partner_created_ix", query: &Query{}},
		{name: "second page, staff", who: w.staff, index: "deal_created_ix", query: &Query{Cursor: first.Next}},
		{name: "by stage and amount, partner", who: mate, index: "deal_partner_stage_ix", query: &Query{Stage: w.stages["Qualify"].String(), Sort: "-amount"}},
		{name: "by stage's name and amount, partner", who: mate, index: "deal_partner_stage_ix", query: &Query{Stage: "Qualify", Sort: "-amount"}},
		{name: "of a partner by stage and amount, staff", who: w.staff, index: "deal_partner_stage_ix", query: &Query{Partner: mate.Partner, Stage: "Qualify", Sort: "-amount"}},
		{name: "dearest, staff", who: w.staff, index: "deal_amount_ix", query: &Query{Sort: "-amount"}},
		{name: "closing next, staff", who: w.staff, index: "deal_close_ix", query: &Query{Sort: "close"}},
		{name: "by state, staff", who: w.staff, index: "deal_state_ix", query: &Query{State: StateReturned}},
		{name: "of an owner, staff", who: w.staff, index: "deal_owner_ix", query: &Query{Owner: mate.Member}},
		{name: "search, partner", who: mate, query: &Query{Q: "c4ca42"}},
		{name: "search, staff", who: w.staff, query: &Query{Q: "c4ca42", Sort: "-amount"}},
		{name: "queue", who: w.staff, index: "deal_queue_ix", sql: sqlQueue, args: []any{mate.Tenant, start, id.Nil, 21}},
		{name: "board's cards, staff", who: w.staff, index: "deal_stage_ix", sql: fmt.Sprintf(sqlBoard, ""), args: tenant},
		{name: "board's cards, partner", who: mate, sql: fmt.Sprintf(sqlBoard, ""), args: tenant},
		{name: "pipeline, staff", who: w.staff, sql: fmt.Sprintf(sqlPipeline, ""), args: tenant},
		{name: "pipeline, partner", who: mate, index: "deal_pipeline_ix", sql: fmt.Sprintf(sqlPipeline, ""), args: tenant},
		{name: "won by month, staff", who: w.staff, index: "deal_won_ix", sql: sqlWonByMonth, args: []any{mate.Tenant, Day("2024-10-01")}},
		{name: "won by month, partner", who: mate, index: "deal_won_ix", sql: sqlWonByMonth, args: []any{mate.Tenant, Day("2024-10-01")}},
		{name: "what expires next", who: w.staff, index: "deal_expiry_ix", sql: sqlExpiring, args: []any{mate.Tenant, start}},
	} {
		if c.query != nil {
			c.sql, c.args = list(c.who, *c.query)
		}
		for kind, plan := range w.plans(c.who, c.sql, c.args) {
			var seen []string
			plan.walk(func(n planNode) {
				if n.Index != "" {
					seen = append(seen, n.Index)
				}
				if n.Kind == "Seq Scan" && n.Relation == "deal" {
					t.Errorf("%s, %s plan: reads all deals", c.name, kind)
				}
				if n.Kind == "Sort" && n.Rows > 5000 {
					t.Errorf("%s, %s plan: sorts %.0f rows", c.name, kind, n.Rows)
				}
			})
			if c.index != "" && !strings.Contains(" "+strings.Join(seen, " ")+" ", " "+c.index+" ") {
				t.Errorf("%s, %s plan: uses %v, not %s", c.name, kind, seen, c.index)
			}
		}
	}
}

// What similar_deals runs is inside a function, where EXPLAIN does not look, so it is explained by itself.
func TestSimilarPlan(t *testing.T) {
	w, mate := crowd(t)
	const similar = `select d.deal_id from app.deal d where d.tenant_id = $1 and d.state in ('submitted', 'returned', 'approved')
		and d.name_norm % 'firm c4ca4238a0b923820dcc509a6f75849b'`
	var raw string
	if err := w.super.QueryRow(t.Context(), "explain (format json) "+similar, mate.Tenant).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(raw, `"deal_similar_ix"`) {
		t.Errorf("similar names not by their index: %s", raw)
	}
}
