package transfer

import (
	"encoding/json"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/id"
)

// The kinds of import, in the order in which a programme is filled.
const (
	Products = "products"
	Accounts = "accounts"
	Partners = "partners"
	Deals    = "deals"
)

// Kinds lists them.
var Kinds = []string{Accounts, Partners, Products, Deals}

// The statuses of a run; see the drawing in doc.go.
const (
	Checking   = "checking"
	Checked    = "checked"
	Committing = "committing"
	Committed  = "committed"
	Undoing    = "undoing"
	Undone     = "undone"
	Failed     = "failed"
)

// UndoDays is how long an import can be undone.
const UndoDays = 7

// Run is one import. Total, Done and the counts are those of the work under way or done last: while checked they are what a
// commit would do.
type Run struct {
	ID            id.ID           `db:"import_id" json:"id"`
	Kind          string          `db:"kind" json:"kind"`
	Status        string          `db:"status" json:"status"`
	Phase         string          `db:"phase" json:"phase"` // check, commit or undo: what failed, if it failed
	FileName      string          `db:"file_name" json:"file_name"`
	Header        []string        `db:"header" json:"header"`
	Mapping       json.RawMessage `db:"mapping" json:"mapping"`
	FileInfo      json.RawMessage `db:"file_info" json:"file_info"`
	Report        json.RawMessage `db:"report" json:"report"`
	Total         int             `db:"total" json:"total"`
	Done          int             `db:"done" json:"done"`
	LastRow       int             `db:"last_row" json:"last_row"`
	Created       int             `db:"created" json:"created"`
	Updated       int             `db:"updated" json:"updated"`
	Unchanged     int             `db:"unchanged" json:"unchanged"`
	Refused       int             `db:"refused" json:"refused"`
	Failure       string          `db:"failure" json:"failure"`
	CreatedBy     id.ID           `db:"created_by" json:"created_by"`
	CreatedByName string          `db:"created_by_name" json:"created_by_name"`
	ActedBy       id.ID           `db:"acted_by" json:"acted_by"`
	ActedByName   string          `db:"acted_by_name" json:"acted_by_name"`
	Version       int             `db:"version" json:"version"`
	CreatedAt     time.Time       `db:"created_at" json:"created_at"`
	UpdatedAt     time.Time       `db:"updated_at" json:"updated_at"`
	CommittedAt   *time.Time      `db:"committed_at" json:"committed_at"`
	UndoneAt      *time.Time      `db:"undone_at" json:"undone_at"`
}

// Working reports whether a job is at work on the run.
func (r Run) Working() bool {
	return r.Status == Checking || r.Status == Committing || r.Status == Undoing
}

// CanMap reports whether the mapping may be changed, and the rows checked again.
func (r Run) CanMap() bool {
	return r.Status == Checking || r.Status == Checked || r.Status == Failed && r.Phase == "check"
}

// CanCommit reports whether the rows may be written, or the writing that failed be taken up again.
func (r Run) CanCommit() bool {
	return r.Status == Checked || r.Status == Failed && r.Phase == "commit"
}

// CanUndo reports whether the import may be taken back at that time.
func (r Run) CanUndo(at time.Time) bool {
	return (r.Status == Committed || r.Status == Failed && r.Phase == "undo") && r.CommittedAt != nil && at.Before(r.UndoUntil())
}

// UndoUntil returns when the import can no longer be undone, the zero time before it is committed.
func (r Run) UndoUntil() time.Time {
	if r.CommittedAt == nil {
		return time.Time{}
	}
	return r.CommittedAt.AddDate(0, 0, UndoDays)
}

// Object returns what an access decision needs: an import is the vendor's.
func (r Run) Object() access.Object { return access.Object{} }

// ReportData returns the report, decoded.
func (r Run) ReportData() Report {
	var out Report
	_ = json.Unmarshal(r.Report, &out) // what this package wrote
	return out
}

// MappingData returns the mapping as it was given, decoded.
func (r Run) MappingData() Mapping {
	var out Mapping
	_ = json.Unmarshal(r.Mapping, &out) // what this package wrote
	return out
}

// The outcomes of a row.
const (
	Waiting   = "waiting"
	Created   = "created"
	Updated   = "updated"
	Unchanged = "unchanged"
	Refused   = "refused"
	TakenBack = "undone"
)

// Row is one row of the file and what became of it. No is its number as a spreadsheet shows it.
type Row struct {
	No       int             `db:"row_no" json:"row"`
	Cells    []string        `db:"cells" json:"cells"`
	Outcome  string          `db:"outcome" json:"outcome"`
	Problems []Problem       `db:"problems" json:"problems"`
	Object   id.ID           `db:"object_id" json:"object_id"`
	Before   json.RawMessage `db:"before" json:"-"`
}

// Problem is why a row was refused, or could not be undone: the column of the file, what stands there, and what to do.
type Problem struct {
	Column  string `json:"column"`
	Value   string `json:"value"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// FileInfo is what is known of the file itself.
type FileInfo struct {
	Encoding  string   `json:"encoding"`
	Delimiter string   `json:"delimiter"`
	Notes     []string `json:"notes,omitempty"`
	Samples   []string `json:"samples,omitempty"` // one value a column
}

// Label says in words what is being done, or was done last.
func (r Run) Label() string {
	return map[string]string{Checking: "Checking rows", Checked: "Checked", Committing: "Writing rows", Committed: "Committed", Undoing: "Taking rows back", Undone: "Undone", Failed: "Failed"}[r.Status]
}

// File returns what is known of the file.
func (r Run) File() FileInfo {
	var out FileInfo
	_ = json.Unmarshal(r.FileInfo, &out) // what this package wrote
	return out
}
