package transferapi

import (
	"time"

	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/transfer"
)

// Import is one import on the wire. While it is checked, the counts are what a commit would do.
type Import struct {
	ID          id.ID      `json:"id"`
	Kind        string     `json:"kind" enum:"accounts,partners,products,deals"`
	Status      string     `json:"status" enum:"checking,checked,committing,committed,undoing,undone,failed"`
	FileName    string     `json:"file_name"`
	Total       int        `json:"total" doc:"Rows of the file below its header."`
	Done        int        `json:"done" doc:"Rows that the work under way has finished."`
	Created     int        `json:"created"`
	Updated     int        `json:"updated"`
	Unchanged   int        `json:"unchanged"`
	Refused     int        `json:"refused"`
	Failure     string     `json:"failure,omitempty"`
	CreatedBy   string     `json:"created_by" doc:"The name of who uploaded the file."`
	CreatedAt   time.Time  `json:"created_at"`
	CommittedAt *time.Time `json:"committed_at,omitempty"`
	UndoUntil   *time.Time `json:"undo_until,omitempty"`
	UndoneAt    *time.Time `json:"undone_at,omitempty"`
	Version     int        `json:"version"`
	Header      []string   `json:"header"`
}

// Detail is one import with its mapping, what the check found, and rows.
type Detail struct {
	Import
	Mapping     Mapping         `json:"mapping" doc:"As it was given; what it leaves out is guessed. report.columns says what each column was taken for."`
	Report      transfer.Report `json:"report"`
	RefusedRows []RowOf         `json:"refused_rows" doc:"The first refused rows, or the rows that outcome asks for."`
	NextCursor  string          `json:"next_cursor,omitempty"`
}

// RowOf is one row of the file and what became of it.
type RowOf struct {
	Row      int                `json:"row" doc:"As a spreadsheet numbers it: the header is usually 1."`
	Outcome  string             `json:"outcome"`
	ObjectID id.ID              `json:"object_id,omitzero" doc:"What the row made or changed."`
	Problems []transfer.Problem `json:"problems"`
	Cells    []string           `json:"cells"`
}

// Mapping says what the columns and values of a file mean.
type Mapping struct {
	Columns  map[string]string            `json:"columns,omitempty" doc:"Header of the file to field of ours; empty leaves the column out. Headers that are not named are guessed."`
	Values   map[string]map[string]string `json:"values,omitempty" doc:"By field, what the file says to what it means: {\"stage\": {\"Engaging\": \"Negotiate\"}}."`
	Defaults *Defaults                    `json:"defaults,omitempty"`
	Options  *Options                     `json:"options,omitempty"`
}

// Defaults hold where the file says nothing.
type Defaults struct {
	Currency string `json:"currency,omitempty" example:"USD"`
	Date     string `json:"date,omitempty" doc:"How the file writes days: a Go layout, or like DD/MM/YYYY." example:"2006-01-02"`
	Partner  string `json:"partner,omitempty" doc:"The partner of deals that name none."`
	Country  string `json:"country,omitempty" example:"US"`
}

// Options are choices of an import.
type Options struct {
	CreateStages    bool   `json:"create_stages,omitempty" doc:"Add stages that the programme lacks. Needs the permission stage.update."`
	MissingAccounts string `json:"missing_accounts,omitempty" enum:"create,leave,refuse"`
	Existing        string `json:"existing,omitempty" enum:"update,keep"`
}

func (m Mapping) domain() transfer.Mapping {
	out := transfer.Mapping{Columns: m.Columns, Values: m.Values}
	if d := m.Defaults; d != nil {
		out.Defaults = transfer.Defaults(*d)
	}
	if o := m.Options; o != nil {
		out.Options = transfer.Options(*o)
	}
	return out
}

func wireMapping(m transfer.Mapping) Mapping {
	out := Mapping{Columns: m.Columns, Values: m.Values}
	if m.Defaults != (transfer.Defaults{}) {
		d := Defaults(m.Defaults)
		out.Defaults = &d
	}
	if m.Options != (transfer.Options{}) {
		o := Options(m.Options)
		out.Options = &o
	}
	return out
}

func wire(r transfer.Run) Import {
	out := Import{ID: r.ID, Kind: r.Kind, Status: r.Status, FileName: r.FileName, Total: r.Total, Done: r.Done, Created: r.Created, Updated: r.Updated,
		Unchanged: r.Unchanged, Refused: r.Refused, Failure: r.Failure, CreatedBy: r.CreatedByName, CreatedAt: r.CreatedAt, CommittedAt: r.CommittedAt,
		UndoneAt: r.UndoneAt, Version: r.Version, Header: r.Header}
	if r.CommittedAt != nil && r.UndoneAt == nil {
		until := r.UndoUntil()
		out.UndoUntil = &until
	}
	return out
}

func wireRows(list []transfer.Row) []RowOf {
	out := make([]RowOf, 0, len(list))
	for _, r := range list {
		out = append(out, RowOf{r.No, r.Outcome, r.Object, append([]transfer.Problem{}, r.Problems...), r.Cells})
	}
	return out
}

type listIn struct {
	Kind   string `query:"kind" enum:"accounts,partners,products,deals"`
	Status string `query:"status" enum:"checking,checked,committing,committed,undoing,undone,failed"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor string `query:"cursor" maxLength:"2000"`
}

type listOut struct {
	Body struct {
		Items      []Import `json:"items"`
		NextCursor string   `json:"next_cursor,omitempty"`
	}
}

type readIn struct {
	ID      id.ID  `path:"id"`
	Outcome string `query:"outcome" enum:"waiting,created,updated,unchanged,refused,undone" default:"refused" doc:"Which rows to list."`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor  string `query:"cursor" maxLength:"2000"`
}

type detailOut struct {
	ETag string `header:"ETag"`
	Body Detail
}

type importOut struct {
	ETag string `header:"ETag"`
	Body Import
}

type mapIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body Mapping
}

type stepIn struct {
	door.IfMatch
	ID   id.ID     `path:"id"`
	Body *struct{} `required:"false"`
}
