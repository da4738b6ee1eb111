package deal

import (
	"context"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/op"
)

// The reasons why a deal stands beside another.
const (
	SameCustomer = "same customer" // the same claim key
	SameName     = "same name"     // the same normalised name
	SimilarName  = "similar name"
)

// alikeMost is how many look-alikes of each kind are shown beside a deal.
const alikeMost = 5

// queueMost is the longest page of the queue: look-alikes are looked for beside every deal of it.
const queueMost = 50

// Queue returns what waits for a decision, oldest first, each deal beside what looks like it. For the vendor's people.
func (s *Service) Queue(ctx context.Context, who access.Actor, q QueueQuery) (QueuePage, error) {
	limit := min(page.Limit(q.Limit), queueMost)
	since, last := time.Time{}, id.Nil
	if err := s.ops.Pages.Resume(q.Cursor, scope(who), "queue", &since, &last); err != nil {
		return QueuePage{}, err
	}
	return op.Read(ctx, s.ops, who, ActQueue, func(tx *op.Tx) (QueuePage, error) {
		var out QueuePage
		waiting, err := read(ctx, tx, sqlQueue, who.Tenant, since, last, limit+1)
		if err != nil {
			return out, err
		}
		waiting, out.Next = page.Cut(waiting, limit, func(end Deal) string {
			return s.ops.Pages.Encode(scope(who), "queue", *end.SubmittedAt, end.ID)
		})
		alike, err := lookAlikes(ctx, tx, waiting)
		for i, d := range waiting {
			out.Items = append(out.Items, Waiting{d, alike[i]})
		}
		return out, err
	})
}

// LookAlikes returns the registrations that may be of the same customer as one deal, the surest first. For the vendor's
// people. NotFound "deal.not_found".
func (s *Service) LookAlikes(ctx context.Context, who access.Actor, v id.ID) ([]LookAlike, error) {
	return op.Read(ctx, s.ops, who, ActQueue, func(tx *op.Tx) ([]LookAlike, error) {
		tx.About("deal", v)
		d, err := getIn(ctx, tx, v)
		if err != nil {
			return nil, err
		}
		alike, err := lookAlikes(ctx, tx, []Deal{d})
		if err != nil {
			return nil, err
		}
		return alike[0], nil
	})
}

// found is a look-alike by id: which deal of the list it stands beside, and why.
type found struct {
	self  id.ID
	other id.ID
	why   string
	claim bool
	sim   float64
}

// lookAlikes returns the look-alikes of each deal, in the order of deals.
func lookAlikes(ctx context.Context, tx *op.Tx, deals []Deal) ([][]LookAlike, error) {
	out := make([][]LookAlike, len(deals))
	if len(deals) == 0 {
		return out, nil
	}
	hits, err := findAlike(ctx, tx, deals)
	if err != nil {
		return out, err
	}
	var ids []id.ID
	for _, h := range hits {
		ids = append(ids, h.other)
	}
	others, err := read(ctx, tx, sqlByIDs, tx.Who.Tenant, ids)
	if err != nil {
		return out, err
	}
	byID := map[id.ID]Deal{}
	for _, d := range others {
		byID[d.ID] = d
	}
	for i, d := range deals {
		for _, h := range hits {
			other, ok := byID[h.other]
			seen := slices.ContainsFunc(out[i], func(l LookAlike) bool { return l.Deal.ID == h.other })
			if ok && h.self == d.ID && !seen {
				out[i] = append(out[i], LookAlike{Deal: other, Why: h.why, Claim: h.claim, Similarity: h.sim})
			}
		}
	}
	return out, nil
}
