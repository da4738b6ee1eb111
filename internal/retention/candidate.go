package retention

import (
	"context"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Candidate is something that can be held.
type Candidate struct {
	ID    id.ID  `db:"id" json:"id"`
	Label string `db:"label" json:"label"`
	Note  string `db:"note" json:"note"`
}

// Candidates finds what a hold may be placed on, by a part of its name or address, at most 20. Only who may place a hold may ask.
func (s *Service) Candidates(ctx context.Context, who access.Actor, kind, text string) ([]Candidate, error) {
	sql := map[string]string{"person": sqlFindPeople, "account": sqlFindAccounts, "partner": sqlFindPartners}[kind]
	text = strings.ToLower(strings.TrimSpace(text))
	if sql == "" || text == "" {
		return nil, nil
	}
	var out []Candidate
	err := op.Batch(ctx, s.ops, who, ActPlace, func(r *op.Reads) { r.Query(sql, []any{text}, collect(&out)) })
	return out, err
}
