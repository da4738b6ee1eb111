package isolation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

const (
	chaosTenants = 50
	chaosOps     = 3000
	chaosConns   = 4
	chaosWorkers = 16
)

// chaos is a pool that is too small for its callers, most of whom misbehave.
type chaos struct {
	ops    *op.Ops
	actors []access.Actor
	done   atomic.Int64 // operations that came to their end
	fault  atomic.Pointer[string]
}

func (c *chaos) report(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	c.fault.Store(&s)
}

// see reports a row that is not the actor's.
func (c *chaos) see(who access.Actor, tenant, partner id.ID) {
	if tenant != who.Tenant || who.Persona == access.Partner && partner != who.Partner {
		c.report("%s of %s saw a row of tenant %s, partner %s", who.Persona, who.Tenant, tenant, partner)
	}
}

const chaosAction access.Action = "contact.create"

// look reads everything that the connection shows.
func (c *chaos) look(ctx context.Context, q pg.Querier, who access.Actor) error {
	rows, err := q.Query(ctx, `select tenant_id, partner_id from contact`)
	if err != nil {
		return err
	}
	return c.rows(who)(rows)
}

func (c *chaos) rows(who access.Actor) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var tenant, partner id.ID
		_, err := pgx.ForEachRow(rows, []any{&tenant, &partner}, func() error { c.see(who, tenant, partner); return nil })
		return err
	}
}

// misbehave may panic, give up or take too long.
func misbehave(ctx context.Context, q pg.Querier, give func()) error {
	switch rand.N(12) {
	case 0:
		panic("chaos")
	case 1:
		give()
		return ctx.Err()
	case 2:
		_, err := q.Exec(ctx, `select pg_sleep(1)`) // longer than anybody waits
		return err
	case 3:
		return errors.New("changed my mind")
	case 4:
		_, err := q.Exec(ctx, `select 1 / 0`)
		return err
	}
	return nil
}

// one runs one operation of a random actor.
func (c *chaos) one(ctx context.Context) {
	who := c.actors[rand.N(len(c.actors))]
	ctx, give := context.WithTimeout(ctx, time.Duration(20+rand.N(60))*time.Millisecond)
	defer give()
	defer func() { _ = recover() }()
	var err error
	switch rand.N(4) {
	case 0:
		_, err = op.Write(ctx, c.ops, who, chaosAction, func(tx *op.Tx) (int, error) {
			if err := tx.Allow(access.Object{Partner: who.Partner}); err != nil {
				return 0, err
			}
			v := id.New()
			if _, err := tx.Exec(ctx, `insert into contact (tenant_id, contact_id, partner_id, name) values ((select app.tenant()), $1, (select app.partner()), 'C')`, v); err != nil {
				return 0, err
			}
			tx.Audit(audit.Change{Type: "contact", ID: v})
			if err := misbehave(ctx, tx, give); err != nil {
				return 0, err
			}
			return 0, c.look(ctx, tx, who)
		})
	case 1:
		_, err = op.Read(ctx, c.ops, who, chaosAction, func(tx *op.Tx) (int, error) {
			if err := misbehave(ctx, tx, give); err != nil {
				return 0, err
			}
			return 0, c.look(ctx, tx, who)
		})
	case 2:
		err = op.Batch(ctx, c.ops, who, chaosAction, func(r *op.Reads) {
			r.Query(`select tenant_id, partner_id from contact`, nil, func(rows pgx.Rows) error {
				err := c.rows(who)(rows)
				if rand.N(10) == 0 {
					panic("chaos")
				}
				return err
			})
			if rand.N(10) == 0 {
				r.Query(`select pg_sleep(1)`, nil, func(pgx.Rows) error { return nil })
			}
		})
	case 3: // whoever comes next finds nothing of who was there before
		pool := c.ops.DB.Pool(pg.Staff)
		if who.Persona == access.Partner {
			pool = c.ops.DB.Pool(pg.Partner)
		}
		var bound string
		var seen int
		err = pool.QueryRow(ctx, `select coalesce(current_setting('app.tenant_id', true), '') || coalesce(current_setting('app.partner_id', true), '') || coalesce(current_setting('app.member_id', true), ''),
		  (select count(*) from contact)`).Scan(&bound, &seen)
		if err == nil && (bound != "" || seen != 0) {
			c.report("a connection from the pool is bound to %q and shows %d rows", bound, seen)
		}
	}
	if err == nil {
		c.done.Add(1)
	}
}

// T10, A16.
func TestPoolChaos(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	fresh := pgtest.New(t)
	db, err := pg.OpenPools(ctx, fresh.Pool(pg.Staff).Config().ConnString(), fresh.Installation(), pg.Options{Conns: map[pg.Role]int{pg.Staff: chaosConns, pg.Partner: chaosConns}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	c := &chaos{ops: optest.New(t, db)}
	super := pgtest.Super(t, db)
	grants := map[access.Action]access.Scope{chaosAction: access.All}
	for range chaosTenants {
		staff := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: id.New(), Member: id.New(), Name: "S", Grants: grants}
		partner := access.Actor{Kind: access.Person, Persona: access.Partner, Tenant: staff.Tenant, Partner: id.New(), Member: id.New(), Name: "P", Grants: grants}
		c.actors = append(c.actors, staff, partner)
		if _, err := super.Exec(ctx, `with t as (insert into tenant (tenant_id, slug, name) values ($1, $2, 'T') returning 1), p as (insert into partner (tenant_id, partner_id, name) values ($1, $3, 'P'))
		  insert into contact (tenant_id, contact_id, partner_id, name) values ($1, gen_random_uuid(), $3, 'first'), ($1, gen_random_uuid(), null, 'vendor''s')`, staff.Tenant, "t-"+staff.Tenant.String(), partner.Partner); err != nil {
			t.Fatal(err)
		}
	}

	killing, stop := context.WithCancel(ctx)
	var killer, workers sync.WaitGroup
	kills := 0
	killer.Go(func() {
		every := time.NewTicker(50 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-killing.Done():
				return
			case <-every.C:
				if _, err := super.Exec(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename ~ '^entente_(staff|partner)_' order by random() limit 1`); err == nil {
					kills++
				}
			}
		}
	})
	for range chaosWorkers {
		workers.Go(func() {
			for range chaosOps / chaosWorkers {
				c.one(ctx)
			}
		})
	}
	workers.Wait()
	stop()
	killer.Wait()
	if fault := c.fault.Load(); fault != nil {
		t.Error(*fault)
	}
	done := c.done.Load()
	t.Logf("%d of %d operations came to their end, %d servers killed", done, chaosOps, kills)
	if done < chaosOps/10 || kills == 0 {
		t.Errorf("%d operations came to their end and %d servers were killed: too few to prove anything", done, kills)
	}

	c.settled(t, super)
}

// settled checks that every connection comes back, and that what was committed is on record.
func (c *chaos) settled(t *testing.T, super *pgx.Conn) {
	t.Helper()
	ctx, db := t.Context(), c.ops.DB
	for _, role := range []pg.Role{pg.Staff, pg.Partner} {
		within, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		for range chaosConns {
			conn, err := db.Pool(role).Acquire(within)
			if err != nil {
				t.Fatalf("%s: a connection did not come back: %v", role, err)
			}
			defer conn.Release()
		}
	}
	var unaudited, misplaced int
	if err := super.QueryRow(ctx, `select count(*) filter (where not exists (select from audit_entry a where a.tenant_id = c.tenant_id and a.object_id = c.contact_id and a.outcome = 'done')),
	    count(*) filter (where not exists (select from row_history h where h.tenant_id = c.tenant_id and h.row_id = c.contact_id and h.op_id is not null and h.member_id is not null))
	  from contact c where c.name = 'C'`).Scan(&unaudited, &misplaced); err != nil {
		t.Fatal(err)
	}
	if unaudited+misplaced > 0 {
		t.Errorf("%d contacts without an entry, %d without their history", unaudited, misplaced)
	}
}
