package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// Signer returns the Ed25519 signer of the installation, made at the first call. Its name is "entente/" and the installation's
// id; what it signs is a note as golang.org/x/mod/sumdb/note and the C2SP checkpoint format describe it.
func (r *Ring) Signer(ctx context.Context) (note.Signer, error) {
	r.mu.Lock()
	have := r.signer
	r.mu.Unlock()
	if have != nil {
		return have, nil
	}
	secret, err := r.signingKey(ctx)
	if err != nil {
		return nil, err
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	r.mu.Lock()
	r.signer = s
	r.mu.Unlock()
	return s, nil
}

// Verifier returns the public half of the installation's signing key, as note.NewVerifier reads it.
func (r *Ring) Verifier(ctx context.Context) (string, error) {
	if _, err := r.Signer(ctx); err != nil {
		return "", err
	}
	var verifier, kek string
	var key id.ID
	var wrapped []byte
	err := r.db.Pool(pg.Worker).QueryRow(ctx, sqlSigningKey).Scan(&key, &verifier, &wrapped, &kek)
	return verifier, err
}

// signingKey returns the secret half, making the pair if there is none.
func (r *Ring) signingKey(ctx context.Context) (string, error) {
	var key id.ID
	var verifier, kek string
	var wrapped []byte
	pool := r.db.Pool(pg.Worker)
	err := pool.QueryRow(ctx, sqlSigningKey).Scan(&key, &verifier, &wrapped, &kek)
	if errors.Is(err, pgx.ErrNoRows) {
		fresh := id.New()
		secret, public, err := note.GenerateKey(rand.Reader, fmt.Sprintf("entente/%s", id.ID(r.db.Installation().ID)))
		if err != nil {
			return "", err
		}
		w, err := r.kek.Wrap(ctx, []byte(secret), signData(fresh))
		if err != nil {
			return "", r.unwrapFailed(err, r.kek.ID())
		}
		if _, err := pool.Exec(ctx, sqlAddSigningKey, fresh, public, w, r.kek.ID()); err != nil {
			return "", err
		}
		err = pool.QueryRow(ctx, sqlSigningKey).Scan(&key, &verifier, &wrapped, &kek)
		if err != nil {
			return "", err
		}
	} else if err != nil {
		return "", err
	}
	raw, err := r.kek.Unwrap(ctx, wrapped, signData(key))
	if err != nil {
		return "", r.unwrapFailed(err, kek)
	}
	return string(raw), nil
}

func signData(key id.ID) []byte { return fmt.Appendf(nil, "signing_key|%s", key) }
