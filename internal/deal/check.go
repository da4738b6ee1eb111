package deal

import (
	"context"
	"strings"
	"sync"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/kernel/throttle"
	"entente.dev/internal/op"
)

// Check says whether a customer seems free, before anybody registers it, and who asked what is on record. It never says
// who holds a customer.
//
// Invalid "domain", "name" or "country"; Throttled "check.throttled" above 60 a minute for one credential.
func (s *Service) Check(ctx context.Context, who access.Actor, in CheckInput) (Answer, error) {
	return op.Write(ctx, s.ops, who, ActCheck, func(tx *op.Tx) (Answer, error) {
		if err := tx.Allow(access.Object{Partner: who.Partner, Owner: who.Member}); err != nil {
			return "", err
		}
		key, norm, asked, err := in.key()
		if err != nil {
			return "", err
		}
		if wait, ok := s.checks.spend(who, tx.Now); !ok {
			return "", &errs.Error{Kind: errs.Throttled, Code: "check.throttled", Msg: "That is more than 60 checks in a minute. Wait a little.", RetryAfter: wait}
		}
		a, err := claimAnswer(ctx, tx, key, norm, id.Nil)
		if err != nil {
			return "", err
		}
		tx.Audit(audit.Change{Type: "deal", Label: asked, Partner: who.Partner, Note: string(a)})
		return a, nil
	})
}

// key returns the claim key and the normalised name of what is asked, and how to call it.
func (in CheckInput) key() (key, norm, asked string, err error) {
	var p problems
	name := p.Text("name", in.Name, 200)
	raw := strings.TrimSpace(in.Domain)
	domain, ok := orgname.Domain(raw)
	switch {
	case raw == "" && name == "":
		p.Add("domain", "field.required", "Give the customer's domain or its name.")
	case raw != "" && !ok:
		p.Add("domain", "domain.malformed", "This is not a domain; write it like example.com.")
	case raw != "" && orgname.FreeMail(domain):
		p.Add("domain", "domain.free_mail", "This is a public mail provider. Give the customer's own domain.")
	}
	code, ok := country.Lookup(in.Country)
	if !ok && strings.TrimSpace(in.Country) != "" {
		p.Add("country", "country.unknown", "Use a two-letter country code such as DE, or the country's English name.")
	}
	asked = strings.TrimSpace(domain + " " + name)
	return orgname.ClaimKey(domain, name, code), orgname.NormalName(name), asked, errs.Refused(p.Problems)
}

var checkRule = throttle.Rule{Burst: 60, Every: time.Second}

// checkBudget counts the checks of each credential, in this process.
type checkBudget struct {
	mu  sync.Mutex
	tat map[id.ID]time.Time
}

func newCheckBudget() *checkBudget { return &checkBudget{tat: map[id.ID]time.Time{}} }

// spend takes one check from the actor's budget; when there is none left it says how long to wait.
func (c *checkBudget) spend(who access.Actor, now time.Time) (wait time.Duration, ok bool) {
	subject := who.Credential
	if subject == id.Nil {
		subject = who.Member
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tat) > 10_000 {
		for k, t := range c.tat {
			if t.Before(now) {
				delete(c.tat, k)
			}
		}
	}
	next, wait, ok := throttle.Next(c.tat[subject], now, checkRule)
	c.tat[subject] = next
	return wait, ok
}
