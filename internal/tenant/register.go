package tenant

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// Entry is one line of the operator's register: that a tenant exists, and nothing of its content.
type Entry struct {
	ID        id.ID     `db:"tenant_id" json:"id"`
	Slug      string    `db:"slug" json:"slug"`
	Name      string    `db:"name" json:"name"`
	Status    string    `db:"status" json:"status"`
	IsDemo    bool      `db:"is_demo" json:"is_demo"`
	CreatedAt time.Time `db:"created_at" json:"created_at"`
}

// Lives reports whether the tenant is at work: jobs run for it and people sign in. One that is closing still lives.
func (e Entry) Lives() bool { return e.Status == Active || e.Status == Closing }

// Real reports whether real data may live here: neither the demo nor the stone of a purged programme.
func (e Entry) Real() bool { return !e.IsDemo && e.Status != Purged }

// Register returns the tenants of the installation, oldest first, for the operator and for the program itself.
// It needs no actor: nothing of it may be shown through a door.
func (s *Service) Register(ctx context.Context) ([]Entry, error) {
	return many[Entry](ctx, s.ops.DB.Pool(pg.Public), sqlRegister)
}

// Status returns whether a tenant lives: one of the constants of Settings.Status, "" when there is no such tenant. It is for the
// program itself, such as before it runs a tenant's job.
func (s *Service) Status(ctx context.Context, tenant id.ID) (string, error) {
	return status(ctx, s.ops.DB.Pool(pg.Worker), tenant)
}

// BySlug returns the tenant of a slug for the command line. NotFound "tenant.not_found".
func (s *Service) BySlug(ctx context.Context, slug string) (Entry, error) {
	all, err := s.Register(ctx)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range all {
		if e.Slug == slug {
			return e, nil
		}
	}
	return Entry{}, errs.Missing("tenant")
}

// ByHost returns the tenant whose public pages stand on host, which may carry a port. NotFound "tenant.not_found", also for the
// host of the whole installation, whoever claims it.
func (s *Service) ByHost(ctx context.Context, host string) (id.ID, error) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == hostOf(s.ops.PublicURL) {
		return id.Nil, errs.Missing("tenant")
	}
	found, err := byHost(ctx, s.ops.DB.Pool(pg.Public), host)
	if err == nil && found == nil {
		return id.Nil, errs.Missing("tenant")
	}
	if err != nil {
		return id.Nil, err
	}
	return *found, nil
}

// Brand is what pages before sign-in may show of a programme.
type Brand struct {
	Tenant  id.ID
	Slug    string
	Name    string
	Color   string
	HasLogo bool
	Version int // of the settings, for addresses that may be cached
	Zone    *time.Location
	Status  string
}

// Shown reports whether the tenant's public pages stand: they end with the tenant.
func (b Brand) Shown() bool { return b.Status == Active || b.Status == Closing }

// BrandFor returns the brand for pages before sign-in: of the tenant whose slug is the first label of host, else of the
// only tenant there is. The zero Brand means none. Host is only ever used to choose a look.
func (s *Service) BrandFor(ctx context.Context, host string) (Brand, error) {
	all, err := s.Register(ctx)
	if err != nil {
		return Brand{}, err
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	label, _, _ := strings.Cut(strings.ToLower(host), ".")
	var live []Entry
	for _, e := range all {
		if !e.Lives() {
			continue
		}
		if e.Slug == label {
			return s.Brand(ctx, e.ID)
		}
		live = append(live, e)
	}
	if len(live) == 1 {
		return s.Brand(ctx, live[0].ID)
	}
	return Brand{}, nil
}

// Brand returns how a tenant looks; the zero Brand when there is no such tenant.
func (s *Service) Brand(ctx context.Context, tenant id.ID) (Brand, error) {
	var v Settings
	err := s.public(ctx, tenant, sqlSettings, func(rows pgx.Rows) (err error) {
		v, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Settings])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Brand{}, nil
	}
	return Brand{Tenant: v.ID, Slug: v.Slug, Name: v.Name, Color: v.BrandColor, HasLogo: v.LogoType != "", Version: v.Version, Zone: v.Location(), Status: v.Status}, err
}

// Logo returns a programme's logo and its media type: a logo is public. NotFound "logo.not_found".
func (s *Service) Logo(ctx context.Context, tenant id.ID) (image []byte, mediaType string, err error) {
	err = s.public(ctx, tenant, sqlLogo, func(rows pgx.Rows) error {
		_, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) {
			return struct{}{}, row.Scan(&image, &mediaType)
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = errs.Missing("logo")
	}
	return image, mediaType, err
}
