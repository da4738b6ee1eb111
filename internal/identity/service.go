package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/identity/password"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// Options are what the room needs besides op.
type Options struct {
	Tenants *tenant.Service
	Hasher  *password.Hasher // nil means a new one
}

// Service runs the use cases of this room.
type Service struct {
	ops     *op.Ops
	tenants *tenant.Service
	hasher  *password.Hasher
	cache   *cache
	work    *workshop
}

// New returns the room's service. Run must run while it serves.
func New(o *op.Ops, opt Options) *Service {
	if opt.Hasher == nil {
		opt.Hasher = password.NewHasher()
	}
	return &Service{ops: o, tenants: opt.Tenants, hasher: opt.Hasher, cache: newCache(), work: newWorkshop()}
}

// now returns the time as PostgreSQL keeps it.
func (s *Service) now() time.Time { return s.ops.Clock().UTC().Truncate(time.Microsecond) }

// Membership is one place where a person may go.
type Membership struct {
	Tenant      id.ID  `db:"tenant_id" json:"tenant_id"`
	TenantSlug  string `db:"tenant_slug" json:"tenant_slug"`
	TenantName  string `db:"tenant_name" json:"tenant_name"`
	Member      id.ID  `db:"member_id" json:"member_id"`
	Partner     id.ID  `db:"partner_id" json:"partner_id"`
	PartnerName string `db:"partner_name" json:"partner_name"`
	Role        string `db:"role" json:"role"`
	Name        string `db:"name" json:"name"`
}

// actor returns who a person is in a membership.
func (m Membership) actor(person, credential id.ID, req access.Request) access.Actor {
	req.IdempotencyKey, req.BodyHash = "", ""
	return access.Actor{Kind: access.Person, Persona: role.Persona(m.Role), Tenant: m.Tenant, Partner: m.Partner, Member: m.Member, Person: person,
		Role: m.Role, Name: m.Name, Credential: credential, Grants: role.Grants(m.Role), Request: req}
}

// secret is 256 bits for a cookie or a link.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest is what is stored of a secret.
func digest(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

var keyAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const keyPrefixLen, keyRandomLen = 8, 52

// newKey returns an API key, ent_<prefix>_<256 random bits>, and the prefix that people know it by.
func newKey() (key, prefix string) {
	b := make([]byte, 5+32)
	rand.Read(b)
	prefix = keyAlphabet.EncodeToString(b[:5])
	return "ent_" + prefix + "_" + keyAlphabet.EncodeToString(b[5:]), prefix
}

// looksLikeKey spares the database what cannot be a key.
func looksLikeKey(s string) bool {
	return len(s) == len("ent__")+keyPrefixLen+keyRandomLen && strings.HasPrefix(s, "ent_") && s[len("ent_")+keyPrefixLen] == '_'
}

func unauthenticated() *errs.Error {
	return errs.New(errs.Unauthenticated, "unauthenticated", "Sign in first, or send an API key that is still valid.")
}

// lifetime is how long a session of a role lasts: without a request, and at all.
func lifetime(r string) (idle, absolute time.Duration) {
	if role.Persona(r) == access.Staff {
		return 30 * time.Minute, 12 * time.Hour
	}
	return time.Hour, 24 * time.Hour
}

// done is the result of a use case that has nothing to tell.
type done struct{}

// link is an address for a mail or a person. It begins with the configured origin, never with what a request says.
func (s *Service) link(path, token string) string { return s.ops.PublicURL + path + "?token=" + token }

// system is the program itself acting for one tenant on account of a request.
func system(t id.ID, why string, req access.Request) access.Actor {
	who := access.NewSystem(t, why)
	req.IdempotencyKey, req.BodyHash = "", ""
	who.Request = req
	return who
}

// detached keeps values and drops the cancellation of a request whose effect must be completed.
func detached(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }
