package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/throttle"
)

// How fast anybody may guess. A refused attempt costs nothing, so nobody waits longer than one interval.
var (
	ruleHere    = throttle.Rule{Burst: 5, Every: 20 * time.Second}  // one account from one network
	ruleAccount = throttle.Rule{Burst: 30, Every: 10 * time.Second} // one account from everywhere
	ruleNetwork = throttle.Rule{Burst: 50, Every: 3 * time.Second}  // one network, all accounts: an office is one
	ruleDevice  = throttle.Rule{Burst: 10, Every: 10 * time.Second} // one account from a browser that signed in before
	ruleReset   = throttle.Rule{Burst: 3, Every: 5 * time.Minute}   // reset mails to one address
)

type limit struct {
	key  string
	rule throttle.Rule
}

// bucket names a limit without telling whom it is about.
func (s *Service) bucket(parts ...string) string {
	m := hmac.New(sha256.New, s.ops.DB.Installation().Key("throttle"))
	m.Write([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// network is the part of an address that one customer of a provider holds: the address itself, or the /64.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	a = a.Unmap()
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // 64 bits fit every version 6 address
	return p.String()
}

// signInLimits are the budgets of one attempt. A browser that signed in to the account before is not held up by guesses
// made elsewhere: whoever guesses cannot keep the owner out.
func (s *Service) signInLimits(email, ip, device string) []limit {
	net := network(ip)
	var out []limit
	if nonce, ok := s.knownDevice(email, device); ok {
		out = append(out, limit{s.bucket("device", email, nonce), ruleDevice})
	} else {
		out = append(out, limit{s.bucket("here", email, net), ruleHere}, limit{s.bucket("account", email), ruleAccount})
	}
	if net != "" {
		out = append(out, limit{s.bucket("network", net), ruleNetwork})
	}
	return out
}

// spend takes one attempt from every budget, or from none. Throttled "sign_in.throttled" says when to come again.
func (s *Service) spend(ctx context.Context, limits []limit) error {
	wait, err := s.takeAttempt(ctx, s.now(), limits)
	if err != nil || wait == 0 {
		return err
	}
	wait = wait.Truncate(time.Second) + time.Second
	e := errs.New(errs.Throttled, "sign_in.throttled", "There were too many attempts. Try again in %s.", seconds(wait))
	e.RetryAfter = wait
	return e
}

func seconds(d time.Duration) string {
	if d < 2*time.Minute {
		n := int(d / time.Second)
		if n == 1 {
			return "a second"
		}
		return strconv.Itoa(n) + " seconds"
	}
	return strconv.Itoa(int(d/time.Minute)) + " minutes"
}

// device is the mark a browser keeps after a sign-in: a nonce and proof that we gave it for this address.
func (s *Service) device(email string) string {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(append(nonce, s.deviceProof(email, nonce)...))
}

func (s *Service) deviceProof(email string, nonce []byte) []byte {
	m := hmac.New(sha256.New, s.ops.DB.Installation().Key("device"))
	m.Write(nonce)
	m.Write([]byte(email))
	return m.Sum(nil)[:16]
}

func (s *Service) knownDevice(email, mark string) (nonce string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(mark)
	if err != nil || len(b) != 32 || !hmac.Equal(b[16:], s.deviceProof(email, b[:16])) {
		return "", false
	}
	return hex.EncodeToString(b[:16]), true
}

// decide applies the rules to the stored instants. wait is zero when the attempt may be made; then next is to be stored.
func decide(limits []limit, stored map[string]time.Time, now time.Time) (next map[string]time.Time, wait time.Duration) {
	next = map[string]time.Time{}
	for _, l := range limits {
		tat, w, ok := throttle.Next(stored[l.key], now, l.rule)
		if !ok {
			wait = max(wait, w)
		}
		next[l.key] = tat
	}
	return next, wait
}

func keysOf(limits []limit) []string {
	out := make([]string, len(limits))
	for i, l := range limits {
		out[i] = l.key
	}
	slices.Sort(out) // everybody locks in one order
	return out
}
