package auditapi

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/account"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
)

// VersionHead says which version it is, and who made it when.
type VersionHead struct {
	Version int       `json:"version" doc:"The record's version then. A change that went around the program may have left two with one number; the later one counts." example:"3"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor_name" doc:"Who made the change; empty for the program itself, for people whom you may not see, and where that is not on record any more."`
	Action  string    `json:"action" doc:"Empty where the audit log does not tell it." example:"deal.update"`
	Outside bool      `json:"outside" doc:"The change went around the program."`
}

// Version is how a record stood after one change, on the wire.
type Version struct {
	VersionHead
	Changes map[string]Change `json:"changes" doc:"By column; empty for the change that made the record. References are told by name."`
}

// VersionPage is one page of the versions of a record, newest first.
type VersionPage struct {
	Current    int       `json:"current" doc:"The record's version now; also its ETag."`
	Items      []Version `json:"items"`
	NextCursor string    `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
}

// Kept is a field that differs and that restoring leaves as it is.
type Kept struct {
	Now    any    `json:"now"`
	Then   any    `json:"then" doc:"null too when it is no longer on record."`
	Reason string `json:"reason"`
}

// Comparison is a version beside its record as it stands.
type Comparison struct {
	VersionHead
	Current  int               `json:"current" doc:"The record's version now; also the ETag."`
	Restores map[string]Change `json:"restores" doc:"What restoring changes, by column: old is what stands now, new what stood then. In the answer to a restore: what was changed."`
	Keeps    map[string]Kept   `json:"keeps" doc:"What differs and stays as it is, by column."`
	Refused  string            `json:"refused,omitempty" doc:"Why nothing can be restored as the record stands."`
}

type (
	versionsIn struct {
		ID     id.ID  `path:"id"`
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
		Cursor string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
	}
	versionIn struct {
		ID     id.ID `path:"id"`
		Number int   `path:"version" minimum:"1" maximum:"2147483647" example:"3"`
	}
	restoreIn struct {
		door.IfMatch
		ID     id.ID `path:"id"`
		Number int   `path:"version" minimum:"1" maximum:"2147483647" example:"3"`
	}
	versionsOut   struct{ Body VersionPage }
	comparisonOut struct {
		ETag string `header:"ETag"`
		Body Comparison
	}
)

func wireChanges(in map[string][2]any) map[string]Change {
	out := make(map[string]Change, len(in))
	for column, c := range in {
		out[column] = Change{Old: c[0], New: c[1]}
	}
	return out
}

func wireHead(v trail.Version) VersionHead {
	return VersionHead{Version: v.Number, At: v.At, Actor: v.Actor, Action: string(v.Action), Outside: v.Outside}
}

func compared(c trail.Comparison, err error) (*comparisonOut, error) {
	if err != nil {
		return nil, err
	}
	out := Comparison{VersionHead: wireHead(c.Version), Current: c.Current, Restores: wireChanges(c.Back), Keeps: make(map[string]Kept, len(c.Kept)), Refused: c.Refused}
	for _, k := range c.Kept {
		out.Keeps[k.Column] = Kept{k.Now, k.Then, k.Why}
	}
	return &comparisonOut{httpx.ETag(c.Current), out}, nil
}

// Versions adds the old versions of deals, accounts, contacts and partners to the API.
func Versions(a *door.API, deals *deal.Service, accounts *account.Service, partners *partner.Service) {
	versions(a, "deal", "/deals", deal.ActVersions, deal.ActRestore, deals.Versions, deals.Version, deals.Restore)
	versions(a, "end customer", "/accounts", account.ActVersions, account.ActRestore, accounts.Versions, accounts.Version, accounts.Restore)
	versions(a, "contact", "/contacts", account.ActContactVersions, account.ActContactRestore, accounts.ContactVersions, accounts.ContactVersion, accounts.RestoreContact)
	versions(a, "partner company", "/partners", partner.ActVersions, partner.ActRestore, partners.Versions, partners.Version, partners.Restore)
}

func versions(a *door.API, noun, path string, see, restore access.Action,
	list func(context.Context, access.Actor, id.ID, trail.VersionQuery) (trail.VersionPage, error),
	compare func(context.Context, access.Actor, id.ID, int) (trail.Comparison, error),
	back func(context.Context, access.Actor, id.ID, int, int) (trail.Comparison, error)) {
	path += "/{id}/versions"
	chapter := []string{"version"} // of the reference: one for all kinds, rather than three more operations in each
	door.Register(a, see, huma.Operation{Method: "GET", Path: path, Tags: chapter, Summary: "List the versions of a " + noun, Description: "Newest first, as far back as the policy keeps the history of records."},
		func(ctx context.Context, who access.Actor, in *versionsIn) (*versionsOut, error) {
			page, err := list(ctx, who, in.ID, trail.VersionQuery{Limit: in.Limit, Cursor: in.Cursor})
			if err != nil {
				return nil, err
			}
			items := make([]Version, len(page.Items))
			for i, v := range page.Items {
				items[i] = Version{wireHead(v), wireChanges(v.Changes)}
			}
			return &versionsOut{VersionPage{page.Current, items, page.Next}}, nil
		})
	door.Register(a, see, huma.Operation{Method: "GET", Path: path + "/{version}", Tags: chapter, OperationID: see.Room() + ".version", Summary: "Compare a version of a " + noun + " with how it stands"},
		func(ctx context.Context, who access.Actor, in *versionIn) (*comparisonOut, error) {
			return compared(compare(ctx, who, in.ID, in.Number))
		})
	door.Register(a, restore, huma.Operation{Method: "POST", Path: path + "/{version}/restore", Tags: chapter, Summary: "Restore a version of a " + noun,
		Description: "By the rules of a change: what they refuse today, what steps of the record wrote and what was erased stays as it is, and is named. The record gets a new version; 409 `version.nothing` when nothing comes back."},
		func(ctx context.Context, who access.Actor, in *restoreIn) (*comparisonOut, error) {
			return compared(back(ctx, who, in.ID, in.Number, in.Version))
		})
}
