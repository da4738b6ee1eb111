package trust

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/jobs"
	"entente.dev/internal/op"
)

// keepEvidence is how long evidence about the installation is kept: 13 months.
const keepEvidence = 396 * 24 * time.Hour

// Checked is the outcome of one promise over the whole installation.
type Checked struct {
	Promise  Promise
	Evidence Evidence            // of the installation
	Tenants  map[string]Evidence // by slug, for a promise that each programme is probed for
}

// Check tries promises now, all of them without ids, for every active programme, and keeps the evidence. Invalid for an id that does not exist.
// It belongs to the operator and to the program itself.
func (s *Service) Check(ctx context.Context, ids ...string) ([]Checked, error) {
	chosen := Register()
	if len(ids) > 0 {
		chosen = nil
		for _, v := range ids {
			p, ok := Find(v)
			if !ok {
				return nil, errs.Refused([]errs.Field{{Name: "promise", Code: "promise.unknown", Msg: fmt.Sprintf("There is no promise %q. They run from P-01 to P-%02d.", v, len(register))}})
			}
			chosen = append(chosen, p)
		}
	}
	tenants, err := s.active(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Checked, len(chosen))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2) // probes never crowd out people
	for i, p := range chosen {
		g.Go(func() (err error) {
			out[i], err = s.checkOne(gctx, p, tenants)
			return err
		})
	}
	return out, g.Wait()
}

func (s *Service) active(ctx context.Context) ([]Tenant, error) {
	if s.env.Tenants == nil {
		return nil, errors.New("trust: nothing to probe; Use was not called")
	}
	all, err := s.env.Tenants(ctx)
	return slices.DeleteFunc(all, func(t Tenant) bool { return !t.Active }), err
}

// checkOne tries one promise and keeps the evidence: a line for each programme where it is probed by programme, and one for the installation.
func (s *Service) checkOne(ctx context.Context, p Promise, tenants []Tenant) (Checked, error) {
	out := Checked{Promise: p}
	start := s.ops.Clock()
	if !p.PerTenant || p.Missing != "" {
		out.Evidence = s.evidence(ctx, p, p.run(ctx, &s.env, id.Nil), start, id.Nil)
		return out, s.record(ctx, out.Evidence)
	}
	out.Tenants = map[string]Evidence{}
	for _, t := range tenants {
		e, err := s.checkTenant(ctx, p, t.ID)
		if err != nil {
			return out, err
		}
		out.Tenants[t.Slug] = e
	}
	out.Evidence = s.evidence(ctx, p, together(p, out.Tenants), start, id.Nil)
	return out, s.record(ctx, out.Evidence)
}

func (s *Service) record(ctx context.Context, e Evidence) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return addInstallation(ctx, s.ops, e)
}

// checkTenant tries one promise for one programme.
func (s *Service) checkTenant(ctx context.Context, p Promise, tenant id.ID) (Evidence, error) {
	start := s.ops.Clock()
	e := s.evidence(ctx, p, p.run(ctx, &s.env, tenant), start, tenant)
	if ctx.Err() != nil {
		return e, ctx.Err()
	}
	_, err := op.Write(ctx, s.ops, access.NewSystem(tenant, "promise probe"), ActCheck, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged() // the evidence is itself the record
		return struct{}{}, addEvidence(ctx, tx, e)
	})
	return e, err
}

// together says how a promise stands for the installation when it is probed for each programme: as bad as the worst.
func together(p Promise, by map[string]Evidence) Finding {
	if len(by) == 0 {
		return absent("There is no programme yet to probe it for.")
	}
	f := Finding{Result: Kept}
	counts, items := map[Result]int{}, int64(0)
	slugs := make([]string, 0, len(by))
	for slug, e := range by {
		counts[e.Result]++
		items += e.Items
		slugs = append(slugs, slug)
	}
	slices.Sort(slugs)
	var wrong []string
	for _, slug := range slugs {
		if e := by[slug]; e.Result != Kept && e.Detail != "" {
			wrong = append(wrong, slug+": "+e.Detail)
		}
	}
	for _, r := range []Result{Failing, Unseen, NotOffered} { // the worst first
		if counts[r] > 0 {
			f.Result = r
			break
		}
	}
	f.Items, f.Detail = int(items), list(wrong)
	var said []string
	for _, x := range []struct {
		n    int
		word string
	}{{counts[Kept], "kept"}, {counts[Failing], "failing"}, {counts[NotOffered] + counts[Unseen], "without it"}} {
		if x.n > 0 {
			said = append(said, fmt.Sprintf("%s in %d", x.word, x.n))
		}
	}
	f.Checked = fmt.Sprintf("Probed for each programme by itself: %s of %d.", strings.Join(said, ", "), len(by))
	return f
}

func (s *Service) evidence(ctx context.Context, p Promise, f Finding, start time.Time, tenant id.ID) Evidence {
	now := s.ops.Clock()
	e := Evidence{ID: id.New(), Promise: p.ID, At: now.UTC().Truncate(time.Microsecond), Kind: "probe", Result: f.Result, Checked: f.Checked, Items: int64(max(f.Items, 0)), Detail: f.Detail,
		Program: s.env.program(), TookMS: int(max(now.Sub(start), 0) / time.Millisecond), Installation: tenant == id.Nil}
	if s.env.TreeHead != nil {
		if size, root, err := s.env.TreeHead(ctx, tenant); err == nil && size > 0 {
			e.TreeSize, e.TreeRoot = &size, root
		}
	}
	return e
}

// CheckNow tries one promise for the actor's programme, and for the installation where it is about that. NotFound "promise.not_found".
func (s *Service) CheckNow(ctx context.Context, who access.Actor, promise string) (Evidence, error) {
	p, ok := Find(promise)
	if !ok {
		return Evidence{}, errs.Missing("promise")
	}
	_, err := op.Write(ctx, s.ops, who, ActCheck, func(tx *op.Tx) (struct{}, error) {
		tx.Unchanged() // the evidence is itself the record
		return struct{}{}, tx.Allow(access.Object{})
	})
	if err != nil {
		return Evidence{}, err
	}
	if p.PerTenant && p.Missing == "" {
		return s.checkTenant(ctx, p, who.Tenant)
	}
	out, err := s.checkOne(ctx, p, nil)
	return out.Evidence, err
}

// budget is how long one run of the periodic job goes on; what is left is due at the next.
const budget = 4 * time.Minute

// RunDue tries every promise whose last probe is older than its interval or failed, and every one for a programme that was never
// probed.
func (s *Service) RunDue(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	err := s.runDue(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // the rest is due at the next run
	}
	return err
}

func (s *Service) runDue(ctx context.Context) error {
	tenants, err := s.active(ctx)
	if err != nil {
		return err
	}
	all, err := installationLatest(ctx, s.ops)
	if err != nil {
		return err
	}
	now := s.ops.Clock()
	var due []string
	for _, st := range states(all, id.Nil, now) {
		if p := st.Promise; st.Last == nil || now.Sub(st.Last.At) >= p.Every || st.Last.Result == Failing {
			due = append(due, p.ID)
		}
	}
	if len(due) > 0 {
		if _, err := s.Check(ctx, due...); err != nil {
			return err
		}
	}
	return s.welcome(ctx, tenants)
}

// welcome probes programmes that were never probed, so that a new one's page says something.
func (s *Service) welcome(ctx context.Context, tenants []Tenant) error {
	for _, t := range tenants {
		done, err := probed(ctx, s.ops, t.ID)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		for _, v := range eachTenants() {
			p, _ := Find(v)
			if _, err := s.checkTenant(ctx, p, t.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachTenants returns the promises that each programme is probed for.
func eachTenants() (out []string) {
	for _, p := range register {
		if p.PerTenant && p.Missing == "" {
			out = append(out, p.ID)
		}
	}
	return out
}

// WelcomeArgs asks for the first probes of a programme that was just founded.
type WelcomeArgs struct{}

// Kind implements jobs.Args.
func (WelcomeArgs) Kind() string { return "trust.welcome" }

// Welcome is the handler of the job: a new programme's trust page has evidence within seconds. The first programme of an installation
// also is what the installation's own page was waiting for.
func (s *Service) Welcome(ctx context.Context, _ jobs.Job[WelcomeArgs]) error {
	tenants, err := s.active(ctx)
	switch {
	case err != nil:
		return err
	case len(tenants) > 1:
		return s.welcome(ctx, tenants)
	}
	_, err = s.Check(ctx, eachTenants()...)
	return err
}

// Forget drops evidence about the installation that is older than 13 months; that of a programme goes as its data policy says.
func (s *Service) Forget(ctx context.Context) error {
	return forget(ctx, s.ops, s.ops.Clock().Add(-keepEvidence))
}
