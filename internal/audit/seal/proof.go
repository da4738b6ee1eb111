package seal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActCheckpoint access.Action = "audit.checkpoint"
	ActProof      access.Action = "audit.proof"
	ActExport     access.Action = "audit.export"
	ActVerify     access.Action = "audit.verify"
)

// TimeFormat is how a leaf writes a time.
const TimeFormat = verify.TimeFormat

// Proof shows that an entry stands in the sealed log: whoever holds the checkpoint can check it without the program.
type Proof struct {
	Entry    verify.Entry // without its payload
	Leaf     tlog.Hash
	Hashes   []tlog.Hash // of the RFC 6962 inclusion proof
	Head     TreeHead
	Verifier string // the public key of the checkpoint
	Sealed   bool   // false in the seconds before the entry is sealed: there is no proof yet
}

// Head returns the newest signed head of the actor's tenant. NotFound "checkpoint.not_found" before the first: whoever asks too
// early was refused nothing, so that is not put on record.
func (s *Service) Head(ctx context.Context, who access.Actor) (TreeHead, error) {
	var out TreeHead
	err := op.Batch(ctx, s.ops, who, ActCheckpoint, func(r *op.Reads) {
		r.Query(sqlHead, []any{who.Tenant}, func(rows pgx.Rows) error {
			if err := headInto(&out)(rows); !errs.IsKind(err, errs.NotFound) {
				return err
			}
			return nil
		})
	})
	if err == nil && out.Note == "" {
		err = errs.Missing("checkpoint")
	}
	return out, err
}

// Checkpoint returns the newest signed head of a tenant, for the program itself. NotFound as of Head.
func (s *Service) Checkpoint(ctx context.Context, tenant id.ID) (TreeHead, error) {
	return s.Head(ctx, access.NewSystem(tenant, "checkpoint"))
}

// Verifier returns the public key of this installation's checkpoints.
func (s *Service) Verifier(ctx context.Context) (string, error) { return s.ops.Keys.Verifier(ctx) }

// Proof returns the proof of one entry that the actor may read. NotFound "entry.not_found" for any other.
func (s *Service) Proof(ctx context.Context, who access.Actor, entry id.ID) (Proof, error) {
	p := Proof{}
	seq := int64(-1)
	err := op.Batch(ctx, s.ops, who, ActProof, func(r *op.Reads) {
		r.About("audit_entry", entry)
		r.Query(sqlEntry, []any{who.Tenant, entry}, func(rows pgx.Rows) (err error) {
			p.Entry, err = pgx.CollectExactlyOneRow(rows, scanSealed)
			if errors.Is(err, pgx.ErrNoRows) {
				err = errs.Missing("entry")
			}
			return err
		})
	})
	if err != nil {
		return Proof{}, err
	}
	// What follows are hashes; they tell a partner nothing, and are read as the program itself.
	if p.Verifier, err = s.ops.Keys.Verifier(ctx); err != nil {
		return Proof{}, err
	}
	_, err = op.Read(ctx, s.ops, access.NewSystem(who.Tenant, "proof"), ActProof, func(tx *op.Tx) (bool, error) {
		if seq, err = leafOf(ctx, tx, who.Tenant, entry); err != nil || seq < 0 {
			return false, err
		}
		if p.Head, err = headOf(ctx, tx, who.Tenant); err != nil {
			return false, err
		}
		p.Hashes, err = tlog.ProveRecord(p.Head.Size, seq, s.reader(ctx, tx, who.Tenant))
		return true, err
	})
	if err != nil || seq < 0 {
		return p, err
	}
	p.Sealed, p.Entry.Seq, p.Leaf = true, seq, p.Entry.Hash()
	if err := verify.CheckProof(p.Entry, verify.Checkpoint{Size: p.Head.Size, Root: p.Head.Root}, p.Hashes); err != nil {
		return p, fmt.Errorf("entry %s is not what was sealed at %d: %w", entry, seq, err)
	}
	return p, nil
}

// reader reads hashes of a tenant's tree in the running transaction.
func (s *Service) reader(ctx context.Context, tx *op.Tx, tenant id.ID) tlog.HashReader {
	tiles := map[tileID][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var missing []tileID
		for _, i := range indexes {
			if at, _, _ := tileOf(i); tiles[at] == nil {
				missing = append(missing, at)
			}
		}
		if len(missing) > 0 {
			if err := readTiles(ctx, tx, tenant, missing, tiles); err != nil {
				return nil, err
			}
		}
		return readHashes(tiles, indexes)
	})
}

// subtree returns the hash of the leaves [lo, hi) of a tenant's tree.
func subtree(r tlog.HashReader, at verify.Span) (tlog.Hash, error) {
	var indexes []int64
	for lo := at.Lo; lo < at.Hi; {
		level := 0
		for lo&(1<<(level+1)-1) == 0 && lo+1<<(level+1) <= at.Hi {
			level++
		}
		indexes = append(indexes, tlog.StoredHashIndex(level, lo>>level))
		lo += 1 << level
	}
	hashes, err := r.ReadHashes(indexes)
	if err != nil {
		return tlog.Hash{}, err
	}
	h := hashes[len(hashes)-1]
	for i := len(hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(hashes[i], h)
	}
	return h, nil
}

// Bundle says which part of a tenant's log to give out.
type Bundle struct {
	Slug     string
	From, To time.Time // From ≤ at < To; zero leaves a side open
	Since    int64     // the size of a checkpoint that the reader kept; 0 for none
}
