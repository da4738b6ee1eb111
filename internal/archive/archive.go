package archive

import (
	"context"
	"encoding/json"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/file"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/sheet"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActExport access.Action = "archive.export"
	ActRead   access.Action = "archive.read"
	ActWrite  access.Action = "archive.write"
	ActImport access.Action = "archive.import"
)

// Format is the version of the archive format that this program writes and reads.
const Format = 1

// formatName says in an archive what it is.
const formatName = "entente-tenant-archive"

// List is a copy of one of the main lists as people read it, besides the exact rows.
type List struct {
	Name  string // such as "deals"
	Write func(ctx context.Context, who access.Actor, out sheet.Writer) error
}

// Options are what the room needs of its surroundings.
type Options struct {
	Program string // version of the program
	Schema  int64  // newest migration
	Lists   []List

	Files     *file.Service                                                    // where exports go that somebody asked for in the program
	DropFiles func(ctx context.Context, tenant id.ID) (int, error)             // removes every stored file of a tenant
	Head      func(ctx context.Context, tenant id.ID) (json.RawMessage, error) // seals the audit log of a tenant and returns its signed tree head; NotFound "checkpoint.not_found" without one
	Deliver   func(ctx context.Context, f Farewell) error                      // sends the last mail; nil without a mail server
}

// Service runs the room's use cases.
type Service struct {
	ops  *op.Ops
	opts Options

	// broken, set by tests only, is asked at each named point of the long ways; its error is the program being killed there.
	broken func(point string) error
}

// New returns the room's service.
func New(o *op.Ops, opts Options) *Service { return &Service{ops: o, opts: opts} }

// at passes a point where a test may kill the program.
func (s *Service) at(point string) error {
	if s.broken == nil {
		return nil
	}
	return s.broken(point)
}

// Manifest says what is in an archive. It is the archive's last member but its signature, and its first in importance.
type Manifest struct {
	Format     string    `json:"format"`
	Version    int       `json:"version"`
	Program    string    `json:"program"` // version of the program that wrote it
	Schema     int64     `json:"schema"`  // its newest migration
	ExportedAt time.Time `json:"exported_at"`
	Tenant     Tenant    `json:"tenant"`
	Rows       int64     `json:"rows"` // in all tables
	Members    []Member  `json:"members"`
	LeftOut    []LeftOut `json:"left_out"`
	Verifiers  []string  `json:"verifiers"` // the public keys of the installation that wrote it: they prove the checkpoints of the audit log
}

// Tenant names whose archive it is.
type Tenant struct {
	ID   id.ID  `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// Member is one file in the archive.
type Member struct {
	Name    string   `json:"name"`
	Bytes   int64    `json:"bytes"` // unpacked
	SHA256  string   `json:"sha256"`
	Table   string   `json:"table,omitempty"`   // whose rows it holds
	Columns []string `json:"columns,omitempty"` // of the table, as far as they are exported
	Rows    int64    `json:"rows,omitempty"`
}

// LeftOut is something of the tenant that is not in the archive.
type LeftOut struct {
	What   string `json:"what"` // a table, or table.column
	Reason string `json:"reason"`
}

// Progress is how far a long way has come.
type Progress struct {
	Step  string // the table it is at
	Done  int64  // rows
	Total int64  // rows, as far as known
}

// leftOut are the tenant tables that are not exported, each with the reason. Everything else is.
var leftOut = map[string]string{
	"data_key":    "keys stay in the installation that made them; what they encrypt is exported opened",
	"idempotency": "a day's cache of answers to programs",
	"archive_run": "how earlier exports went; where the archive goes they mean nothing",
	"departure":   "how the programme leaves this installation",
	"arrival":     "how the programme came to this installation",
	"kept_record": "what law keeps of a programme that is gone from this installation",
}

// LeftOutTables returns the tenant tables that no archive holds, each with the reason, for the law test and the documents.
func LeftOutTables() map[string]string {
	out := make(map[string]string, len(leftOut))
	for k, v := range leftOut {
		out[k] = v
	}
	return out
}
