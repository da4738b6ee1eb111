package deal

import (
	"time"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/tenant"
)

// AccountFacts is the end customer as somebody typed it.
type AccountFacts struct{ Name, Domain, Country string }

// CreateInput is a new registration. A partner's people always register for their own company; Owner defaults to
// the actor when it is one of them.
type CreateInput struct {
	Title           string
	Partner         id.ID // Nil: the actor's company, or the vendor's own pursuit
	Owner           id.ID
	Account         AccountFacts
	AccountID       id.ID // instead of Account
	AmountMinor     *int64
	Currency        string // "" is the tenant's default
	ExpectedCloseOn Day
	Product         string
	ExternalID      string
	Source          string // portal, api or demo; "" is portal
}

// UpdateInput changes the facts that are given. Version 0 means that the caller named none.
type UpdateInput struct {
	ID              id.ID
	Version         int
	Title           *string
	Owner           *id.ID
	Account         *AccountFacts
	AccountID       *id.ID
	AmountMinor     *int64
	Currency        *string
	ExpectedCloseOn *Day
	Product         *string
	ExternalID      *string
}

// Step names the deal that goes on to another state. Version 0 means that the caller named none.
type Step struct {
	ID      id.ID
	Version int
	Note    string // kept as a note: internal when written by the vendor's people, shared otherwise
}

// ReturnInput sends a registration back. Reason says what is wanted; the partner reads it.
type ReturnInput struct {
	Step
	Reason string
}

// RejectInput rejects a registration. Code is one of RejectReasons; "other", or none, needs a Reason.
type RejectInput struct {
	Step
	Code   string
	Reason string
}

// WithdrawInput takes a registration back.
type WithdrawInput struct {
	Step
	Reason string
}

// WinInput closes a deal as won. ClosedOn "" is today in the tenant's time zone.
type WinInput struct {
	Step
	ClosedOn Day
}

// LoseInput closes a deal as lost.
type LoseInput struct {
	Step
	ClosedOn Day
	Reason   string
}

// MoveInput puts a deal into a stage. Reason counts only for the stage of lost deals.
type MoveInput struct {
	ID      id.ID
	Version int
	Stage   id.ID
	Reason  string
}

// NoteInput is a note on a deal. One by a partner's people is always shared.
type NoteInput struct {
	ID       id.ID
	Body     string
	Internal bool
}

// CheckInput asks whether a customer is free.
type CheckInput struct{ Domain, Name, Country string }

// Note is something that somebody wrote on a deal.
type Note struct {
	ID         id.ID     `json:"note_id"`
	Deal       id.ID     `json:"deal_id"`
	Author     id.ID     `json:"author_id"`
	AuthorName string    `json:"author_name" db:"author_name"`
	AuthorSide string    `json:"author_side" db:"author_side"` // vendor or partner
	Internal   bool      `json:"internal"`                     // for the vendor's people only
	Body       string    `json:"body" db:"body"`
	CreatedAt  time.Time `json:"created_at"`

	partner id.ID // of the deal
}

// Entry is one line of a deal's timeline.
type Entry struct {
	At        time.Time
	ActorName string
	ActorRole string
	Action    string
	Changes   map[string][2]any // by column, old and new
	Note      string
	ErasedAt  time.Time // when names and values were erased; zero as a rule
}

// Claim is the period for which a deal holds its customer.
type Claim struct {
	Key   string
	From  time.Time
	Until time.Time
}

// Stage is a place in the pipeline; the room of tenants keeps them.
type Stage = tenant.Stage

// Record is everything a deal's page shows.
type Record struct {
	Deal          Deal
	DecidedByName string // "" when nobody decided, or when the reader may not know
	Notes         []Note // newest first, at most 200
	Timeline      []Entry
	Claim         *Claim // the latest
	Stages        []Stage
	Now           time.Time
}

// Money is a sum in one currency.
type Money struct {
	Currency string
	Minor    int64
	Count    int64
}

// Query says which deals, in which order. Zero fields do not filter.
type Query struct {
	State                  State
	Stage                  string // id or name
	Partner                id.ID
	Owner                  id.ID
	Account                id.ID
	NoAccount              bool // only deals without an account
	Currency               string
	Q                      string // part of title, customer, domain or product
	CreatedFrom, CreatedTo Day    // both inclusive, in UTC
	CloseFrom, CloseTo     Day
	MinMinor, MaxMinor     *int64
	Sort                   string // created, amount or close, with "-" for descending; "" is -created
	Limit                  int
	Cursor                 string
}

// Page is a part of a list. Next is the cursor of the rest, "" at the end.
type Page struct {
	Items []Deal
	Next  string
}

// BoardQuery narrows the board.
type BoardQuery struct{ Partner, Owner id.ID }

// Board is the pipeline of approved deals.
type Board struct{ Columns []Column }

// Column is one stage of the board with its dearest deals. Stages of kind won and lost are there without cards.
type Column struct {
	Stage  Stage
	Count  int64
	Totals []Money
	Cards  []Deal // at most 50
}

// QueueQuery pages through the decision queue.
type QueueQuery struct {
	Limit  int
	Cursor string
}

// QueuePage is a part of the decision queue, oldest first.
type QueuePage struct {
	Items []Waiting
	Next  string
}

// Waiting is a submitted deal beside what looks like it.
type Waiting struct {
	Deal  Deal
	Alike []LookAlike
}

// LookAlike is another registration that may be of the same customer.
type LookAlike struct {
	Deal       Deal
	Why        string  // "same customer", "same name" or "similar name"
	Claim      bool    // it holds the customer now
	Similarity float64 // of the names, 0 to 1
}

// Summary is what home pages show.
type Summary struct {
	Pipeline   []StageSum  // approved deals by open stage
	Waiting    []AgeBucket // submitted deals by how long they wait
	WonByMonth []MonthSum  // 18 months, oldest first, gaps filled: up to now or, where nothing was won in those, up to the last win
	Expiring   []Deal      // at most 10 whose protection ends next
}

// StageSum is the value in one stage.
type StageSum struct {
	Stage  Stage
	Totals []Money
}

// AgeBucket counts what waits for up to UpToDays days; 0 means longer than the bucket before.
type AgeBucket struct {
	Label    string
	UpToDays int
	Count    int64
}

// MonthSum is what was won in the month that begins on Month.
type MonthSum struct {
	Month  Day
	Totals []Money
}

// View is somebody's saved view of a list.
type View struct {
	ID        id.ID     `json:"view_id"`
	List      string    `json:"list" db:"list"`
	Name      string    `json:"name" db:"name"`
	Query     string    `json:"query" db:"query"` // as in the list's address
	CreatedAt time.Time `json:"created_at"`
}

// ViewInput saves a view; one of the same name is replaced.
type ViewInput struct{ List, Name, Query string }
