package tenant

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/op"
	"entente.dev/internal/optest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

type fixture struct {
	*Service
	super                 *pgx.Conn
	acme                  Settings
	admin, staff, partner access.Actor
	stranger              access.Actor
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if !errs.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func ptr[T any](v T) *T { return &v }

func actor(tenant, partner id.ID, r string) access.Actor {
	return access.Actor{Kind: access.Person, Persona: role.Persona(r), Tenant: tenant, Partner: partner, Member: id.New(), Role: r, Name: r, Grants: role.Grants(r)}
}

func setup(t *testing.T) fixture {
	t.Helper()
	db := pgtest.New(t)
	s := New(optest.New(t, db))
	acme, err := s.Create(t.Context(), access.NewPlatform(id.New(), "test"), CreateInput{Slug: "acme", Name: "Acme"}, nil)
	must(t, err)
	other, err := s.Create(t.Context(), access.NewPlatform(id.New(), "test"), CreateInput{Slug: "bolt", Name: "Bolt", DefaultCurrency: "EUR", TimeZone: "Europe/Berlin"}, nil)
	must(t, err)
	return fixture{s, pgtest.Super(t, db), acme, actor(acme.ID, id.Nil, role.Admin), actor(acme.ID, id.Nil, role.Staff), actor(acme.ID, id.New(), role.Partner), actor(other.ID, id.Nil, role.Admin)}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	f := setup(t)
	o, err := f.Overview(t.Context(), f.partner)
	must(t, err)
	if d := cmp.Diff(f.acme, o.Settings); d != "" {
		t.Error(d)
	}
	var names []string
	for i, st := range o.Stages {
		names = append(names, st.Name)
		if st.Position != i+1 {
			t.Errorf("%+v", st)
		}
	}
	if got := strings.Join(names, " "); got != "Qualify Propose Negotiate Won Lost" {
		t.Error(got)
	}
	_, err = f.Create(t.Context(), access.NewPlatform(id.New(), "test"), CreateInput{Slug: "acme", Name: "Again"}, nil)
	wantCode(t, err, "tenant.slug_taken")
	_, err = f.Create(t.Context(), access.NewPlatform(id.New(), "test"), CreateInput{Slug: "-", Name: "", DefaultCurrency: "XXXX", TimeZone: "Mars"}, nil)
	if len(errs.Of(err).Fields) != 4 {
		t.Errorf("not every field at once: %v", err)
	}
	_, err = f.Create(t.Context(), f.admin, CreateInput{Slug: "mine", Name: "Mine"}, nil)
	wantCode(t, err, "denied")
	_, err = f.Create(t.Context(), access.NewSystem(f.admin.Tenant, "a job"), CreateInput{Slug: "mine", Name: "Mine"}, nil)
	wantCode(t, err, "denied")
	_, err = f.Create(t.Context(), access.NewPlatform(id.New(), "test"), CreateInput{Slug: "half", Name: "Half"}, func(*op.Tx, Settings) error { return errs.Missing("nerve") })
	wantCode(t, err, "nerve.not_found")
	all, err := f.Register(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].Slug != "acme" {
		t.Errorf("registered: %+v", all)
	}
	_, err = f.BySlug(t.Context(), "half")
	wantCode(t, err, "tenant.not_found")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for name, in := range map[string]UpdateInput{
		"name": {Name: ptr(" ")}, "default_currency": {DefaultCurrency: ptr("ABC")}, "time_zone": {TimeZone: ptr("Nowhere/Town")}, "protection_days": {ProtectionDays: ptr(731)},
		"agent_edits": {AgentEdits: ptr("all")}, "brand_color": {BrandColor: ptr("red;}")}, "logo": {Logo: ptr([]byte("<svg onload=alert(1)>"))},
	} {
		_, err := f.Update(t.Context(), f.admin, in)
		if e := errs.Of(err); err == nil || len(e.Fields) != 1 || e.Fields[0].Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Update(t.Context(), f.admin, UpdateInput{ProtectionDays: ptr(0), Name: ptr("")}); len(errs.Of(err).Fields) != 2 {
		t.Errorf("not every field at once: %v", err)
	}
	got, err := f.Update(t.Context(), f.admin, UpdateInput{Version: ptr(1), Name: ptr("Acme Ltd"), ProtectionDays: ptr(730), BrandColor: ptr("#AABBCC"), AgentEdits: ptr("company"), TimeZone: ptr("Asia/Tokyo"), DefaultCurrency: ptr("jpy")})
	must(t, err)
	if got.Version != 2 || got.BrandColor != "#aabbcc" || got.DefaultCurrency != "JPY" || got.Location().String() != "Asia/Tokyo" {
		t.Errorf("%+v", got)
	}
	_, err = f.Update(t.Context(), f.admin, UpdateInput{Version: ptr(1), Name: ptr("X")})
	wantCode(t, err, "tenant.stale")
	for _, who := range []access.Actor{f.staff, f.partner, {}} {
		if _, err := f.Update(t.Context(), who, UpdateInput{Name: ptr("X")}); err == nil {
			t.Errorf("%s changes the settings", who.Role)
		}
	}
	other, err := f.Get(t.Context(), f.stranger)
	must(t, err)
	if other.Name != "Bolt" || other.Version != 1 {
		t.Errorf("the other programme changed: %+v", other)
	}
	if _, err := f.Update(t.Context(), f.admin, UpdateInput{Name: ptr("Acme Ltd")}); err != nil {
		t.Errorf("nothing to change is no fault: %v", err)
	}
}

// Invariant 4.
func TestLogo(t *testing.T) {
	t.Parallel()
	f := setup(t)
	png := []byte("\x89PNG\r\n\x1a\n....IEND\xaeB`\x82")
	both := append(bytes.Clone(png), "<script>alert(1)</script>"...)
	set, err := f.Update(t.Context(), f.admin, UpdateInput{Logo: &both})
	must(t, err)
	if set.LogoType != "image/png" {
		t.Errorf("type %q", set.LogoType)
	}
	image, mediaType, err := f.Logo(t.Context(), f.acme.ID)
	must(t, err)
	if !bytes.Equal(image, png) || mediaType != "image/png" {
		t.Errorf("%q %q", image, mediaType)
	}
	for what, c := range map[string]struct {
		bytes []byte
		kind  string
	}{
		"jpeg": {[]byte("\xff\xd8\xff\xe0 \xff\xd9"), "image/jpeg"}, "webp": {[]byte("RIFF\x00\x00\x00\x00WEBPVP8 xxxx"), "image/webp"}, "gif": {[]byte("GIF89a..."), ""},
		"html": {[]byte("<html>"), ""}, "nothing": {nil, ""},
	} {
		if got := LogoType(c.bytes); got != c.kind {
			t.Errorf("%s: %q", what, got)
		}
	}
	if _, err := f.Update(t.Context(), f.admin, UpdateInput{Logo: ptr(append(bytes.Clone(png), make([]byte, MaxLogo)...))}); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("too large: %v", err)
	}
	brand, err := f.Brand(t.Context(), f.acme.ID)
	must(t, err)
	if !brand.HasLogo || brand.Slug != "acme" {
		t.Errorf("%+v", brand)
	}
	_, err = f.Update(t.Context(), f.admin, UpdateInput{Logo: &[]byte{}})
	must(t, err)
	_, _, err = f.Logo(t.Context(), f.acme.ID)
	wantCode(t, err, "logo.not_found")
	_, _, err = f.Logo(t.Context(), id.New())
	wantCode(t, err, "logo.not_found")
}

func TestBrandFor(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for host, want := range map[string]string{"acme.portal.example:8080": "Acme", "BOLT.portal.example": "Bolt", "portal.example": "", "": "", "[::1]:80": ""} {
		b, err := f.BrandFor(t.Context(), host)
		if err != nil || b.Name != want {
			t.Errorf("%q: %+v %v", host, b, err)
		}
	}
	_, err := f.super.Exec(t.Context(), `update tenant set status = 'suspended' where slug = 'bolt'`)
	must(t, err)
	if b, err := f.BrandFor(t.Context(), "localhost:8080"); err != nil || b.Name != "Acme" {
		t.Errorf("the only programme: %+v %v", b, err)
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := t.Context()
	st, err := f.AddStage(ctx, f.admin, StageInput{Name: ptr("Demo"), Probability: ptr(55)})
	must(t, err)
	if st.Position != 4 || st.Kind != StageOpen {
		t.Errorf("%+v", st)
	}
	_, err = f.AddStage(ctx, f.admin, StageInput{Name: ptr("Demo")})
	wantCode(t, err, "stage.name_taken")
	if _, err = f.AddStage(ctx, f.admin, StageInput{Probability: ptr(101)}); len(errs.Of(err).Fields) != 2 {
		t.Errorf("not every field at once: %v", err)
	}
	st, err = f.ChangeStage(ctx, f.admin, StageInput{ID: st.ID, Version: ptr(1), Name: ptr("Proof"), Probability: ptr(60)})
	must(t, err)
	_, err = f.ChangeStage(ctx, f.admin, StageInput{ID: st.ID, Version: ptr(1), Name: ptr("Late")})
	wantCode(t, err, "stage.stale")
	_, err = f.ChangeStage(ctx, f.stranger, StageInput{ID: st.ID, Name: ptr("Mine")})
	wantCode(t, err, "stage.not_found")
	_, err = f.ChangeStage(ctx, f.staff, StageInput{ID: st.ID, Name: ptr("Mine")})
	wantCode(t, err, "denied")

	o, err := f.Overview(ctx, f.admin)
	must(t, err)
	var ids []id.ID
	won := id.Nil
	for _, s := range o.Stages {
		ids = append([]id.ID{s.ID}, ids...)
		if s.Kind == StageWon {
			won = s.ID
		}
	}
	if _, err := f.ChangeStage(ctx, f.admin, StageInput{ID: won, Probability: ptr(50)}); !errs.IsKind(err, errs.Invalid) {
		t.Errorf("won is half won: %v", err)
	}
	for what, list := range map[string][]id.ID{"one missing": ids[1:], "one twice": append(ids[:len(ids)-1:len(ids)-1], ids[0]), "a foreign one": append(ids[:len(ids)-1:len(ids)-1], id.New()), "one more": append(ids[:len(ids):len(ids)], id.New())} {
		if _, err := f.OrderStages(ctx, f.admin, list); !errs.IsKind(err, errs.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = f.OrderStages(ctx, f.admin, ids)
	must(t, err)
	o, err = f.Overview(ctx, f.admin)
	must(t, err)
	for i, s := range o.Stages {
		if s.ID != ids[i] || s.Position != i+1 {
			t.Errorf("%d: %+v", i, s)
		}
	}

	wantCode(t, f.RemoveStage(ctx, f.admin, won), "stage.fixed")
	wantCode(t, f.RemoveStage(ctx, f.admin, id.New()), "stage.not_found")
	_, err = f.super.Exec(ctx, `insert into deal (tenant_id, deal_id, title, state, stage_id, currency) values ($1, $2, 'A deal', 'draft', $3, 'USD')`, f.acme.ID, id.New(), st.ID)
	must(t, err)
	wantCode(t, f.RemoveStage(ctx, f.admin, st.ID), "stage.used")
	_, err = f.super.Exec(ctx, `delete from deal`)
	must(t, err)
	must(t, f.RemoveStage(ctx, f.admin, st.ID))
	for _, s := range o.Stages {
		if s.Kind == StageOpen && s.ID != st.ID {
			err = f.RemoveStage(ctx, f.admin, s.ID)
		}
	}
	wantCode(t, err, "stage.last")
}

func TestProducts(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx := t.Context()
	v, err := f.AddProduct(ctx, f.staff, ProductInput{Name: ptr("GTX Pro"), Series: ptr("GTX"), PriceMinor: ptr(int64(480000))})
	must(t, err)
	_, err = f.AddProduct(ctx, f.staff, ProductInput{Name: ptr("GTX Pro")})
	wantCode(t, err, "product.name_taken")
	_, err = f.AddProduct(ctx, f.partner, ProductInput{Name: ptr("Mine")})
	wantCode(t, err, "denied")
	v, err = f.ChangeProduct(ctx, f.staff, ProductInput{ID: v.ID, Version: ptr(1), Name: ptr("GTX Plus"), PriceMinor: ptr(int64(-1))})
	must(t, err)
	if v.PriceMinor != nil || v.Version != 2 || v.Series != "GTX" {
		t.Errorf("%+v", v)
	}
	_, err = f.ChangeProduct(ctx, f.staff, ProductInput{ID: v.ID, Version: ptr(1), Name: ptr("Late")})
	wantCode(t, err, "product.stale")
	_, err = f.ChangeProduct(ctx, f.stranger, ProductInput{ID: v.ID, Name: ptr("Mine")})
	wantCode(t, err, "product.not_found")
	wantCode(t, f.RemoveProduct(ctx, f.stranger, v.ID), "product.not_found")
	must(t, f.RemoveProduct(ctx, f.staff, v.ID))
	wantCode(t, f.RemoveProduct(ctx, f.staff, v.ID), "product.not_found")
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Acme": "acme", "  Acme & Sons, Ltd. ": "acme-sons-ltd", "Åkerö": "ker", "!!!": "", strings.Repeat("long name ", 20): "long-name-long-name-long-name-long-nam", "日本": ""} {
		got := Slug(name)
		if got != want || got != "" && !slugForm.MatchString(got) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
