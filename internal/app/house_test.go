package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/file"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg/pgtest"
	"entente.dev/internal/recordtest"
	"entente.dev/internal/retention"
	"entente.dev/internal/tenant"
)

const mirrorPassword = "correct horse battery staple"

// house is the whole program on a database of its own, with two tenants and two partners in the first.
type house struct {
	*testing.T
	app     *App
	doors   door.Doors
	handler http.Handler
	db      *pgx.Conn // a superuser's
	heeds   map[string]bool
}

// caller is somebody with a key and a session.
type caller struct {
	name         string
	key, session string
	tenant       string
	partner      string
	own          map[string][]string // some own objects of each table
	foreign      map[string][]string // another's, by table
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return houseAt(t, pgtest.URL(t), t.TempDir())
}

// houseAt builds the program on a database and a data directory.
func houseAt(t *testing.T, db, data string) *house {
	t.Helper()
	a, err := build(t.Context(), config.Config{PublicURL: "http://portal.example", Data: data}, slog.New(slog.DiscardHandler), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.DB.Close)
	h := &house{T: t, app: a, doors: a.Doors(), heeds: map[string]bool{}}
	a.probing(h.doors)
	h.handler = httpx.Stack(h.doors, httpx.Options{Log: a.Log, Error: h.doors.ServeError})
	if h.db, err = pgx.Connect(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.db.Close(context.Background()) })
	return h
}

// send makes one request as a caller: by key on the API, by session elsewhere.
func (h *house) send(who caller, method, path, contentType, body string) *httptest.ResponseRecorder {
	ctx, enough := context.WithTimeout(h.Context(), 20*time.Second)
	defer enough()
	r := httptest.NewRequestWithContext(ctx, method, "http://portal.example"+path, strings.NewReader(body))
	if strings.HasPrefix(path, door.Prefix) {
		r.Header.Set("Authorization", "Bearer "+who.key)
	} else {
		r.Header.Set("Cookie", "__Host-entente="+who.session)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(&listener{w, enough}, r)
	return w
}

// listener has enough of an event stream after its first event.
type listener struct {
	*httptest.ResponseRecorder
	enough func()
}

func (l *listener) Flush() {
	if strings.HasPrefix(l.Header().Get("Content-Type"), "text/event-stream") {
		l.enough()
	}
	l.ResponseRecorder.Flush()
}

// make posts JSON to the API and returns the answer's fields.
func (h *house) make(who caller, path string, body map[string]any) map[string]any {
	h.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	w := h.send(who, "POST", door.Prefix+path, "application/json", string(b))
	out := map[string]any{}
	if err := json.Unmarshal(w.Body.Bytes(), &out); w.Code >= 300 || err != nil {
		h.Fatalf("POST %s %s: %d %s", path, b, w.Code, w.Body)
	}
	return out
}

// admin founds a programme and returns its Admin.
func (h *house) admin(slug string) caller {
	h.Helper()
	email := "ada@" + slug + ".example"
	done, err := h.app.Identity.CreateAdmin(h.Context(), identity.AdminInput{Slug: slug, Programme: slug, Name: "Ada", Email: email, Password: mirrorPassword})
	if err != nil {
		h.Fatal(err)
	}
	s, err := h.app.Identity.SignIn(h.Context(), access.Request{}, identity.SignInInput{Email: email, Password: mirrorPassword})
	if err != nil {
		h.Fatal(err)
	}
	return caller{name: "admin of " + slug, key: done.APIKey, session: s.Token, tenant: done.TenantID.String()}
}

// partner adds a partner company with a person who accepts the invitation, and a key.
func (h *house) partner(by caller, name string) caller {
	h.Helper()
	company, _ := h.make(by, "/partners", map[string]any{"name": name})["id"].(string)
	link, _ := h.make(by, "/people", map[string]any{"email": "pat@" + name + ".example", "name": "Pat of " + name, "role": "partner", "partner_id": company})["invitation_url"].(string)
	session := h.accept(link, "Pat of "+name)
	key, _ := h.make(by, "/api-keys", map[string]any{"name": name, "role": "partner", "partner_id": company})["key"].(string)
	return caller{name: "partner " + name, key: key, session: session, tenant: by.tenant, partner: company}
}

// work lets a caller make one of everything.
func (h *house) work(who caller) {
	h.Helper()
	h.make(who, "/contacts", map[string]any{"name": "Contact of " + who.name})
	word := regexp.MustCompile(`\W`).ReplaceAllString(who.name, "-")
	d := h.make(who, "/deals", map[string]any{"title": "Deal of " + who.name, "currency": "USD", "amount_minor": 100, "account": map[string]any{"name": "Customer of " + who.name, "domain": word + ".example", "country": "DE"}})
	h.make(who, "/deals/"+fmt.Sprint(d["id"])+"/notes", map[string]any{"body": "Note of " + who.name})
	h.keep(who)
	h.make(who, "/views", map[string]any{"name": "View of " + who.name, "list": "deals", "query": "state=draft"})
}

// keep stores a file for a caller: the vendor's own, or one that the partner may have too.
func (h *house) keep(who caller) {
	h.Helper()
	tenant, _ := id.Parse(who.tenant)
	partner, _ := id.Parse(who.partner)
	if _, err := h.app.Files.Save(h.Context(), access.NewSystem(tenant, "test"), file.Meta{Kind: file.Evidence, Name: "evidence.txt", ContentType: "text/plain; charset=utf-8", Partner: partner},
		func(w io.Writer) error { _, err := io.WriteString(w, "of "+who.name); return err }); err != nil {
		h.Fatal(err)
	}
}

// records makes one record of every kind that the promises have: by an Admin, a second one, and somebody of each partner.
func (h *house) records(by caller, partners ...caller) {
	h.Helper()
	word := regexp.MustCompile(`\W`).ReplaceAllString(by.name, "-")
	link, _ := h.make(by, "/people", map[string]any{"email": "second@" + word + ".example", "name": "Sid Second", "role": "admin"})["invitation_url"].(string)
	second := by
	second.session = h.accept(link, "Sid Second")
	people := recordtest.People{Admin: h.actor(by), Second: h.actor(second)}
	for _, p := range partners {
		people.Partners = append(people.Partners, h.actor(p))
	}
	a := h.app
	recordtest.Fill(h.T, recordtest.Rooms{Ops: a.Ops, Accounts: a.Accounts, Documents: a.Documents, Processors: a.Processors, Notices: a.Notices, Incidents: a.Incidents, Privacy: a.Privacy,
		Trust: a.Trust, Journal: a.Journal, Archive: a.Archive, Retention: a.Retention}, people)
}

// actor is who a caller's session belongs to.
func (h *house) actor(who caller) access.Actor {
	h.Helper()
	actor, err := h.app.Identity.BySession(h.Context(), who.session)
	if err != nil {
		h.Fatal(err)
	}
	return actor
}

// accept accepts an invitation and returns the session.
func (h *house) accept(link, name string) string {
	h.Helper()
	u, err := url.Parse(link)
	if err != nil {
		h.Fatal(err)
	}
	s, err := h.app.Identity.Accept(h.Context(), access.Request{}, identity.AcceptInput{Token: cmp.Or(u.Query().Get("token"), u.Fragment), Name: name, Password: mirrorPassword})
	if err != nil {
		h.Fatal(err)
	}
	return s.Token
}

// ids returns the ids of a query.
func (h *house) ids(sql string) []id.ID {
	h.Helper()
	rows, err := h.db.Query(h.Context(), sql)
	if err != nil {
		h.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		h.Fatal(err)
	}
	return out
}

// catalogue lets an Admin make what only an Admin makes.
func (h *house) catalogue(who caller) {
	h.Helper()
	actor, err := h.app.Identity.ByKey(h.Context(), who.key)
	if err != nil {
		h.Fatal(err)
	}
	if _, err := h.app.Retention.Start(h.Context(), actor, retention.ByPage, true); err != nil {
		h.Fatal(err)
	}
	name := "Product of " + who.name
	if _, err := h.app.Tenants.AddProduct(h.Context(), actor, tenant.ProductInput{Name: &name}); err != nil {
		h.Fatal(err)
	}
	var b strings.Builder
	form := multipart.NewWriter(&b)
	_ = form.WriteField("kind", "accounts")
	part, err := form.CreateFormFile("file", "accounts.csv")
	if err == nil {
		_, err = part.Write([]byte("Name,Country\n" + name + ",DE\n"))
	}
	if err := cmp.Or(err, form.Close()); err != nil {
		h.Fatal(err)
	}
	if w := h.send(who, "POST", door.Prefix+"/imports", form.FormDataContentType(), b.String()); w.Code >= 300 {
		h.Fatalf("import: %d %s", w.Code, w.Body)
	}
}

// objects returns ids of each table's rows for which the condition holds, at most four: the oldest two and the newest.
func (h *house) objects(where string) map[string][]string {
	h.Helper()
	rows, err := h.db.Query(h.Context(), `select c.relname::text, a.attname::text, exists (select from pg_attribute p where p.attrelid = c.oid and p.attname = 'partner_id')
	  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_index i on i.indrelid = c.oid and i.indisprimary join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[i.indnatts - 1] and a.atttypid = 'uuid'::regtype
	 where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition and exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')`)
	if err != nil {
		h.Fatal(err)
	}
	type object struct {
		Table, Key string
		ByPartner  bool
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[object])
	if err != nil {
		h.Fatal(err)
	}
	out := map[string][]string{}
	for _, o := range tables {
		from := "app." + o.Table + " r"
		cond := where
		if !o.ByPartner {
			switch o.Table {
			case "account":
				from = "app.account_partner r"
				if strings.Contains(where, "is null") {
					from = "(select a.tenant_id, a.account_id, null::uuid as partner_id from app.account a where not exists (select from app.account_partner s where s.account_id = a.account_id)) r"
				}
			case "saved_view", "session", "privacy_request":
				from = "(select v.*, m.partner_id from app." + o.Table + " v join app.member m using (tenant_id, member_id)) r"
			default:
				cond, _, _ = strings.Cut(where, " and ")
				if strings.Contains(where, " and ") {
					continue // of the tenant as a whole
				}
			}
		}
		some, err := h.db.Query(h.Context(), fmt.Sprintf(`with r as (select distinct %[1]s::text as v from %[2]s where %[3]s) (select v from r order by 1 limit 2) union (select v from r order by 1 desc limit 2)`, o.Key, from, cond))
		if err != nil {
			h.Fatal(err)
		}
		ids, err := pgx.CollectRows(some, pgx.RowTo[string])
		if err != nil {
			h.Fatal(err)
		}
		if len(ids) > 0 {
			out[o.Table] = ids
		}
	}
	return out
}
