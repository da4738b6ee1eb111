package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

const (
	sqlPublic = `select policy_id, number, profile, document, applied_at, '{}'::jsonb, '' from policy_version
 where tenant_id = (select app.tenant()) order by number desc limit 1`
	sqlNewest = `select policy_id, number, profile, document, applied_at, base, applied_by_name from policy_version
 where tenant_id = (select app.tenant()) order by number desc limit 1`
	sqlVersions = `select policy_id, number, profile, document, applied_at, base, applied_by_name from policy_version
 where tenant_id = (select app.tenant()) and ($1 = 0 or number < $1) order by number desc limit $2`
	sqlRules  = `select category, event, keep, stored, from_tenant from retention_rule where tenant_id = (select app.tenant())`
	sqlClocks = `select clock, keep, who from policy_clock where tenant_id = (select app.tenant())`
	sqlExists = `select exists (select from policy_version where tenant_id = (select app.tenant()))`

	// Two who change a policy at once wait for each other.
	sqlLock = `select pg_advisory_xact_lock(hashtextextended('policy ' || app.tenant()::text, 0))`

	sqlInsertVersion = `insert into policy_version (tenant_id, policy_id, number, profile, document, base, applied_by, applied_by_name, applied_at)
values (app.tenant(), $1, $2, $3, $4, $5, $6, $7, $8)`
	sqlInsertRules = `insert into retention_rule (tenant_id, category, event, keep, stored, from_tenant)
select app.tenant(), r.category, r.event, r.keep::interval, r.stored, r.own
  from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::boolean[]) as r (category, event, keep, stored, own)`
	sqlSaveRules = sqlInsertRules + `
on conflict on constraint retention_rule_pk do update set event = excluded.event, keep = excluded.keep, stored = excluded.stored, from_tenant = excluded.from_tenant
 where (retention_rule.event, retention_rule.keep, retention_rule.stored, retention_rule.from_tenant) is distinct from (excluded.event, excluded.keep, excluded.stored, excluded.from_tenant)`
	sqlInsertClocks = `insert into policy_clock (tenant_id, clock, keep, who)
select app.tenant(), c.clock, c.keep::interval, c.who from unnest($1::text[], $2::text[], $3::text[]) as c (clock, keep, who)`
	sqlSaveClocks = sqlInsertClocks + `
on conflict on constraint policy_clock_pk do update set keep = excluded.keep, who = excluded.who
 where (policy_clock.keep, policy_clock.who) is distinct from (excluded.keep, excluded.who)`
)

// In returns the policy of the bound tenant, for use inside another room's transaction and for public pages. A tenant for
// which none was applied yet has the default profile.
func In(ctx context.Context, q pg.Querier) (Effective, error) { return read(ctx, q, sqlPublic) }

func read(ctx context.Context, q pg.Querier, newest string) (Effective, error) {
	e, err := version(ctx, q, newest)
	if errors.Is(err, pgx.ErrNoRows) {
		p, _ := datamap.ProfileOf(datamap.DefaultProfile)
		return effective(p, p, nil, nil), nil
	}
	if err != nil {
		return e, err
	}
	if err := readRules(ctx, q, &e); err != nil {
		return e, err
	}
	return e, readClocks(ctx, q, &e)
}

func version(ctx context.Context, q pg.Querier, sql string, args ...any) (Effective, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Effective{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanVersion)
}

func scanVersion(row pgx.CollectableRow) (e Effective, err error) {
	var key id.ID
	var number int
	var profile, by string
	var at time.Time
	var document, base []byte
	if err := row.Scan(&key, &number, &profile, &document, &at, &base, &by); err != nil {
		return e, err
	}
	if err := errors.Join(json.Unmarshal(document, &e), json.Unmarshal(base, &e.Base)); err != nil {
		return e, fmt.Errorf("policy version %s: %w", key, err)
	}
	e.ID, e.Number, e.Profile, e.AppliedAt, e.AppliedBy = key, number, profile, at, by
	return e, nil
}

// enforced returns the stored rules by category.
func enforced(ctx context.Context, q pg.Querier) (map[string]Rule, error) {
	rows, err := q.Query(ctx, sqlRules)
	if err != nil {
		return nil, err
	}
	stored := map[string]Rule{}
	var r Rule
	var keep pgtype.Interval
	var kept bool
	_, err = pgx.ForEachRow(rows, []any{&r.Category, &r.Event, &keep, &kept, &r.Own}, func() error {
		r.Period, err = periodOf(keep, kept)
		stored[r.Category] = r
		return err
	})
	return stored, err
}

// Drift returns in which categories and clocks of the bound tenant what is enforced is not what its newest version publishes; none as
// a rule, since both are written together.
func Drift(ctx context.Context, q pg.Querier) (wrong []string, err error) {
	e, err := version(ctx, q, sqlPublic)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	stored, err := enforced(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, said := range e.Rules {
		r, ok := stored[said.Category]
		switch {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("no rule is enforced for %s, and %s is published", said.Category, said.Words()))
		case !sameRule(r.Rule, said.Rule):
			wrong = append(wrong, fmt.Sprintf("%s is enforced for %s, and %s is published", r.Words(), said.Category, said.Words()))
		}
	}
	published := slices.Clone(e.Clocks)
	if err := readClocks(ctx, q, &e); err != nil {
		return nil, err
	}
	for i, said := range published {
		if c := e.Clocks[i]; !sameClock(c.Clock, said.Clock) {
			wrong = append(wrong, fmt.Sprintf("%s runs for %s, and %s is published", c.Words(), said.Clock.Clock, said.Words()))
		}
	}
	return wrong, nil
}

// readRules puts what is enforced in the place of what the version's document says; they are the same.
func readRules(ctx context.Context, q pg.Querier, e *Effective) error {
	stored, err := enforced(ctx, q)
	if err != nil {
		return err
	}
	rules := make([]Rule, 0, len(stored))
	for _, c := range datamap.Categories() {
		rule, ok := stored[c.ID]
		if !ok { // a category that this version of the program brought
			p, _ := datamap.ProfileOf(datamap.DefaultProfile)
			rule.Rule = p.Rule(c.ID)
		}
		for _, said := range e.Rules {
			if said.Category == c.ID {
				rule.Says = said.Says
			}
		}
		rules = append(rules, rule)
	}
	e.Rules = rules
	return nil
}

func readClocks(ctx context.Context, q pg.Querier, e *Effective) error {
	rows, err := q.Query(ctx, sqlClocks)
	if err != nil {
		return err
	}
	var name, who string
	var keep pgtype.Interval
	_, err = pgx.ForEachRow(rows, []any{&name, &keep, &who}, func() error {
		for i := range e.Clocks {
			if c := &e.Clocks[i]; c.Clock.Clock == name {
				if c.Who = who; name == datamap.SubjectAnswer {
					return nil
				}
				c.Period, err = periodOf(keep, true)
				return err
			}
		}
		return nil
	})
	return err
}

func periodOf(keep pgtype.Interval, stored bool) (Period, error) {
	if !stored {
		return Period{Unit: datamap.NotStored}, nil
	}
	if !keep.Valid {
		return Period{Unit: datamap.Forever}, nil
	}
	p, known := datamap.PeriodOf(int(keep.Months), int(keep.Days), time.Duration(keep.Microseconds)*time.Microsecond)
	if !known {
		return p, fmt.Errorf("policy: the stored period %+v is none of ours", keep)
	}
	return p, nil
}

// insertVersion writes e as a version and its rules. first says that there is none yet, so that the writer needs no right to
// read or change rules.
func insertVersion(ctx context.Context, tx *op.Tx, e Effective, first bool) error {
	document, err := json.Marshal(e)
	if err != nil {
		return err
	}
	base, err := json.Marshal(e.Base)
	if err != nil {
		return err
	}
	var by *id.ID
	if tx.Who.Member != id.Nil {
		by = &tx.Who.Member
	}
	if _, err := tx.Exec(ctx, sqlInsertVersion, e.ID, e.Number, e.Profile, document, base, by, e.AppliedBy, e.AppliedAt); err != nil {
		return err
	}
	rules, clocks := sqlSaveRules, sqlSaveClocks
	if first {
		rules, clocks = sqlInsertRules, sqlInsertClocks
	}
	if _, err := tx.Exec(ctx, rules, ruleArrays(e.Rules)...); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, clocks, clockArrays(e.Clocks)...)
	return err
}

func ruleArrays(rules []Rule) []any {
	var categories, events []string
	var keep []*string
	var stored, own []bool
	for _, r := range rules {
		categories, events, keep = append(categories, r.Category), append(events, string(r.Event)), append(keep, r.Period.Interval())
		stored, own = append(stored, r.Period.Unit != datamap.NotStored), append(own, r.Own)
	}
	return []any{categories, events, keep, stored, own}
}

func clockArrays(clocks []Clock) []any {
	var names, who []string
	var keep []*string
	for _, c := range clocks {
		var k *string
		if c.Clock.Clock != datamap.SubjectAnswer {
			k = c.Period.Interval()
		}
		names, keep, who = append(names, c.Clock.Clock), append(keep, k), append(who, c.Who)
	}
	return []any{names, keep, who}
}

// lockAndAsk keeps others from changing the policy until the transaction ends, and reports whether there is one.
func lockAndAsk(ctx context.Context, tx *op.Tx) (exists bool, err error) {
	if _, err := tx.Exec(ctx, sqlLock); err != nil {
		return false, err
	}
	return exists, tx.QueryRow(ctx, sqlExists).Scan(&exists)
}

func versions(ctx context.Context, tx *op.Tx, before, limit int) ([]Effective, error) {
	rows, err := tx.Query(ctx, sqlVersions, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanVersion)
}
