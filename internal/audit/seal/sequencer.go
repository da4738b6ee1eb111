package seal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"entente.dev/internal/audit/verify"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
)

// group is what one tenant's tree gains.
type group struct {
	tenant id.ID
	rows   []row
	tree   tree
	head   TreeHead
}

func newTree(size int64) tree {
	return tree{size: size, tiles: map[tileID][]byte{}, changed: map[tileID]bool{}}
}

// one refuses a statement that changed no row: the fence, or a tree that did not grow.
func one(tag pgconn.CommandTag) error {
	if tag.RowsAffected() != 1 {
		return errFenced
	}
	return nil
}

// seal is one run of the sequencer: one transaction.
func (s *Service) seal(ctx context.Context, signer note.Signer) (sealed int, err error) {
	now := s.ops.Clock().UTC().Truncate(time.Microsecond)
	err = pgx.BeginFunc(ctx, s.ops.DB.Pool(pg.Worker), func(tx pgx.Tx) error {
		p, ok, err := take(ctx, tx)
		if err != nil || !ok {
			return err
		}
		rows, err := unsealed(ctx, tx, p.from)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			if s.busy.Swap(false) {
				return skip(ctx, tx, p.xmin)
			}
			return nil
		}
		p.from = p.xmin
		if len(rows) == atMost { // there is more from the last transaction on
			p.from = rows[len(rows)-1].xact
			if len(p.xmin) < len(p.from) || len(p.xmin) == len(p.from) && p.xmin < p.from {
				p.from = p.xmin
			}
		}
		sealed = len(rows)
		s.busy.Store(true)
		return s.grow(ctx, tx, p, rows, signer, now)
	})
	return sealed, err
}

// grow adds rows to their trees, signs the heads and moves the sequencer's place.
func (s *Service) grow(ctx context.Context, tx pgx.Tx, p place, rows []row, signer note.Signer, now time.Time) error {
	groups := byTenant(rows)
	if err := load(ctx, tx, groups, now); err != nil {
		return err
	}
	b := &pgx.Batch{}
	var heads strings.Builder
	for _, g := range groups {
		for _, r := range g.rows {
			g.tree.add(r.leaf.Hash())
		}
		var err error
		if g.head, err = s.sign(&g.tree, g.tenant, signer, now); err != nil {
			return err
		}
		g.save(b, p.fence+1, now)
		fmt.Fprintf(&heads, "%s %d %s\n", g.tenant, g.head.Size, g.head.Root)
	}
	root := newTree(p.size)
	if err := loadRoot(ctx, tx, &root); err != nil {
		return err
	}
	root.add(tlog.RecordHash([]byte(heads.String())))
	head, err := s.sign(&root, id.Nil, signer, now)
	if err != nil {
		return err
	}
	saveRoot(b, &root, heads.String(), p, head)
	return send(ctx, tx, b)
}

// byTenant groups rows, each tenant's in the order in which they were committed.
func byTenant(rows []row) []*group {
	of := map[id.ID]*group{}
	var out []*group
	for _, r := range rows {
		g := of[r.tenant]
		if g == nil {
			g = &group{tenant: r.tenant, tree: newTree(0)}
			of[r.tenant] = g
			out = append(out, g)
		}
		g.rows = append(g.rows, r)
	}
	slices.SortFunc(out, func(a, b *group) int { return strings.Compare(a.tenant.String(), b.tenant.String()) })
	return out
}

// sign returns the signed head of a tree.
func (s *Service) sign(t *tree, tenant id.ID, signer note.Signer, now time.Time) (TreeHead, error) {
	root, err := t.root()
	if err != nil {
		return TreeHead{}, err
	}
	text, err := verify.SignCheckpoint(verify.Checkpoint{Origin: s.origin(tenant), Size: t.size, Root: root, At: now}, signer)
	return TreeHead{Size: t.size, Root: root, At: now, Note: text}, err
}
