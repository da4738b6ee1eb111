package transfer

import (
	"context"
	"encoding/json"
	"errors"

	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// undoer takes an import back, chunk by chunk: what rows changed is put back, what they made is removed; what somebody touched
// since, or something else needs, stays and is reported on its row.
type undoer struct{ w *worker }

func (u *undoer) load(context.Context, *op.Tx) error  { return nil }
func (u *undoer) write(context.Context, *op.Tx) error { return nil }
func (u *undoer) settle()                             {}

// stand is what undo knows of a row's changes; each kind fills its own part.
type stand struct {
	Deal    *dealRecord    `json:"deal"`
	Account *accountRecord `json:"account"`
	Product *productRecord `json:"product"`
	Partner *partnerRecord `json:"partner"`
	Members []memberRecord `json:"members"`
}

var dropOf = map[string]string{Deals: sqlDropDeals, Accounts: sqlDropAccounts, Products: sqlDropProducts}

var typeOf = map[string]string{Deals: "deal", Accounts: "account", Products: "product"}

func (u *undoer) plan(ctx context.Context, tx *op.Tx, rows []Row) ([]verdict, error) {
	kind, run := u.w.run.Kind, u.w.run.ID
	if u.w.report.Undo == nil {
		u.w.report.Undo = &UndoReport{}
	}
	back := make(map[int]stand, len(rows))
	var made []id.ID
	for _, r := range rows {
		var s stand
		if len(r.Before) > 0 {
			if err := json.Unmarshal(r.Before, &s); err != nil {
				return nil, err
			}
		}
		back[r.No] = s
		if r.Outcome == Created && r.Object != id.Nil {
			made = append(made, r.Object)
		}
	}
	restored, err := u.restore(ctx, tx, rows, back)
	if err != nil {
		return nil, err
	}
	removed := map[id.ID]bool{}
	switch {
	case kind == Partners:
		// Rows share companies and partner admins: all of them go at once, then each row is looked at.
		if u.w.run.Done == len(rows) {
			if err := u.sweep(ctx, tx, Partners); err != nil {
				return nil, err
			}
		}
		if removed, err = missing(ctx, tx, made); err != nil {
			return nil, err
		}
	case len(made) > 0:
		list, err := drop(ctx, tx, dropOf[kind], run, made)
		if err != nil {
			return nil, err
		}
		for _, g := range list {
			removed[g.ID] = true
		}
		u.told(tx, typeOf[kind], list)
	}
	out := u.verdicts(rows, removed, restored)
	return out, nil
}

// verdicts says what became of each row.
func (u *undoer) verdicts(rows []Row, removed, restored map[id.ID]bool) []verdict {
	rep := u.w.report.Undo
	var out []verdict
	for _, r := range rows {
		v := verdict{row: r.No, outcome: TakenBack}
		switch {
		case r.Outcome == Created && removed[r.Object]:
			rep.Removed++
		case r.Outcome == Updated && restored[r.Object]:
			rep.Restored++
		case r.Outcome == Created || r.Outcome == Updated:
			v.outcome = r.Outcome
			v.problems = []Problem{{Code: "undo.kept", Message: "Somebody changed this since the import, or something else needs it: it stays as it is."}}
			rep.Kept++
		default:
			continue
		}
		out = append(out, v)
	}
	return out
}

// restore puts back what rows changed, and returns the objects of rows that are as they were.
func (u *undoer) restore(ctx context.Context, tx *op.Tx, rows []Row, back map[int]stand) (map[id.ID]bool, error) {
	var deals []dealRecord
	var accounts []accountRecord
	var products []productRecord
	var partners []partnerRecord
	var members []memberRecord
	for _, r := range rows {
		s := back[r.No]
		if s.Deal != nil {
			deals = append(deals, *s.Deal)
		}
		if s.Account != nil {
			accounts = append(accounts, *s.Account)
		}
		if s.Product != nil {
			products = append(products, *s.Product)
		}
		if s.Partner != nil {
			partners = append(partners, *s.Partner)
		}
		members = append(members, s.Members...)
	}
	out := map[id.ID]bool{}
	collect := func(kind string, done map[id.ID]bool, err error) error {
		for v := range done {
			out[v] = true
			tx.Audit(audit.Change{Type: kind, ID: v, Note: "put back as before the import"})
		}
		return err
	}
	d1, e1 := setDeals(ctx, tx, deals)
	d2, e2 := setAccounts(ctx, tx, accounts)
	d3, e3 := setProducts(ctx, tx, products)
	d4, e4 := setPartners(ctx, tx, partners)
	d5, e5 := setMembers(ctx, tx, members)
	err := errors.Join(collect("deal", d1, e1), collect("account", d2, e2), collect("product", d3, e3), collect("partner", d4, e4), collect("member", d5, e5))
	for _, r := range rows { // a row of a partners file is about its person, and may have changed the company only
		if s := back[r.No]; s.Partner != nil && out[s.Partner.ID] {
			out[r.Object] = true
		}
	}
	return out, err
}

// sweep removes what the import made beside its rows: companies, partner admins, and the accounts of deals.
func (u *undoer) sweep(ctx context.Context, tx *op.Tx, kind string) error {
	run := u.w.run
	if run.Kind != kind {
		return nil
	}
	if kind == Deals {
		if err := dropShares(ctx, tx, run.ID); err != nil {
			return err
		}
	}
	for _, step := range []struct{ kind, of, sql string }{
		{Partners, "member", sqlDropMembers}, {Partners, "partner", sqlDropPartners}, {Deals, "account", sqlDropAccounts},
	} {
		if step.kind != run.Kind {
			continue
		}
		list, err := drop(ctx, tx, step.sql, run.ID, nil)
		if err != nil {
			return err
		}
		u.told(tx, step.of, list)
	}
	n, err := leftOver(ctx, tx, run.ID, run.Kind == Deals)
	if n > 0 {
		u.w.report.warn("", "undo.kept", "Companies, people or accounts that the import added stay, because something else needs them.", 0)
		u.w.report.Warnings[len(u.w.report.Warnings)-1].Count = n
	}
	return err
}

func (u *undoer) told(tx *op.Tx, kind string, list []gone) {
	for _, g := range list {
		tx.Audit(audit.Change{Type: kind, ID: g.ID, Label: g.Label, Partner: g.Partner, Note: "removed"})
	}
}
