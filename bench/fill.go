package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// size is how much a programme holds.
type size struct{ deals, partners, people, accounts int }

const (
	neighbours   = 20 // programmes beside the one that is measured
	vendorPeople = 20
	keyHolders   = 16 // partner users that the measurement acts as
)

func sizes(scale float64) (big, small size) {
	of := func(n int) int { return max(int(float64(n)*scale), 1) }
	big = size{deals: of(100_000), partners: max(of(200), 20), accounts: max(of(5000), 200)}
	small = size{deals: of(50_000), partners: max(of(100), 20), accounts: max(of(2500), 200)}
	big.people, small.people = big.partners*10, small.partners*10
	return big, small
}

// world is what the measurement needs to know of a filled installation.
type world struct {
	Slug     string    `json:"slug"`
	Tenant   id.ID     `json:"tenant"`
	Staff    caller    `json:"staff"`
	Admin    caller    `json:"admin"`
	Partners []caller  `json:"partners"`
	Deals    int       `json:"deals"`     // of the measured programme
	AllDeals int       `json:"all_deals"` // of all programmes
	Filled   time.Time `json:"filled"`
	Seconds  float64   `json:"fill_seconds"`
}

// caller is somebody who can be acted as.
type caller struct {
	Slug    string `json:"slug,omitempty"`    // of the programme, of an Admin of an empty one
	Partner string `json:"partner,omitempty"` // id of the partner company
	Key     string `json:"key,omitempty"`
	Session string `json:"session,omitempty"`
	Deals   int    `json:"deals,omitempty"`
}

// fill makes the programmes in the database behind url, a superuser's, with the keys of the data directory. The program may be running.
func fill(ctx context.Context, url, data string, scale float64, say func(string, ...any)) (world, error) {
	start := time.Now()
	tenants, end, err := founder(ctx, url, data)
	if err != nil {
		return world{}, err
	}
	defer end()
	conn, err := quick(ctx, url)
	if err != nil {
		return world{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	indexes, err := dropIndexes(ctx, conn)
	if err != nil {
		return world{}, err
	}
	big, small := sizes(scale)
	var w world
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for i := range neighbours + 1 {
		g.Go(func() error {
			s := small
			if i == 0 {
				s = big
			}
			made, err := fillTenant(gctx, url, tenants, fmt.Sprintf("bench-%02d", i), s, i == 0)
			if err != nil {
				return fmt.Errorf("programme %d: %w", i, err)
			}
			if i == 0 {
				w = made
			}
			say("  bench-%02d: %d deals, %s so far", i, s.deals, time.Since(start).Round(time.Second))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return w, err
	}
	if err := makeIndexes(ctx, url, indexes); err != nil {
		return w, err
	}
	say("  %d indexes of deals built, %s so far", len(indexes), time.Since(start).Round(time.Second))
	for _, sql := range []string{`vacuum (analyze)`, `checkpoint`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return w, err
		}
	}
	w.Deals, w.AllDeals = big.deals, big.deals+neighbours*small.deals
	w.Filled, w.Seconds = time.Now().UTC(), time.Since(start).Seconds()
	return w, nil
}

// founder returns what makes programmes as the program itself does, with their stages.
func founder(ctx context.Context, url, data string) (*tenant.Service, func(), error) {
	db, err := pg.Open(ctx, url, pg.Options{})
	if err != nil {
		return nil, nil, err
	}
	classes, err := datamap.Load(ctx, db.Pool(pg.Staff))
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	kek, err := crypt.ReadFile(filepath.Join(data, "keys", "kek"), true) // as the program does
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return tenant.New(&op.Ops{DB: db, Map: classes, Keys: keyring.New(db, kek, time.Now), Clock: time.Now, Log: slog.New(slog.DiscardHandler)}), db.Close, nil
}

// emptyOne makes a programme without anything and returns its Admin.
func emptyOne(ctx context.Context, url, data, slug string) (caller, error) {
	tenants, end, err := founder(ctx, url, data)
	if err != nil {
		return caller{}, err
	}
	defer end()
	w, err := fillTenant(ctx, url, tenants, slug, size{}, true)
	w.Admin.Slug = slug
	return w.Admin, err
}

// revive gives the sessions of an earlier run another day.
func revive(ctx context.Context, url string) error {
	conn, err := quick(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sqlRevive)
	return err
}

func quick(ctx context.Context, url string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		_, err = conn.Exec(ctx, sqlQuick)
	}
	return conn, err
}

func dropIndexes(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, sqlIndexes)
	if err != nil {
		return nil, err
	}
	var name, def string
	var names, defs []string
	if _, err = pgx.ForEachRow(rows, []any{&name, &def}, func() error { names, defs = append(names, name), append(defs, def); return nil }); err != nil {
		return nil, err
	}
	for _, n := range names {
		if _, err := conn.Exec(ctx, "drop index app."+pgx.Identifier{n}.Sanitize()); err != nil {
			return nil, err
		}
	}
	return defs, nil
}

func makeIndexes(ctx context.Context, url string, defs []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, def := range defs {
		g.Go(func() error {
			conn, err := quick(ctx, url)
			if err != nil {
				return err
			}
			defer conn.Close(context.WithoutCancel(ctx))
			if _, err = conn.Exec(ctx, def); err != nil {
				return fmt.Errorf("%s: %w", def, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// fillTenant makes one programme. Of the one that is measured it returns the callers.
func fillTenant(ctx context.Context, url string, tenants *tenant.Service, slug string, s size, measured bool) (world, error) {
	w := world{Slug: slug, Tenant: id.New()}
	conn, err := quick(ctx, url)
	if err != nil {
		return w, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	in := tenant.CreateInput{Slug: slug, Name: "Programme " + slug, DefaultCurrency: "EUR", TimeZone: "UTC"}
	if _, err := tenants.Create(ctx, access.NewPlatform(w.Tenant, "bench"), in, nil); err != nil {
		return w, err
	}
	if err := copyNames(ctx, conn, slug, s); err != nil {
		return w, err
	}
	open, won, lost, err := stagesOf(ctx, conn, w.Tenant)
	if err != nil {
		return w, err
	}
	steps := []statement{
		{sqlPartners, []any{w.Tenant}}, {sqlPersons, nil}, {sqlMembers, []any{w.Tenant}}, {sqlAccounts, []any{w.Tenant}}, {sqlContacts, []any{w.Tenant}},
		{sqlDeals, []any{w.Tenant, s.deals, s.partners, s.accounts, open, won, lost, slug, s.people / max(s.partners, 1)}},
		{sqlShares, []any{w.Tenant}}, {sqlClaims, []any{w.Tenant}},
	}
	if measured {
		steps = append(steps, statement{sqlEntries, []any{w.Tenant}})
	}
	for _, st := range steps {
		if _, err := conn.Exec(ctx, st.sql, st.args...); err != nil {
			return w, fmt.Errorf("%.60q: %w", st.sql, err)
		}
	}
	if measured {
		err = w.letIn(ctx, conn)
	}
	return w, err
}

type statement struct {
	sql  string
	args []any
}

// copyNames puts the generated names into the temporary tables that the statements of the fill read.
func copyNames(ctx context.Context, conn *pgx.Conn, slug string, s size) error {
	if _, err := conn.Exec(ctx, sqlTemp); err != nil {
		return err
	}
	var accounts, partners, members [][]any
	for n, c := range companies(s.accounts) {
		accounts = append(accounts, []any{n, id.New(), c.name, c.norm, c.domain, c.country, c.claim, c.search})
	}
	for n := range s.partners {
		name := fmt.Sprintf("Partner %s %03d Systems", slug, n)
		partners = append(partners, []any{n, id.New(), name, orgname.NormalName(name)})
		for k := range s.people / max(s.partners, 1) {
			role := "agent"
			if k == 0 {
				role = "partner"
			}
			members = append(members, []any{n, k, id.New(), id.New(), fmt.Sprintf("Person %03d-%02d", n, k), fmt.Sprintf("p%d.%d@%s.test", n, k, slug), role})
		}
	}
	for k := range vendorPeople {
		role := "staff"
		if k == 0 {
			role = "admin"
		}
		members = append(members, []any{-1, k, id.New(), id.New(), fmt.Sprintf("Vendor %02d", k), fmt.Sprintf("v%d@%s.test", k, slug), role})
	}
	for _, t := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{"b_account", []string{"n", "account_id", "name", "name_norm", "domain", "country", "claim_key", "search"}, accounts},
		{"b_partner", []string{"n", "partner_id", "name", "name_norm"}, partners},
		{"b_member", []string{"partner_n", "k", "member_id", "person_id", "name", "email", "role"}, members},
	} {
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return err
		}
	}
	_, err := conn.Exec(ctx, `analyze b_account; analyze b_partner; analyze b_member`)
	return err
}

func stagesOf(ctx context.Context, conn *pgx.Conn, tenant id.ID) (open []id.ID, won, lost id.ID, err error) {
	rows, err := conn.Query(ctx, sqlStages, tenant)
	if err != nil {
		return nil, won, lost, err
	}
	var v id.ID
	var kind string
	_, err = pgx.ForEachRow(rows, []any{&v, &kind}, func() error {
		switch kind {
		case "won":
			won = v
		case "lost":
			lost = v
		default:
			open = append(open, v)
		}
		return nil
	})
	return open, won, lost, err
}

// letIn makes API keys and sessions for those the measurement acts as: an Admin, one of Staff, and partner users of companies
// of very different size, the largest among them.
func (w *world) letIn(ctx context.Context, conn *pgx.Conn) error {
	for _, role := range []string{"admin", "staff", "partner"} {
		rows, err := conn.Query(ctx, sqlPeople, w.Tenant, role)
		if err != nil {
			return err
		}
		type person struct {
			Member, Partner id.ID
			Deals           int
		}
		people, err := pgx.CollectRows(rows, pgx.RowToStructByPos[person])
		if err != nil {
			return err
		}
		step := max(len(people)/3/keyHolders, 1)
		if role != "partner" {
			people = people[:min(len(people), 1)]
		}
		for i := 0; i < len(people) && len(w.Partners) < keyHolders; i += step {
			c, err := w.admit(ctx, conn, people[i].Member)
			if err != nil {
				return err
			}
			c.Partner, c.Deals = people[i].Partner.String(), people[i].Deals
			switch role {
			case "admin":
				w.Admin = c
			case "staff":
				w.Staff = c
			default:
				w.Partners = append(w.Partners, c)
			}
		}
	}
	return nil
}

var keyAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// admit gives a member an API key and a session, in the shape that the program gives them.
func (w *world) admit(ctx context.Context, conn *pgx.Conn, member id.ID) (caller, error) {
	b := make([]byte, 5+32+32)
	rand.Read(b)
	prefix := keyAlphabet.EncodeToString(b[:5])
	c := caller{Key: "ent_" + prefix + "_" + keyAlphabet.EncodeToString(b[5:37]), Session: base64.RawURLEncoding.EncodeToString(b[37:])}
	key, session := sha256.Sum256([]byte(c.Key)), sha256.Sum256([]byte(c.Session))
	if _, err := conn.Exec(ctx, sqlKey, w.Tenant, member, prefix, key[:]); err != nil {
		return c, err
	}
	_, err := conn.Exec(ctx, sqlSession, w.Tenant, member, session[:])
	return c, err
}
