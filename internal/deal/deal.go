package deal

import (
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// State is where a registration stands; see the drawing in doc.go.
type State string

// The states.
const (
	StateDraft     State = "draft"
	StateSubmitted State = "submitted"
	StateReturned  State = "returned"
	StateApproved  State = "approved"
	StateRejected  State = "rejected"
	StateWithdrawn State = "withdrawn"
	StateWon       State = "won"
	StateLost      State = "lost"
	StateExpired   State = "expired"
)

// States lists every state in the order people meet them.
var States = []State{StateDraft, StateSubmitted, StateReturned, StateApproved, StateRejected, StateWithdrawn, StateWon, StateLost, StateExpired}

// Open reports whether the registration still waits for somebody or is protected now.
func (s State) Open() bool {
	return s == StateDraft || s == StateSubmitted || s == StateReturned || s == StateApproved
}

// Label returns the state as people read it.
func (s State) Label() string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(string(s[:1])) + string(s[1:])
}

// Answer is all that a partner is told about other registrations of its customer.
type Answer string

// The answers; "" before a deal was ever submitted.
const (
	Free  Answer = "free"  // nobody else is near
	Taken Answer = "taken" // protected for somebody else now
	Look  Answer = "look"  // something similar is open; a person has to look
)

// Deal is a registration. The names beside the ids are for people: read together with the row, never written. Only fields
// with a `db` tag are told in an audit entry; partner, owner and stage are told by name, for its reader.
type Deal struct {
	ID              id.ID      `json:"deal_id"`
	Partner         id.ID      `json:"partner_id"` // Nil: the vendor's own pursuit
	PartnerName     string     `json:"partner_name" db:"partner_id"`
	Owner           id.ID      `json:"owner_id"`
	OwnerName       string     `json:"owner_name" db:"owner_id"` // "" too when the reader may not see that person
	Account         id.ID      `json:"account_id"`               // Nil: no account was named, which lists mark
	Title           string     `json:"title" db:"title"`
	AccountName     string     `json:"account_name" db:"account_name"`
	AccountDomain   string     `json:"account_domain" db:"account_domain"`
	AccountCountry  string     `json:"account_country" db:"account_country"`
	ClaimKey        string     `json:"claim_key" db:"claim_key"`
	State           State      `json:"state" db:"state"`
	Stage           id.ID      `json:"stage_id"`
	StageName       string     `json:"stage_name" db:"stage_id"`
	AmountMinor     *int64     `json:"amount_minor" db:"amount_minor"`
	Currency        string     `json:"currency" db:"currency"`
	Product         string     `json:"product" db:"product"`
	ExpectedCloseOn Day        `json:"expected_close_on" db:"expected_close_on"`
	SubmittedAt     *time.Time `json:"submitted_at"`
	DecidedAt       *time.Time `json:"decided_at"`
	DecidedBy       id.ID      `json:"decided_by"`
	ProtectedUntil  *time.Time `json:"protected_until" db:"protected_until"`
	ClosedOn        Day        `json:"closed_on" db:"closed_on"`
	ReasonCode      string     `json:"reason_code" db:"reason_code"`
	Reason          string     `json:"reason" db:"reason"`
	Answer          Answer     `json:"answer" db:"answer"`
	Source          string     `json:"source" db:"source"`
	ExternalID      string     `json:"external_id" db:"external_id"`
	Import          id.ID      `json:"import_id"`
	CreatedBy       id.ID      `json:"created_by"`
	Version         int        `json:"version" db:"version"`
	CreatedAt       time.Time  `json:"created_at"`
	UpdatedAt       time.Time  `json:"updated_at"`
}

// Object returns what a permission decision needs to know.
func (d Deal) Object() access.Object { return access.Object{Partner: d.Partner, Owner: d.Owner} }

// Protected reports whether the customer is held for this deal at that time.
func (d Deal) Protected(at time.Time) bool {
	return (d.State == StateApproved || d.State == StateWon) && d.ProtectedUntil != nil && d.ProtectedUntil.After(at)
}

// Own reports whether the member registered or owns the deal, and so may not decide it.
func (d Deal) Own(member id.ID) bool {
	return member != id.Nil && (member == d.Owner || member == d.CreatedBy)
}

// Can reports whether the actor may do the action to the deal as it stands: for drawing a button. The use case asks again.
func (d Deal) Can(who access.Actor, act access.Action) bool {
	if !access.Decide(who, act, d.Object()) {
		return false
	}
	switch act {
	case ActUpdate:
		return editable(who, d.State)
	case ActMove:
		return movable(d.State)
	case ActApprove:
		if d.Own(who.Member) {
			return false
		}
	}
	s, ok := steps[act]
	return !ok || slices.Contains(s.from, d.State)
}

// editable reports whether the side may change the facts: a partner while the registration is in its hands, the vendor
// as long as it is open.
func editable(who access.Actor, s State) bool {
	if who.Persona == access.Partner {
		return s == StateDraft || s == StateReturned
	}
	return s.Open()
}

// movable reports whether the deal may go to another open stage.
func movable(s State) bool { return s.Open() || s == StateExpired }

type step struct {
	from []State
	to   State
	done string // as in "it can be approved"
}

// steps is the whole transition table.
var steps = map[access.Action]step{
	ActSubmit:   {[]State{StateDraft, StateReturned}, StateSubmitted, "submitted"},
	ActReturn:   {[]State{StateSubmitted}, StateReturned, "returned"},
	ActApprove:  {[]State{StateSubmitted}, StateApproved, "approved"},
	ActReject:   {[]State{StateSubmitted}, StateRejected, "rejected"},
	ActWithdraw: {[]State{StateDraft, StateSubmitted, StateReturned, StateApproved}, StateWithdrawn, "withdrawn"},
	ActWin:      {[]State{StateApproved, StateExpired}, StateWon, "won"},
	ActLose:     {[]State{StateApproved, StateExpired}, StateLost, "lost"},
	ActExpire:   {[]State{StateApproved}, StateExpired, "expired"},
}

// stepOrder is the order in which possible actions are named.
var stepOrder = []access.Action{ActSubmit, ActApprove, ActReturn, ActReject, ActWin, ActLose, ActWithdraw}

// Next returns the state that the action leads to from a state, or Conflict "deal.state" naming what is possible instead.
func Next(from State, act access.Action) (State, error) {
	s, ok := steps[act]
	if !ok || !slices.Contains(s.from, from) {
		return from, wrongState(from, s.done)
	}
	return s.to, nil
}

// Possible returns the actions that lead on from a state, whoever may do them. The order is fixed.
func Possible(from State) []access.Action {
	var out []access.Action
	for _, act := range stepOrder {
		if slices.Contains(steps[act].from, from) {
			out = append(out, act)
		}
	}
	return out
}

// wrongState is the refusal of something a deal in this state cannot become.
func wrongState(from State, wanted string) error {
	var can []string
	for _, act := range Possible(from) {
		can = append(can, steps[act].done)
	}
	next := "Nothing more can be done to it."
	if n := len(can); n == 1 {
		next = "It can be " + can[0] + "."
	} else if n > 1 {
		next = "It can be " + strings.Join(can[:n-1], ", ") + " or " + can[n-1] + "."
	}
	return errs.New(errs.Conflict, "deal.state", "This deal is %s and cannot be %s now. %s", from, wanted, next)
}

// RejectReason is one of the reasons a registration is rejected for.
type RejectReason struct{ Code, Label string }

// RejectReasons lists the reasons in the order forms offer them. The code "other" needs a text.
var RejectReasons = []RejectReason{
	{"duplicate", "Already registered by another partner"},
	{"existing_customer", "Already a customer"},
	{"direct_pursuit", "Already pursued by us"},
	{"not_qualified", "Not qualified"},
	{"incomplete", "Not enough information"},
	{"outside_programme", "Outside the programme"},
	{"other", "Another reason"},
}

// RejectLabel returns the reason as people read it, "" for an unknown code.
func RejectLabel(code string) string {
	for _, r := range RejectReasons {
		if r.Code == code {
			return r.Label
		}
	}
	return ""
}
