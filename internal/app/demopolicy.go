package app

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"entente.dev/internal/document"
	"entente.dev/internal/event"
	"entente.dev/internal/incident"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/processor"
)

//go:embed demotext/*.md
var demoTexts embed.FS

// promises are the rooms behind the demo's documents, on the demo's clock.
type promises struct {
	documents  *document.Service
	processors *processor.Service
	notices    *notice.Service
}

func (d *demo) promises() promises {
	ops := &op.Ops{DB: d.app.DB, Map: d.app.Ops.Map, Keys: d.app.Ops.Keys, Pages: d.app.Ops.Pages, PublicURL: d.app.Ops.PublicURL, Log: d.app.Log, Clock: func() time.Time { return d.now }}
	p := promises{document.New(ops), processor.New(ops, nil), notice.New(ops)}
	ops.Listeners = map[string][]op.Listener{"notice.sent": {func(ctx context.Context, tx *op.Tx, ev event.Event) error {
		sent := ev.(notice.Sent)
		return errors.Join(p.documents.NoteSent(ctx, tx, sent), p.processors.NoteSent(ctx, tx, sent))
	}}}
	return p
}

// at sets the demo's clock for one step.
func (d *demo) at(t time.Time, fn func() error) error {
	before := d.now
	d.now = t
	err := fn()
	d.now = before
	return err
}

// demoChanges are how later versions of the documents came from the first.
var demoChanges = []struct {
	kind, change, summary string
	daysAgo               int
	old, fresh            string
}{
	{"programme-terms", document.Material, "We decide within two working days instead of five, and protection can be extended once.", 200, "", ""},
	{"terms", document.Minor, "Clearer words on exporting what you entered.", 120, "You can export it at any time.", "You can export all of it at any time, as CSV or JSON."},
	{"programme-terms", document.Material, "Protection lasts 120 days instead of 90, and an extension needs a meeting with the customer.", 2, "is protected for 90 days", "is protected for 120 days"},
}

// fillDocuments publishes the demo's documents, their history and one announced version.
func (d *demo) fillDocuments(ctx context.Context) error {
	p := d.promises()
	begin := d.end.AddDate(0, -demoMonths, 0)
	texts := map[string]string{}
	for _, k := range document.Kinds {
		b, err := demoTexts.ReadFile("demotext/" + k.ID + ".md")
		if err != nil {
			return err
		}
		texts[k.ID] = string(b)
		first := texts[k.ID]
		if k.ID == "programme-terms" { // what held before the first change
			first = strings.ReplaceAll(strings.ReplaceAll(first, "two working days", "five working days"), "3. A protected deal can be extended once by 30 days, when there was progress.\n", "")
		}
		err = d.at(begin, func() error { return d.publish(ctx, p, k.ID, k.Title, first, "", "") })
		if err != nil {
			return err
		}
	}
	for _, c := range demoChanges {
		if c.old != "" {
			texts[c.kind] = strings.NewReplacer(c.old, c.fresh, "when there was progress", "after a meeting with the customer").Replace(texts[c.kind])
		}
		k, _ := document.KindOf(c.kind)
		if err := d.at(d.end.AddDate(0, 0, -c.daysAgo), func() error { return d.publish(ctx, p, c.kind, k.Title, texts[c.kind], c.change, c.summary) }); err != nil {
			return fmt.Errorf("%s: %w", c.kind, err)
		}
	}
	return nil
}

// publish writes a draft, publishes it and sends its notices.
func (d *demo) publish(ctx context.Context, p promises, kind, title, text, change, summary string) error {
	v, err := p.documents.SaveDraft(ctx, d.admin, document.DraftInput{Kind: kind, Title: title, Body: text, Summary: summary})
	if err != nil {
		return err
	}
	if v, err = p.documents.Publish(ctx, d.admin, document.PublishInput{ID: v.ID, Change: change, Summary: summary}); err != nil {
		return err
	}
	return d.deliver(ctx, p, v.NoticeID)
}

func (d *demo) deliver(ctx context.Context, p promises, n id.ID) error {
	if n == id.Nil {
		return nil
	}
	return p.notices.RunSend(ctx, jobs.Job[notice.SendArgs]{Tenant: d.admin.Tenant, Args: notice.SendArgs{Notice: n}})
}

var demoProcessors = []processor.Facts{
	{Name: "Rheinwerk Hosting GmbH", Purpose: "Runs the servers and the database of this portal.", Country: "DE", Regions: "Frankfurt, Nuremberg",
		Categories: []string{"legal-entity", "customer-data", "user-account", "audit-log", "email-log", "server-log"}, Link: "https://rheinwerk-hosting.example/privacy"},
	{Name: "Postmile B.V.", Purpose: "Delivers the mails that the portal sends.", Country: "NL", Regions: "Amsterdam", Categories: []string{"email-log"}, Link: "https://postmile.example/trust"},
	{Name: "Tresor Backup AG", Purpose: "Keeps encrypted backups apart from the servers.", Country: "CH", Regions: "Zurich", Categories: []string{"backup", "export"},
		Safeguards: "Adequacy decision of the European Commission for Switzerland", Link: "https://tresor-backup.example/security"},
	{Name: "Clearline Support Ltd", Purpose: "Answers questions of partners' people outside our office hours.", Country: "GB", Regions: "Leeds", Categories: []string{"user-account", "workflow-log"},
		Safeguards: "Adequacy decision of the European Commission for the United Kingdom", Link: "https://clearline.example/dpa"},
	{Name: "Northbeam Monitoring Inc.", Purpose: "Watches that the portal answers, and groups its error reports.", Country: "US", Regions: "Virginia", Categories: []string{"error-report"},
		Safeguards: "Standard contractual clauses (2021/914, module 2); reports hold no content of records", Link: "https://northbeam.example/dpf"},
}

// fillProcessors registers the demo's sub-processors, and announces that one of them moves.
func (d *demo) fillProcessors(ctx context.Context) error {
	p := d.promises()
	announce := func(in processor.ProposeInput) (processor.Processor, error) {
		x, err := p.processors.Propose(ctx, d.admin, in)
		if err == nil {
			x, err = p.processors.Announce(ctx, d.admin, x.ID, "")
		}
		if err == nil {
			err = d.deliver(ctx, p, x.NoticeID)
		}
		return x, err
	}
	return d.at(d.end.AddDate(0, -demoMonths, 0), func() error {
		for _, f := range demoProcessors {
			if _, err := announce(processor.ProposeInput{Facts: f}); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	})
}

// fillIncident tells of one incident, from its report to its post-mortem, three months ago.
func (d *demo) fillIncident(ctx context.Context) error {
	ops := &op.Ops{DB: d.app.DB, Map: d.app.Ops.Map, Keys: d.app.Ops.Keys, Pages: d.app.Ops.Pages, PublicURL: d.app.Ops.PublicURL, Log: d.app.Log, Clock: func() time.Time { return d.now }}
	s := incident.New(ops)
	return d.at(d.end.AddDate(0, 0, -92), func() error {
		i, err := s.Report(ctx, d.managers[0], incident.ReportInput{Title: "Export of Nordlicht's deals sent to a wrong address", Kind: "confidentiality", Severity: "medium",
			Description: "A channel manager mailed a deal export to a person of the same name at another company. The recipient called back within the hour."})
		if err != nil {
			return err
		}
		for _, step := range d.incidentSteps(ctx, s, i.ID) {
			d.now = d.now.Add(step.after)
			if err := step.do(); err != nil {
				return fmt.Errorf("incident, %s: %w", step.name, err)
			}
		}
		return nil
	})
}

type incidentStep struct {
	name  string
	after time.Duration
	do    func() error
}

func (d *demo) incidentSteps(ctx context.Context, s *incident.Service, it id.ID) []incidentStep {
	advance := func(to, note string, templates ...string) func() error {
		return func() error {
			_, err := s.Advance(ctx, d.admin, incident.AdvanceInput{ID: it, To: to, Note: note, Templates: templates})
			return err
		}
	}
	people, records := int64(14), int64(37)
	return []incidentStep{
		{"assess", 50 * time.Minute, func() error {
			_, err := s.Assess(ctx, d.admin, incident.AssessInput{ID: it, Severity: "medium", Nature: "A CSV export with 37 deals and 14 contacts of one partner was mailed to a person outside the programme.", Categories: []string{"customer-data"},
				PeopleCount: &people, RecordCount: &records, Consequences: "The recipient could read names, business addresses and deal amounts. Misuse is unlikely: the recipient reported it and confirmed deletion.",
				Measures: "The recipient deleted the file and confirmed it in writing. Exports can no longer be mailed from the portal.", Risk: "risk", NotifyDecision: "notify", NotifyReason: "Amounts of deals are sensitive for the partner."})
			return err
		}},
		{"confirm", 40 * time.Minute, advance(incident.Confirmed, "", "gdpr-33")},
		{"find", 20 * time.Minute, func() error {
			_, err := s.FindAffected(ctx, d.admin, incident.AffectedInput{ID: it, Categories: []string{"customer-data"}, Partners: []id.ID{d.partners[0].ID}, From: d.now.AddDate(0, -6, 0), To: d.end.Add(time.Hour)})
			return err
		}},
		{"contain", time.Hour, advance(incident.Contained, "The recipient confirmed deletion in writing.")},
		{"notices", 3 * time.Hour, func() error { return d.incidentNotices(ctx, s, it) }},
		{"resolve", 20 * time.Hour, advance(incident.Resolved, "Mailing of exports is switched off.")},
		{"review", 5 * 24 * time.Hour, func() error {
			_, err := s.Review(ctx, d.admin, incident.ReviewInput{ID: it, Summary: "An export with one partner's deals went to a person of the same name at another company.",
				Cause:    "Exports were mailed by hand; the mail program completed the address from an old conversation.",
				Impact:   "37 deals and 14 contacts of one partner were readable by one person for 52 minutes.",
				Response: "The recipient called. We confirmed deletion, told the partner and the authority within six hours, and switched mailing off.",
				Lessons:  "People should never need to mail an export. Partners fetch their own from the portal, where it is logged and expires."})
			return err
		}},
		{"action", time.Hour, func() error {
			a, err := s.AddAction(ctx, d.admin, it, "Let partners export their own deals from the portal", d.managers[0].Name, d.now.AddDate(0, 0, 14).Format(time.DateOnly))
			if err != nil {
				return err
			}
			d.now = d.now.Add(9 * 24 * time.Hour)
			_, err = s.DoneAction(ctx, d.admin, a.ID)
			return err
		}},
		{"close", time.Hour, advance(incident.Closed, "")},
	}
}

// incidentNotices tells the partner's people and the authority.
func (d *demo) incidentNotices(ctx context.Context, s *incident.Service, it id.ID) error {
	for _, to := range []string{incident.ToAffected, incident.ToAuthority} {
		n, err := s.SaveNotice(ctx, d.admin, incident.NoticeInput{Incident: it, Recipient: to, Nature: "An export with 37 of your deals and 14 contacts was mailed to a wrong recipient.",
			Impact: "One person outside the programme could read names, business addresses and amounts for 52 minutes.", Mitigation: "The recipient confirmed deletion in writing. Exports can no longer be mailed.",
			Contact: "Ingrid Halden, privacy@halden.example, +49 30 0000 0100"})
		if err != nil {
			return err
		}
		if n, err = s.SendNotice(ctx, d.admin, n.ID); err != nil {
			return err
		}
		if err := d.deliver(ctx, d.promises(), n.MailingID); err != nil {
			return err
		}
	}
	return nil
}
