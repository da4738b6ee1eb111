package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/kernel/id"
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
	k, err := r.loadSigning(ctx)
	return k.Verifier, err
}

// signingKey returns the secret half, making the pair if there is none.
func (r *Ring) signingKey(ctx context.Context) (string, error) {
	k, err := r.loadSigning(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		k, err = r.makeSigning(ctx)
	}
	if err != nil {
		return "", err
	}
	raw, err := r.unwrap(ctx, k.Wrapped, signData(k.ID), k.KEK)
	if err != nil {
		return "", err
	}
	return string(raw), nil
}

// makeSigning makes the pair and returns the one that is current afterwards: another process may have been first.
func (r *Ring) makeSigning(ctx context.Context) (signingRow, error) {
	secret, public, err := note.GenerateKey(rand.Reader, fmt.Sprintf("entente/%s", id.ID(r.db.Installation().ID)))
	if err != nil {
		return signingRow{}, err
	}
	fresh := signingRow{ID: id.New(), Verifier: public, KEK: r.kek.ID()}
	if fresh.Wrapped, err = r.kek.Wrap(ctx, []byte(secret), signData(fresh.ID)); err != nil {
		return signingRow{}, r.unwrapFailed(err, r.kek.ID())
	}
	if err := r.addSigning(ctx, fresh); err != nil {
		return signingRow{}, err
	}
	return r.loadSigning(ctx)
}

func signData(key id.ID) []byte { return fmt.Appendf(nil, "signing_key|%s", key) }
