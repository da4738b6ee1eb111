package identity

import (
	"context"
	"errors"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/identity/password"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

const setUpFor = 7 * 24 * time.Hour

// SetUpLink returns a new one-time link for setting up the first programme, "" once there is one. Older links stop working.
func (s *Service) SetUpLink(ctx context.Context) (url string, err error) {
	all, err := s.tenants.Register(ctx)
	if err != nil || len(all) > 0 {
		return "", err
	}
	token, now := secret(), s.now()
	return s.link("/setup", token), s.newLink(ctx, purposeSetUp, id.Nil, token, now, now.Add(setUpFor))
}

// Unfounded reports whether there is no programme yet: nobody can sign in before the set-up link was used.
func (s *Service) Unfounded(ctx context.Context) (bool, error) {
	all, err := s.tenants.Register(ctx)
	return err == nil && len(all) == 0, err
}

// SetUpOpen reports whether a set-up link still works: NotFound "link.not_found" if not.
func (s *Service) SetUpOpen(ctx context.Context, token string) error {
	_, err := s.openLink(ctx, purposeSetUp, token, s.now())
	return err
}

// SetUpInput is the first programme and its first Admin.
type SetUpInput struct {
	Programme, Slug    string // an empty Slug is made from the name
	Currency, TimeZone string // empty means USD and UTC
	Name, Email        string
	Password           string
	Demo               bool // the programme is for looking around: sample data may go into it
}

// Founded is a programme that was just made.
type Founded struct {
	Tenant, Member, Person id.ID
	Session                Session // of SetUp
}

// SetUp makes the first programme and its first Admin by the one-time link and signs the Admin in.
// NotFound "link.not_found"; Invalid with fields programme, slug, name, email, password, currency, time_zone.
func (s *Service) SetUp(ctx context.Context, req access.Request, token string, in SetUpInput) (Founded, error) {
	if err := s.SetUpOpen(ctx, token); err != nil {
		return Founded{}, err
	}
	if err := in.check(); err != nil {
		return Founded{}, err
	}
	hash, err := s.hasher.Hash(ctx, in.Password)
	if err != nil {
		return Founded{}, err
	}
	// Claimed first, so that two who press at once do not both found a programme; given back when founding fails.
	if used, err := s.useLink(ctx, purposeSetUp, token, s.now()); err != nil || !used {
		return Founded{}, first(err, errs.Missing("link"))
	}
	made, err := s.found(ctx, req, in, hash, "set-up", nil)
	if err != nil {
		return Founded{}, errors.Join(err, s.unuseLink(detached(ctx), purposeSetUp, token))
	}
	made.Session, err = s.enter(ctx, req, made.Person, strings.ToLower(strings.TrimSpace(in.Email)), "", made.Member)
	return made, err
}

func (in *SetUpInput) check() error {
	in.Programme, in.Name = strings.TrimSpace(in.Programme), strings.TrimSpace(in.Name)
	if in.Slug = strings.TrimSpace(in.Slug); in.Slug == "" {
		in.Slug = tenant.Slug(in.Programme)
	}
	var fields errs.Problems
	renamed := map[string]string{"name": "programme", "default_currency": "currency"}
	if err := tenant.CheckNew(tenant.CreateInput{Slug: in.Slug, Name: in.Programme, DefaultCurrency: in.Currency, TimeZone: in.TimeZone}); err != nil {
		for _, f := range errs.Of(err).Fields {
			if f.Name == "slug" && in.Slug == "" && in.Programme == "" {
				continue // made from the name, which is asked for anyway
			}
			if to, ok := renamed[f.Name]; ok {
				f.Name = to
			}
			fields = append(fields, f)
		}
	}
	in.Name, in.Email = checkName(&fields, in.Name), checkEmail(&fields, in.Email)
	if err := password.Check(in.Password, in.Programme, in.Email, in.Name); err != nil {
		fields = append(fields, errs.Of(err).Fields...)
	}
	return errs.Refused(fields)
}

// found makes programme and Admin in one transaction of the operator.
func (s *Service) found(ctx context.Context, req access.Request, in SetUpInput, hash, why string, also func(*op.Tx, Member) error) (Founded, error) {
	var out Founded
	who := access.NewPlatform(id.New(), why)
	who.Request = req
	who.Request.IdempotencyKey = ""
	made, err := s.tenants.Create(ctx, who, tenant.CreateInput{Slug: in.Slug, Name: in.Programme, DefaultCurrency: in.Currency, TimeZone: in.TimeZone, Demo: in.Demo},
		func(tx *op.Tx, _ tenant.Settings) error {
			person, err := personFor(ctx, tx, in.Email, in.Name)
			if err != nil {
				return err
			}
			m := Member{ID: id.New(), Kind: "person", PersonID: person, Role: role.Admin, Name: in.Name, Email: in.Email, Status: StatusActive, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
			if err := insertMember(ctx, tx, m, "", id.Nil); err != nil {
				return err
			}
			// A person who signs in elsewhere already keeps their own password.
			if _, err := founderPassword(ctx, tx, person, hash, in.Name); err != nil {
				return err
			}
			out.Member, out.Person = m.ID, person
			tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, After: m, Note: "first Admin"})
			if also != nil {
				return also(tx, m)
			}
			return nil
		})
	out.Tenant = made.ID
	return out, err
}

// AdminInput is what `entente admin bootstrap` is given.
type AdminInput struct {
	Slug, Programme, Name, Email, Password string
	Currency                               string // "" means USD
	Demo                                   bool
}

// AdminDone is what it prints.
type AdminDone struct {
	TenantID id.ID  `json:"tenant_id"`
	UserID   id.ID  `json:"user_id"` // the membership
	APIKey   string `json:"api_key"` // the Admin's own; shown this once
}

// CreateAdmin makes a programme with its first Admin and an API key of theirs, for the operator's command line. An empty
// Name is taken from the address. Invalid with the refused fields; Conflict "tenant.slug_taken".
func (s *Service) CreateAdmin(ctx context.Context, in AdminInput) (AdminDone, error) {
	if in.Name == "" {
		in.Name, _, _ = strings.Cut(in.Email, "@")
	}
	set := SetUpInput{Programme: in.Programme, Slug: in.Slug, Name: in.Name, Email: in.Email, Password: in.Password, Currency: in.Currency, Demo: in.Demo}
	if err := set.check(); err != nil {
		return AdminDone{}, err
	}
	hash, err := s.hasher.Hash(ctx, in.Password)
	if err != nil {
		return AdminDone{}, err
	}
	key, prefix := newKey()
	made, err := s.found(ctx, access.Request{}, set, hash, "operator's command line", func(tx *op.Tx, m Member) error {
		k := Key{ID: id.New(), Member: m.ID, Name: "Command line", Prefix: prefix, CreatedAt: tx.Now}
		tx.Audit(audit.Change{Type: "api_key", ID: k.ID, Label: k.Name, After: k})
		return insertKey(ctx, tx, k, digest(key))
	})
	if err == nil {
		// A link that still waits for the first programme would found a second one.
		_, err = s.run(ctx, sqlDropLinks, purposeSetUp, id.Nil)
	}
	return AdminDone{TenantID: made.Tenant, UserID: made.Member, APIKey: key}, err
}
