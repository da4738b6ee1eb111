package archive

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/keyring"
	"entente.dev/internal/tenant"
)

// moved is a house whose clock the test sets.
func moved(t *testing.T) (*house, func(time.Duration)) {
	t.Helper()
	h := newHouse(t)
	shift := time.Duration(0)
	h.ops.Clock = func() time.Time { return time.Now().Add(shift) }
	h.furnish(t)
	return &h, func(d time.Duration) { shift += d }
}

func (h *house) entry(t *testing.T) tenant.Entry {
	t.Helper()
	all, err := tenant.New(h.ops).Register(t.Context())
	must(t, err)
	i := slices.IndexFunc(all, func(e tenant.Entry) bool { return e.ID == h.admin.Tenant })
	return all[i]
}

func (h *house) status(t *testing.T) string { return h.entry(t).Status }

// rows counts the tenant's rows in every table.
func (h *house) rows(t *testing.T) map[string]int {
	t.Helper()
	tables, err := readTables(t.Context(), h.super)
	must(t, err)
	out := map[string]int{}
	for _, tab := range tables {
		var n int
		must(t, h.super.QueryRow(t.Context(), `select count(*) from `+quoted(tab.Name)+` where tenant_id = $1`, h.admin.Tenant).Scan(&n))
		if n > 0 {
			out[tab.Name] = n
		}
	}
	return out
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	h, move := moved(t)
	ctx := t.Context()
	people := identity.New(h.ops, identity.Options{Tenants: tenant.New(h.ops)})
	session, err := people.SignIn(ctx, access.Request{}, identity.SignInInput{Email: "ada@acme.example", Password: password})
	must(t, err)
	_, err = h.Delete(ctx, h.admin, DeleteInput{Slug: "acne"})
	if err == nil || !strings.Contains(err.Error(), "acme") {
		t.Errorf("error %v", err)
	}
	d, err := h.Delete(ctx, h.admin, DeleteInput{Slug: "acme", Reason: "We stop."})
	must(t, err)
	if d.State != Closing || h.status(t) != tenant.Closing || d.PurgeAfter.Sub(h.ops.Clock()) > 30*24*time.Hour || d.PurgeAfter.Sub(h.ops.Clock()) < 29*24*time.Hour {
		t.Errorf("%+v", d)
	}
	// People still come in, and change nothing.
	who, err := people.BySession(ctx, session.Token)
	must(t, err)
	if who.May("deal.create") || !who.May("deal.list") || !who.May(ActKeep) || !who.May(ActExport) {
		t.Errorf("grants while closing: %v", who.Grants)
	}
	_, err = h.Delete(ctx, h.admin, DeleteInput{Slug: "acme", Reason: "Again."})
	wantCode(t, err, "tenant.leaving")
	_, err = h.Keep(ctx, who)
	must(t, err)
	people = identity.New(h.ops, identity.Options{Tenants: tenant.New(h.ops)}) // nobody listens for changes here
	who, err = people.BySession(ctx, session.Token)
	must(t, err)
	if h.status(t) != tenant.Active || !who.May("deal.create") {
		t.Error("it did not come back")
	}
	_, err = h.Keep(ctx, h.admin)
	wantCode(t, err, "tenant.not_asked")

	_, err = h.Delete(ctx, h.admin, DeleteInput{Slug: "acme", Reason: "We stop after all."})
	must(t, err)
	move(28 * 24 * time.Hour)
	must(t, h.Due(ctx, h.entry(t)))
	if h.status(t) != tenant.Closing {
		t.Fatal("closed before its day")
	}
	move(2 * 24 * time.Hour)
	closed, err := h.Close(ctx, h.admin.Tenant)
	must(t, err)
	if !closed || h.status(t) != tenant.Closed {
		t.Fatal("not closed on its day")
	}
	// A12: dead to everybody.
	people = identity.New(h.ops, identity.Options{Tenants: tenant.New(h.ops)})
	if _, err := people.BySession(ctx, session.Token); err == nil {
		t.Error("a session outlived the programme")
	}
	if v, err := people.SignIn(ctx, access.Request{}, identity.SignInInput{Email: "ada@acme.example", Password: password}); err == nil && v.Bound {
		t.Error("somebody signed in to a closed programme")
	}
}

// Invariant 7: whatever point of the purge the program is killed at, the next run ends it, and nothing of the programme is left
// but what is meant to stay.
func TestPurge(t *testing.T) {
	t.Parallel()
	h, move := moved(t)
	ctx := t.Context()
	var letters []Farewell
	h.opts.Deliver = func(_ context.Context, f Farewell) error { letters = append(letters, f); return nil }
	h.opts.Head = h.sealed(t)
	elsewhere := h.elsewhere(t)
	before := h.rows(t)
	_, err := h.Delete(ctx, access.NewSystem(h.admin.Tenant, "operator"), DeleteInput{Slug: "acme", Reason: "We stop.", AtOnce: true})
	must(t, err)
	move(time.Minute)
	closed, err := h.Close(ctx, h.admin.Tenant)
	must(t, err)
	if !closed {
		t.Fatal("not closed at once")
	}
	killed := errors.New("killed")
	seen := map[string]bool{}
	for runs := 0; ; runs++ {
		h.broken = func(point string) error {
			if !seen[point] {
				seen[point] = true
				return killed
			}
			return nil
		}
		err := h.Purge(ctx, h.admin.Tenant)
		if err == nil {
			break
		}
		if !errors.Is(err, killed) || runs > 100 {
			t.Fatal(err)
		}
	}
	if len(seen) < 15 || !seen["purge.chunk.deal"] || !seen["purge.chunk.row_history"] {
		t.Errorf("killed at %v only", seen)
	}
	for table, n := range h.rows(t) {
		if reason := stays[table]; reason == "" || table == "row_history" {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	var persons, sessions, usable int
	must(t, h.super.QueryRow(ctx, `select (select count(*) from person), (select count(*) from session), (select count(*) from data_key where wrapped is not null)`).Scan(&persons, &sessions, &usable))
	if persons+sessions+usable != 0 {
		t.Errorf("%d persons, %d sessions, %d keys are left", persons, sessions, usable)
	}
	e := h.entry(t)
	if e.Status != tenant.Purged || strings.Contains(e.Slug+e.Name, "cme") {
		t.Errorf("%+v", e)
	}
	h.checkCertificate(t, before, letters)
	elsewhere()
	// The slug is free again.
	_, err = tenant.New(h.ops).Create(ctx, access.NewPlatform(id.New(), "test"), tenant.CreateInput{Slug: "acme", Name: "Acme"}, nil)
	must(t, err)
}

// sealed returns an Options.Head over the real sequencer.
func (h *house) sealed(t *testing.T) func(context.Context, id.ID) (json.RawMessage, error) {
	t.Helper()
	log := seal.New(h.ops, seal.Options{})
	return func(ctx context.Context, v id.ID) (json.RawMessage, error) {
		if _, err := log.Seal(ctx); err != nil {
			return nil, err
		}
		head, err := log.Checkpoint(ctx, v)
		if err != nil {
			return nil, err
		}
		return json.Marshal(head)
	}
}

// elsewhere is another process of the installation that has the programme's key in memory; what it returns checks that it was told
// of the end and opens nothing any more.
func (h *house) elsewhere(t *testing.T) func() {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ring, done := keyring.New(h.db, h.kek, h.ops.Clock), make(chan struct{})
	go func() { defer close(done); _ = ring.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	at := keyring.Place{Table: "mail", Row: "x", Column: "text"}
	box, err := h.ops.Keys.Seal(t.Context(), h.admin.Tenant, at, []byte("hello"))
	must(t, err)
	open := func() error { _, err := ring.Open(t.Context(), h.admin.Tenant, at, box); return err }
	must(t, open())
	return func() {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; {
			err := open()
			if errs.Is(err, "keys.destroyed") {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("another process still opens: %v", err)
			}
			runtime.Gosched()
		}
	}
}

func (h *house) checkCertificate(t *testing.T, before map[string]int, letters []Farewell) {
	t.Helper()
	text, err := h.CertificateOf(t.Context(), h.admin.Tenant)
	must(t, err)
	v, err := note.NewVerifier(h.key(t))
	must(t, err)
	n, err := note.Open([]byte(text), note.VerifierList(v))
	must(t, err)
	body, ok := strings.CutPrefix(n.Text, certificateTitle+"\n")
	var c Certificate
	if !ok || json.Unmarshal([]byte(body), &c) != nil {
		t.Fatal(n.Text)
	}
	for _, table := range []string{"deal", "partner", "account", "member", "deal_note"} {
		if c.Deleted[table] != int64(before[table]) {
			t.Errorf("the certificate counts %d rows of %s and there were %d", c.Deleted[table], table, before[table])
		}
	}
	var head struct {
		Entries int64  `json:"entries"`
		Size    int64  `json:"tree_size"`
		Note    string `json:"checkpoint"`
	}
	must(t, json.Unmarshal(c.Head, &head))
	if head.Size < 1 || head.Size != head.Entries {
		t.Errorf("the log's head is of %d entries and there were %d", head.Size, head.Entries)
	}
	if _, err := note.Open([]byte(head.Note), note.VerifierList(v)); err != nil {
		t.Errorf("the checkpoint in the certificate: %v", err)
	}
	if len(letters) != 1 || letters[0].To != "ada@acme.example" || letters[0].Certificate != text {
		t.Errorf("told: %+v", letters)
	}
	if strings.Contains(text, "Ada") || strings.Contains(text, "cme") {
		t.Errorf("the certificate names somebody: %s", text)
	}
}

// Four eyes: with two Admins one asks and the other agrees.
func TestAnotherAdminAgrees(t *testing.T) {
	t.Parallel()
	h, _ := moved(t)
	ctx := t.Context()
	other := h.admin
	other.Member, other.Name, other.Credential = id.New(), "Grace", id.New()
	_, err := h.super.Exec(ctx, `insert into member (tenant_id, member_id, role, name, email, status) values ($1, $2, 'admin', 'Grace', 'grace@acme.example', 'active')`, h.admin.Tenant, other.Member)
	must(t, err)
	d, err := h.Delete(ctx, h.admin, DeleteInput{Slug: "acme", Reason: "We stop."})
	must(t, err)
	if d.State != Asked || h.status(t) != tenant.Active {
		t.Fatalf("%+v", d)
	}
	_, err = h.Agree(ctx, h.admin)
	wantCode(t, err, "tenant.own_request")
	staff := other
	staff.Role, staff.Grants = role.Staff, role.Grants(role.Staff)
	_, err = h.Agree(ctx, staff)
	wantCode(t, err, "denied")
	d, err = h.Agree(ctx, other)
	must(t, err)
	if d.State != Closing || h.status(t) != tenant.Closing {
		t.Fatalf("%+v", d)
	}
}

// A60: an Admin's key asks, and the same Admin does not agree: nor does another key of theirs.
func TestAKeyIsTheHandOfItsMaker(t *testing.T) {
	t.Parallel()
	h, _ := moved(t)
	ctx := t.Context()
	other := h.admin
	other.Member, other.Name, other.Credential = id.New(), "Grace", id.New()
	service, second := h.admin, h.admin
	for i, who := range []*access.Actor{&service, &second} {
		who.Kind, who.Member, who.Person, who.Name, who.Credential = access.Service, id.New(), id.Nil, "robot", id.New()
		maker := []id.ID{h.admin.Member, service.Member}[i] // the second key was made by the first
		_, err := h.super.Exec(ctx, `insert into member (tenant_id, member_id, kind, role, name, status) values ($1, $2, 'service', 'admin', 'robot', 'active')`, h.admin.Tenant, who.Member)
		must(t, err)
		_, err = h.super.Exec(ctx, `insert into api_key (tenant_id, key_id, member_id, name, prefix, key_hash, created_by) values ($1, $2, $3, 'robot', 'x', $4, $5)`, h.admin.Tenant, who.Credential, who.Member, who.Credential[:], maker)
		must(t, err)
	}
	_, err := h.super.Exec(ctx, `insert into member (tenant_id, member_id, role, name, email, status) values ($1, $2, 'admin', 'Grace', 'grace@acme.example', 'active')`, h.admin.Tenant, other.Member)
	must(t, err)
	d, err := h.Delete(ctx, second, DeleteInput{Slug: "acme", Reason: "We stop."})
	must(t, err)
	if d.State != Asked || d.AskedBy != h.admin.Member {
		t.Fatalf("%+v", d)
	}
	_, err = h.Agree(ctx, h.admin)
	wantCode(t, err, "tenant.own_request")
	_, err = h.Agree(ctx, service)
	wantCode(t, err, "tenant.person")
	d, err = h.Agree(ctx, other)
	must(t, err)
	if d.State != Closing {
		t.Fatalf("%+v", d)
	}
}

// A legal hold keeps everything of a closed programme.
func TestHoldWins(t *testing.T) {
	t.Parallel()
	h, move := moved(t)
	ctx := t.Context()
	_, err := h.super.Exec(ctx, `insert into legal_hold (tenant_id, hold_id, kind, object_id, reason) values ($1, $2, 'tenant', $1, 'a lawsuit')`, h.admin.Tenant, id.New())
	must(t, err)
	_, err = h.Delete(ctx, access.NewSystem(h.admin.Tenant, "operator"), DeleteInput{Slug: "acme", Reason: "We stop.", AtOnce: true})
	must(t, err)
	move(time.Minute)
	must(t, h.Due(ctx, h.entry(t)))
	if n := h.rows(t)["deal"]; n != 7 || h.status(t) != tenant.Closed {
		t.Fatalf("%d deals are left, %s", n, h.status(t))
	}
	_, err = h.super.Exec(ctx, `update legal_hold set released_at = now()`)
	must(t, err)
	must(t, h.Due(ctx, h.entry(t)))
	if h.status(t) != tenant.Purged {
		t.Error("still there after the hold")
	}
}

// What law keeps stays, with its reason and its day, and only for the program.
func TestLawKeeps(t *testing.T) {
	t.Parallel()
	h, move := moved(t)
	ctx := t.Context()
	_, err := h.super.Exec(ctx, `insert into retention_rule (tenant_id, category, event, keep) values ($1, 'legal-entity', 'relation-end', interval '7 years')
	  on conflict (tenant_id, category) do update set event = 'relation-end', keep = interval '7 years'`, h.admin.Tenant)
	must(t, err)
	_, err = h.Delete(ctx, access.NewSystem(h.admin.Tenant, "operator"), DeleteInput{Slug: "acme", Reason: "We stop.", AtOnce: true})
	must(t, err)
	move(time.Minute)
	must(t, h.Due(ctx, h.entry(t)))
	var n int
	var record string
	var until time.Time
	must(t, h.super.QueryRow(ctx, `select count(*) over (), record::text, until from kept_record where table_name = 'partner'`).Scan(&n, &record, &until))
	if n != 1 || !strings.Contains(record, "Nordlicht") || strings.Contains(record, "external_id") || until.Sub(h.ops.Clock()) < 6*365*24*time.Hour {
		t.Errorf("%d records, %s until %s", n, record, until)
	}
	text, err := h.CertificateOf(ctx, h.admin.Tenant)
	must(t, err)
	if !strings.Contains(text, `"legal-entity"`) {
		t.Error("the certificate does not say what is kept")
	}
	move(8 * 365 * 24 * time.Hour)
	gone, err := h.DropKept(ctx, h.admin.Tenant)
	must(t, err)
	if gone == 0 || h.rows(t)["kept_record"] != 0 {
		t.Errorf("%d gone, %d left", gone, h.rows(t)["kept_record"])
	}
}
