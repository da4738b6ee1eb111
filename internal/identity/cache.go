package identity

import (
	"crypto/sha256"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
)

// How long an answer about a credential may be repeated: while the database tells us of changes, and while it does not.
const (
	freshFor      = 10 * time.Second
	freshUntold   = time.Second
	cacheCapacity = 10_000
)

// known is what the database said about a living credential.
type known struct {
	who     access.Actor
	self    Self
	until   time.Time // not to be repeated from then on
	touched time.Time // when its use was last noted
}

// cache repeats the database's answers about credentials for a few seconds, so that a hot request costs no round trip.
// Keys are hashes: a memory dump holds no token. It is safe for concurrent use.
type cache struct {
	mu   sync.RWMutex
	rows map[[sha256.Size]byte]*known
	by   map[id.ID][sha256.Size]byte // where a credential stands in rows, if it still does
	// generation grows with every drop. An answer read under an older one is not kept: it may have been read before the change.
	generation atomic.Uint64
	told       atomic.Bool // the listener hears of changes
}

func newCache() *cache {
	return &cache{rows: map[[sha256.Size]byte]*known{}, by: map[id.ID][sha256.Size]byte{}}
}

func (c *cache) lifetime() time.Duration {
	if c.told.Load() {
		return freshFor
	}
	return freshUntold
}

// get returns what is known, nil when it has to be read again.
func (c *cache) get(key [sha256.Size]byte, now time.Time) *known {
	c.mu.RLock()
	k := c.rows[key]
	c.mu.RUnlock()
	if k == nil || !now.Before(k.until) {
		return nil
	}
	return k
}

// last returns what was known, however old, for its touched time.
func (c *cache) last(key [sha256.Size]byte) *known {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.rows[key]
}

// put keeps k unless something was dropped since generation.
func (c *cache) put(key [sha256.Size]byte, k *known, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation.Load() != generation {
		return
	}
	if _, have := c.rows[key]; !have && len(c.rows) >= cacheCapacity {
		n := cacheCapacity / 20
		for old := range c.rows { // in no order: whoever is hot comes back with one read
			delete(c.rows, old)
			if n--; n == 0 {
				break
			}
		}
		maps.DeleteFunc(c.by, func(_ id.ID, at [sha256.Size]byte) bool { return c.rows[at] == nil })
	}
	c.rows[key], c.by[k.who.Credential] = k, key
}

// self returns what is known of a credential's person, nil when it is not cached.
func (c *cache) self(credential id.ID) *Self {
	c.mu.RLock()
	defer c.mu.RUnlock()
	at, ok := c.by[credential]
	if k := c.rows[at]; ok && k != nil && k.who.Credential == credential {
		return &k.self
	}
	return nil
}

// drop forgets everything about the ids, whatever they name.
func (c *cache) drop(ids ...id.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation.Add(1)
	for key, k := range c.rows {
		for _, v := range ids {
			if v == k.who.Tenant || v == k.who.Member || v == k.who.Credential || v == k.who.Partner || v == k.who.Person {
				delete(c.rows, key)
				break
			}
		}
	}
}

// clear forgets everything.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation.Add(1)
	clear(c.rows)
	clear(c.by)
}

// Forget drops what is cached about members, keys, sessions, persons, partners or tenants in this process. The database
// tells every process of changes anyway; this makes the one that changed something the first to know.
func (s *Service) Forget(ids ...id.ID) { s.cache.drop(ids...) }

// forgetToken drops one token whose row has just changed.
func (s *Service) forgetToken(token string) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	s.cache.generation.Add(1)
	delete(s.cache.rows, sha256.Sum256([]byte(token)))
}
