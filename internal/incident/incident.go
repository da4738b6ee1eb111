// Package incident is the register of incidents: what happened, the clocks that run from the moment it is confirmed, who is affected,
// what they were told, and what was learnt.
//
//	reported ──▶ assessing ──confirm──▶ confirmed ──▶ contained ──▶ resolved ──close──▶ closed
//	    │            │                     │
//	    └────────────┴──dismiss──▶ dismissed (no incident after all)
//	                                       └ here the clocks start
//
// Glossary: a clock is a deadline that a law or a contract sets; a template is the set of clocks of one law. Aware is the moment from
// which clocks count: when it was known with reasonable certainty that there is an incident.
//
// Invariants:
//
//  1. Clocks count elapsed hours in UTC from the moment of awareness, whatever summer time does; months are calendar months.
//  2. Each alarm of a clock (half and a quarter of the time left, four hours left, passed) is given once.
//  3. A notice goes out with its four parts (nature, likely impact, mitigation, contact) or not at all (check incident_notice_parts_ck),
//     and stays as it was sent; it is stamped against the clock that it stops.
//  4. An incident is closed when every clock was met or waived with a reason, and with a post-mortem of five fields
//     (check incident_postmortem_ck).
//  5. The timeline is append-only: no persona may change or delete an entry.
//  6. Who is affected is a snapshot: what is found later does not change who was told earlier.
package incident

import (
	"slices"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/op"
)

// The use cases of the room.
const (
	ActList    access.Action = "incident.list"
	ActRead    access.Action = "incident.read"
	ActReport  access.Action = "incident.report"
	ActNote    access.Action = "incident.note"
	ActAssess  access.Action = "incident.assess"
	ActAdvance access.Action = "incident.advance"
	ActClock   access.Action = "incident.clock"
	ActNotify  access.Action = "incident.notify"
	ActReview  access.Action = "incident.review"
	ActAlarm   access.Action = "incident.alarm"
)

// The states.
const (
	Reported  = "reported"
	Assessing = "assessing"
	Confirmed = "confirmed"
	Contained = "contained"
	Resolved  = "resolved"
	Closed    = "closed"
	Dismissed = "dismissed"
)

// Kinds and Severities are what an incident can be.
var (
	Kinds      = []string{"confidentiality", "integrity", "availability", "vulnerability", "other"}
	Severities = []string{"low", "medium", "high", "critical"}
	Risks      = []string{"none", "risk", "high"}
)

// steps says which state may follow which.
var steps = map[string][]string{
	Reported:  {Assessing, Confirmed, Dismissed},
	Assessing: {Confirmed, Dismissed},
	Confirmed: {Contained},
	Contained: {Resolved},
	Resolved:  {Closed},
}

// NextOf returns the states that may follow a state.
func NextOf(status string) []string { return slices.Clone(steps[status]) }

// Incident is one entry of the register.
type Incident struct {
	TenantID       id.ID      `db:"tenant_id" json:"tenant_id"`
	ID             id.ID      `db:"incident_id" json:"id"`
	Number         int        `db:"number" json:"number"`
	Title          string     `db:"title" json:"title"`
	Kind           string     `db:"kind" json:"kind"`
	Severity       string     `db:"severity" json:"severity"`
	Description    string     `db:"description" json:"description"`
	Status         string     `db:"status" json:"status"`
	DetectedAt     time.Time  `db:"detected_at" json:"detected_at"`
	AwareAt        *time.Time `db:"aware_at" json:"aware_at"`
	ContainedAt    *time.Time `db:"contained_at" json:"contained_at"`
	ResolvedAt     *time.Time `db:"resolved_at" json:"resolved_at"`
	ClosedAt       *time.Time `db:"closed_at" json:"closed_at"`
	ReportedBy     id.ID      `db:"reported_by" json:"reported_by"`
	ReportedByName string     `db:"reported_by_name" json:"reported_by_name"`
	Nature         string     `db:"nature" json:"nature"`
	Categories     []string   `db:"categories" json:"categories"`
	PeopleCount    *int64     `db:"people_count" json:"people_count"`
	RecordCount    *int64     `db:"record_count" json:"record_count"`
	Consequences   string     `db:"consequences" json:"consequences"`
	Measures       string     `db:"measures" json:"measures"`
	Risk           string     `db:"risk" json:"risk"`
	NotifyDecision string     `db:"notify_decision" json:"notify_decision"`
	NotifyReason   string     `db:"notify_reason" json:"notify_reason"`
	PMSummary      string     `db:"pm_summary" json:"pm_summary"`
	PMCause        string     `db:"pm_cause" json:"pm_cause"`
	PMImpact       string     `db:"pm_impact" json:"pm_impact"`
	PMResponse     string     `db:"pm_response" json:"pm_response"`
	PMLessons      string     `db:"pm_lessons" json:"pm_lessons"`
	Version        int        `db:"version" json:"version"`
	CreatedAt      time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt      time.Time  `db:"updated_at" json:"updated_at"`
}

// Open reports whether the incident still needs work.
func (i Incident) Open() bool { return i.Status != Closed && i.Status != Dismissed }

// Reviewed reports whether every field of the post-mortem is filled in.
func (i Incident) Reviewed() bool {
	return i.PMSummary != "" && i.PMCause != "" && i.PMImpact != "" && i.PMResponse != "" && i.PMLessons != ""
}

// Entry is one line of the timeline.
type Entry struct {
	TenantID   id.ID     `db:"tenant_id" json:"-"`
	ID         id.ID     `db:"entry_id" json:"id"`
	IncidentID id.ID     `db:"incident_id" json:"incident_id"`
	At         time.Time `db:"at" json:"at"`
	ByID       id.ID     `db:"by_id" json:"by_id"`
	ByName     string    `db:"by_name" json:"by_name"`
	Kind       string    `db:"kind" json:"kind"`
	Body       string    `db:"body" json:"body"`
}

// Affected is one partner, person or contact of the snapshot.
type Affected struct {
	ID        id.ID  `db:"affected_id" json:"id"`
	Kind      string `db:"kind" json:"kind"`
	RefID     id.ID  `db:"ref_id" json:"ref_id"`
	PartnerID id.ID  `db:"partner_id" json:"partner_id"`
	Name      string `db:"name" json:"name"`
	Email     string `db:"email" json:"email"`
	Records   int64  `db:"records" json:"records"`
	Why       string `db:"why" json:"why"`
}

// Notice is what the affected or the authority are told.
type Notice struct {
	TenantID   id.ID      `db:"tenant_id" json:"-"`
	ID         id.ID      `db:"notice_id" json:"id"`
	IncidentID id.ID      `db:"incident_id" json:"incident_id"`
	Recipient  string     `db:"recipient" json:"recipient"` // affected or authority
	Nature     string     `db:"nature" json:"nature"`
	Impact     string     `db:"impact" json:"impact"`
	Mitigation string     `db:"mitigation" json:"mitigation"`
	Contact    string     `db:"contact" json:"contact"`
	Status     string     `db:"status" json:"status"`
	SentAt     *time.Time `db:"sent_at" json:"sent_at"`
	SentByName string     `db:"sent_by_name" json:"sent_by_name"`
	MailingID  id.ID      `db:"mailing_id" json:"mailing_id"`
	Total      int        `db:"total" json:"recipients"`
	Done       int        `db:"done" json:"queued"`
	Version    int        `db:"version" json:"version"`
	CreatedAt  time.Time  `db:"created_at" json:"created_at"`
	UpdatedAt  time.Time  `db:"updated_at" json:"updated_at"`
}

// Action is something to do after an incident.
type Action struct {
	ID         id.ID      `db:"action_id" json:"id"`
	IncidentID id.ID      `db:"incident_id" json:"incident_id"`
	Body       string     `db:"body" json:"body"`
	OwnerID    id.ID      `db:"owner_id" json:"owner_id"`
	OwnerName  string     `db:"owner_name" json:"owner_name"`
	DueOn      time.Time  `db:"due_on" json:"due_on"`
	DoneAt     *time.Time `db:"done_at" json:"done_at"`
}

// Service runs the room's use cases.
type Service struct{ ops *op.Ops }

// New returns the room's service.
func New(o *op.Ops) *Service { return &Service{ops: o} }

func refused(err error) error {
	switch pg.Constraint(err) {
	case "incident_notice_parts_ck":
		return errs.New(errs.Conflict, "incident.parts", "A notice needs its four parts: nature, likely impact, mitigation and contact.")
	case "incident_notice_frozen_ck":
		return errs.New(errs.Conflict, "incident.sent", "This notice was sent and stays as it is.")
	case "incident_postmortem_ck":
		return errs.New(errs.Conflict, "incident.postmortem", "Fill in the whole post-mortem first.")
	case "incident_number_uq":
		return errs.New(errs.Conflict, "busy", "Somebody reported an incident at the same moment. Try again.")
	}
	return err
}

func stale() error {
	return errs.New(errs.Stale, "incident.stale", "Somebody changed this incident since you opened it. Read it again and repeat your change.")
}

func choice(bad *errs.Problems, name, v string, of []string) {
	if !slices.Contains(of, v) {
		bad.Add(name, "field.choice", "Choose one of the list.")
	}
}
