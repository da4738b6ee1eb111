package accountapi

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/account"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/id"
)

// Consent is a ground or an objection for one purpose on the wire.
type Consent struct {
	ID             id.ID      `json:"id"`
	Purpose        string     `json:"purpose" enum:"service,announcement,marketing,analytics,profiling"`
	Basis          string     `json:"basis" enum:"consent,contract,legal-obligation,vital-interest,public-task,legitimate-interest,objection" doc:"The ground of GDPR Article 6(1), or the objection of Article 21."`
	GivenAt        time.Time  `json:"given_at"`
	WithdrawnAt    *time.Time `json:"withdrawn_at,omitempty" doc:"Absent while it stands."`
	Source         string     `json:"source"`
	Wording        string     `json:"wording"`
	WordingVersion string     `json:"wording_version"`
	RecordedBy     string     `json:"recorded_by"`
}

func wireConsents(list []account.Consent) []Consent {
	out := make([]Consent, len(list))
	for i, c := range list {
		out[i] = Consent(c)
	}
	return out
}

// Consents are all that is on record of one contact.
type Consents struct {
	Items []Consent `json:"items"`
}

// ConsentRecord is what a contact said.
type ConsentRecord struct {
	Purpose        string `json:"purpose" enum:"service,announcement,marketing,analytics,profiling"`
	Basis          string `json:"basis" enum:"consent,contract,legal-obligation,vital-interest,public-task,legitimate-interest,objection,withdrawn" doc:"\"withdrawn\" only ends what stood."`
	Source         string `json:"source" minLength:"1" maxLength:"200" doc:"Where the person said so." example:"Form at the trade fair"`
	Wording        string `json:"wording,omitempty" maxLength:"2000" example:"Send me news about the partner programme." doc:"What the person agreed to; needed for a consent."`
	WordingVersion string `json:"wording_version,omitempty" maxLength:"40"`
}

type consentIn struct {
	ID   id.ID `path:"id"`
	Body ConsentRecord
}

func (in *consentIn) input() account.ConsentFacts {
	b := in.Body
	return account.ConsentFacts{Purpose: b.Purpose, Basis: b.Basis, Source: b.Source, Wording: b.Wording, WordingVersion: b.WordingVersion}
}

// Resolve implements huma.Resolver.
func (in *consentIn) Resolve(c huma.Context) []error { return door.Refused(c, in.input().Refused()) }

type consentsOut struct{ Body Consents }
