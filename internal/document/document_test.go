package document

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/deal"
	"entente.dev/internal/event"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type world struct {
	t       *testing.T
	ops     *op.Ops
	s       *Service
	notices *notice.Service
	super   *pgx.Conn
	at      time.Time

	tenant, north                id.ID
	admin, staff, partner, rival access.Actor
	agent                        access.Actor
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, ops: optest.New(t, db), super: pgtest.Super(t, db), at: time.Now().UTC().Truncate(time.Second)}
	w.ops.Clock = func() time.Time { return w.at }
	w.s, w.notices = New(w.ops), notice.New(w.ops)
	w.ops.Listeners["notice.sent"] = []op.Listener{func(ctx context.Context, tx *op.Tx, ev event.Event) error {
		return w.s.NoteSent(ctx, tx, ev.(notice.Sent))
	}}
	w.tenant = id.New()
	w.exec(`insert into tenant (tenant_id, slug, name, time_zone) values ($1, 'acme', 'Acme', 'Europe/Berlin')`, w.tenant)
	w.north = w.company("North")
	w.admin, w.staff = w.person(id.Nil, "admin", "Ada"), w.person(id.Nil, "staff", "Sam")
	w.partner, w.agent, w.rival = w.person(w.north, "partner", "Pat"), w.person(w.north, "agent", "Al"), w.person(w.company("South"), "partner", "Rita")
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.super.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	if err := w.super.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (w *world) company(name string) id.ID {
	v := id.New()
	w.exec(`insert into partner (tenant_id, partner_id, name) values ($1, $2, $3)`, w.tenant, v, name)
	return v
}

func (w *world) person(partner id.ID, r, name string) access.Actor {
	v := id.New()
	w.exec(`insert into member (tenant_id, member_id, partner_id, role, name, email, status) values ($1, $2, $3, $4, $5, $6, 'active')`, w.tenant, v, partner, r, name, strings.ToLower(name)+"@x.example")
	return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: w.tenant, Partner: partner, Member: v, Role: r, Name: name, Credential: id.New(), Grants: role.Grants(r)}
}

func (w *world) draft(kind, body string) Version {
	w.t.Helper()
	v, err := w.s.SaveDraft(w.t.Context(), w.admin, DraftInput{Kind: kind, Title: "Programme terms", Body: body, Summary: "Shorter protection."})
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) publish(v Version, change, on string) (Version, error) {
	return w.s.Publish(w.t.Context(), w.admin, PublishInput{ID: v.ID, Change: change, EffectiveOn: on})
}

// deliver runs the job of every notice there is.
func (w *world) deliver() {
	w.t.Helper()
	rows, _ := w.super.Query(w.t.Context(), `select notice_id from notice where status = 'sending'`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		w.t.Fatal(err)
	}
	for _, n := range all {
		if err := w.notices.RunSend(w.t.Context(), jobs.Job[notice.SendArgs]{Tenant: w.tenant, Args: notice.SendArgs{Notice: n}}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) inForce(kind string) int {
	w.t.Helper()
	r, err := w.s.PublicShelf(w.t.Context(), w.tenant, access.Request{}, kind, 0)
	if err != nil {
		return 0
	}
	if v, ok := r.Shelf.Current(); ok {
		return v.Number
	}
	return 0
}

// Invariants 1 to 3: from the first version to the next one in force.
func TestMaterialChangeTakesItsTerm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.draft("programme-terms", "Protection lasts 90 days.")
	if w.inForce("programme-terms") != 0 {
		t.Error("a draft is in force")
	}
	if v, err := w.publish(first, "", ""); err != nil || v.Change != First || w.inForce("programme-terms") != 1 {
		t.Fatalf("%+v %v", v, err)
	}
	next := w.draft("programme-terms", "Protection lasts 60 days.")
	soon := w.at.AddDate(0, 0, 13).Format(time.DateOnly)
	if _, err := w.publish(next, Material, soon); !errs.IsKind(err, errs.Invalid) || !strings.Contains(err.Error(), "earliest day") {
		t.Errorf("13 days: %v", err)
	}
	v, err := w.publish(next, Material, "")
	if err != nil {
		t.Fatal(err)
	}
	if d := v.EffectiveAt.Sub(w.at); d < 15*24*time.Hour || d > 16*24*time.Hour+time.Hour {
		t.Errorf("takes force after %s", d)
	}
	if zone, _ := time.LoadLocation("Europe/Berlin"); v.EffectiveAt.In(zone).Hour() != 0 {
		t.Errorf("takes force at %s", v.EffectiveAt.In(zone))
	}
	if _, err := w.s.SaveDraft(t.Context(), w.admin, DraftInput{Kind: "programme-terms", Title: "x", Body: "y"}); err != nil {
		t.Error(err)
	}
	w.at = v.EffectiveAt.Add(time.Hour)
	if w.inForce("programme-terms") != 1 {
		t.Error("a material version is in force and nobody was told")
	}
	w.deliver() // far too late: the day moves on by the whole term
	r, err := w.s.Get(t.Context(), w.admin, v.ID)
	if err != nil || r.Version.NotifiedAt == nil || r.Version.EffectiveAt.Sub(w.at) < 14*24*time.Hour || r.Shelf.StateOf(r.Version) != Announced {
		t.Fatalf("%+v %v", r.Version, err)
	}
	if r.Notice.Done != 3 || len(r.Told) != 3 || r.Told[0].MailID == id.Nil || r.Told[0].QueuedAt == nil {
		t.Errorf("notice %+v, told %+v", r.Notice, r.Told)
	}
	w.deliver()
	if n := w.count(`select count(*) from mail where template = 'notice.document'`); n != 3 {
		t.Errorf("%d mails for three people of partners", n)
	}
	w.at = r.Version.EffectiveAt.Add(-time.Second)
	if w.inForce("programme-terms") != 1 {
		t.Error("in force a second too early")
	}
	w.at = r.Version.EffectiveAt.Add(time.Second)
	if w.inForce("programme-terms") != 2 {
		t.Error("not in force on its day")
	}
}

// raw runs statements as one persona, bound to the tenant, as somebody with its password could.
func (w *world) raw(as pg.Role, statements ...string) error {
	w.t.Helper()
	ctx := w.t.Context()
	tx, err := w.ops.DB.Pool(as).Begin(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, pg.SQLBind, pg.Binding{Tenant: w.tenant, Op: id.New(), Now: w.at}.Args()...); err != nil {
		w.t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// P5: whoever writes, a material version takes no force before its term, and what is published stays.
func TestTheDatabaseRefusesShortNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.publish(w.draft("terms", "One."), "", ""); err != nil {
		t.Fatal(err)
	}
	d := w.draft("terms", "Two.")
	announce := func(rest string) string {
		return `update app.document_version set status = 'announced', digest = 'x', announced_by_name = 'x', ` + rest + ` where version_id = '` + d.ID.String() + `'`
	}
	cheats := map[string][]string{
		"document_version_notice_ck":    {announce(`change = 'material', effective_at = app.now() + interval '13 days 23 hours'`)},
		"document_version_announced_ck": {announce(`change = 'minor', effective_at = app.now() - interval '1 day'`)},
		"document_version_first_ck":     {announce(`change = 'first', effective_at = app.now()`)},
		"document_version_backdated_ck": {`select set_config('app.now', (now() - interval '20 days')::text, true)`, announce(`change = 'material', effective_at = now() - interval '1 day'`)},
		"document_version_draft_ck":     {`update app.document_version set effective_at = app.now() where version_id = '` + d.ID.String() + `'`},
	}
	for _, as := range []pg.Role{pg.Staff, pg.Worker} {
		for want, statements := range cheats {
			if err := w.raw(as, statements...); pg.Constraint(err) != want {
				t.Errorf("%s, %s: %v", as, want, err)
			}
		}
		if err := w.raw(as, `update app.policy_clock set keep = interval '0' where clock = 'policy-notice'`, announce(`change = 'material', effective_at = app.now() + interval '1 day'`)); pg.Constraint(err) != "document_version_notice_ck" {
			t.Errorf("%s, a shorter clock: %v", as, err)
		}
		if err := w.raw(as, `insert into app.document_version (tenant_id, version_id, document_id, number, title, digest, change, status, announced_at, effective_at)
			select tenant_id, gen_random_uuid(), document_id, 9, 'x', 'x', 'minor', 'announced', now(), now() from app.document_version limit 1`); pg.Constraint(err) != "document_version_draft_ck" {
			t.Errorf("%s, a published insert: %v", as, err)
		}
	}
	v, err := w.publish(d, Material, "")
	if err != nil {
		t.Fatal(err)
	}
	it := ` where version_id = '` + v.ID.String() + `'`
	after := map[string]string{
		`update app.document_version set effective_at = effective_at - interval '1 second'` + it:         "document_version_notice_ck",
		`update app.document_version set announced_at = announced_at - interval '15 days'` + it:          "document_version_frozen_ck",
		`update app.document_version set notice_seconds = 0` + it:                                        "document_version_frozen_ck",
		`update app.document_version set change = 'minor'` + it:                                          "document_version_frozen_ck",
		`update app.document_version set body = 'other'` + it:                                            "document_version_frozen_ck",
		`update app.document_version set status = 'draft'` + it:                                          "document_version_frozen_ck",
		`update app.document_version set notified_at = app.now()` + it:                                   "document_version_notice_ck",
		`update app.document_version set status = 'withdrawn' where status = 'announced' and number = 1`: "document_version_force_ck",
	}
	for _, as := range []pg.Role{pg.Staff, pg.Worker} {
		for statement, want := range after {
			if err := w.raw(as, statement); pg.Constraint(err) != want {
				t.Errorf("%s: %s: %v", as, statement, err)
			}
		}
	}
	if err := w.raw(pg.Staff, `delete from app.document_version`+it); pg.Constraint(err) != "document_version_kept_ck" {
		t.Errorf("deleted: %v", err)
	}
	if _, err := w.publish(w.draft("terms", "Three."), Minor, ""); !errs.Is(err, "document.pending") {
		t.Errorf("beside an announced one: %v", err)
	}
	if _, err := w.s.Withdraw(t.Context(), w.admin, v.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.publish(Version{ID: w.draftOf("terms")}, Minor, ""); err != nil || w.inForce("terms") != 3 {
		t.Errorf("minor: %v", err)
	}
}

func (w *world) draftOf(kind string) (v id.ID) {
	w.t.Helper()
	if err := w.super.QueryRow(w.t.Context(), `select version_id from document_version join document using (document_id) where kind = $1 and status = 'draft'`, kind).Scan(&v); err != nil {
		w.t.Fatal(err)
	}
	return v
}

// Invariant 4.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	v, err := w.publish(w.draft("programme-terms", "One."), "", "")
	if err != nil {
		t.Fatal(err)
	}
	gate := func(who access.Actor) error {
		_, err := op.Read(ctx, w.ops, who, ActList, func(tx *op.Tx) (int, error) { return 0, Gate(ctx, tx, deal.Submitted{}) })
		return err
	}
	if p, err := w.s.ToAccept(ctx, w.agent); err != nil || len(p) != 1 || p[0].MayAccept(w.agent) || !p[0].MayAccept(w.partner) {
		t.Fatalf("%+v %v", p, err)
	}
	w.at = w.at.AddDate(0, 0, 40)
	if err := gate(w.partner); err != nil {
		t.Errorf("asked, not required: %v", err)
	}
	d, err := w.s.List(ctx, w.admin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.Update(ctx, w.admin, UpdateInput{ID: d[3].Document.ID, Audience: "partners", Acceptance: "required", AcceptFor: "company", AcceptDays: 41}); err != nil {
		t.Fatal(err)
	}
	if err := gate(w.partner); err != nil {
		t.Errorf("before the day: %v", err)
	}
	w.at = w.at.AddDate(0, 0, 2)
	if err := gate(w.partner); !errs.Is(err, "document.acceptance_required") {
		t.Errorf("past the day: %v", err)
	}
	if err := gate(w.staff); err != nil {
		t.Errorf("the vendor: %v", err)
	}
	if _, err := w.s.Accept(ctx, w.agent, AcceptInput{Version: v.ID, Digest: v.Digest}); !errs.Is(err, "document.not_for_you") {
		t.Errorf("an agent for the company: %v", err)
	}
	if _, err := w.s.Accept(ctx, w.partner, AcceptInput{Version: v.ID, Digest: "other"}); !errs.Is(err, "document.other_text") {
		t.Errorf("another text: %v", err)
	}
	if _, err := w.s.Accept(ctx, w.admin, AcceptInput{Version: v.ID, Digest: v.Digest}); !errs.IsKind(err, errs.Forbidden) {
		t.Errorf("the vendor accepts: %v", err)
	}
	if a, err := w.s.Accept(ctx, w.partner, AcceptInput{Version: v.ID, Digest: v.Digest}); err != nil || a.Digest != DigestOf(v.Title, v.Body) || a.PartnerID != w.north {
		t.Fatalf("%+v %v", a, err)
	}
	if _, err := w.s.Accept(ctx, w.partner, AcceptInput{Version: v.ID, Digest: v.Digest}); !errs.Is(err, "document.accepted") {
		t.Errorf("twice: %v", err)
	}
	if err := gate(w.agent); err != nil {
		t.Errorf("accepted for the company: %v", err)
	}
	if err := gate(w.rival); !errs.Is(err, "document.acceptance_required") {
		t.Errorf("another company: %v", err)
	}
	page, err := w.s.Acceptances(ctx, w.staff, v.DocumentID, "")
	if err != nil || len(page.Items) != 2 || page.Items[0].AcceptedBy+page.Items[1].AcceptedBy != "Pat" {
		t.Errorf("%+v %v", page, err)
	}
	n := 0
	if err := w.s.EachAcceptance(ctx, w.staff, id.Nil, func(r AcceptanceRow) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
	// A partner reads no drafts, and no names of the vendor's people.
	draft := w.draft("programme-terms", "Two.")
	if _, err := w.s.SaveDraft(ctx, w.admin, DraftInput{Kind: "programme-terms", Title: "x", Body: "y"}); !errs.Is(err, "document.draft_exists") {
		t.Errorf("a second draft: %v", err)
	}
	if _, err := w.s.Get(ctx, w.partner, draft.ID); !errs.IsKind(err, errs.NotFound) {
		t.Errorf("a draft: %v", err)
	}
	if r, err := w.s.Get(ctx, w.partner, v.ID); err != nil || r.Version.CreatedByName != "" || r.Version.Body != "One." {
		t.Errorf("%+v %v", r.Version, err)
	}
	if p, err := w.s.CompareVersions(ctx, w.admin, draft.ID, v.ID); err != nil || p.Old.Number != 1 || Changed(p.Blocks) != 1 {
		t.Errorf("%+v %v", p, err)
	}
}
