package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
)

// defaultKEK is where the key-encryption key lies that an installation without --kek makes for itself.
func defaultKEK(cfg config.Config) string { return filepath.Join(cfg.Data, "keys", "kek") }

func kekOptions(cfg config.Config) crypt.Options {
	return crypt.Options{Credentials: cfg.Credentials, Vault: crypt.Vault{Addr: cfg.Vault.Addr, Namespace: cfg.Vault.Namespace, TokenFile: cfg.Vault.TokenFile,
		RoleIDFile: cfg.Vault.RoleIDFile, SecretIDFile: cfg.Vault.SecretIDFile, CAFile: cfg.Vault.CAFile}}
}

// newRing returns the keys of the installation. A KEK that is not there does not keep a command from running that needs none: what
// needs it says so, and so do withKeys and the doctor.
func newRing(ctx context.Context, cfg config.Config, db *pg.DB) (*keyring.Ring, error) {
	kek, err := currentKEK(ctx, cfg, db)
	if err != nil {
		kek = crypt.Absent(err)
	}
	var older []crypt.KEK
	if cfg.KEKPrevious != "" {
		previous, err := crypt.Open(cfg.KEKPrevious, kekOptions(cfg))
		if err != nil {
			return nil, err
		}
		older = append(older, previous)
	}
	return keyring.New(db, kek, time.Now, older...), nil
}

// currentKEK makes the default one at the first start only: a second node, or one whose data directory was lost, must not go on with
// a fresh one of its own.
func currentKEK(ctx context.Context, cfg config.Config, db *pg.DB) (crypt.KEK, error) {
	if cfg.KEK != "" {
		return crypt.Open(cfg.KEK, kekOptions(cfg))
	}
	path := defaultKEK(cfg)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return crypt.ReadFile(path, false)
	}
	wrapped, err := keyring.New(db, crypt.Absent(fs.ErrNotExist), time.Now).Any(ctx)
	if err != nil {
		return nil, err
	}
	if wrapped {
		return nil, errs.New(errs.Conflict, "keys.kek_missing", "This installation has keys, and the key-encryption key that wrapped them is not at %s. Bring the file back from where it is kept apart, or name it with --kek.", path)
	}
	return crypt.ReadFile(path, true)
}

// withKeys refuses to serve with a KEK that cannot open the installation's keys. One that cannot be reached right now is no reason:
// what needs keys answers 503 until it is back.
func (a *App) withKeys(ctx context.Context) (*App, error) {
	err := a.Ops.Keys.Check(ctx)
	if errs.Is(err, "keys.unavailable") && a.Ops.Keys.KEK() != "none" {
		a.Log.Error("the key-encryption key cannot be reached: whatever is encrypted waits for it", "kek", a.Ops.Keys.KEK(), "error", err)
		return a, nil
	}
	if err != nil {
		return nil, errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	a.kekThere.Store(true)
	return a, nil
}

// lookAtKeys measures for the metrics: is the KEK there, and how old is the oldest data key that is the newest of its programme.
func (a *App) lookAtKeys(ctx context.Context) error {
	err := a.Ops.Keys.Check(ctx)
	a.kekThere.Store(err == nil)
	list, herr := a.Ops.Keys.Holdings(ctx)
	if herr != nil {
		return errors.Join(err, herr)
	}
	oldest, now := time.Duration(0), a.Ops.Clock()
	for _, h := range list {
		if n := len(h.Versions); n > 0 && h.Versions[n-1].DestroyedAt == nil {
			oldest = max(oldest, now.Sub(h.Versions[n-1].CreatedAt))
		}
	}
	a.keyAge.Store(int64(oldest))
	return err
}
