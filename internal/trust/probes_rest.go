package trust

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// probeHistory is P-16.
func probeHistory(ctx context.Context, e *Env, tenant id.ID) Finding {
	wrong, tables, err := readHistoryTriggers(ctx, e.Ops)
	if err != nil {
		return broken(err, "The triggers of %d tables.", tables)
	}
	changes, err := tryHistory(ctx, e.Ops, tenant)
	if err != nil {
		return broken(err, "A made-up record.")
	}
	if !slices.Equal(changes, []string{"insert", "update", "delete"}) {
		wrong = append(wrong, fmt.Sprintf("a made-up record was added, changed and deleted, and its history says %q", changes))
	}
	return verdict(tables+3, wrong, "History is switched on for %d tables. A made-up record was added, changed and deleted, and each step is in its history.", tables)
}

// probeSignIns is P-17.
func probeSignIns(ctx context.Context, e *Env, tenant id.ID) Finding {
	sessions, missing, err := countSignIns(ctx, e.Ops, tenant, e.Ops.Clock().Add(-24*time.Hour))
	if err != nil {
		return broken(err, "The sessions of the last day.")
	}
	var wrong []string
	if missing > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d sessions have no entry in the log", missing, sessions))
	}
	return verdict(sessions, wrong, "Sessions of the last day (%d): each has its entry in the audit log.", sessions)
}

// probeSecrets is P-20.
func probeSecrets(ctx context.Context, e *Env, tenant id.ID) Finding {
	secret := map[string]bool{}
	for _, c := range e.Ops.Map.Columns() {
		if c.Class == "secret" {
			secret[c.Table+"."+c.Name] = true
		}
	}
	rows, columns, err := sampleHistory(ctx, e.Ops, tenant)
	if err != nil {
		return broken(err, "The newest history.")
	}
	var wrong []string
	for _, c := range columns {
		if secret[c] {
			wrong = append(wrong, "the history holds "+c+", which is secret")
		}
	}
	return verdict(rows, wrong, "The newest %d rows of history were searched for the contents of %d secret columns.", rows, len(secret))
}

// probeExport is P-24.
func probeExport(ctx context.Context, e *Env, tenant id.ID) Finding {
	have, err := countDeals(ctx, e.Ops, tenant)
	if err != nil {
		return broken(err, "The export of deals.")
	}
	rows, err := e.Export(ctx, tenant)
	if err != nil {
		return broken(err, "The export of deals.")
	}
	var wrong []string
	// Deals may come and go while the export runs.
	if off := max(rows-have, have-rows); off > 5+have/100 {
		wrong = append(wrong, fmt.Sprintf("the export has %d rows and the database %d", rows, have))
	}
	return verdict(rows, wrong, "The deals were exported: %d rows, as many as there are.", rows)
}

type reference struct{ tag, url string }

var refPattern = regexp.MustCompile(`(?i)<(script|link|img|iframe|source|video|audio|object|embed|form)\b[^>]*?\s(?:src|href|action|data)="([^"]*)"`)

// references returns what a page loads or sends to.
func references(html string) []reference {
	var out []reference
	for _, m := range refPattern.FindAllStringSubmatch(html, -1) {
		out = append(out, reference{strings.ToLower(m[1]), strings.ReplaceAll(m[2], "&amp;", "&")})
	}
	return out
}

// probeStrangers is P-28.
func probeStrangers(ctx context.Context, e *Env, _ id.ID) Finding {
	tenants, err := e.Tenants(ctx)
	if err != nil {
		return broken(err, "Public pages.")
	}
	paths := []string{"/sign-in", "/forgot", "/trust", "/-/nothing-here"}
	for _, t := range tenants[:min(3, len(tenants))] {
		paths = append(paths, "/t/"+t.Slug+"/trust")
	}
	var wrong []string
	refs := 0
	own, _ := url.Parse(e.Ops.PublicURL)
	for _, path := range paths {
		a, err := e.Ask(ctx, Question{Method: "GET", Path: path})
		if err != nil {
			return broken(err, "%d public pages.", len(paths))
		}
		for _, ref := range references(a.Body) {
			refs++
			u, err := url.Parse(ref.url)
			if err != nil || u.Host != "" && (own == nil || u.Host != own.Host) {
				wrong = append(wrong, fmt.Sprintf("the page %s takes a %s from %s", path, ref.tag, ref.url))
			}
		}
	}
	out := e.Outbound()
	wrong = append(wrong, unlisted(ctx, e, tenants, out)...)
	return verdict(len(paths)+len(out), wrong, "%d public pages with %d references, all to this host, and %s.", len(paths), refs, outward(len(out)))
}

// unlisted returns connections out whose host is on nobody's list of sub-processors.
func unlisted(ctx context.Context, e *Env, tenants []Tenant, out []Outbound) (wrong []string) {
	if e.Processors == nil {
		return nil
	}
	for _, t := range tenants[:min(20, len(tenants))] {
		hosts, err := e.Processors(ctx, t.ID)
		if err != nil {
			wrong = append(wrong, "the list of sub-processors of "+t.Slug+" cannot be read: "+err.Error())
			continue
		}
		for _, o := range out {
			known := o.Local || slices.ContainsFunc(hosts, func(h string) bool { return o.Host == h || strings.HasSuffix(o.Host, "."+h) })
			if !known {
				wrong = append(wrong, o.What+" goes to "+o.Host+", which is not on the list of sub-processors of "+t.Slug)
			}
		}
	}
	return wrong
}

// commitPattern is what names a source exactly.
var commitPattern = regexp.MustCompile(`^[0-9a-f]{12,64}$`)

// probeVersion is P-32.
func probeVersion(_ context.Context, e *Env, _ id.ID) Finding {
	if e.Commit == "" || e.Commit == "unknown" {
		return absent("The running program, version %s, was built without its commit; build it with make, from a repository.", e.Version)
	}
	if !commitPattern.MatchString(e.Commit) {
		return verdict(1, []string{fmt.Sprintf("its commit is %q, which names no source exactly", e.Commit)}, "The running program: version %s.", e.Version)
	}
	return kept(1, "The running program is version %s, commit %s; each line of evidence names it.", e.Version, e.Commit)
}

// probeDemo is P-33.
func probeDemo(ctx context.Context, e *Env, _ id.ID) Finding {
	if e.DemoRefused == nil {
		return absent("There is no demo in this program.")
	}
	err := e.DemoRefused(ctx)
	var wrong []string
	if !errs.Is(err, "demo.real_tenants") {
		wrong = append(wrong, fmt.Sprintf("the demo does not refuse an installation with a real programme: %v", err))
	}
	return verdict(1, wrong, "The demo was asked to fill an installation with a real programme, and refused.")
}

// securityTxtLife is how far ahead the file's date of expiry may lie, by RFC 9116.
const securityTxtLife = 366 * 24 * time.Hour

// probeSecurityTxt is P-37.
func probeSecurityTxt(ctx context.Context, e *Env, _ id.ID) Finding {
	a, err := e.Ask(ctx, Question{Method: "GET", Path: "/.well-known/security.txt"})
	if err != nil {
		return broken(err, "/.well-known/security.txt.")
	}
	var wrong []string
	if a.Status != 200 || !strings.HasPrefix(a.Get("Content-Type"), "text/plain") {
		wrong = append(wrong, fmt.Sprintf("it answers %d with %q", a.Status, a.Get("Content-Type")))
	}
	fields := map[string][]string{}
	for line := range strings.Lines(a.Body) {
		if name, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(line, "#") {
			fields[name] = append(fields[name], strings.TrimSpace(v))
		}
	}
	contacts := fields["Contact"]
	if len(contacts) == 0 {
		wrong = append(wrong, "it names no contact")
	}
	for _, c := range contacts {
		if !strings.HasPrefix(c, "mailto:") && !strings.HasPrefix(c, "https://") && !strings.HasPrefix(c, e.Ops.PublicURL+"/") && !strings.HasPrefix(c, "tel:") {
			wrong = append(wrong, "its contact "+c+" is no mailto:, https:// or tel: address")
		}
	}
	now, expires := e.Ops.Clock(), strings.Join(fields["Expires"], " ")
	until, err := time.Parse(time.RFC3339, expires)
	switch {
	case len(fields["Expires"]) != 1 || err != nil:
		wrong = append(wrong, "its Expires is "+fmt.Sprintf("%q", expires))
	case until.Before(now):
		wrong = append(wrong, "it expired on "+until.Format(time.DateOnly))
	case until.Sub(now) > securityTxtLife:
		wrong = append(wrong, "it expires more than a year ahead")
	default:
		expires = until.Format("2 January 2006")
	}
	if len(wrong) == 0 && !leadsSomewhere(ctx, e, contacts) {
		return absent("security.txt leads to the trust page of this installation, which has no form of its own: with several programmes, or none, the operator names an address (--security-contact).")
	}
	return verdict(1, wrong, "The security.txt file is served, names a contact (%d) and expires on %s.", len(contacts), expires)
}

// leadsSomewhere tells whether one of the contacts is an address elsewhere, or a page of ours that has the form.
func leadsSomewhere(ctx context.Context, e *Env, contacts []string) bool {
	for _, c := range contacts {
		path, ours := strings.CutPrefix(c, e.Ops.PublicURL+"/")
		if !ours {
			return true
		}
		path, _, _ = strings.Cut("/"+path, "#")
		if a, err := e.Ask(ctx, Question{Method: "GET", Path: path}); err == nil && a.Status == 200 && strings.Contains(a.Body, `action="`+path+`#report"`) {
			return true
		}
	}
	return false
}

// probeModules is P-38.
func probeModules(_ context.Context, e *Env, _ id.ID) Finding {
	if e.Modules == 0 {
		return absent("This program was built without the list of its modules.")
	}
	f := unseen(fmt.Sprintf("%d modules are listed in the running program.", e.Modules),
		"The list is here; this installation does not check it against advisories. Whoever builds or runs it does, and attests it.")
	f.Items = e.Modules
	return f
}
