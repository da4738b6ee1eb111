package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/account"
	"entente.dev/internal/deal"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/partner"
	"entente.dev/internal/retention"
	"entente.dev/internal/tenant"
)

// The demo programme: a maker of warehouse robots whose partners sell across Europe and North America.
const (
	demoSlug     = "halden"
	demoName     = "Halden Robotics"
	demoPassword = "explore the demo programme"
	demoDeals    = 400
	demoMonths   = 18
)

// FillDemo makes the demo programme on an installation that has none. It refuses where real programmes live; where the demo
// already stands it does nothing.
func (a *App) FillDemo(ctx context.Context) error {
	tenants, err := a.Tenants.Register(ctx)
	if err != nil {
		return err
	}
	if err := refuseDemo(tenants); err != nil {
		return err
	}
	if slices.ContainsFunc(tenants, func(t tenant.Entry) bool { return t.Lives() }) {
		return nil
	}
	start := time.Now()
	a.Log.Info("filling the demo, this takes a while")
	done, err := a.Identity.CreateAdmin(ctx, identity.AdminInput{Slug: demoSlug, Programme: demoName, Name: "Ingrid Halden", Email: "admin@halden.example", Password: demoPassword, Currency: "EUR", Demo: true})
	if err != nil {
		return err
	}
	admin := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: done.TenantID, Member: done.UserID, Role: role.Admin, Name: "Ingrid Halden", Grants: role.Grants(role.Admin)}
	d, err := a.fillSample(ctx, admin)
	if err != nil {
		return fmt.Errorf("fill the demo: %w", err)
	}
	second, err := d.secondAdmin(ctx)
	if err != nil {
		return err
	}
	if err := d.openDoors(ctx, second); err != nil {
		return fmt.Errorf("let people into the demo: %w", err)
	}
	if err := d.fillPrivacy(ctx, second); err != nil {
		return fmt.Errorf("persons' requests of the demo: %w", err)
	}
	if err := d.fillIncident(ctx); err != nil {
		return err
	}
	if err := d.fillLife(ctx); err != nil {
		return fmt.Errorf("daily life of the demo: %w", err)
	}
	if err := a.letGo(ctx, done.TenantID); err != nil {
		return err
	}
	a.Log.Info("demo filled", "took", time.Since(start).Round(time.Millisecond))
	return nil
}

// refuseDemo refuses to fill an installation on which a real programme lives. Conflict "demo.real_tenants".
func refuseDemo(tenants []tenant.Entry) error {
	for _, t := range tenants {
		if t.Real() {
			return errs.New(errs.Conflict, "demo.real_tenants", "This database holds the programme %q. The demo never goes beside real data: start with another --data directory or database.", t.Name)
		}
	}
	return nil
}

// FillSample puts the demo's partners, people, customers and deals into a programme that was just set up.
func (a *App) FillSample(ctx context.Context, admin access.Actor) error {
	if _, err := a.fillSample(ctx, admin); err != nil {
		return err
	}
	return a.letGo(ctx, admin.Tenant)
}

// letGo removes from a programme that was filled with its past what its policy would have removed by now. What is not sealed yet would stay.
func (a *App) letGo(ctx context.Context, tenant id.ID) error {
	if err := a.Seal.Tick(ctx); err != nil {
		return fmt.Errorf("seal the past: %w", err)
	}
	if _, err := a.Retention.RunTenant(ctx, tenant, retention.Daily, false); err != nil {
		return fmt.Errorf("let the past go: %w", err)
	}
	return nil
}

// demo fills one programme through its own use cases, with the clock set to when each thing happened.
type demo struct {
	app      *App
	rnd      *rand.Rand
	now      time.Time // the demo's clock
	end      time.Time
	admin    access.Actor
	managers []access.Actor
	partners []demoPartner
	people   *identity.Service
	deals    *deal.Service
	firms    *partner.Service
	accounts *account.Service
}

type demoPartner struct {
	partner.Partner
	head   access.Actor
	agents []access.Actor
}

func (a *App) fillSample(ctx context.Context, admin access.Actor) (*demo, error) {
	d := &demo{app: a, rnd: rand.New(rand.NewPCG(7, 11)), end: a.Ops.Clock(), admin: admin}
	d.now = d.end.AddDate(0, -demoMonths, 0)
	ops := &op.Ops{DB: a.DB, Map: a.Ops.Map, Keys: a.Ops.Keys, Pages: a.Ops.Pages, PublicURL: a.Ops.PublicURL, Log: a.Log, Clock: func() time.Time { return d.now }}
	d.people = identity.New(ops, identity.Options{Tenants: a.Tenants})
	d.deals, d.firms, d.accounts = deal.New(ops), partner.New(ops), account.New(ops)
	if err := d.makePeople(ctx); err != nil {
		return nil, err
	}
	if err := d.makeDeals(ctx); err != nil {
		return nil, err
	}
	if err := d.makeContacts(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(d.fillProcessors(ctx), d.fillDocuments(ctx)); err != nil {
		return nil, err
	}
	return d, nil
}

// list adds somebody to the programme who has no sign-in yet.
func (d *demo) list(ctx context.Context, name, email, as string, company id.ID) (access.Actor, error) {
	m, err := op.Write(ctx, d.app.Ops, d.admin, identity.ActInvite, func(tx *op.Tx) (identity.Member, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return identity.Member{}, err
		}
		m, err := identity.ListIn(ctx, tx, identity.Listing{Name: name, Email: email, Role: as, Partner: company})
		tx.Unchanged() // ListIn has told
		return m, err
	})
	return access.Actor{Kind: access.Person, Persona: role.Persona(as), Tenant: d.admin.Tenant, Partner: company, Member: m.ID, Role: as, Name: name, Grants: role.Grants(as)}, err
}

func (d *demo) makePeople(ctx context.Context) error {
	for _, n := range demoManagers {
		who, err := d.list(ctx, n, address(n, "halden.example"), role.Staff, id.Nil)
		if err != nil {
			return err
		}
		d.managers = append(d.managers, who)
	}
	for i, c := range demoPartners {
		manager := d.managers[i%len(d.managers)].Member
		p, err := d.firms.Create(ctx, d.admin, partner.Facts{Name: &c.name, Kind: &c.kind, Domains: &[]string{c.domain}, Country: &c.country, Region: &c.region, ManagerID: &manager})
		if err != nil {
			return err
		}
		dp := demoPartner{Partner: p}
		for k, n := range c.people {
			as := role.Agent
			if k == 0 {
				as = role.Partner
			}
			who, err := d.list(ctx, n, address(n, c.domain), as, p.ID)
			if err != nil {
				return err
			}
			if k == 0 {
				dp.head = who
			}
			dp.agents = append(dp.agents, who)
		}
		d.partners = append(d.partners, dp)
		d.now = d.now.Add(31 * time.Hour)
	}
	return nil
}

// makeDeals registers the deals month by month, more of them lately, and lets each run as far as its age allows.
func (d *demo) makeDeals(ctx context.Context) error {
	stages, err := d.deals.Stages(ctx, d.admin)
	if err != nil {
		return err
	}
	span := d.end.Sub(d.now)
	begin := d.now
	for i := range demoDeals {
		share := float64(i) / demoDeals
		d.now = begin.Add(time.Duration(float64(span) * (0.35*share + 0.65*(1-(1-share)*(1-share))))).Add(-time.Duration(d.rnd.IntN(90)) * time.Minute)
		if i >= demoDeals-14 { // what waits for a decision today
			d.now = d.end.Add(-time.Duration(demoDeals-i) * 19 * time.Hour)
		}
		if d.now.After(d.end) {
			d.now = d.end.Add(-time.Hour)
		}
		if i%10 == 0 {
			if _, err := d.deals.Expire(ctx, d.admin.Tenant); err != nil {
				return err
			}
		}
		if err := d.oneDeal(ctx, i, stages); err != nil {
			return fmt.Errorf("deal %d: %w", i, err)
		}
	}
	d.now = d.end
	return nil
}

func (d *demo) oneDeal(ctx context.Context, i int, stages []deal.Stage) error {
	p := d.partners[d.rnd.IntN(len(d.partners))]
	who := p.agents[d.rnd.IntN(len(p.agents))]
	c := demoCustomers[d.rnd.IntN(len(demoCustomers))]
	product := demoProducts[d.rnd.IntN(len(demoProducts))]
	amount := int64(product.low+d.rnd.IntN(product.high-product.low)) * 100_00
	x, err := d.deals.Create(ctx, who, deal.CreateInput{Title: fmt.Sprintf(product.title, c.name), Account: deal.AccountFacts{Name: c.name, Domain: c.domain, Country: c.country},
		AmountMinor: &amount, Currency: "EUR", Product: product.name, ExpectedCloseOn: deal.DayOf(d.now.AddDate(0, 1+d.rnd.IntN(4), d.rnd.IntN(28))), Source: "demo"})
	if err != nil {
		return err
	}
	if i%29 == 3 {
		return nil // still a draft
	}
	d.now = d.now.Add(time.Duration(5+d.rnd.IntN(50)) * time.Minute)
	if x, err = d.deals.Submit(ctx, who, deal.Step{ID: x.ID}); err != nil {
		return err
	}
	if i >= demoDeals-14 {
		return nil // waits
	}
	return d.decide(ctx, x, who, stages)
}

func (d *demo) decide(ctx context.Context, x deal.Deal, who access.Actor, stages []deal.Stage) error {
	manager := d.managers[d.rnd.IntN(len(d.managers))]
	d.later(4 + d.rnd.IntN(70))
	switch roll := d.rnd.IntN(100); {
	case roll < 9:
		_, err := d.deals.Reject(ctx, manager, deal.RejectInput{Step: deal.Step{ID: x.ID}, Code: deal.RejectReasons[d.rnd.IntN(len(deal.RejectReasons)-1)].Code, Reason: demoReasons[d.rnd.IntN(len(demoReasons))]})
		return err
	case roll < 13:
		_, err := d.deals.Return(ctx, manager, deal.ReturnInput{Step: deal.Step{ID: x.ID}, Reason: demoQuestions[d.rnd.IntN(len(demoQuestions))]})
		return err
	case roll < 15:
		_, err := d.deals.Withdraw(ctx, who, deal.WithdrawInput{Step: deal.Step{ID: x.ID}, Reason: "The customer postponed the project."})
		return err
	}
	_, err := d.deals.Approve(ctx, manager, deal.Step{ID: x.ID})
	if errs.Is(err, "deal.protected") {
		_, err = d.deals.Reject(ctx, manager, deal.RejectInput{Step: deal.Step{ID: x.ID}, Code: deal.RejectReasons[0].Code, Reason: "Another partner registered this customer first."})
		return err
	}
	if err != nil {
		return err
	}
	return d.run(ctx, x, who, manager, stages)
}

// run moves an approved deal along its pipeline, as far as its age allows.
func (d *demo) run(ctx context.Context, x deal.Deal, who, manager access.Actor, stages []deal.Stage) error {
	if d.rnd.IntN(3) == 0 {
		if _, err := d.deals.Note(ctx, who, deal.NoteInput{ID: x.ID, Body: demoNotes[d.rnd.IntN(len(demoNotes))]}); err != nil {
			return err
		}
	}
	if d.rnd.IntN(5) == 0 {
		if _, err := d.deals.Note(ctx, manager, deal.NoteInput{ID: x.ID, Body: demoAsides[d.rnd.IntN(len(demoAsides))], Internal: true}); err != nil {
			return err
		}
	}
	for _, s := range stages {
		if s.Kind != "open" || s.ID == x.Stage {
			continue
		}
		if d.rnd.IntN(10) < 3 || !d.later(24*(6+d.rnd.IntN(18))) {
			break
		}
		if _, err := d.deals.Move(ctx, who, deal.MoveInput{ID: x.ID, Stage: s.ID}); err != nil {
			return err
		}
	}
	if d.rnd.IntN(10) < 2 || !d.later(24*(8+d.rnd.IntN(25))) {
		return nil
	}
	var err error
	if d.rnd.IntN(10) < 6 {
		_, err = d.deals.Win(ctx, who, deal.WinInput{Step: deal.Step{ID: x.ID}, ClosedOn: deal.DayOf(d.now)})
	} else {
		_, err = d.deals.Lose(ctx, who, deal.LoseInput{Step: deal.Step{ID: x.ID}, ClosedOn: deal.DayOf(d.now), Reason: demoLosses[d.rnd.IntN(len(demoLosses))]})
	}
	return err
}

// later moves the demo's clock on by hours; false means that this would be in the future, and the clock stands.
func (d *demo) later(hours int) bool {
	at := d.now.Add(time.Duration(hours) * time.Hour)
	if at.After(d.end) {
		return false
	}
	d.now = at
	return true
}

// openDoors gives one person of each role a sign-in, with the password that the demo prints.
func (d *demo) openDoors(ctx context.Context, second access.Actor) error {
	for _, m := range []access.Actor{second, d.managers[0], d.partners[0].head, d.partners[0].agents[1]} {
		invited, err := d.app.Identity.Reinvite(ctx, d.admin, m.Member)
		if err != nil {
			return err
		}
		link, err := url.Parse(invited.URL)
		if err != nil {
			return err
		}
		if _, err := d.app.Identity.Accept(ctx, access.Request{}, identity.AcceptInput{Token: link.Query().Get("token"), Name: m.Name, Password: demoPassword}); err != nil {
			return err
		}
	}
	return nil
}

// demoWelcome tells how to sign in to the demo: of the people it names those that it has, for an older demo may have fewer.
func (a *App) demoWelcome(ctx context.Context) (string, error) {
	programme, err := a.Tenants.BySlug(ctx, demoSlug)
	if err != nil {
		return "", err
	}
	who := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: programme.ID, Role: role.Admin, Name: "demo", Grants: role.Grants(role.Admin)}
	out := fmt.Sprintf("\nDemo programme %s. Password for everyone: %s", demoName, demoPassword)
	p := demoPartners[0]
	for _, l := range []struct{ role, email, note string }{{"Admin", "admin@halden.example", ""}, {"Admin", address(demoSecond, "halden.example"), " (the second, to approve)"},
		{"Staff", address(demoManagers[0], "halden.example"), ""}, {"Partner", address(p.people[0], p.domain), ""}, {"Agent", address(p.people[1], p.domain), ""}} {
		found, err := a.Identity.People(ctx, who, identity.PeopleQuery{Q: l.email, Status: "active", Limit: 1})
		if err != nil {
			return "", err
		}
		if len(found.Items) > 0 {
			out += fmt.Sprintf("\n  %-8s %s%s", l.role, l.email, l.note)
		}
	}
	return out, nil
}
