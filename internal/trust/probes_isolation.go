package trust

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
)

// personas are the database roles of the program.
var personas = []pg.Role{pg.Staff, pg.Partner, pg.Public, pg.Worker, pg.Platform, pg.Jobs}

// probeIsolation is P-10: every role tries everything on another programme's rows.
func probeIsolation(ctx context.Context, e *Env, _ id.ID) Finding {
	const checked = "%d attempts to reach another tenant, by %d database roles on %d tables: each was refused or found nothing."
	wrong, tables, err := readFloors(ctx, e.Ops)
	if err != nil {
		return broken(err, checked, 0, len(personas), 0)
	}
	victims, err := victims(ctx, e)
	if err != nil {
		return broken(err, checked, 0, len(personas), tables)
	}
	tried := 0
	for _, pair := range victims {
		for _, role := range personas {
			n, leaks, err := attack(ctx, e.Ops, role, pair.attacker, pair.victim)
			if err != nil {
				return broken(fmt.Errorf("as %s: %w", role, err), checked, tried, len(personas), tables)
			}
			tried += n
			wrong = append(wrong, leaks...)
		}
	}
	if tables == 0 || tried == 0 {
		wrong = append(wrong, "there was nothing to try")
	}
	f := verdict(tried, wrong, checked, tried, len(personas), tables)
	if f.Result == Failing {
		f.Checked = fmt.Sprintf("%d attempts to reach another tenant, by %d database roles on %d tables.", tried, len(personas), tables)
	}
	return f
}

type pair struct{ attacker, victim id.ID }

// victims pairs at most two programmes with somebody else: another programme where there is one, else a made-up one.
func victims(ctx context.Context, e *Env) ([]pair, error) {
	all, err := e.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	switch len(all) {
	case 0:
		return []pair{{id.New(), id.New()}}, nil
	case 1:
		return []pair{{id.New(), all[0].ID}}, nil
	}
	last := all[len(all)-1].ID
	return []pair{{last, all[0].ID}, {all[0].ID, last}}, nil
}

// probeTLS is P-11.
func probeTLS(_ context.Context, e *Env, _ id.ID) Finding {
	var wrong []string
	out := e.Outbound()
	for _, o := range out {
		if o.Plain && !o.Local {
			wrong = append(wrong, o.What+" at "+o.Host+" is reached without TLS")
		}
	}
	how, seen := e.Listener()
	f := verdict(len(out)+1, wrong, "The listener (%s) and %s.", how, outward(len(out)))
	if f.Result == Kept && !seen {
		f = unseen(f.Checked, "TLS ends in front of this program, where it cannot look. Whoever runs the proxy attests that it takes TLS 1.2 or higher only.")
		f.Items = len(out) + 1
	}
	return f
}

// probeEncryption is P-12.
func probeEncryption(ctx context.Context, e *Env, tenant id.ID) Finding {
	ring, at := e.Ops.Keys, keyring.Place{Table: "promise_evidence", Row: id.New().String(), Column: "probe"}
	plain := canary()
	sealed, err := ring.Seal(ctx, tenant, at, []byte(plain))
	if err != nil {
		return broken(err, "The key of the programme.")
	}
	var wrong []string
	if strings.Contains(string(sealed), plain) {
		wrong = append(wrong, "what was encrypted can be read")
	}
	if back, err := ring.Open(ctx, tenant, at, sealed); err != nil || string(back) != plain {
		wrong = append(wrong, "what was encrypted does not open again")
	}
	other := at
	other.Row = id.New().String()
	if _, err := ring.Open(keyring.Trial(ctx), tenant, other, sealed); err == nil {
		wrong = append(wrong, "what was encrypted opens in another place")
	}
	read := 0
	for _, c := range e.Encrypted {
		n, bad, err := readCiphers(ctx, e.Ops, tenant, c)
		if err != nil {
			return broken(err, "Stored values of %s.", c.Table)
		}
		read += n
		wrong = append(wrong, bad...)
	}
	foreign, err := e.another(ctx, tenant)
	if err != nil {
		return broken(err, "Stored files.")
	}
	files, bad, err := e.Files.Try(ctx, tenant, foreign)
	if err != nil {
		return broken(err, "Stored files.")
	}
	wrong = append(wrong, bad...)
	return verdict(read+files+3, wrong, "%d stored values in %d places, the newest files as they lie in the store (%d), and one value made up: each has our format and opens in its own place, with the key of this programme, only.", read, len(e.Encrypted), files)
}

// another returns another active programme, Nil when there is none.
func (e *Env) another(ctx context.Context, tenant id.ID) (id.ID, error) {
	all, err := e.Tenants(ctx)
	for _, t := range all {
		if t.Active && t.ID != tenant {
			return t.ID, err
		}
	}
	return id.Nil, err
}

// probeVolume is P-13.
func probeVolume(ctx context.Context, e *Env, _ id.ID) Finding {
	const checked = "The volume that the data directory lies on."
	if e.Volume != nil {
		encrypted, known, detail := e.Volume(ctx)
		switch {
		case known && encrypted:
			f := kept(1, checked)
			f.Detail = detail
			return f
		case known:
			return unseen(checked, "The volume does not look encrypted ("+detail+"). If it is, below what this program can see, attest it.")
		}
		return unseen(checked, detail)
	}
	return unseen(checked, "This program cannot see the volume of the database.")
}

// headerRules are what every answer must carry; a rule returns what is wrong, or "".
var headerRules = []struct {
	name string
	good func(v string) bool
}{
	{"Strict-Transport-Security", func(v string) bool {
		_, age, _ := strings.Cut(v, "max-age=")
		age, _, _ = strings.Cut(age, ";")
		n, err := strconv.Atoi(age)
		return err == nil && n >= 31536000
	}},
	{"Content-Security-Policy", func(v string) bool {
		script, _, _ := strings.Cut(v[strings.Index(v, "script-src")+1:], ";")
		return strings.Contains(v, "default-src 'none'") && strings.Contains(v, "frame-ancestors 'none'") && strings.Contains(v, "base-uri 'none'") &&
			!strings.Contains(script, "unsafe-inline") && !strings.Contains(v, "unsafe-eval") && !strings.Contains(v, "https:") && !strings.Contains(v, "*")
	}},
	{"X-Content-Type-Options", func(v string) bool { return v == "nosniff" }},
	{"Referrer-Policy", func(v string) bool {
		return slices.Contains([]string{"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}, v)
	}},
	{"Permissions-Policy", func(v string) bool { return strings.Contains(v, "camera=()") && strings.Contains(v, "geolocation=()") }},
	{"Cross-Origin-Opener-Policy", func(v string) bool { return v == "same-origin" }},
	{"Cross-Origin-Resource-Policy", func(v string) bool { return v == "same-origin" }},
}

// broke is a path of the probes' own handler that panics.
const broke = "/-/breaks"

// probeHeaders is P-14.
func probeHeaders(ctx context.Context, e *Env, _ id.ID) Finding {
	paths := []string{"/-/nothing-here", broke, "/healthz", "/api/v1/nothing-here", "/.well-known/security.txt"}
	for _, r := range e.Routes {
		if r.Method == "GET" && !strings.HasSuffix(r.Pattern, "/events") {
			paths = append(paths, somewhere(r.Pattern))
		}
	}
	var wrong []string
	statuses := map[int]int{}
	for _, path := range paths {
		a, err := e.Ask(ctx, Question{Method: "GET", Path: path})
		if err != nil {
			return broken(err, "%d answers.", len(paths))
		}
		statuses[a.Status]++
		for _, rule := range headerRules {
			if v := a.Get(rule.name); v == "" || !rule.good(v) {
				wrong = append(wrong, fmt.Sprintf("GET %s (%d): %s is %q", path, a.Status, rule.name, v))
			}
		}
		if a.Status != 200 && a.Status != 303 && !strings.Contains(a.Get("Cache-Control"), "no-store") {
			wrong = append(wrong, fmt.Sprintf("GET %s (%d) may be cached", path, a.Status))
		}
	}
	for _, status := range []int{404, 500, 401} {
		if statuses[status] == 0 {
			wrong = append(wrong, fmt.Sprintf("no answer with status %d could be made to look at", status))
		}
	}
	return verdict(len(paths), wrong, "%d answers, error pages included (%d not found, %d failing), were checked for %d headers each.", len(paths), statuses[404], statuses[500], len(headerRules))
}

// probeRate is P-15.
func probeRate(_ context.Context, e *Env, _ id.ID) Finding {
	if e.Rate == nil {
		return absent("Only signing in and public forms have a limit in this installation (see P-07).")
	}
	allowed, wait := e.Rate()
	var wrong []string
	if wait <= 0 {
		wrong = append(wrong, fmt.Sprintf("after %d requests of one address there was still no limit", allowed))
	}
	return verdict(allowed+1, wrong, "Requests from a made-up address: after %d at once, the next one was refused.", allowed)
}
