package app

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/account"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/privacy"
)

// demoSecond is the demo's second Admin: an erasure needs two.
const demoSecond = "Mats Halden"

// demoContacts are the people at the demo's customers; each partner brings two of them, the vendor's people the rest.
var demoContacts = []struct{ name, title string }{
	{"Anneliese Kranz", "Head of Intralogistics"}, {"Jörg Petersen", "Plant Manager"}, {"Beatrice Gerber", "Supply Chain Director"}, {"Urs Zbinden", "Purchasing"},
	{"Mathilde Perrin", "Warehouse Manager"}, {"Olivier Caron", "CFO"}, {"Maarten Dekker", "Operations Director"}, {"Lotte van Dijk", "Project Lead Automation"},
	{"Fiona Gallagher", "Head of Fulfilment"}, {"Graham Ellis", "Procurement Manager"}, {"Latoya Simmons", "VP Operations"}, {"Kyle Brandvold", "Distribution Center Manager"},
	{"Whitney Park", "Director of Engineering"}, {"Carlos Mendoza", "Facilities Manager"}, {"Geneviève Lavoie", "Logistics Manager"}, {"Arjun Patel", "IT Manager"},
	{"Federica Galli", "Operations Manager"}, {"Stefano Riva", "Technical Director"}, {"Carmen Ibáñez", "Head of Logistics"}, {"Javier Robles", "Maintenance Lead"},
	{"Ingunn Solberg", "Supply Chain Manager"}, {"Terje Lund", "Managing Director"}, {"Liis Kask", "Production Manager"}, {"Andres Põld", "Buyer"},
	{"Ruth Adeyemi", "Group Head of Automation"}, {"Viktor Lindqvist", "Chief Operating Officer"}, {"Paula Hennig", "Innovation Manager"},
}

// demoWording is what the demo's contacts agreed to.
const demoWording = "Halden Robotics and its partners may send me news about warehouse automation by e-mail. I can withdraw this at any time."

// makeContacts gives the customers people, and says of each what their data may be used for.
func (d *demo) makeContacts(ctx context.Context) error {
	for i, c := range demoContacts {
		who := d.managers[i%len(d.managers)]
		if k := i / 2; k < len(d.partners) {
			who = d.partners[k].agents[i%len(d.partners[k].agents)]
		}
		page, err := d.accounts.List(ctx, who, account.Query{Limit: 12})
		if err != nil {
			return err
		}
		at := page.Items[(5*i)%len(page.Items)]
		email, phone := address(c.name, at.Domain), fmt.Sprintf("+44 20 7946 0%03d", 100+i) // numbers that are never given out
		made, err := d.accounts.CreateContact(ctx, who, account.ContactFacts{Name: &c.name, Title: &c.title, Email: &email, Phone: &phone, AccountID: &at.ID})
		if err != nil {
			return err
		}
		if err := d.makeConsents(ctx, who, made.ID, i); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) makeConsents(ctx context.Context, who access.Actor, contact id.ID, i int) error {
	said := []account.ConsentFacts{{Purpose: "service", Basis: "contract", Source: "Offer"}}
	if i%3 != 0 {
		said = append(said, account.ConsentFacts{Purpose: "marketing", Basis: "consent", Source: "Form at LogiMAT", Wording: demoWording, WordingVersion: "2"})
	}
	switch i % 9 {
	case 4:
		said = append(said, account.ConsentFacts{Purpose: "marketing", Basis: account.Withdrawn, Source: "Link in a mail"})
	case 7:
		said = append(said, account.ConsentFacts{Purpose: "marketing", Basis: "objection", Source: "On the phone"})
	}
	for _, f := range said {
		if err := d.accounts.RecordConsent(ctx, who, contact, f); err != nil {
			return err
		}
	}
	return nil
}

// fillPrivacy makes two requests of persons: one for access that is soon due, and an erasure that is done.
func (d *demo) fillPrivacy(ctx context.Context, second access.Actor) error {
	p, now := d.app.Privacy, d.app.Ops.Clock()
	first := func(i int) (account.Contact, error) {
		page, err := d.accounts.ListContacts(ctx, d.admin, account.Query{Text: demoContacts[i].name, Limit: 1})
		if err != nil || len(page.Items) == 0 {
			return account.Contact{}, fmt.Errorf("contact %s: %w", demoContacts[i].name, err)
		}
		return page.Items[0], nil
	}
	for i, kind := range []privacy.Kind{privacy.Access, privacy.Erasure} {
		c, err := first(24 + i)
		if err != nil {
			return err
		}
		r, err := p.Open(ctx, d.admin, privacy.Ask{Kind: kind, Source: "e-mail", Subject: privacy.Subject{Email: c.Email, Name: c.Name}, Asked: "Please see to my data.", ReceivedAt: now.Add(-27 * 24 * time.Hour)})
		if err != nil {
			return err
		}
		if r, err = p.Verify(ctx, d.admin, r.ID, r.Version, "call-back", "Called back on the number that the customer's switchboard gave."); err != nil {
			return err
		}
		if kind == privacy.Access {
			continue
		}
		if r, err = p.Propose(ctx, d.admin, r.ID, r.Version); err != nil {
			return err
		}
		if r, err = p.Approve(ctx, second, r.ID, r.Version); err != nil {
			return err
		}
		if err := p.Run(ctx, jobs.Job[privacy.RunArgs]{Tenant: d.admin.Tenant, Args: privacy.RunArgs{Request: r.ID}}); err != nil {
			return err
		}
	}
	return nil
}

// secondAdmin adds the demo's second Admin.
func (d *demo) secondAdmin(ctx context.Context) (access.Actor, error) {
	return d.list(ctx, demoSecond, address(demoSecond, "halden.example"), role.Admin, id.Nil)
}
