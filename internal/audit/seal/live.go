package seal

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// Verify walks the whole log of a tenant as it stands in the database, entries against leaves and leaves against the signed
// checkpoint, and against a checkpoint that was kept elsewhere, nil for none. It finds what a superuser changed.
func (s *Service) Verify(ctx context.Context, who access.Actor, kept []byte) (verify.Report, error) {
	verifier, err := s.ops.Keys.Verifier(ctx)
	if err != nil {
		return verify.Report{}, err
	}
	upTo, err := passed(ctx, s.ops.DB.Pool(pg.Worker))
	if err != nil {
		return verify.Report{}, err
	}
	return op.Read(ctx, s.ops, who, ActVerify, func(tx *op.Tx) (verify.Report, error) {
		r := verify.Report{OK: true, Tenant: who.Tenant.String(), Key: verifier, KeyTrusted: true, Findings: []verify.Finding{}}
		head, err := headOf(ctx, tx, who.Tenant)
		if errs.IsKind(err, errs.NotFound) {
			r.NoCheckpoint(kept, verifier)
			return r, nil
		}
		if err != nil {
			return r, err
		}
		if err := s.live(ctx, tx, &r, head, verifier, kept); err != nil {
			return r, err
		}
		return r, passedBy(ctx, tx, who.Tenant, upTo, func(entry string) {
			r.Whole(verify.Inserted, "entry %s was never sealed, although later ones are", entry)
		})
	})
}

func (s *Service) live(ctx context.Context, tx *op.Tx, r *verify.Report, head TreeHead, verifier string, kept []byte) error {
	tenant := tx.Who.Tenant
	cp, err := verify.OpenCheckpoint([]byte(head.Note), verifier)
	if err != nil {
		r.Whole(verify.OtherKey, "the newest checkpoint: %v", err)
		return nil
	}
	r.Of(cp)
	if cp.Origin != s.origin(tenant) {
		r.Whole(verify.OtherTenant, "the newest checkpoint is of %s, not of %s", cp.Origin, s.origin(tenant))
		return nil
	}
	reader := s.reader(ctx, tx, tenant)
	whole := verify.Span{Hi: cp.Size}
	stored, err := leavesOf(ctx, tx, tenant, whole)
	if err != nil {
		return err
	}
	leaves := split(stored)
	r.Tree(cp, leaves, func(b verify.Span) (tlog.Hash, bool) {
		hash, err := upper(reader, b)
		return hash, err == nil
	})
	if kept != nil {
		r.Kept(kept, verifier, cp, leaves, nil)
	}
	c := verify.Comparer{Report: r, Tenant: tenant.String(), Leaves: leaves}
	c.Begin()
	keep, err := readKeeps(ctx, tx, tenant, tx.Now)
	if err != nil {
		return err
	}
	err = eachSealed(ctx, tx, tenant, whole, func(l line) error {
		if l.Pruned && !keep.over(l.Category, l.At) {
			return nil // missing before its period is over: the comparer says so
		}
		if err := s.tell(ctx, tenant, &l); err != nil {
			var known *errs.Error
			if errors.As(err, &known) && known.Kind == errs.Unavailable {
				return err
			}
			l.Payload = "" // what does not open is not what was committed to
		}
		c.Add(l.Entry)
		return nil
	})
	c.End()
	return err
}

// upper returns the stored hash of a whole block, which stands one level above its leaves.
func upper(r tlog.HashReader, b verify.Span) (tlog.Hash, error) {
	if b.Hi-b.Lo != width {
		return tlog.Hash{}, errors.New("the block is not whole")
	}
	h, err := r.ReadHashes([]int64{tlog.StoredHashIndex(8, b.Lo/width)})
	if err != nil {
		return tlog.Hash{}, err
	}
	return h[0], nil
}
