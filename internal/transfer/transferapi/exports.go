package transferapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/door"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/page"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/transfer"
)

// list is one list that can be exported: its name in the address, its permission, its filters, and how it is written. The
// rows and columns are exactly those that the actor may see; the room that writes them sees to that.
type list struct {
	name    string
	act     access.Action
	what    string
	filters []string
	write   func(ctx context.Context, who access.Actor, q url.Values, w sheet.Writer) error
}

// Exports adds /people, /audit and /imports as .csv and .json. Partners, accounts, contacts and deals have theirs at their
// own doors.
func Exports(a *door.API, s *transfer.Service, people *identity.Service, log *trail.Service) {
	for _, l := range []list{
		{"people", identity.ActList, "people", []string{"q", "role", "status", "partner_id"}, exportPeople(people)},
		{"audit", trail.ActList, "the audit log", []string{"object_type", "object_id", "actor_id", "action", "outcome", "from", "to"}, exportAudit(log)},
		{"imports", transfer.ActList, "the list of imports", []string{"kind", "status"}, func(ctx context.Context, who access.Actor, q url.Values, w sheet.Writer) error {
			return s.Export(ctx, who, transfer.Query{Kind: q.Get("kind"), Status: q.Get("status")}, w)
		}},
	} {
		for _, form := range []struct {
			ext, media string
			json       bool
		}{{"csv", "text/csv", false}, {"json", "application/json", true}} {
			a.Raw("GET", "/"+l.name+"."+form.ext, l.act, "Export "+l.what+" as "+form.ext, func(w http.ResponseWriter, r *http.Request, who access.Actor) error {
				return l.write(r.Context(), who, r.URL.Query(), door.APITable(w, l.name, form.json))
			}, func(op *huma.Operation) {
				op.OperationID = l.act.Room() + ".export_" + form.ext
				for _, name := range l.filters {
					op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "query", Schema: &huma.Schema{Type: "string"}})
				}
				op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{form.media: {}}}}
			})
		}
	}
}

// reader reads typed query parameters and collects what is wrong with them.
type reader struct {
	q   url.Values
	bad []errs.Field
}

func (r *reader) id(name string) id.ID {
	if r.q.Get(name) == "" {
		return id.Nil
	}
	v, ok := id.Parse(r.q.Get(name))
	if !ok {
		r.bad = append(r.bad, errs.Field{Name: name, Code: "field.id", Msg: "Give an id as this API returned it: a UUID."})
	}
	return v
}

func (r *reader) time(name string) time.Time {
	if r.q.Get(name) == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, r.q.Get(name))
	if err != nil {
		r.bad = append(r.bad, errs.Field{Name: name, Code: "field.time", Msg: "Give a moment such as 2026-01-01T00:00:00Z."})
	}
	return t
}

func exportAudit(log *trail.Service) func(context.Context, access.Actor, url.Values, sheet.Writer) error {
	return func(ctx context.Context, who access.Actor, v url.Values, w sheet.Writer) error {
		r := reader{q: v}
		q := trail.Query{ObjectType: v.Get("object_type"), ObjectID: r.id("object_id"), ActorID: r.id("actor_id"), Action: v.Get("action"), Outcome: v.Get("outcome"), From: r.time("from"), To: r.time("to")}
		if err := errs.Refused(r.bad); err != nil {
			return err
		}
		return log.Export(ctx, who, q, w)
	}
}

func exportPeople(people *identity.Service) func(context.Context, access.Actor, url.Values, sheet.Writer) error {
	return func(ctx context.Context, who access.Actor, v url.Values, w sheet.Writer) error {
		r := reader{q: v}
		q := identity.PeopleQuery{Q: v.Get("q"), Role: v.Get("role"), Status: v.Get("status"), Partner: r.id("partner_id"), Limit: page.MaxLimit}
		if err := errs.Refused(r.bad); err != nil {
			return err
		}
		p, err := people.People(ctx, who, q)
		if err != nil {
			return err
		}
		if err := w.Columns("id", "name", "email", "role", "status", "partner_id", "partner_name", "last_seen_at", "created_at"); err != nil {
			return err
		}
		for {
			for _, m := range p.Items {
				for _, s := range []string{m.ID.String(), m.Name, m.Email, m.Role, m.Status, m.PartnerID.String(), m.PartnerName} {
					w.Text(s)
				}
				if m.LastSeenAt == nil {
					w.Empty()
				} else {
					w.Time(*m.LastSeenAt)
				}
				w.Time(m.CreatedAt)
				if err := w.EndRow(); err != nil {
					return err
				}
			}
			if q.Cursor = p.Next; q.Cursor == "" {
				return w.Close()
			}
			if p, err = people.People(ctx, who, q); err != nil {
				return err
			}
		}
	}
}
