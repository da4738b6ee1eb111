package trust

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
)

// canary returns a text that nobody else has.
func canary() string { return "canary-" + strings.ToLower(rand.Text()) }

// probeHashes is P-01.
func probeHashes(ctx context.Context, e *Env, _ id.ID) Finding {
	const checked = "%d stored password hashes, and the log line of a sign-in with a random password."
	n, weak, err := countHashes(ctx, e.Ops)
	if err != nil {
		return broken(err, checked, n)
	}
	var wrong []string
	if weak > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d stored hashes are not argon2id with the required parameters", weak, n))
	}
	secret := canary()
	form := url.Values{"email": {secret + "@probe.invalid"}, "password": {secret}}
	a, err := e.Ask(ctx, Question{Method: "POST", Path: "/sign-in", ContentType: "application/x-www-form-urlencoded", Body: form.Encode()})
	switch {
	case err != nil:
		return broken(err, checked, n)
	case strings.Contains(a.Log, secret):
		wrong = append(wrong, "a password that was typed stands in the log")
	case a.Log == "":
		wrong = append(wrong, "the sign-in left no log line to look at")
	case a.Status >= 500:
		wrong = append(wrong, fmt.Sprintf("the sign-in page answers %d", a.Status))
	}
	return verdict(n+1, wrong, checked, n)
}

// probeBreached is P-02.
func probeBreached(_ context.Context, e *Env, _ id.ID) Finding {
	var wrong []string
	if e.JudgePassword(e.BreachedSample) == nil {
		wrong = append(wrong, "the validator takes a password that is known to be breached")
	}
	if err := e.JudgePassword(canary() + " " + canary()); err != nil {
		wrong = append(wrong, "the validator refuses a good password too: "+err.Error())
	}
	return verdict(2, wrong, "A password known to be breached was refused; a random one was accepted.")
}

// probeRoles is P-05.
func probeRoles(_ context.Context, e *Env, _ id.ID) Finding {
	var wrong []string
	for _, r := range e.Routes {
		switch {
		case r.Action == "" && strings.TrimSpace(r.Why) == "":
			wrong = append(wrong, r.Method+" "+r.Pattern+" has neither a permission nor a reason to be public")
		case r.Action != "" && !slices.Contains(e.Actions, r.Action):
			wrong = append(wrong, r.Method+" "+r.Pattern+" asks for "+string(r.Action)+", which is not in the permission table")
		}
	}
	for i, higher := range e.Roles {
		for _, lower := range e.Roles[i+1:] {
			if same(e.Grants(higher), e.Grants(lower)) {
				wrong = append(wrong, higher+" and "+lower+" may do the same")
			}
		}
	}
	return verdict(len(e.Routes), wrong, "%d pages and operations were compared with %d permissions and %d roles.", len(e.Routes), len(e.Actions), len(e.Roles))
}

func same(a, b map[access.Action]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}

// probeDenied is P-06.
func probeDenied(ctx context.Context, e *Env, _ id.ID) Finding {
	var wrong []string
	tried := 0
	for _, r := range e.Routes {
		if r.Action == "" {
			continue
		}
		tried++
		a, err := e.Ask(ctx, Question{Method: r.Method, Path: somewhere(r.Pattern)})
		if err != nil {
			return broken(err, "%d pages and operations without signing in.", tried)
		}
		toSignIn := a.Status == 303 && strings.HasPrefix(a.Get("Location"), "/sign-in")
		if a.Status != 401 && !toSignIn {
			wrong = append(wrong, fmt.Sprintf("%s %s answers %d to somebody who is not signed in", r.Method, r.Pattern, a.Status))
		}
	}
	nobody := access.Actor{Kind: access.Person, Persona: access.Staff, Tenant: id.New(), Member: id.New()}
	for _, act := range e.Actions {
		tried++
		if access.Decide(nobody, act, access.Object{}) || nobody.May(act) {
			wrong = append(wrong, string(act)+" is allowed to somebody without any permission")
		}
	}
	if tried == 0 {
		wrong = append(wrong, "there was nothing to try")
	}
	return verdict(tried, wrong, "%d requests were tried without signing in or without the permission.", tried)
}

// somewhere fills the parameters of a pattern with ids of nothing.
func somewhere(pattern string) string {
	var b strings.Builder
	for rest := strings.TrimSuffix(pattern, "{$}"); rest != ""; {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			break
		}
		_, rest, _ = strings.Cut(after, "}")
		b.WriteString("018f0000-0000-7000-8000-000000000000")
	}
	return b.String()
}

// probeGuessing is P-07.
func probeGuessing(ctx context.Context, e *Env, _ id.ID) Finding {
	const most = 60
	allowed, wait, err := e.Guess(ctx)
	if err != nil {
		return broken(err, "Attempts on a made-up account.")
	}
	var wrong []string
	if wait <= 0 || allowed > most {
		wrong = append(wrong, fmt.Sprintf("after %d wrong passwords in a row there was still no wait", allowed))
	}
	return verdict(allowed+1, wrong, "A made-up account was guessed at: after %d attempts the next one had to wait.", allowed)
}

// probeCookies is P-08.
func probeCookies(ctx context.Context, e *Env, _ id.ID) Finding {
	var wrong []string
	lines := e.SessionCookies()
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		low := strings.ToLower(line)
		if !strings.HasPrefix(name, "__Host-") {
			wrong = append(wrong, "the cookie "+name+" is not a __Host- cookie")
		}
		for _, attribute := range []string{"; secure", "; httponly", "; path=/", "; samesite="} {
			if !strings.Contains(low, attribute) {
				wrong = append(wrong, "the cookie "+name+" is without "+attribute[2:])
			}
		}
		if strings.Contains(low, "samesite=none") || strings.Contains(low, "; domain=") {
			wrong = append(wrong, "the cookie "+name+" is sent to others")
		}
	}
	if len(lines) == 0 {
		wrong = append(wrong, "signing in sets no cookie")
	}
	n, scripts, err := scanScripts(ctx, e)
	if err != nil {
		return broken(err, "%d cookies of signing in.", len(lines))
	}
	wrong = append(wrong, scripts...)
	sessions, odd, err := countSessions(ctx, e.Ops)
	if err != nil {
		return broken(err, "%d cookies of signing in.", len(lines))
	}
	if odd > 0 {
		wrong = append(wrong, fmt.Sprintf("%d stored sessions hold something else than a hash", odd))
	}
	return verdict(len(lines)+n+sessions, wrong, "Looked at: sign-in cookies (%d), scripts (%d) and stored sessions (%d).", len(lines), n, sessions)
}

// scanScripts looks for browser storage in the scripts of the sign-in page.
func scanScripts(ctx context.Context, e *Env) (n int, wrong []string, err error) {
	page, err := e.Ask(ctx, Question{Method: "GET", Path: "/sign-in"})
	if err != nil {
		return 0, nil, err
	}
	for _, ref := range references(page.Body) {
		if !strings.HasSuffix(ref.url, ".js") || !strings.HasPrefix(ref.url, "/") {
			continue
		}
		a, err := e.Ask(ctx, Question{Method: "GET", Path: ref.url})
		if err != nil {
			return n, wrong, err
		}
		n++
		for _, store := range []string{"localStorage.setItem", "indexedDB.open", "document.cookie="} {
			if strings.Contains(a.Body, store) {
				wrong = append(wrong, "the script "+ref.url+" uses "+store)
			}
		}
	}
	return n, wrong, nil
}
