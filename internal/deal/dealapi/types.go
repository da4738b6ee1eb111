package dealapi

import (
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

// Deal is a registration on the wire. What is the vendor's own is left out for a partner's people.
type Deal struct {
	ID              id.ID      `json:"id"`
	Title           string     `json:"title" example:"ERP for Northwind"`
	State           string     `json:"state" enum:"draft,submitted,returned,approved,rejected,withdrawn,won,lost,expired"`
	StageID         id.ID      `json:"stage_id"`
	Stage           string     `json:"stage" example:"Qualify"`
	PartnerID       id.ID      `json:"partner_id,omitzero" doc:"Left out for the vendor's own pursuits."`
	Partner         string     `json:"partner"`
	OwnerID         id.ID      `json:"owner_id,omitzero"`
	Owner           string     `json:"owner"`
	AccountID       id.ID      `json:"account_id,omitzero" doc:"Left out when no customer was named."`
	Account         Account    `json:"account"`
	AmountMinor     *int64     `json:"amount_minor" doc:"In the currency's minor unit (cents), null when unknown." example:"125000"`
	Currency        string     `json:"currency" doc:"ISO 4217." example:"EUR"`
	Product         string     `json:"product"`
	ExpectedCloseOn *string    `json:"expected_close_on" format:"date" example:"2026-09-30"`
	SubmittedAt     *time.Time `json:"submitted_at"`
	DecidedAt       *time.Time `json:"decided_at"`
	DecidedBy       id.ID      `json:"decided_by,omitzero" doc:"Only the vendor sees it."`
	ProtectedUntil  *time.Time `json:"protected_until" doc:"Until when the customer is held for this deal."`
	ClosedOn        *string    `json:"closed_on" format:"date"`
	ReasonCode      string     `json:"reason_code"`
	Reason          string     `json:"reason"`
	Answer          string     `json:"answer" enum:",free,taken,look" doc:"What was found when the deal was submitted."`
	Source          string     `json:"source" enum:"portal,api,import,vendor,demo"`
	ExternalID      *string    `json:"external_id" doc:"The record's id in another system, null for none."`
	ClaimKey        string     `json:"claim_key,omitempty" doc:"Who the customer is for the purpose of protection; only the vendor sees it."`
	CreatedBy       id.ID      `json:"created_by,omitzero" doc:"Only the vendor sees it."`
	ImportID        id.ID      `json:"import_id,omitzero" doc:"The import that made the record; only the vendor sees it."`
	Version         int        `json:"version" doc:"Also the ETag."`
	CreatedAt       time.Time  `json:"created_at"`
	UpdatedAt       time.Time  `json:"updated_at"`
}

// Account is the end customer as the deal names it.
type Account struct {
	Name    string `json:"name,omitempty" maxLength:"200" example:"Northwind Traders"`
	Domain  string `json:"domain,omitempty" maxLength:"500" doc:"A domain, a web address or an e-mail address; the registrable domain is kept." example:"northwind.example"`
	Country string `json:"country,omitempty" maxLength:"100" doc:"ISO 3166-1 alpha-2 or the country's English name." example:"DE"`
}

func wire(who access.Actor, d *deal.Deal) Deal {
	out := Deal{ID: d.ID, Title: d.Title, State: string(d.State), StageID: d.Stage, Stage: d.StageName, PartnerID: d.Partner, Partner: d.PartnerName,
		OwnerID: d.Owner, Owner: d.OwnerName, AccountID: d.Account, Account: Account{d.AccountName, d.AccountDomain, d.AccountCountry},
		AmountMinor: d.AmountMinor, Currency: d.Currency, Product: d.Product, ExpectedCloseOn: day(d.ExpectedCloseOn), SubmittedAt: d.SubmittedAt,
		DecidedAt: d.DecidedAt, ProtectedUntil: d.ProtectedUntil, ClosedOn: day(d.ClosedOn), ReasonCode: d.ReasonCode, Reason: d.Reason,
		Answer: string(d.Answer), Source: d.Source, Version: d.Version, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt}
	if d.ExternalID != "" {
		out.ExternalID = &d.ExternalID
	}
	if who.Persona != access.Partner {
		out.DecidedBy, out.ClaimKey, out.CreatedBy, out.ImportID = d.DecidedBy, d.ClaimKey, d.CreatedBy, d.Import
	}
	return out
}

func day(d deal.Day) *string {
	if d == "" {
		return nil
	}
	s := string(d)
	return &s
}

// Facts are what a caller may say of a deal in both ways of writing it.
type Facts struct {
	OwnerID         *id.ID   `json:"owner_id,omitempty" doc:"Who looks after it; the caller when a partner's person registers and says nothing."`
	Account         *Account `json:"account,omitempty" doc:"The end customer; found among the known ones or added."`
	AccountID       *id.ID   `json:"account_id,omitempty" doc:"The end customer by id, instead of account."`
	AmountMinor     *int64   `json:"amount_minor,omitempty" minimum:"0" maximum:"1000000000000000" example:"125000"`
	Currency        *string  `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; the programme's when left out." example:"EUR"`
	ExpectedCloseOn *string  `json:"expected_close_on,omitempty" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$" patternDescription:"a date as year-month-day, such as 2026-03-28; empty takes it away"`
	Product         *string  `json:"product,omitempty" maxLength:"120"`
	ExternalID      *string  `json:"external_id,omitempty" maxLength:"200" doc:"Unique among the deals that your side named; empty takes it away."`
}

type createIn struct {
	Body struct {
		Title     string `json:"title" minLength:"1" maxLength:"200" example:"ERP for Northwind"`
		PartnerID id.ID  `json:"partner_id,omitzero" doc:"Only the vendor names it; left out it is the vendor's own pursuit. A partner's people always register for their own company."`
		Facts
	}
}

func (in *createIn) input() deal.CreateInput {
	b := &in.Body
	out := deal.CreateInput{Title: b.Title, Partner: b.PartnerID, AmountMinor: b.AmountMinor, Source: "api"}
	if b.Account != nil {
		out.Account = deal.AccountFacts(*b.Account)
	}
	set(&out.Owner, b.OwnerID)
	set(&out.AccountID, b.AccountID)
	set(&out.Currency, b.Currency)
	set((*string)(&out.ExpectedCloseOn), b.ExpectedCloseOn)
	set(&out.Product, b.Product)
	set(&out.ExternalID, b.ExternalID)
	return out
}

// Resolve implements huma.Resolver: what the room would refuse is told along with what the schema refuses.
func (in *createIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

// Resolve implements huma.Resolver.
func (in *updateIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

func set[T any](dst, v *T) {
	if v != nil {
		*dst = *v
	}
}

type updateIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body struct {
		Title *string `json:"title,omitempty" minLength:"1" maxLength:"200"`
		Facts
	}
}

func (in *updateIn) input() deal.UpdateInput {
	b := &in.Body
	return deal.UpdateInput{ID: in.ID, Version: in.Version, Title: b.Title, Owner: b.OwnerID, Account: (*deal.AccountFacts)(b.Account), AccountID: b.AccountID,
		AmountMinor: b.AmountMinor, Currency: b.Currency, ExpectedCloseOn: (*deal.Day)(b.ExpectedCloseOn), Product: b.Product, ExternalID: b.ExternalID}
}

// Words are what goes with a step.
type Words struct {
	Reason string `json:"reason,omitempty" maxLength:"2000" doc:"Shown to the other side."`
	Note   string `json:"note,omitempty" maxLength:"10000" doc:"Kept as a note: internal when the vendor's people write it, shared otherwise."`
}

type stepIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body *Words
}

func (in *stepIn) step() deal.Step {
	out := deal.Step{ID: in.ID, Version: in.Version}
	if in.Body != nil {
		out.Note = in.Body.Note
	}
	return out
}

// plain is for steps that have no reason of their own: one that is given is kept as a note.
func (in *stepIn) plain() deal.Step {
	out := in.step()
	if in.Body != nil {
		out.Note = strings.TrimSpace(in.Body.Reason + "\n\n" + in.Body.Note)
	}
	return out
}

func (in *stepIn) reason() string {
	if in.Body == nil {
		return ""
	}
	return in.Body.Reason
}

type rejectIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body *struct {
		ReasonCode string `json:"reason_code,omitempty" enum:"duplicate,existing_customer,direct_pursuit,not_qualified,incomplete,outside_programme,other" doc:"other when left out; a reason is needed then."`
		Words
	}
}

func (in *rejectIn) input() deal.RejectInput {
	out := deal.RejectInput{Step: deal.Step{ID: in.ID, Version: in.Version}}
	if in.Body == nil {
		return out
	}
	out.Note, out.Code, out.Reason = in.Body.Note, in.Body.ReasonCode, in.Body.Reason
	if out.Code == "" && deal.RejectLabel(out.Reason) != "" {
		out.Code = out.Reason
	}
	return out
}

type closeIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body *struct {
		ClosedOn string `json:"closed_on,omitempty" format:"date" doc:"Today in the programme's time zone when left out."`
		Words
	}
}

func (in *closeIn) parts() (step deal.Step, on deal.Day, reason string) {
	step = deal.Step{ID: in.ID, Version: in.Version}
	if in.Body != nil {
		step.Note, on, reason = in.Body.Note, deal.Day(in.Body.ClosedOn), in.Body.Reason
	}
	return step, on, reason
}

type moveIn struct {
	door.IfMatch
	ID   id.ID `path:"id"`
	Body struct {
		StageID id.ID  `json:"stage_id"`
		Reason  string `json:"reason,omitempty" maxLength:"2000" doc:"Counts only for the stage of lost deals."`
	}
}

type oneIn struct {
	ID id.ID `path:"id"`
}

type out struct {
	ETag string `header:"ETag"`
	Body Deal
}

type listIn struct {
	State       string `query:"state" enum:"draft,submitted,returned,approved,rejected,withdrawn,won,lost,expired"`
	Stage       string `query:"stage" maxLength:"60" doc:"A stage's id or name."`
	PartnerID   id.ID  `query:"partner_id"`
	OwnerID     id.ID  `query:"owner_id"`
	AccountID   id.ID  `query:"account_id"`
	Account     string `query:"account" enum:"none" doc:"none: only deals without a customer."`
	Currency    string `query:"currency" maxLength:"3"`
	Q           string `query:"q" maxLength:"100" doc:"A part of title, customer, domain or product; one or two characters are looked for at the beginnings of words."`
	CreatedFrom string `query:"created_from" format:"date"`
	CreatedTo   string `query:"created_to" format:"date"`
	CloseFrom   string `query:"close_from" format:"date" doc:"Of expected_close_on."`
	CloseTo     string `query:"close_to" format:"date"`
	AmountMin   int64  `query:"amount_min" minimum:"0" maximum:"1000000000000000" doc:"In minor units."`
	AmountMax   int64  `query:"amount_max" minimum:"0" maximum:"1000000000000000" doc:"In minor units; 0 does not count."`
	Sort        string `query:"sort" enum:"-created,created,-amount,amount,close,-close" default:"-created"`
	Limit       int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor      string `query:"cursor" maxLength:"8192" doc:"next_cursor of the page before."`
}

func (in *listIn) query() deal.Query {
	q := deal.Query{State: deal.State(in.State), Stage: in.Stage, Partner: in.PartnerID, Owner: in.OwnerID, Account: in.AccountID, NoAccount: in.Account == "none",
		Currency: in.Currency, Q: in.Q, CreatedFrom: deal.Day(in.CreatedFrom), CreatedTo: deal.Day(in.CreatedTo), CloseFrom: deal.Day(in.CloseFrom),
		CloseTo: deal.Day(in.CloseTo), Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor}
	if in.AmountMin > 0 {
		q.MinMinor = &in.AmountMin
	}
	if in.AmountMax > 0 {
		q.MaxMinor = &in.AmountMax
	}
	return q
}

// Page is one page of deals.
type Page struct {
	Items      []Deal `json:"items"`
	NextCursor string `json:"next_cursor" doc:"Send it as cursor for the next page; empty on the last."`
}

type pageOut struct{ Body Page }

// Note is something somebody wrote on a deal.
type Note struct {
	ID         id.ID     `json:"id"`
	AuthorID   id.ID     `json:"author_id,omitzero"`
	Author     string    `json:"author"`
	AuthorSide string    `json:"author_side" enum:"vendor,partner"`
	Internal   bool      `json:"internal" doc:"For the vendor's people only."`
	Body       string    `json:"body"`
	CreatedAt  time.Time `json:"created_at"`
}

func wireNote(n deal.Note) Note {
	return Note{n.ID, n.Author, n.AuthorName, n.AuthorSide, n.Internal, n.Body, n.CreatedAt.UTC()}
}

type noteIn struct {
	ID   id.ID `path:"id"`
	Body struct {
		Body     string `json:"body" minLength:"1" maxLength:"10000"`
		Internal bool   `json:"internal,omitempty" doc:"Keep it from the partner; a partner's own notes are always shared."`
	}
}

type noteOut struct{ Body Note }

type notesOut struct {
	Body struct {
		Items []Note `json:"items" doc:"Newest first, at most 200."`
	}
}

type checkIn struct {
	Body struct {
		Domain  string `json:"domain,omitempty" maxLength:"500" example:"northwind.example"`
		Name    string `json:"name,omitempty" maxLength:"200"`
		Country string `json:"country,omitempty" maxLength:"100"`
	}
}

type checkOut struct {
	Body struct {
		Answer string `json:"answer" enum:"free,taken,look"`
	}
}
