package transfer

import "entente.dev/internal/kernel/id"

// CheckArgs asks for the check of an import.
type CheckArgs struct {
	Import id.ID `json:"import"`
}

// Kind implements jobs.Args.
func (CheckArgs) Kind() string { return string(ActCheck) }

// CommitArgs asks for the rows of an import to be written.
type CommitArgs struct {
	Import id.ID `json:"import"`
}

// Kind implements jobs.Args.
func (CommitArgs) Kind() string { return string(ActCommit) }

// UndoArgs asks for an import to be taken back.
type UndoArgs struct {
	Import id.ID `json:"import"`
}

// Kind implements jobs.Args.
func (UndoArgs) Kind() string { return string(ActUndo) }
