package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entente.dev/internal/kernel/crypt"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Run forgets keys that other processes changed or destroyed, until ctx ends. While the connection is lost, keys live for
// their time in memory (ten minutes) at most.
func (r *Ring) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.listen(ctx); ctx.Err() == nil && err != nil {
			r.Forget()
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
	return ctx.Err()
}

func (r *Ring) forget(tenant id.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.keys {
		if name.tenant == tenant {
			delete(r.keys, name)
		}
	}
}

// Any reports whether the installation has a key that some KEK wrapped.
func (r *Ring) Any(ctx context.Context) (bool, error) {
	if none, err := r.noSigningKey(ctx); err != nil || !none {
		return !none, err
	}
	list, err := r.Holdings(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list, func(h Holding) bool {
		return slices.ContainsFunc(h.Versions, func(v Version) bool { return v.DestroyedAt == nil })
	}), nil
}

// KEK returns the id of the key-encryption key that wraps new keys.
func (r *Ring) KEK() string { return r.kek.ID() }

// Check makes sure that the KEK is the one that wrapped the keys of this installation: it opens the signing key, made here if there
// is none, and compares the id of every other. Errors: Conflict "keys.wrong_kek" naming the KEK that is wanted and the one that is
// given; Unavailable "keys.unavailable" when the KEK cannot be reached.
func (r *Ring) Check(ctx context.Context) error {
	wanted := map[string]int{}
	count := func(kek string) {
		if kek != "" && r.kekOf(kek).ID() != kek {
			wanted[kek]++
		}
	}
	tenants, err := r.tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		list, err := r.Versions(ctx, t.ID)
		if err != nil {
			return err
		}
		for _, v := range list {
			if v.DestroyedAt == nil {
				count(v.KEK)
			}
		}
	}
	none, err := r.noSigningKey(ctx)
	if err != nil {
		return err
	}
	if !none {
		k, err := r.loadSigning(ctx)
		if err != nil {
			return err
		}
		count(k.KEK)
	}
	if len(wanted) > 0 {
		return r.wrong(wanted)
	}
	if _, err = r.Signer(ctx); errors.Is(err, crypt.ErrWrongKey) {
		return r.wrong(map[string]int{r.kek.ID() + " (of the same name, but another key)": 1})
	}
	return err
}

func (r *Ring) wrong(wanted map[string]int) error {
	msg := "The keys of this installation are wrapped by another key-encryption key than the one this program was given. Wanted: "
	for i, k := range slices.Sorted(func(yield func(string) bool) {
		for k := range wanted {
			if !yield(k) {
				return
			}
		}
	}) {
		if i > 0 {
			msg += ", "
		}
		msg += fmt.Sprintf("%s (%d keys)", k, wanted[k])
	}
	return errs.New(errs.Conflict, "keys.wrong_kek", "%s; given: %s. Name the right one with --kek, or bring its file back from where it is kept apart (entente keys recover).", msg, r.kek.ID())
}

// Rewrapped is what Rewrap did.
type Rewrapped struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Tenants int    `json:"programmes"`
	Keys    int    `json:"data_keys"`
	Signing int    `json:"signing_keys"`
}

// Rewrap wraps every key of the installation with another KEK: first proves that it wraps and unwraps, then tenant by tenant. What
// it encrypts stays as it is. Broken off, it is run again and goes on. progress is told the tenants that are done and all.
func (r *Ring) Rewrap(ctx context.Context, to crypt.KEK, progress func(done, all int)) (Rewrapped, error) {
	out := Rewrapped{From: r.kek.ID(), To: to.ID()}
	proof := crypt.NewKey()
	sealed, err := to.Wrap(ctx, proof, []byte("proof"))
	if err == nil {
		var back []byte
		if back, err = to.Unwrap(ctx, sealed, []byte("proof")); err == nil && !slices.Equal(back, proof) {
			err = crypt.ErrWrongKey
		}
	}
	if err != nil {
		return out, fmt.Errorf("the new key-encryption key %s does not work: %w", to.ID(), err)
	}
	tenants, err := r.tenants(ctx)
	if err != nil {
		return out, err
	}
	for i, t := range tenants {
		n, err := r.rewrapTenant(ctx, t.ID, to)
		if err != nil {
			return out, fmt.Errorf("programme %s: %w", t.Slug, err)
		}
		out.Keys += n
		if n > 0 {
			out.Tenants++
		}
		progress(i+1, len(tenants))
	}
	out.Signing, err = r.rewrapSigning(ctx, to)
	r.Forget()
	return out, err
}

// Newest returns the number of the tenant's newest data key that is not destroyed, 0 when there is none.
func (r *Ring) Newest(ctx context.Context, tenant id.ID) (Version, error) {
	list, err := r.Versions(ctx, tenant)
	if err != nil || len(list) == 0 || list[len(list)-1].DestroyedAt != nil {
		return Version{}, err
	}
	return list[len(list)-1], nil
}

// Rotate gives a tenant a new data key, which everything is encrypted with from now on, and returns its number. Errors: Conflict
// "keys.destroyed".
func (r *Ring) Rotate(ctx context.Context, tenant id.ID) (uint32, error) {
	if _, err := r.Sealer(ctx, tenant); err != nil { // makes the first one
		return 0, err
	}
	v, err := r.Newest(ctx, tenant)
	if err != nil {
		return 0, err
	}
	return v.Number + 1, r.addVersion(ctx, tenant, v.Number+1)
}

// Settled is how long after a new data key an older one may still be in use by a process that did not hear of it.
const Settled = 2 * keyTTL

// Retire destroys an older data key of a tenant. The caller has made sure that nothing uses it; the newest is refused with Conflict
// "keys.in_use", as is one whose successor is younger than Settled.
func (r *Ring) Retire(ctx context.Context, tenant id.ID, version uint32) error {
	list, err := r.Versions(ctx, tenant)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(v Version) bool { return v.Number == version })
	if i < 0 || i == len(list)-1 || r.clock().Before(list[i+1].CreatedAt.Add(Settled)) {
		return errs.New(errs.Conflict, "keys.in_use", "This data key may still be in use.")
	}
	return r.destroyVersion(ctx, tenant, version)
}

// Holding is the keys of one tenant.
type Holding struct {
	Tenant   id.ID     `json:"programme_id"`
	Slug     string    `json:"programme"`
	Versions []Version `json:"data_keys"`
}

// Holdings returns the keys of every tenant.
func (r *Ring) Holdings(ctx context.Context) ([]Holding, error) {
	tenants, err := r.tenants(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Holding, len(tenants))
	for i, t := range tenants {
		out[i] = Holding{Tenant: t.ID, Slug: t.Slug}
		if out[i].Versions, err = r.Versions(ctx, t.ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}
