// Package recordtest makes one record of every kind that the promises of a programme have, through the use cases of the rooms: for tests
// that walk over all routes or all pages and prove nothing about a collection that is empty.
package recordtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/archive"
	"entente.dev/internal/document"
	"entente.dev/internal/incident"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/privacy"
	"entente.dev/internal/processor"
	"entente.dev/internal/retention"
	"entente.dev/internal/trust"
)

// Rooms are the rooms of a whole program.
type Rooms struct {
	Ops        *op.Ops
	Accounts   *account.Service
	Documents  *document.Service
	Processors *processor.Service
	Notices    *notice.Service
	Incidents  *incident.Service
	Privacy    *privacy.Service
	Trust      *trust.Service
	Journal    *journal.Service
	Archive    *archive.Service
	Retention  *retention.Service

	Served bool // the program's own workers carry out the jobs; else they are carried out here
}

// People are who makes the records. All of them have signed in a moment ago.
type People struct {
	Admin, Second access.Actor
	Partners      []access.Actor // who runs each partner
	Others        []access.Actor // who asks for their own data besides
}

// Made are the records that there are afterwards.
type Made struct {
	Document, First, Announced, Draft id.ID // a document with its version in force and the one to come; the draft of another
	Processor, Proposal, Objection    id.ID
	Incident, Notice, Clock, Action   id.ID
	Erasure, Access                   id.ID           // one with its certificate, one with its package
	Mine                              map[id.ID]id.ID // everybody's request for their own data, by member
	Concern, Fault, Export, Hold      id.ID
}

// Fill makes them.
func Fill(t testing.TB, r Rooms, p People) Made {
	t.Helper()
	m := maker{TB: t, Rooms: r, People: p}
	m.Mine = map[id.ID]id.ID{}
	m.documents()
	m.processors()
	m.incident()
	m.requests()
	m.rest()
	return m.Made
}

type maker struct {
	testing.TB
	Rooms
	People
	Made
}

// must returns v, or ends the test.
func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// job carries out a job, or waits until the program did.
func (m maker) job(carryOut func() error, done func() bool) {
	m.Helper()
	if !m.Served {
		if err := carryOut(); err != nil {
			m.Fatal(err)
		}
		return
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-late.C:
			m.Fatal("a job is not done after a minute")
		}
	}
}

// deliver sends the mails of a notice; done asks whether what waits for them knows.
func (m maker) deliver(v id.ID, done func() bool) {
	m.Helper()
	m.job(func() error {
		return m.Notices.RunSend(m.Context(), jobs.Job[notice.SendArgs]{Tenant: m.Admin.Tenant, Args: notice.SendArgs{Notice: v}})
	}, done)
}

// documents publishes two versions of the programme's terms, one of them accepted by the partners, and leaves a draft of other terms.
func (m *maker) documents() {
	m.Helper()
	ctx := m.Context()
	write := func(kind, title, body string) document.Version {
		v, err := m.Documents.SaveDraft(ctx, m.Admin, document.DraftInput{Kind: kind, Title: title, Body: body})
		return must(m, v, err)
	}
	publish := func(v document.Version, change, summary string) document.Version {
		v, err := m.Documents.Publish(ctx, m.Admin, document.PublishInput{ID: v.ID, Change: change, Summary: summary})
		return must(m, v, err)
	}
	first := publish(write("programme-terms", "Programme terms", "# Terms\n\nA registered deal is protected for 90 days.\n\n| Step | Days |\n|---|---|\n| Decision | 2 |\n"), "", "")
	m.Document, m.First = first.DocumentID, first.ID
	if _, err := m.Documents.Update(ctx, m.Admin, document.UpdateInput{ID: first.DocumentID, Audience: document.Partners, Acceptance: "asked", AcceptFor: "company", AcceptDays: 14}); err != nil {
		m.Fatal(err)
	}
	for _, who := range m.Partners {
		if _, err := m.Documents.Accept(ctx, who, document.AcceptInput{Version: first.ID, Digest: first.Digest}); err != nil {
			m.Fatal(err)
		}
	}
	next := publish(write("programme-terms", "Programme terms", "# Terms\n\nA registered deal is protected for 120 days.\n"), document.Material, "Protection lasts longer.")
	m.deliver(next.NoticeID, func() bool {
		now, err := m.Documents.Get(ctx, m.Admin, next.ID)
		return must(m, now, err).Version.NotifiedAt != nil
	})
	m.Announced, m.Draft = next.ID, write("terms", "Terms of use", "Be kind.").ID
}

// processors announces a sub-processor to which the partners object, and proposes another.
func (m *maker) processors() {
	m.Helper()
	ctx := m.Context()
	propose := func(name string) processor.Processor {
		x, err := m.Processors.Propose(ctx, m.Admin, processor.ProposeInput{Facts: processor.Facts{Name: name, Purpose: "Delivers the mails.", Country: "NL", Regions: "Amsterdam", Categories: []string{"email-log"}, Link: "https://postmile.example/"}})
		return must(m, x, err)
	}
	x := propose("Postmile B.V.")
	x, err := m.Processors.Announce(ctx, m.Admin, x.ID, "")
	if err != nil {
		m.Fatal(err)
	}
	m.deliver(x.NoticeID, func() bool {
		now, err := m.Processors.Get(ctx, m.Admin, x.ID)
		return must(m, now, err).Processor.NotifiedAt != nil
	})
	for _, who := range m.Partners {
		o, err := m.Processors.Object(ctx, who, x.ID, "We send mails ourselves.")
		m.Objection = must(m, o, err).ID
	}
	m.Processor, m.Proposal = x.ID, propose("Clearline Support Ltd").ID
}

// incident takes an incident as far as its post-mortem, with clocks that run, a notice that was sent and one that was not.
func (m *maker) incident() {
	m.Helper()
	ctx := m.Context()
	i, err := m.Incidents.Report(ctx, m.Admin, incident.ReportInput{Title: "An export went to a wrong address", Kind: "confidentiality", Severity: "medium", Description: "Somebody of the same name got it."})
	m.Incident = must(m, i, err).ID
	people := int64(14)
	if _, err = m.Incidents.Assess(ctx, m.Admin, incident.AssessInput{ID: m.Incident, Severity: "medium", Nature: "An export of one partner's deals.", Categories: []string{"customer-data"}, PeopleCount: &people,
		Consequences: "Names were readable.", Measures: "The file was deleted.", Risk: "risk", NotifyDecision: "notify", NotifyReason: "Amounts are sensitive."}); err != nil {
		m.Fatal(err)
	}
	advance := func(to string, templates ...string) {
		if _, err := m.Incidents.Advance(ctx, m.Admin, incident.AdvanceInput{ID: m.Incident, To: to, Note: "Settled.", Templates: templates}); err != nil {
			m.Fatal(err)
		}
	}
	advance(incident.Confirmed, "gdpr-33", "nis2")
	now := m.Ops.Clock()
	if _, err = m.Incidents.FindAffected(ctx, m.Admin, incident.AffectedInput{ID: m.Incident, Categories: []string{"customer-data"}, From: now.AddDate(0, -1, 0), To: now.Add(time.Hour)}); err != nil {
		m.Fatal(err)
	}
	for _, to := range []string{incident.ToAffected, incident.ToAuthority} {
		n, err := m.Incidents.SaveNotice(ctx, m.Admin, incident.NoticeInput{Incident: m.Incident, Recipient: to, Nature: "An export of your deals.", Impact: "Names were readable.", Mitigation: "It was deleted.", Contact: "Ada, +49 30 0000 0100"})
		if m.Notice = must(m, n, err).ID; to == incident.ToAffected {
			if _, err := m.Incidents.SendNotice(ctx, m.Admin, m.Notice); err != nil {
				m.Fatal(err)
			}
		}
	}
	advance(incident.Contained)
	if _, err = m.Incidents.Review(ctx, m.Admin, incident.ReviewInput{ID: m.Incident, Summary: "A wrong address.", Cause: "A mail program completed it.", Impact: "One person read it.", Response: "They called.", Lessons: "Mail no exports."}); err != nil {
		m.Fatal(err)
	}
	a, err := m.Incidents.AddAction(ctx, m.Admin, m.Incident, "Let partners export their own deals", m.Admin.Name, now.AddDate(0, 0, 14).Format(time.DateOnly))
	m.Action = must(m, a, err).ID
	all, err := m.Incidents.Get(ctx, m.Admin, m.Incident)
	m.Clock = must(m, all, err).Clocks[0].ID
}

// requests are those of persons: an erasure that is done, one that waits for each partner, and access, asked for by mail and by everybody
// for themselves.
func (m *maker) requests() {
	m.Helper()
	ctx := m.Context()
	open := func(kind privacy.Kind, by access.Actor, name string) privacy.Request {
		email := name + "@konex.example"
		whole := name + " Konex"
		if _, err := m.Accounts.CreateContact(ctx, by, account.ContactFacts{Name: &whole, Email: &email}); err != nil {
			m.Fatal(err)
		}
		r, err := m.Privacy.Open(ctx, m.Admin, privacy.Ask{Kind: kind, Source: "e-mail", Subject: privacy.Subject{Email: email, Name: whole}, Asked: "Please see to my data."})
		r = must(m, r, err)
		r, err = m.Privacy.Verify(ctx, m.Admin, r.ID, r.Version, "call-back", "Called back.")
		return must(m, r, err)
	}
	gone := open(privacy.Erasure, m.Admin, "erik")
	gone, err := m.Privacy.Propose(ctx, m.Admin, gone.ID, gone.Version)
	gone = must(m, gone, err)
	if _, err = m.Privacy.Approve(ctx, m.Second, gone.ID, gone.Version); err != nil {
		m.Fatal(err)
	}
	m.job(func() error {
		return m.Privacy.Run(ctx, jobs.Job[privacy.RunArgs]{Tenant: m.Admin.Tenant, Args: privacy.RunArgs{Request: gone.ID}})
	}, func() bool {
		r, err := m.Privacy.Get(ctx, m.Admin, gone.ID)
		return must(m, r, err).Certificate.Text != ""
	})
	for i, who := range m.Partners {
		waiting := open(privacy.Erasure, who, fmt.Sprintf("wanda%d", i))
		if _, err := m.Privacy.AskPartners(ctx, m.Admin, waiting.ID, waiting.Version); err != nil {
			m.Fatal(err)
		}
	}
	m.Erasure, m.Access = gone.ID, open(privacy.Access, m.Admin, "anna").ID
	packages := []id.ID{m.Access}
	for _, who := range slices.Concat(m.Partners, m.Others, []access.Actor{m.Admin}) {
		r, err := m.Privacy.Request(ctx, who, privacy.Access, "", "What do you know of me?")
		r = must(m, r, err)
		if _, err := m.Privacy.Verify(ctx, m.Admin, r.ID, 0, "known-in-person", "We share an office."); err != nil {
			m.Fatal(err)
		}
		m.Mine[who.Member], packages = r.ID, append(packages, r.ID)
	}
	for _, v := range packages {
		if _, err := m.Privacy.MakePackage(ctx, m.Admin, v); err != nil {
			m.Fatal(err)
		}
	}
}

// rest is a concern, an error report, an export of the programme, a hold and a duty.
func (m *maker) rest() {
	m.Helper()
	ctx := m.Context()
	earlier := *m.Ops
	earlier.Clock = func() time.Time { return m.Ops.Clock().Add(-time.Minute) } // people need some time to type
	if err := m.Trust.Report(ctx, m.Admin.Tenant, access.Request{IP: "192.0.2.1"}, trust.ConcernInput{Kind: "privacy", Name: "Cora", Email: "cora@elsewhere.example", Body: "I see somebody else's name.", Token: trust.New(&earlier).FormToken()}); err != nil {
		m.Fatal(err)
	}
	concerns, err := m.Trust.Concerns(ctx, m.Admin, true, "")
	m.Concern = must(m, concerns, err).Items[0].ID
	m.Journal.Visit(journal.Visit{At: m.Ops.Clock(), Tenant: m.Admin.Tenant, Member: m.Admin.Member, Kind: "person", Name: m.Admin.Name, IP: "192.0.2.1", Method: "GET", Route: "/deals/{id}", Action: "deal.read",
		Status: 500, Took: time.Millisecond, RequestID: "r", Fault: "panic runtime.Error", Trace: "entente.dev/internal/deal.Broken:7"})
	m.Journal.Flush(ctx)
	faults, err := m.Journal.Errors(ctx, m.Admin, "", "", 0)
	m.Fault = must(m, faults, err).Items[0].ID
	hold, err := m.Retention.Place(ctx, m.Admin, retention.PlaceInput{Kind: "partner", Object: m.Partners[0].Partner, Reason: "A dispute."})
	m.Hold = must(m, hold, err).ID
	export, err := m.Archive.Start(ctx, m.Admin)
	m.Export = must(m, export, err).ID
	m.job(func() error {
		return m.Archive.RunExport(ctx, jobs.Job[archive.ExportArgs]{Tenant: m.Admin.Tenant, Args: archive.ExportArgs{Run: m.Export}})
	}, func() bool {
		r, err := m.Archive.GetRun(ctx, m.Admin, m.Export)
		return !must(m, r, err).Working()
	})
}
