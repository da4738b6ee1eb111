package identity

import (
	"context"
	"crypto/sha256"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/tenant"
)

// touchEvery bounds how often the use of a credential is written down. A key's use enters its row history, so it is coarser.
const (
	touchSession = time.Minute
	touchKey     = 10 * time.Minute
)

// Self is what a page needs to know of the person looking at it.
type Self struct {
	Email       string
	Theme       string // auto, light or dark
	Memberships []Membership
}

// BySession returns the actor behind a session token: a person in the membership the session is in use with.
// Unauthenticated "unauthenticated" when the token, the membership, its partner or its tenant is dead or no membership was
// chosen yet. The answer may be up to 10 s old; changes reach it at once through Forget and the database's notices.
func (s *Service) BySession(ctx context.Context, token string) (access.Actor, error) {
	k, err := s.session(ctx, token)
	if err != nil {
		return access.Actor{}, err
	}
	if k.who.Member == id.Nil {
		return access.Actor{}, errs.New(errs.Unauthenticated, "session.unbound", "Choose where you want to work.")
	}
	return k.who, nil
}

// session returns what is known of a living session, in use with a membership or not.
func (s *Service) session(ctx context.Context, token string) (*known, error) {
	if len(token) != 43 {
		return nil, unauthenticated()
	}
	hash, now := sha256.Sum256([]byte(token)), s.now()
	if k := s.cache.get(hash, now); k != nil {
		return k, nil
	}
	generation := s.cache.generation.Load()
	row, places, err := s.readSession(ctx, hash[:], now)
	if err != nil {
		return nil, err
	}
	k := &known{
		who: Membership{Tenant: row.Tenant, Member: row.Member, Partner: row.Partner, Role: row.Role, Name: row.Name}.
			actor(row.Person, row.Session, access.Request{}),
		self:  Self{Email: row.Email, Theme: row.Theme, Memberships: places},
		until: earlier(now.Add(s.cache.lifetime()), row.ExpiresAt),
	}
	if row.Status == tenant.Closing {
		k.who.Grants = role.Leaving(k.who.Grants)
	}
	if k.who.Member == id.Nil {
		k.who.Grants, k.who.Persona = nil, access.Public
		return k, nil
	}
	if now.Sub(row.LastSeenAt) >= touchSession {
		idle, _ := lifetime(row.Role)
		if err := s.touchSession(ctx, row.Session, now, now.Add(idle)); err != nil {
			return nil, err
		}
	}
	s.cache.put(hash, k, generation)
	return k, nil
}

// ByKey returns the actor behind an API key: a service account, or the person whose own key it is, limited to the key's
// scopes. Unauthenticated "unauthenticated" when anything about it is dead. Caching as for BySession.
func (s *Service) ByKey(ctx context.Context, key string) (access.Actor, error) {
	if !looksLikeKey(key) {
		return access.Actor{}, unauthenticated()
	}
	hash, now := sha256.Sum256([]byte(key)), s.now()
	if k := s.cache.get(hash, now); k != nil {
		return k.who, nil
	}
	generation := s.cache.generation.Load()
	row, err := s.readKey(ctx, hash[:], now)
	if err != nil {
		return access.Actor{}, err
	}
	k := &known{until: now.Add(s.cache.lifetime()), who: access.Actor{Kind: access.Kind(row.Kind), Persona: role.Persona(row.Role), Tenant: row.Tenant,
		Partner: row.Partner, Member: row.Member, Person: row.Person, Role: row.Role, Name: row.Name, Credential: row.Key,
		Grants: access.Narrow(role.Grants(row.Role), row.Scopes, role.Reads)}}
	if row.Status == tenant.Closing {
		k.who.Grants = role.Leaving(k.who.Grants)
	}
	if row.ExpiresAt != nil {
		k.until = earlier(k.until, *row.ExpiresAt)
	}
	if old := s.cache.last(hash); old != nil {
		k.touched = old.touched
	}
	if now.Sub(k.touched) >= touchKey {
		if err := s.touchKey(ctx, row.Tenant, row.Key, now); err != nil {
			return access.Actor{}, err
		}
		k.touched = now
	}
	s.cache.put(hash, k, generation)
	return k.who, nil
}

// SelfOf returns what a page shows of the person behind an actor. It costs nothing right after BySession.
func (s *Service) SelfOf(ctx context.Context, who access.Actor) (Self, error) {
	if who.Person == id.Nil {
		return Self{}, nil
	}
	if self := s.cache.self(who.Credential); self != nil && len(self.Memberships) > 0 {
		return *self, nil
	}
	return s.readSelf(ctx, who.Person)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
