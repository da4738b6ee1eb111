package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// AffectedInput says what to look for.
type AffectedInput struct {
	ID         id.ID
	Version    int // 0 is not checked
	Categories []string
	Partners   []id.ID // none: all of them
	From, To   time.Time
	Evidence   bool // only partners whose records or people are in the audit log of that time
}

func (in AffectedInput) has(category string) bool { return slices.Contains(in.Categories, category) }

// FindAffected replaces the snapshot of who is affected by what the query finds now: partners with data of the categories, their people
// and, where customer data is concerned, their contacts. Errors: Invalid with fields, NotFound, Conflict.
func (s *Service) FindAffected(ctx context.Context, who access.Actor, in AffectedInput) (Incident, error) {
	var bad errs.Problems
	if len(in.Categories) == 0 {
		bad.Add("categories", "field.required", "Choose the data that was concerned.")
	}
	for _, c := range in.Categories {
		if _, ok := datamap.CategoryOf(c); !ok {
			bad.Add("categories", "field.choice", "%q is not a category of the data map.", c)
		}
	}
	if !in.From.Before(in.To) {
		bad.Add("to", "field.range", "The end must lie after the beginning.")
	}
	if len(in.Partners) > 1000 {
		bad.Add("partners", "field.too_many", "Choose at most 1,000 partners, or none for all.")
	}
	return s.change(ctx, who, ActAssess, in.ID, in.Version, func(tx *op.Tx, i *Incident) (string, error) {
		if err := closed(i); err != nil {
			return "", err
		}
		if err := errs.Refused(bad); err != nil {
			return "", err
		}
		if err := find(ctx, tx, in); err != nil {
			return "", err
		}
		counts, err := many[Count](ctx, tx, sqlCountAffected, in.ID)
		if err != nil {
			return "", err
		}
		how := ""
		if in.Evidence {
			how = " with traces in the log"
		}
		return fmt.Sprintf("Affected%s, %s to %s, %s: %s", how, in.From.UTC().Format("2 Jan 2006 15:04"), in.To.UTC().Format("2 Jan 2006 15:04 UTC"),
			strings.Join(in.Categories, ", "), Counts(counts).Words()), nil
	})
}

// Count says how many of a kind are affected, and how many of them have an address.
type Count struct {
	Kind      string `db:"kind" json:"kind"`
	N         int64  `db:"n" json:"count"`
	Records   int64  `db:"records" json:"records"`
	Reachable int64  `db:"reachable" json:"reachable"`
}

// Counts are those of one snapshot.
type Counts []Count

// Words writes the counts as a sentence: "2 partners, 5 people, 40 contacts".
func (c Counts) Words() string {
	var out []string
	for _, k := range []struct{ kind, one, many string }{{"partner", "partner", "partners"}, {"member", "person with an account", "people with accounts"}, {"contact", "contact", "contacts"}} {
		for _, x := range c {
			if x.Kind == k.kind && x.N == 1 {
				out = append(out, "1 "+k.one)
			} else if x.Kind == k.kind {
				out = append(out, fmt.Sprintf("%d %s", x.N, k.many))
			}
		}
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, ", ")
}

// Reachable is how many people have an address.
func (c Counts) Reachable() (n int64) {
	for _, x := range c {
		n += x.Reachable
	}
	return n
}
