package privacy

import (
	"encoding/json"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/datamap"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// Kind is what a person asks for.
type Kind string

// The kinds of request, with the article of the GDPR.
const (
	Access      Kind = "access"      // Art. 15
	Portability Kind = "portability" // Art. 20
	Correction  Kind = "correction"  // Art. 16
	Erasure     Kind = "erasure"     // Art. 17
	Restriction Kind = "restriction" // Art. 18
	Objection   Kind = "objection"   // Art. 21
)

// Kinds are all kinds, in the order people read them.
var Kinds = []Kind{Access, Portability, Correction, Erasure, Restriction, Objection}

// Sources are how a request can have come.
var Sources = []string{"e-mail", "phone", "staff", "partner", selfService, "operator"}

const selfService = "self-service"

// Purposes are what a person can object to or agree to.
var Purposes = []string{"service", "announcement", "marketing", "analytics", "profiling"}

// Proofs are how an officer can have checked who somebody is. An e-mail alone is no proof.
var Proofs = []string{"call-back", "document", "known-in-person"}

// State is where a request stands; doc.go draws the way.
type State string

// The states.
const (
	Received        State = "received"
	Verifying       State = "verifying"
	InProgress      State = "in-progress"
	WaitingPartners State = "waiting-partners"
	WaitingApproval State = "waiting-approval"
	Executing       State = "executing"
	Done            State = "done"
	Refused         State = "refused"
	Withdrawn       State = "withdrawn"
	Forwarded       State = "forwarded"
)

// States are all states, in their order.
var States = []State{Received, Verifying, InProgress, WaitingPartners, WaitingApproval, Executing, Done, Refused, Withdrawn, Forwarded}

// Request is one request of a person about their data.
type Request struct {
	TenantID        id.ID      `db:"tenant_id" json:"-"`
	ID              id.ID      `db:"request_id" json:"id"`
	Number          int        `db:"number" json:"number"`
	Kind            Kind       `db:"kind" json:"kind"`
	Source          string     `db:"source" json:"source"`
	State           State      `db:"state" json:"state"`
	MemberID        id.ID      `db:"member_id" json:"member_id"`
	Email           string     `db:"subject_email" json:"email"`
	Name            string     `db:"subject_name" json:"name"`
	Phone           string     `db:"subject_phone" json:"phone"`
	Namesakes       bool       `db:"namesakes" json:"namesakes"`
	Purpose         string     `db:"purpose" json:"purpose"`
	Asked           string     `db:"asked" json:"asked"`
	ReceivedAt      time.Time  `db:"received_at" json:"received_at"`
	DueAt           time.Time  `db:"due_at" json:"due_at"`
	ExtendedAt      *time.Time `db:"extended_at" json:"extended_at"`
	ExtensionReason string     `db:"extension_reason" json:"extension_reason"`
	Alarm           int        `db:"alarm" json:"-"`
	IdentityHow     string     `db:"identity_how" json:"identity_how"`
	IdentityNote    string     `db:"identity_note" json:"identity_note"`
	IdentityBy      id.ID      `db:"identity_by" json:"-"`
	IdentityByName  string     `db:"identity_by_name" json:"identity_by"`
	IdentityAt      *time.Time `db:"identity_at" json:"identity_at"`
	CodeHash        []byte     `db:"code_hash" json:"-"`
	CodeExpiresAt   *time.Time `db:"code_expires_at" json:"-"`
	CodeTries       int        `db:"code_tries" json:"-"`
	Plan            Plan       `db:"plan" json:"plan"`
	ProposedBy      id.ID      `db:"proposed_by" json:"-"`
	ProposedByName  string     `db:"proposed_by_name" json:"proposed_by"`
	ProposedAt      *time.Time `db:"proposed_at" json:"proposed_at"`
	ApprovedBy      id.ID      `db:"approved_by" json:"-"`
	ApprovedByName  string     `db:"approved_by_name" json:"approved_by"`
	ApprovedAt      *time.Time `db:"approved_at" json:"approved_at"`
	ApprovedHow     string     `db:"approved_how" json:"approved_how"`
	Progress        Run        `db:"progress" json:"progress"`
	Outcome         string     `db:"outcome" json:"outcome"`
	ForwardedTo     string     `db:"forwarded_to" json:"forwarded_to"`
	Certificate     Certified  `db:"certificate" json:"certificate"`
	PackageFile     id.ID      `db:"package_file" json:"package_file"`
	PackageUntil    *time.Time `db:"package_until" json:"package_until"`
	LinkHash        []byte     `db:"link_hash" json:"-"`
	LinkExpiresAt   *time.Time `db:"link_expires_at" json:"link_expires_at"`
	LinkUsedAt      *time.Time `db:"link_used_at" json:"link_used_at"`
	ClosedAt        *time.Time `db:"closed_at" json:"closed_at"`
	Version         int        `db:"version" json:"version"`
	CreatedAt       time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt       time.Time  `db:"updated_at" json:"updated_at"`

	Partner id.ID `db:"-" json:"-"` // of the member who asked for themselves
}

// Subject returns who the request is about.
func (r Request) Subject() Subject {
	return Subject{Email: r.Email, Name: r.Name, Phone: r.Phone, Namesakes: r.Namesakes, Self: r.Source == selfService && !r.Namesakes}
}

// Open reports whether somebody still has to act.
func (r Request) Open() bool { return r.ClosedAt == nil }

// Verified reports whether it is on record that the subject is who they say.
func (r Request) Verified() bool { return r.IdentityAt != nil }

// CategoryName is the category of the line as people read it.
func (l PlanLine) CategoryName() string { return datamap.CategoryName(l.Category) }

// Plan says what an erasure will do, and to whom: the identifiers go when it is done.
type Plan struct {
	Lines     []PlanLine `json:"lines,omitempty"`
	Namesakes int        `json:"namesakes,omitempty"` // rows left alone because they may be about another person of the same name
	Made      *time.Time `json:"made,omitempty"`
	Refs      *Refs      `json:"refs,omitempty"`
}

// Total is how many rows the plan touches.
func (p Plan) Total() (n int) {
	for _, l := range p.Lines {
		if l.What != Keep {
			n += l.Rows
		}
	}
	return n
}

// PlanLine is what happens to the rows of one table.
type PlanLine struct {
	Category string `json:"category"`
	Table    string `json:"table"`
	What     What   `json:"what"`
	Rows     int    `json:"rows"`
	Reason   string `json:"reason"`
	Until    string `json:"until,omitempty"` // the last day, for what is kept; "" until further notice
}

// What happens to a row.
type What string

// Delete, anonymise, keep.
const (
	Delete    What = "delete"
	Anonymise What = "anonymise"
	Keep      What = "keep"
)

// Run is how far an execution has come; each chunk saves it together with what it did.
type Run struct {
	Ledger id.ID          `json:"ledger,omitzero"`
	Step   int            `json:"step,omitempty"`
	Table  string         `json:"table,omitempty"`
	After  []string       `json:"after,omitempty"`
	Done   int            `json:"done,omitempty"`
	Total  int            `json:"total,omitempty"`
	Counts map[string]int `json:"counts,omitempty"` // table → rows changed
	Kept   int            `json:"kept,omitempty"`
}

// Certified is the certificate of a finished request: Text is what was signed, Note the same with its signature.
type Certified struct {
	Text string `json:"text,omitempty"`
	Note string `json:"note,omitempty"`
}

// told is what the audit log says of a request: nothing about the subject, so that it need not be erased later.
type told struct {
	Kind       Kind       `db:"kind"`
	State      State      `db:"state"`
	Source     string     `db:"source"`
	DueAt      time.Time  `db:"due_at"`
	Identity   string     `db:"identity_how"`
	ApprovedAt *time.Time `db:"approved_at"`
	ClosedAt   *time.Time `db:"closed_at"`
}

func (r Request) told() told {
	return told{r.Kind, r.State, r.Source, r.DueAt, r.IdentityHow, r.ApprovedAt, r.ClosedAt}
}

func (r Request) object(who access.Actor) access.Object {
	if r.MemberID != id.Nil && r.MemberID == who.Member {
		return access.Object{Partner: who.Partner, Owner: r.MemberID}
	}
	return access.Object{Partner: r.Partner, Owner: r.MemberID}
}

var (
	errStale       = errs.New(errs.Stale, "privacy.stale", "Somebody else changed this request meanwhile. Look at it again.")
	errNotVerified = errs.New(errs.Conflict, "privacy.not_verified", "First record how the person's identity was checked. An e-mail address alone proves nothing.")
)

func wrongState(r Request, doing string) error {
	return errs.New(errs.Conflict, "privacy.state", "This request is %s, so it cannot be %s now.", r.State.Words(), doing)
}

// TableWords returns what people call what is in a table: "history of records".
func TableWords(table string) string { return datamap.TableWords(table) }

// Words returns the state as people read it.
func (s State) Words() string {
	return map[State]string{Received: "received", Verifying: "waiting for proof of identity", InProgress: "in progress", WaitingPartners: "waiting for partners",
		WaitingApproval: "waiting for a second approval", Executing: "being carried out", Done: "done", Refused: "refused", Withdrawn: "withdrawn", Forwarded: "forwarded"}[s]
}

// Words returns the kind as people read it.
func (k Kind) Words() string {
	return map[Kind]string{Access: "Access to personal data", Portability: "A copy to take along", Correction: "Correction", Erasure: "Erasure",
		Restriction: "Restriction of processing", Objection: "Objection"}[k]
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values
	}
	return string(b)
}
