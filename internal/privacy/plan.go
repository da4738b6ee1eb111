package privacy

import (
	"context"
	"fmt"
	"slices"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// whatOf says what an erasure does to the rows of a table.
func whatOf(t table) (What, string) {
	switch t.name {
	case "contact":
		return Delete, "The record of the person goes."
	case "member":
		return Anonymise, "The membership stays as “" + erased + "”, so that what was done stays attributable to one person; login, sessions and keys go."
	case "row_history":
		return Anonymise, "The history keeps that something changed, not what it said about the person."
	case "audit_entry":
		return Anonymise, "The entry, its time and its place in the sealed log stay; what it told about the person goes."
	case "mail":
		return Anonymise, "That a mail was sent stays; address, name, subject and text go."
	}
	for _, c := range t.texts {
		if !c.Writable {
			return Keep, "The record is append-only."
		}
	}
	return Anonymise, "The person is replaced by “" + erased + "”; the rest of the text stays."
}

// makePlan searches for the subject and says what an erasure would do.
func (s *Service) makePlan(ctx context.Context, tenant id.ID, sub Subject) (Plan, error) {
	found, err := s.find(ctx, tenant, sub, nil)
	if err != nil {
		return Plan{}, err
	}
	return op.Read(ctx, s.ops, access.NewSystem(tenant, "plan of an erasure"), ActFind, func(tx *op.Tx) (Plan, error) {
		return planIn(ctx, tx, found)
	})
}

// planIn says what an erasure would do with what a search found.
func planIn(ctx context.Context, tx *op.Tx, found Found) (Plan, error) {
	tables, err := catalogue(ctx, tx)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Made: &tx.Now, Refs: &found.refs}
	for _, c := range found.Counts {
		p.Namesakes += c.Doubtful
		what, why := planSealed(c.Table)
		if i := slices.IndexFunc(tables, func(t table) bool { return t.name == c.Table }); i >= 0 {
			what, why = whatOf(tables[i])
		}
		if c.Sure == 0 || what == "" || own(c.Table) {
			continue
		}
		if gone := c.Sure - c.kept; gone > 0 {
			p.Lines = append(p.Lines, PlanLine{Category: c.Category, Table: c.Table, What: what, Rows: gone, Reason: why})
		}
		if c.kept > 0 {
			l := PlanLine{Category: c.Category, Table: c.Table, What: Keep, Rows: c.kept, Reason: c.why.words(), Until: c.why.until()}
			if _, person := identity[c.Table]; person {
				l.Reason += " Kept and restricted: nobody but the privacy officer sees it."
			}
			p.Lines = append(p.Lines, l)
		}
	}
	logins, err := loginsOf(ctx, tx, found.refs.Members)
	for _, l := range logins {
		line := PlanLine{Category: "user-account", Table: "person", What: Delete, Rows: 1, Reason: "The login goes."}
		if l.UsedElsewhere {
			line.What, line.Reason = Keep, "The login belongs to another programme too; this one's sessions end."
		}
		if d, ok := keeps(found.duties, "user-account", l.event); ok {
			line.What, line.Reason, line.Until = Keep, d.words(), d.until()
		}
		p.Lines = append(p.Lines, line)
	}
	return p, err
}

// own reports whether a table belongs to this room: what it says of the subject goes with the request itself.
func own(table string) bool {
	return table == "privacy_request" || table == "privacy_task" || table == "privacy_kept" || table == "erasure_ledger"
}

// Summary says in a sentence what the plan does.
func (p Plan) Summary() string {
	kept := 0
	for _, l := range p.Lines {
		if l.What == Keep {
			kept += l.Rows
		}
	}
	return fmt.Sprintf("%d records are changed or deleted, %d are kept with a reason.", p.Total(), kept)
}
