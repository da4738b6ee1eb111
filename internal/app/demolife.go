package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/document"
	"entente.dev/internal/file"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// demoRoutes are the pages that the demo's people open, those most of them open first.
var demoRoutes = []struct{ route, action string }{
	{"GET /deals", "deal.list"}, {"GET /deals/{id}", "deal.read"}, {"GET /{$}", "deal.list"}, {"GET /pipeline", "deal.list"}, {"GET /accounts", "account.list"}, {"GET /contacts", "contact.list"},
}

// demoBrowsers are what they open them with.
var demoBrowsers = []string{"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0 Safari/537.36"}

// demoFaults are what broke: the first was followed up, the second is open.
var demoFaults = []struct {
	route, action, fault, trace string
	daysAgo                     []int
}{
	{"GET /deals/export.csv", "deal.list", "context deadline exceeded", "sheet.(*csvWriter).Row\ndeal.(*Service).Export\ndealweb.pages.export", []int{24, 24, 23}},
	{"POST /deals/{id}/notes", "deal.note", "the database did not answer", "deal.insertNote\ndeal.(*Service).Note\ndealweb.pages.note", []int{3, 1}},
}

// fillLife leaves what a programme that is in use has: who opened which page, what jobs did, errors, products, a file, a saved view, and
// that partners accepted the documents.
func (d *demo) fillLife(ctx context.Context) error {
	ops := &op.Ops{DB: d.app.DB, Map: d.app.Ops.Map, Keys: d.app.Ops.Keys, Pages: d.app.Ops.Pages, Log: d.app.Log, Clock: func() time.Time { return d.now }}
	j := journal.New(ops)
	d.visit(j)
	d.work(j)
	for j.Stats().Waiting > 0 {
		j.Flush(ctx)
	}
	if n := j.Stats().Lost; n > 0 {
		return fmt.Errorf("%d entries of the demo's journal are lost", n)
	}
	return errors.Join(d.solveFault(ctx, j), d.addProducts(ctx, ops), d.acceptDocuments(ctx), d.leaveFile(ctx))
}

// visit opens pages on every working day of the last four weeks.
func (d *demo) visit(j *journal.Service) {
	var people []access.Actor
	people = append(people, d.managers...)
	for _, p := range d.partners {
		people = append(people, p.agents...)
	}
	see := func(who access.Actor, at time.Time, v journal.Visit) {
		v.At, v.Tenant, v.Partner, v.Member, v.Kind, v.Name = at, who.Tenant, who.Partner, who.Member, string(who.Kind), who.Name
		v.IP, v.UserAgent, v.RequestID = fmt.Sprintf("198.51.100.%d", 1+d.rnd.IntN(250)), demoBrowsers[d.rnd.IntN(len(demoBrowsers))], id.New().String()
		v.Took = time.Duration(2000+d.rnd.IntN(9000)) * time.Microsecond
		j.Visit(v)
	}
	for day := 28; day > 0; day-- {
		at := d.end.AddDate(0, 0, -day)
		if wd := at.Weekday(); wd == time.Saturday || wd == time.Sunday {
			continue
		}
		for range 12 {
			r := demoRoutes[min(d.rnd.IntN(len(demoRoutes)), d.rnd.IntN(len(demoRoutes)))]
			see(people[d.rnd.IntN(len(people))], at.Add(time.Duration(d.rnd.IntN(480))*time.Minute), journal.Visit{Method: "GET", Route: r.route, Action: r.action, Status: 200})
		}
	}
	for _, f := range demoFaults {
		for _, day := range f.daysAgo {
			see(people[d.rnd.IntN(len(people))], d.end.AddDate(0, 0, -day), journal.Visit{Method: f.route[:4], Route: f.route, Action: f.action, Status: 500, Fault: f.fault, Trace: f.trace})
		}
	}
}

// work runs the nightly jobs of the last ten weeks, and mails.
func (d *demo) work(j *journal.Service) {
	for day := 70; day > 0; day-- {
		night := time.Date(d.end.Year(), d.end.Month(), d.end.Day()-day, 3, 30, 0, 0, time.UTC)
		for i, name := range []string{"deal.expire", "file.sweep"} {
			j.Step(journal.Step{At: night.Add(time.Duration(i) * time.Minute), Tenant: d.admin.Tenant, Kind: journal.Job, Name: name, Outcome: "completed", Took: time.Duration(10+d.rnd.IntN(90)) * time.Millisecond})
		}
		s := journal.Step{At: night.Add(6 * time.Hour), Tenant: d.admin.Tenant, Kind: journal.Vendor, Name: "mail server mx.postmile.example", Outcome: "completed", Took: time.Duration(80+d.rnd.IntN(300)) * time.Millisecond}
		if day == 9 {
			s.Outcome, s.Fault = "failed", "mail.unreachable *net.OpError"
		}
		j.Step(s)
	}
}

// solveFault follows up the error that was seen first.
func (d *demo) solveFault(ctx context.Context, j *journal.Service) error {
	open, err := j.Errors(ctx, d.admin, "open", "", 10)
	if err != nil || len(open.Items) == 0 {
		return err
	}
	oldest := open.Items[len(open.Items)-1]
	return d.at(d.end.AddDate(0, 0, -20), func() error {
		_, err := j.Solve(ctx, d.admin, oldest.ID, true)
		return err
	})
}

func (d *demo) addProducts(ctx context.Context, ops *op.Ops) error {
	tenants := tenant.New(ops)
	return d.at(d.end.AddDate(0, -demoMonths, 0), func() error {
		for _, p := range demoProducts {
			price := int64(p.low) * 100_00
			if _, err := tenants.AddProduct(ctx, d.admin, tenant.ProductInput{Name: &p.name, PriceMinor: &price}); err != nil {
				return err
			}
		}
		_, err := d.deals.SaveView(ctx, d.managers[0], deal.ViewInput{List: "deals", Name: "Large and open", Query: "state=approved&sort=-amount"})
		return err
	})
}

// acceptDocuments lets most partners accept what is to be accepted.
func (d *demo) acceptDocuments(ctx context.Context) error {
	documents := d.promises().documents
	for i, p := range d.partners {
		if i%4 == 3 {
			continue
		}
		pending, err := documents.ToAccept(ctx, p.head)
		if err != nil {
			return err
		}
		if err := d.at(d.end.AddDate(0, 0, -i), func() error {
			for _, x := range pending {
				if !x.MayAccept(p.head) {
					continue
				}
				if _, err := documents.Accept(ctx, p.head, document.AcceptInput{Version: x.VersionID, Digest: x.Digest}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// leaveFile stores the notes of a review, as evidence.
func (d *demo) leaveFile(ctx context.Context) error {
	people := 0
	for _, p := range d.partners {
		people += len(p.agents)
	}
	_, err := d.app.Files.Save(ctx, access.NewSystem(d.admin.Tenant, "demo"), file.Meta{Kind: file.Evidence, Name: "access-review.txt", ContentType: "text/plain; charset=utf-8"}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "Review of who has access, %s\n\nAll %d people of partners and %d of ours were confirmed by their managers.\n", d.end.Format(time.DateOnly), people, len(d.managers))
		return err
	})
	return err
}
