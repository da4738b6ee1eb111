package seal

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"io"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Exported says what a bundle holds.
type Exported struct {
	Entries  int64  `json:"entries"`
	First    int64  `json:"first_seq"`
	Size     int64  `json:"tree_size"`
	Root     string `json:"tree_root"`
	Verifier string `json:"verifier"`
}

// Export writes a bundle of the actor's tenant, which package verify checks without the database, to w, and puts the export on
// record first. What is in it is read in one transaction. NotFound "checkpoint.not_found" before the first is sealed; Invalid
// "bundle.too_large" beyond verify.MaxEntries: choose a shorter period.
func (s *Service) Export(ctx context.Context, who access.Actor, in Bundle, w io.Writer) (Exported, error) {
	verifier, err := s.ops.Keys.Verifier(ctx)
	if err != nil {
		return Exported{}, err
	}
	signer, err := s.ops.Keys.Signer(ctx)
	if err != nil {
		return Exported{}, err
	}
	_, err = op.Write(ctx, s.ops, who, ActExport, func(tx *op.Tx) (bool, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return false, err
		}
		tx.Audit(audit.Change{Type: "audit_bundle", Label: "Audit log", Note: period(in)})
		return true, nil
	})
	if err != nil {
		return Exported{}, err
	}
	return op.Read(ctx, s.ops, who, ActExport, func(tx *op.Tx) (Exported, error) {
		return s.bundle(ctx, tx, in, verifier, signer, w)
	})
}

func period(in Bundle) string {
	out := "the whole log"
	if !in.From.IsZero() {
		out = "from " + in.From.UTC().Format(verify.TimeFormat)
	}
	if !in.To.IsZero() {
		out += " to " + in.To.UTC().Format(verify.TimeFormat)
	}
	return out
}

func (s *Service) bundle(ctx context.Context, tx *op.Tx, in Bundle, verifier string, signer note.Signer, w io.Writer) (Exported, error) {
	tenant := tx.Who.Tenant
	head, err := headOf(ctx, tx, tenant)
	if err != nil {
		return Exported{}, err
	}
	at, err := rangeOf(ctx, tx, tenant, head.Size, in.From, in.To)
	if err != nil {
		return Exported{}, err
	}
	if at.Hi-at.Lo > verify.MaxEntries {
		return Exported{}, errs.New(errs.Invalid, "bundle.too_large", "A bundle holds at most %d entries; choose a shorter period.", verify.MaxEntries)
	}
	h := verify.Head{Format: verify.Format, Tenant: tenant.String(), TenantSlug: in.Slug, Installation: id.ID(s.ops.DB.Installation().ID).String(), From: in.From, To: in.To,
		CreatedAt: tx.Now, First: at.Lo, Count: at.Hi - at.Lo, Size: head.Size, Verifier: verifier, Outside: []tlog.Hash{}, Consistency: []verify.Consistency{}}
	r := s.reader(ctx, tx, tenant)
	for _, span := range verify.Outside(head.Size, at.Lo, at.Hi) {
		hash, err := subtree(r, span)
		if err != nil {
			return Exported{}, err
		}
		h.Outside = append(h.Outside, hash)
	}
	if err := consistency(ctx, tx, r, in.Since, &h); err != nil {
		return Exported{}, err
	}
	z := zip.NewWriter(w)
	if err := s.members(ctx, tx, z, h, head, at, r); err != nil {
		return Exported{}, err
	}
	if err := s.entries(ctx, tx, z, at, verify.Gone{Checkpoint: verify.Checkpoint{Origin: s.origin(tenant), Size: head.Size, Root: head.Root}, First: h.First, At: tx.Now}, signer); err != nil {
		return Exported{}, err
	}
	return Exported{Entries: h.Count, First: h.First, Size: h.Size, Root: head.Root.String(), Verifier: verifier}, z.Close()
}

// consistency adds the proofs that the kept checkpoints, and the reader's own, are beginnings of the log.
func consistency(ctx context.Context, tx *op.Tx, r tlog.HashReader, since int64, h *verify.Head) error {
	sizes, _, err := checkpoints(ctx, tx, tx.Who.Tenant, h.Size)
	if err != nil {
		return err
	}
	if since > 0 && since <= h.Size {
		sizes = append([]int64{since}, sizes...)
	}
	seen := map[int64]bool{}
	for _, n := range sizes {
		if n < 1 || n >= h.Size || seen[n] {
			continue
		}
		seen[n] = true
		proof, err := tlog.ProveTree(h.Size, n, r)
		if err != nil {
			return err
		}
		h.Consistency = append(h.Consistency, verify.Consistency{Size: n, Proof: proof})
	}
	return nil
}

func (s *Service) members(ctx context.Context, tx *op.Tx, z *zip.Writer, h verify.Head, head TreeHead, at verify.Span, r tlog.HashReader) error {
	leaves, err := leavesOf(ctx, tx, tx.Who.Tenant, at)
	if err != nil {
		return err
	}
	if int64(len(leaves)) != h.Count*tlog.HashSize {
		return errors.New("the hashes of the sealed log are not whole; run entente audit verify --live")
	}
	var blocks []byte
	for _, span := range verify.Blocks(at.Lo, at.Hi) {
		hash, err := upper(r, span)
		if err != nil {
			if hash, err = subtree(r, span); err != nil {
				return err
			}
		}
		blocks = append(blocks, hash[:]...)
	}
	body, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	return put(z, member{verify.MemberHead, body}, member{verify.MemberCheckpoint, []byte(head.Note)}, member{verify.MemberLeaves, leaves}, member{verify.MemberBlocks, blocks})
}

type member struct {
	name string
	body []byte
}

func put(z *zip.Writer, members ...member) error {
	for _, m := range members {
		f, err := z.Create(m.name)
		if err == nil {
			_, err = f.Write(m.body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entries writes the entries, and what is signed of those that are gone.
func (s *Service) entries(ctx context.Context, tx *op.Tx, z *zip.Writer, at verify.Span, gone verify.Gone, signer note.Signer) error {
	keep, err := readKeeps(ctx, tx, tx.Who.Tenant, tx.Now)
	if err != nil {
		return err
	}
	gone.Keep = keep.periods()
	f, err := z.Create(verify.MemberEntries)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	err = eachSealed(ctx, tx, tx.Who.Tenant, at, func(l line) error {
		if err := s.tell(ctx, tx.Who.Tenant, &l); err != nil {
			return err
		}
		gone.Add(l.Entry)
		return enc.Encode(l.Entry)
	})
	if err != nil {
		return err
	}
	marks, statement, err := gone.Sign(signer)
	if err != nil {
		return err
	}
	return put(z, member{verify.MemberMarks, marks}, member{verify.MemberGone, []byte(statement)})
}

// tell puts the plain payload into a line.
func (s *Service) tell(ctx context.Context, tenant id.ID, l *line) error {
	if l.Pruned {
		return nil
	}
	plain, err := l.stored.Bytes(ctx, s.ops.Keys, tenant, l.id)
	l.Payload = string(plain)
	return err
}
