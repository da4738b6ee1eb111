package auditapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/seal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

// Checkpoint is the newest signed head of the programme's log.
type Checkpoint struct {
	Size     int64     `json:"tree_size" doc:"How many entries are sealed."`
	Root     string    `json:"tree_root" doc:"The RFC 6962 root hash, base64."`
	SignedAt time.Time `json:"signed_at"`
	Note     string    `json:"checkpoint" doc:"The C2SP checkpoint, a signed note: keep it elsewhere."`
	Verifier string    `json:"verifier" doc:"The public key that it is signed with."`
}

// Proof shows that an entry stands in the sealed log.
type Proof struct {
	ID         id.ID      `json:"id"`
	Sealed     bool       `json:"sealed" doc:"False in the seconds before the entry is sealed; then there is no proof yet."`
	Seq        int64      `json:"seq" doc:"Its place in the log, from 0."`
	Leaf       []byte     `json:"leaf" doc:"The bytes that were sealed, as docs/audit-bundle.md encodes them; they hold a salted commitment to what the entry tells, not that itself."`
	LeafHash   string     `json:"leaf_hash"`
	Hashes     []string   `json:"proof" doc:"The RFC 6962 inclusion proof, base64."`
	Checkpoint Checkpoint `json:"checkpoint"`
}

type (
	checkpointOut struct{ Body Checkpoint }
	proofOut      struct{ Body Proof }
	entryIn       struct {
		ID id.ID `path:"id" doc:"The entry."`
	}
)

func checkpoint(h seal.TreeHead, verifier string) Checkpoint {
	return Checkpoint{Size: h.Size, Root: h.Root.String(), SignedAt: h.At, Note: h.Note, Verifier: verifier}
}

func proofs(a *door.API, s *seal.Service) {
	door.Register(a, seal.ActCheckpoint, huma.Operation{Method: "GET", Path: "/audit/checkpoint", Summary: "Read the newest signed checkpoint of the audit log",
		Description: "Keep it outside of this server: `entente audit verify --checkpoint FILE` then tells whether the log was rewritten since."},
		func(ctx context.Context, who access.Actor, _ *struct{}) (*checkpointOut, error) {
			head, err := s.Head(ctx, who)
			if err != nil {
				return nil, err
			}
			key, err := s.Verifier(ctx)
			return &checkpointOut{checkpoint(head, key)}, err
		})
	door.Register(a, seal.ActProof, huma.Operation{Method: "GET", Path: "/audit/{id}/proof", Summary: "Read the proof that an entry stands in the sealed log"},
		func(ctx context.Context, who access.Actor, in *entryIn) (*proofOut, error) {
			p, err := s.Proof(ctx, who, in.ID)
			if err != nil {
				return nil, err
			}
			out := Proof{ID: in.ID, Sealed: p.Sealed, Seq: p.Entry.Seq, Leaf: p.Entry.Leaf(), LeafHash: p.Entry.Hash().String(), Hashes: []string{}, Checkpoint: checkpoint(p.Head, p.Verifier)}
			for _, h := range p.Hashes {
				out.Hashes = append(out.Hashes, h.String())
			}
			return &proofOut{out}, nil
		})
}
