package app

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/throttle"
)

// maxAddresses bounds how many addresses are remembered; those that have spent nothing lately are forgotten first.
const maxAddresses = 50_000

// limiter holds the budget of requests of each address, in this process. Requests from this machine itself have none: they are
// the operator's, or come through a proxy that does not say for whom.
type limiter struct {
	rule  throttle.Rule
	clock func() time.Time

	mu   sync.Mutex
	seen map[string]time.Time
}

// newLimiter allows each address perSecond requests a second, six times as many at once. Zero allows everything.
func newLimiter(perSecond int, clock func() time.Time) *limiter {
	l := &limiter{clock: clock, seen: map[string]time.Time{}}
	if perSecond > 0 {
		l.rule = throttle.Rule{Burst: 6 * perSecond, Every: time.Second / time.Duration(perSecond)}
	}
	return l
}

// take spends one request of an address; wait is zero when it may be served.
func (l *limiter) take(ip string) (wait time.Duration) {
	key := networkOf(ip)
	if key == "" || l.rule.Every == 0 {
		return 0
	}
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	tat, wait, ok := throttle.Next(l.seen[key], now, l.rule)
	if !ok {
		return wait
	}
	if len(l.seen) >= maxAddresses {
		l.sweep(now)
	}
	l.seen[key] = tat
	return 0
}

// sweep forgets addresses whose budget is whole again, and everything when that is not enough.
func (l *limiter) sweep(now time.Time) {
	for k, tat := range l.seen {
		if tat.Before(now) {
			delete(l.seen, k)
		}
	}
	if len(l.seen) >= maxAddresses {
		clear(l.seen)
	}
}

// networkOf is what one customer of a provider holds: the address, or the /64; "" for this machine.
func networkOf(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.IsLoopback() {
		return ""
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // 64 bits fit every version 6 address
	return p.String()
}

// limited answers 429 once an address has spent its budget.
func (l *limiter) limited(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := l.take(httpx.ClientIP(r.Context()))
		if wait == 0 {
			next.ServeHTTP(w, r)
			return
		}
		e := errs.New(errs.Throttled, "requests.throttled", "There are too many requests from your network. Slow down and try again.")
		e.RetryAfter = wait.Truncate(time.Second) + time.Second
		refuse(w, r, e)
	})
}

// probe spends the budget of a made-up address and says how many requests it held and how long the next one has to wait.
func (l *limiter) probe() (allowed int, wait time.Duration) {
	own := &limiter{rule: l.rule, clock: l.clock, seen: map[string]time.Time{}}
	most := 7*max(l.rule.Burst, 1) + 10
	for allowed < most {
		if wait = own.take("192.0.2.1"); wait > 0 {
			break
		}
		allowed++
	}
	return allowed, wait
}
