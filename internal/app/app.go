// Package app builds the program by hand: one straight read from configuration to database, rooms, doors and servers. Nothing
// else in the tree knows of all of them.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"entente.dev/internal/account"
	"entente.dev/internal/archive"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/benchmark"
	"entente.dev/internal/datamap"
	"entente.dev/internal/deal"
	"entente.dev/internal/document"
	"entente.dev/internal/file"
	"entente.dev/internal/identity"
	"entente.dev/internal/incident"
	"entente.dev/internal/journal"
	"entente.dev/internal/kernel/blob"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/embedded"
	"entente.dev/internal/mail"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/partner"
	"entente.dev/internal/policy"
	"entente.dev/internal/privacy"
	"entente.dev/internal/processor"
	"entente.dev/internal/rekey"
	"entente.dev/internal/retention"
	"entente.dev/internal/tenant"
	"entente.dev/internal/transfer"
	"entente.dev/internal/trust"
)

// App is the built program: every room on one database.
type App struct {
	Config config.Config
	Log    *slog.Logger
	DB     *pg.DB
	Ops    *op.Ops

	Tenants  *tenant.Service
	Identity *identity.Service
	Mail     *mail.Service
	Policies *policy.Service
	Partners *partner.Service
	Accounts *account.Service
	Deals    *deal.Service
	Trail    *trail.Service
	Seal     *seal.Service
	Transfer *transfer.Service
	Privacy  *privacy.Service
	Journal  *journal.Service
	Trust    *trust.Service
	Files    *file.Service
	Rekey    *rekey.Service
	Archive  *archive.Service

	Notices    *notice.Service
	Documents  *document.Service
	Processors *processor.Service
	Benchmarks *benchmark.Service
	Incidents  *incident.Service
	Retention  *retention.Service

	limits   *limiter
	metrics  *metrics
	blobs    blob.Store
	keyAge   atomic.Int64 // nanoseconds, see lookAtKeys
	kekThere atomic.Bool
	server   *embedded.Server // the child PostgreSQL, nil when the database is somebody else's
	close    []func(context.Context) error
}

// Open builds the program for a command that may run beside a server on the same data directory.
func Open(ctx context.Context, cfg config.Config, log *slog.Logger) (*App, error) {
	if cfg.PublicURL == "" {
		cfg.PublicURL = servedAt(cfg.Data)
	}
	if url := cfg.DatabaseURL.Reveal(); url != "" {
		return build(ctx, cfg, log, url, nil)
	}
	url, release, err := embedded.Open(ctx, embedded.Options{DataDir: cfg.Data, Log: log})
	if err != nil {
		return nil, err
	}
	a, err := build(ctx, cfg, log, url, nil)
	if err != nil {
		return nil, errors.Join(err, release(ctx))
	}
	a.close = append(a.close, release)
	return a, nil
}

// Start builds the program as the one server of its data directory: it starts and supervises the child PostgreSQL, or
// refuses when another server holds the directory.
func Start(ctx context.Context, cfg config.Config, log *slog.Logger) (*App, error) {
	if url := cfg.DatabaseURL.Reveal(); url != "" {
		if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
			return nil, fmt.Errorf("data directory: %w", err)
		}
		a, err := build(ctx, cfg, log, url, nil)
		if err != nil {
			return nil, err
		}
		return a.withKeys(ctx)
	}
	server, err := embedded.Start(ctx, embedded.Options{DataDir: cfg.Data, Log: log})
	if err != nil {
		return nil, err
	}
	a, err := build(ctx, cfg, log, server.URL(), server)
	if err != nil {
		return nil, errors.Join(err, server.Stop(context.WithoutCancel(ctx)))
	}
	return a.withKeys(ctx)
}

func build(ctx context.Context, cfg config.Config, log *slog.Logger, url string, server *embedded.Server) (*App, error) {
	db, err := pg.Open(ctx, url, pg.Options{Log: log, Conns: map[pg.Role]int{
		pg.Staff: cfg.Pool.Staff, pg.Partner: cfg.Pool.Partner, pg.Public: cfg.Pool.Public, pg.Worker: cfg.Pool.Worker, pg.Platform: cfg.Pool.Platform, pg.Jobs: 4}})
	if err != nil {
		return nil, err
	}
	a := &App{Config: cfg, Log: log, DB: db, server: server, metrics: newMetrics(db)}
	classes, err := datamap.Load(ctx, db.Pool(pg.Staff))
	if err != nil {
		db.Close()
		return nil, err
	}
	sender, err := newSender(cfg.SMTP)
	if err != nil {
		db.Close()
		return nil, err
	}
	profile, err := ReadProfile(cfg.PolicyProfile)
	if err != nil {
		db.Close()
		return nil, err
	}
	keys, err := newRing(ctx, cfg, db, a.interacted)
	if err != nil {
		db.Close()
		return nil, err
	}
	places, err := newPlaces(cfg, sender, a.interacted)
	if err != nil {
		db.Close()
		return nil, err
	}
	files, err := newFiles(cfg, a.interacted)
	if err != nil {
		db.Close()
		return nil, err
	}
	a.Ops = &op.Ops{DB: db, Map: classes, Keys: keys, Pages: page.NewSigner(db.Installation().Key("list cursors")), PublicURL: cfg.Origin(), Clock: time.Now, Log: log}
	a.Tenants = tenant.New(a.Ops)
	a.Mail = mail.New(a.Ops, sender)
	a.Identity = identity.New(a.Ops, identity.Options{Tenants: a.Tenants})
	a.Policies = policy.New(a.Ops, profile)
	a.Partners = partner.New(a.Ops)
	a.Accounts = account.New(a.Ops)
	a.Deals = deal.New(a.Ops)
	a.Trail = trail.New(a.Ops)
	a.Seal = seal.New(a.Ops, seal.Options{Targets: places, Every: cfg.Checkpoints.Every})
	a.metrics.seals(a.Seal)
	a.Transfer = transfer.New(a.Ops)
	a.Journal = journal.New(a.Ops)
	a.Mail.Observe(a.mailHanded)
	a.metrics.journal(a.Journal)
	a.Notices = notice.New(a.Ops)
	a.Documents = document.New(a.Ops)
	a.Processors = processor.New(a.Ops, OutboundHosts(cfg))
	a.Incidents = incident.New(a.Ops)
	a.Trust = trust.New(a.Ops)
	a.Benchmarks = benchmark.New(a.Ops, a.Tenants)
	a.limits = newLimiter(cfg.RateLimit, time.Now)
	a.blobs, a.Files = files, file.New(a.Ops, files)
	a.Privacy = privacy.New(a.Ops, a.Files, privacy.Options{Ledger: filepath.Join(cfg.Data, "erasures.jsonl"), TreeHead: a.logHead})
	a.Rekey = rekey.New(a.Ops, a.Files, sealedColumns)
	a.metrics.keys(keys.Failed, func() time.Duration { return time.Duration(a.keyAge.Load()) }, a.kekThere.Load)
	a.Archive = archive.New(a.Ops, a.archiveOptions())
	a.Retention = retention.New(a.Ops, a.retentionOptions())
	a.Ops.Listeners = a.listeners()
	return a, nil
}

// newFiles returns the store of files that the configuration names.
func newFiles(cfg config.Config, tell telling) (blob.Store, error) {
	where := cfg.Files
	if where == "" {
		where = "dir:" + filepath.Join(cfg.Data, "files")
	}
	store, err := blob.Open(where, blob.Options{AccessKey: cfg.S3.AccessKey.Reveal(), SecretKey: cfg.S3.SecretKey.Reveal()})
	if host := blob.Host(where); host != "" && err == nil {
		return toldStore{store, host, tell}, nil
	}
	return store, err
}

// newSender returns nil where no mail server is configured: mails then stay in the e-mail log.
func newSender(c config.SMTP) (mailer.Sender, error) {
	if !c.Enabled() {
		return nil, nil
	}
	s, err := mailer.NewSMTP(mailer.Config{Host: c.Host, Port: c.Port, TLS: c.TLS, User: c.User, Password: c.Password.Reveal(), From: c.From})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the pools and stops what Open or Start started.
func (a *App) Close(ctx context.Context) error {
	if a.Journal.Stats().Waiting > 0 { // of a command, or what came after the last batch
		a.Journal.Flush(ctx)
	}
	a.DB.Close()
	var err error
	for _, fn := range a.close {
		err = errors.Join(err, fn(ctx))
	}
	if a.server != nil {
		err = errors.Join(err, a.server.Stop(ctx))
	}
	return err
}
