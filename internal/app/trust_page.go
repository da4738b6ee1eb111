package app

import (
	"net/http"

	"entente.dev/internal/datamap"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/trust/trustweb"
)

// trustFacts is what the trust page tells besides the register.
func (a *App) trustFacts(r *http.Request, of id.ID) (trustweb.Facts, error) {
	var f trustweb.Facts
	var err error
	if f.Verifier, err = a.Ops.Keys.Verifier(r.Context()); err != nil {
		a.Log.Warn("the trust page is without the public key", "error", err)
	}
	if of == id.Nil {
		return f, nil
	}
	policy, err := a.Policies.Public(r.Context(), of, door.RequestOf(r))
	if err != nil {
		a.Log.Warn("the trust page is without the policy", "error", err)
		return f, nil
	}
	for _, rule := range policy.Rules {
		if c, ok := datamap.CategoryOf(rule.Category); ok && c.Personal() {
			f.Retention = append(f.Retention, trustweb.Period{What: c.Name, Long: rule.Words()})
		}
	}
	shelves, err := a.Documents.PublicList(r.Context(), of, door.RequestOf(r))
	if err != nil {
		a.Log.Warn("the trust page is without the documents", "error", err)
	}
	for _, shelf := range shelves {
		v, _ := shelf.Current()
		f.Documents = append(f.Documents, trustweb.Document{Title: shelf.Kind.Title, Kind: shelf.Kind.ID, Version: v.Number, Since: *v.EffectiveAt})
	}
	f.Policy, f.PolicyOf = policy.Number, policy.AppliedAt
	return f, nil
}
