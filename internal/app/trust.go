package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/identity/identityweb"
	"entente.dev/internal/identity/password"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/kernel/volume"
	"entente.dev/internal/tenant"
	"entente.dev/internal/trust"
)

// breachedSample is one of the first passwords that anybody would try.
const breachedSample = "1q2w3e4r5t6y7u8i9o0p"

// probing tells the trust room what its probes look at.
func (a *App) probing(doors door.Doors) { a.Trust.Use(a.probed(doors)) }

// probed is the running program itself, as the probes see it.
func (a *App) probed(doors door.Doors) trust.Env {
	build := config.ThisBuild()
	e := trust.Env{
		Version: build.Version, Commit: build.Commit, Modules: len(modules()), Files: a.Files,
		Tenants: a.probedTenants, Ask: a.ask(doors), Routes: probedRoutes(doors), Actions: role.Actions(), Roles: role.All, Grants: grantsOf,
		JudgePassword: func(plain string) error { return password.Check(plain) }, BreachedSample: breachedSample,
		Guess: a.Identity.ProbeGuessing, SessionCookies: identityweb.SessionCookies, Knock: a.Identity.Knock,
		Listener: a.listenerTLS, Outbound: a.outbound, Export: a.exportSample,
		DemoRefused: func(context.Context) error { return refuseDemo([]tenant.Entry{{Name: "a real programme"}}) },
	}
	e.Encrypted = []trust.Cipher{{Table: "audit_entry", Column: "payload", Key: "entry_id", Order: "at"}}
	for _, c := range sealedColumns {
		if c.Table == "mail" {
			e.Encrypted = append(e.Encrypted, trust.Cipher{Table: c.Table, Column: c.Column, Key: c.Key, Order: "created_at"})
		}
	}
	if a.server != nil { // a database elsewhere lies on a volume that cannot be seen from here
		e.Volume = func(context.Context) (encrypted, known bool, detail string) {
			state, detail := volume.Probe(a.Config.Data)
			return state == volume.Encrypted, state != volume.Unknown, detail
		}
	}
	e.TreeHead = a.treeHead
	e.More = map[string]func(context.Context, id.ID) trust.Finding{"P-19": a.probeLog, "P-29": a.probeBenchmarks,
		"P-18": a.probeAccessLog, "P-21": a.probeErrors, "P-22": a.probeInteractions, "P-25": a.probeRights, "P-27": a.probeReplay}
	e.Processors = a.hostsOf
	if a.limits.rule.Every > 0 {
		e.Rate = a.limits.probe
	}
	return e
}

// modules lists the dependencies that are part of the program.
func modules() []*debug.Module {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	return info.Deps
}

func grantsOf(name string) map[access.Action]bool {
	out := map[access.Action]bool{}
	for act := range role.Grants(name) {
		out[act] = true
	}
	return out
}

func (a *App) probedTenants(ctx context.Context) ([]trust.Tenant, error) {
	all, err := a.Tenants.Register(ctx)
	out := make([]trust.Tenant, len(all))
	for i, t := range all {
		out[i] = trust.Tenant{ID: t.ID, Slug: t.Slug, Name: t.Name, Active: t.Status == "active", Demo: t.IsDemo}
	}
	return out, err
}

func probedRoutes(doors door.Doors) []trust.Route {
	var out []trust.Route
	for _, r := range doors.Web.Routes() {
		out = append(out, trust.Route{Method: r.Method, Pattern: r.Pattern, Action: r.Action, Why: r.PublicWhy})
	}
	for _, r := range doors.API.Routes() {
		out = append(out, trust.Route{Method: r.Method, Pattern: r.Pattern, Action: r.Action, Why: r.PublicWhy, API: true})
	}
	return out
}

// ask sends requests of probes through the same layers as everybody's, with a log of its own that the probe reads.
func (a *App) ask(doors door.Doors) func(context.Context, trust.Question) (trust.Answer, error) {
	return func(ctx context.Context, q trust.Question) (trust.Answer, error) {
		var logged lockedBuffer
		mux := http.NewServeMux()
		mux.HandleFunc("GET /-/breaks", func(http.ResponseWriter, *http.Request) { panic("a probe asked for it") })
		mux.Handle("/", a.public(doors))
		h := httpx.Stack(mux, httpx.Options{Log: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})), Error: doors.ServeError})
		r, err := http.NewRequestWithContext(ctx, q.Method, a.Config.Origin()+q.Path, strings.NewReader(q.Body))
		if err != nil {
			return trust.Answer{}, err
		}
		if q.Host != "" {
			r.Host = q.Host
		}
		if q.ContentType != "" {
			r.Header.Set("Content-Type", q.ContentType)
		}
		r.RemoteAddr = net.JoinHostPort(cmp.Or(q.From, "192.0.2.1"), "1")
		if q.From == "" {
			r.RemoteAddr = "127.0.0.1:1" // the probe is this machine; it spends nobody's budget
		}
		r.RequestURI = r.URL.RequestURI()
		w := &answer{header: http.Header{}}
		func() {
			defer func() {
				if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // it is the value that handlers panic with
					err = errors.New("the handler broke off")
				}
			}()
			h.ServeHTTP(w, r)
		}()
		return trust.Answer{Status: w.status, Header: w.header, Body: w.body.String(), Log: logged.String()}, err
	}
}

// answer keeps at most 4 MiB of what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns what will be sent.
func (w *answer) Header() http.Header { return w.header }

// WriteHeader keeps the first status.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

// Write keeps the beginning of the body.
func (w *answer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len() < 4<<20 {
		w.body.Write(b)
	}
	return len(b), nil
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the buffer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns everything written.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// listenerTLS says how people reach this program. It speaks HTTP itself; TLS is what stands in front of it.
func (a *App) listenerTLS() (how string, seen bool) {
	if strings.HasPrefix(a.Config.Origin(), "https://") {
		return "HTTP behind a proxy that is reached at " + a.Config.Origin(), false
	}
	return "HTTP at " + a.Config.Origin() + ", reached from this machine only or through a proxy", false
}

// outbound lists every kind of connection that this program makes to somewhere else, with where it goes.
func (a *App) outbound() []trust.Outbound {
	var out []trust.Outbound
	for _, h := range OutboundHosts(a.Config) {
		out = append(out, trust.Outbound{Host: h.Name, What: h.Purpose, Plain: plainly(a.Config, h.Name), Local: local(h.Name)})
	}
	return out
}

func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && a.IsLoopback()
}

// exportSample runs the export of a programme's deals and counts its rows.
func (a *App) exportSample(ctx context.Context, tenant id.ID) (int, error) {
	w := &rowCounter{Writer: sheet.NewCSV(io.Discard)}
	err := a.Deals.Export(ctx, access.NewSystem(tenant, "promise probe"), deal.Query{}, w)
	return w.rows, err
}

type rowCounter struct {
	sheet.Writer
	rows int
}

// EndRow counts the row.
func (w *rowCounter) EndRow() error {
	w.rows++
	return w.Writer.EndRow()
}

// treeHead returns the newest signed head of a programme's audit log; zero for the installation and before the first.
func (a *App) treeHead(ctx context.Context, tenant id.ID) (int64, string, error) {
	if tenant == id.Nil {
		return 0, "", nil
	}
	h, err := a.Seal.Checkpoint(ctx, tenant)
	if errs.IsKind(err, errs.NotFound) {
		return 0, "", nil
	}
	return h.Size, h.Root.String(), err
}

// hostsOf is what a programme's list of sub-processors and the configuration have in common: a host that is on no list is missing.
func (a *App) hostsOf(ctx context.Context, tenant id.ID) ([]string, error) {
	r, err := a.Processors.Public(ctx, tenant, access.Request{})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range r.Entries {
		out = append(out, p.Hosts...)
	}
	return out, nil
}

// kept, broken and failing are the findings of the probes below.
func kept(items int, format string, args ...any) trust.Finding {
	return trust.Finding{Result: trust.Kept, Items: items, Checked: fmt.Sprintf(format, args...)}
}

func broken(checked string, err error) trust.Finding {
	return trust.Finding{Result: trust.Failing, Checked: checked, Detail: "The probe could not finish: " + err.Error()}
}

func failing(checked, format string, args ...any) trust.Finding {
	return trust.Finding{Result: trust.Failing, Checked: checked, Detail: fmt.Sprintf(format, args...)}
}

// verdict is kept when the try came to its end and nothing is wrong.
func verdict(checked string, looked int, wrong []string, err error) trust.Finding {
	switch {
	case err != nil:
		return broken(checked, err)
	case len(wrong) > 0:
		return failing(checked, "%s", strings.Join(wrong[:min(5, len(wrong))], "; "))
	}
	return kept(looked, "%s", checked)
}
