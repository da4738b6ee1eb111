package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/file"
	"entente.dev/internal/kernel/config"
	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/keyring"
	"entente.dev/internal/rekey"
)

// defaultKEK is where the key-encryption key lies that an installation without --kek makes for itself.
func defaultKEK(cfg config.Config) string { return filepath.Join(cfg.Data, "keys", "kek") }

func kekOptions(cfg config.Config) crypt.Options {
	return crypt.Options{Credentials: cfg.Credentials, Vault: crypt.Vault{Addr: cfg.Vault.Addr, Namespace: cfg.Vault.Namespace, TokenFile: cfg.Vault.TokenFile,
		RoleIDFile: cfg.Vault.RoleIDFile, SecretIDFile: cfg.Vault.SecretIDFile, CAFile: cfg.Vault.CAFile}}
}

// newRing returns the keys of the installation. A KEK that is not there does not keep a command from running that needs none: what
// needs it says so, and so do withKeys and the doctor.
func newRing(ctx context.Context, cfg config.Config, db *pg.DB, tell telling) (*keyring.Ring, error) {
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
		older = append(older, told(cfg.KEKPrevious, previous, tell))
	}
	return keyring.New(db, told(cfg.KEK, kek, tell), time.Now, older...), nil
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

// sealedColumns are every column of encrypted values; a test finds one that is missing, since its key could be destroyed under it.
var sealedColumns = []rekey.Column{
	{Table: "mail", Key: "mail_id", Column: "text_sealed"},
	{Table: "mail", Key: "mail_id", Column: "html_sealed"},
	{Table: "mail", Key: "mail_id", Column: "link_sealed"},
	{Table: "audit_entry", Key: "entry_id", Column: "payload", Fixed: true},
}

// KeyStatus is what `entente keys status` prints.
type KeyStatus struct {
	KEK       string            `json:"kek"`
	OK        bool              `json:"ok"`
	Problem   string            `json:"problem,omitempty"`
	Verifier  string            `json:"verifier,omitempty"` // of what the installation signs
	Tenants   []keyring.Holding `json:"programmes"`
	Rotations map[string]any    `json:"rotations"` // under way, by programme
}

// KeyStatus returns the keys of the installation; the keys themselves it does not.
func (a *App) KeyStatus(ctx context.Context) (KeyStatus, error) {
	s := KeyStatus{KEK: a.Ops.Keys.KEK(), OK: true, Rotations: map[string]any{}}
	if err := a.Ops.Keys.Check(ctx); err != nil {
		s.OK, s.Problem = false, Explain(err)
	} else if s.Verifier, err = a.Ops.Keys.Verifier(ctx); err != nil {
		return s, err
	}
	var err error
	if s.Tenants, err = a.Ops.Keys.Holdings(ctx); err != nil {
		return s, err
	}
	for _, t := range s.Tenants {
		if r, err := a.Rekey.Current(ctx, t.Tenant); err == nil {
			s.Rotations[t.Slug] = r
		} else if !errs.IsKind(err, errs.NotFound) {
			return s, err
		}
	}
	return s, nil
}

// RotateKEK wraps every key with the KEK at to; progress is told how many programmes are done.
func (a *App) RotateKEK(ctx context.Context, to string, progress func(done, all int)) (keyring.Rewrapped, error) {
	kek, err := crypt.Open(to, kekOptions(a.Config))
	if path, isFile := strings.CutPrefix(to, "file:"); isFile && errors.Is(err, fs.ErrNotExist) {
		kek, err = crypt.ReadFile(path, true) // made here
	}
	if err != nil {
		return keyring.Rewrapped{}, err
	}
	if kek.ID() == a.Ops.Keys.KEK() {
		return keyring.Rewrapped{}, errs.New(errs.Conflict, "keys.same_kek", "%s is the key-encryption key in use already.", to)
	}
	return a.Ops.Keys.Rewrap(ctx, kek, progress)
}

// RotationProgress is how far a rotation is.
type RotationProgress = rekey.Rotation

// Rotated is how far a programme's rotation is when `entente keys rotate` ends.
type Rotated struct {
	Programme string         `json:"programme"`
	Rotation  rekey.Rotation `json:"rotation"`
	Retires   time.Time      `json:"old_key_retires_after"`
}

// RotateKeys gives the named programme, or with name "" every one, a new data key and encrypts anew what older ones encrypted. What
// is left when it is broken off, and the destruction of the older keys, is the job's of a running server.
func (a *App) RotateKeys(ctx context.Context, name string, progress func(programme string, r RotationProgress)) ([]Rotated, error) {
	list, err := a.Ops.Keys.Holdings(ctx)
	if err != nil {
		return nil, err
	}
	if name != "" {
		one, err := a.named(ctx, name)
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(h keyring.Holding) bool { return h.Tenant != one.ID })
	}
	out := []Rotated{}
	for _, t := range list {
		if len(t.Versions) > 0 && t.Versions[len(t.Versions)-1].DestroyedAt != nil {
			continue
		}
		r, err := a.Rekey.Start(ctx, t.Tenant)
		for err == nil && r.State == rekey.Running {
			progress(t.Slug, r)
			r, err = a.Rekey.Step(ctx, t.Tenant)
		}
		if err != nil {
			return out, err
		}
		progress(t.Slug, r)
		out = append(out, Rotated{t.Slug, r, r.StartedAt.Add(keyring.Settled)})
	}
	if name != "" && len(out) == 0 {
		return out, errs.New(errs.NotFound, "tenant.not_found", "The programme %q has no key to exchange; entente keys status lists those that have.", name)
	}
	return out, nil
}

// SplitKEK returns shares of the KEK in a file, of which need restore it.
func SplitKEK(cfg config.Config, shares, need int) ([]string, error) {
	path, err := kekFile(cfg)
	if err != nil {
		return nil, err
	}
	raw, err := crypt.ReadRaw(path)
	if err != nil {
		return nil, err
	}
	return crypt.Split(raw, shares, need)
}

// RecoverKEK restores the KEK file from shares and returns its id. A file that is there is not replaced.
func RecoverKEK(shares []string, to string) (string, error) {
	raw, err := crypt.Combine(shares)
	if err != nil {
		return "", err
	}
	if err := crypt.WriteRaw(to, raw); errors.Is(err, fs.ErrExist) {
		return "", errs.New(errs.Conflict, "keys.file_exists", "%s is there already; move it away first.", to)
	} else if err != nil {
		return "", err
	}
	kek, err := crypt.ReadFile(to, false)
	if err != nil {
		return "", err
	}
	return kek.ID(), nil
}

func kekFile(cfg config.Config) (string, error) {
	kind, rest, _ := strings.Cut(cfg.KEK, ":")
	switch kind {
	case "":
		return defaultKEK(cfg), nil
	case "file":
		return rest, nil
	case "systemd":
		return filepath.Join(cfg.Credentials, rest), nil
	}
	return "", errs.New(errs.Invalid, "keys.no_file", "%s does not leave Vault: back it up there, with Vault's own snapshots and unseal shares.", cfg.KEK)
}

// VerifyPackage checks a signed package; see file.VerifyPackage.
func VerifyPackage(path, verifier string) (file.Contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return file.Contents{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return file.Contents{}, err
	}
	return file.VerifyPackage(f, info.Size(), verifier)
}
