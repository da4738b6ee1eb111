package app

import (
	"context"
	"fmt"
	"strings"

	"entente.dev/internal/tenant"
)

// named returns the programme that a command means by --tenant: its short name or its id; without a word the only one there is.
// The error names the flag and the programmes there are.
func (a *App) named(ctx context.Context, word string) (tenant.Entry, error) {
	all, err := a.Tenants.Register(ctx)
	if err != nil {
		return tenant.Entry{}, err
	}
	var slugs []string
	var last tenant.Entry
	for _, e := range all {
		if e.Slug == word || strings.EqualFold(e.ID.String(), word) {
			return e, nil
		}
		if e.Status != tenant.Purged {
			slugs, last = append(slugs, e.Slug), e
		}
	}
	if word == "" && len(slugs) == 1 {
		return last, nil
	}
	hint := "there are none yet: entente admin bootstrap makes one"
	if len(slugs) > 0 {
		hint = "use " + strings.Join(slugs[:min(len(slugs), 10)], ", ") + " (entente tenant list shows all)"
	}
	if word == "" {
		return tenant.Entry{}, fmt.Errorf("--tenant: say which programme; %s", hint)
	}
	return tenant.Entry{}, fmt.Errorf("--tenant %s: no programme has this short name or id; %s", word, hint)
}
