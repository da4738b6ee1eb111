package privacy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// duty is a reason why something stays: a hold, or what a law asks for.
type duty struct {
	Category string // "" for a hold on the person: everything of theirs stays
	Reason   string
	Until    *time.Time
}

func (d duty) until() string {
	if d.Until == nil {
		return ""
	}
	return d.Until.Format(time.DateOnly)
}

// keeps returns the duty that a row of a category falls under.
func keeps(duties []duty, category string) (duty, bool) {
	i := slices.IndexFunc(duties, func(d duty) bool { return d.Category == "" || d.Category == category })
	if i < 0 {
		return duty{}, false
	}
	return duties[i], true
}

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
func (s *Service) makePlan(ctx context.Context, tenant id.ID, sub Subject, request id.ID) (Plan, error) {
	found, err := s.find(ctx, tenant, sub, nil)
	if err != nil {
		return Plan{}, err
	}
	return op.Read(ctx, s.ops, access.NewSystem(tenant, "plan of an erasure"), ActFind, func(tx *op.Tx) (Plan, error) {
		tables, err := catalogue(ctx, tx)
		if err != nil {
			return Plan{}, err
		}
		duties, err := dutiesOf(ctx, tx, found.refs, sub.Email)
		if err != nil {
			return Plan{}, err
		}
		p := Plan{Made: &tx.Now, Refs: &found.refs}
		for _, c := range found.Counts {
			p.Namesakes += c.Doubtful
			i := slices.IndexFunc(tables, func(t table) bool { return t.name == c.Table })
			if c.Sure == 0 || i < 0 || own(c.Table) {
				continue
			}
			what, why := whatOf(tables[i])
			l := PlanLine{Category: c.Category, Table: c.Table, What: what, Rows: c.Sure, Reason: why}
			if d, ok := keeps(duties, c.Category); ok {
				l.What, l.Reason, l.Until = Keep, d.Reason+" Kept and restricted: nobody but the privacy officer sees it.", d.until()
				if _, person := identity[c.Table]; !person {
					l.Reason = d.Reason
				}
			}
			p.Lines = append(p.Lines, l)
		}
		logins, err := loginsOf(ctx, tx, found.refs.Members)
		for _, l := range logins {
			line := PlanLine{Category: "user-account", Table: "person", What: Delete, Rows: 1, Reason: "The login goes."}
			if l.UsedElsewhere {
				line.What, line.Reason = Keep, "The login belongs to another programme too; this one's sessions end."
			}
			if d, ok := keeps(duties, "user-account"); ok {
				line.What, line.Reason, line.Until = Keep, d.Reason, d.until()
			}
			p.Lines = append(p.Lines, line)
		}
		return p, err
	})
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
