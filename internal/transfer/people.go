package transfer

import (
	"slices"
	"strings"

	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
)

// register finds partner companies and people by what rows say. It holds what stands in the database and what the rows before
// have added.
type register struct {
	partners []*partnerRecord
	byName   map[string]*partnerRecord // as written, folded
	byNorm   map[string][]*partnerRecord
	byID     map[string]*partnerRecord // external id or id
	members  map[string][]*memberRecord
	byEmail  map[string][]*memberRecord
	nameOf   map[id.ID]string
	names    []string // of members
}

func newRegister(partners []partnerRecord, members []memberRecord) *register {
	r := &register{byName: map[string]*partnerRecord{}, byNorm: map[string][]*partnerRecord{}, byID: map[string]*partnerRecord{},
		members: map[string][]*memberRecord{}, byEmail: map[string][]*memberRecord{}, nameOf: map[id.ID]string{}}
	for _, p := range partners {
		r.addPartner(p)
	}
	for _, m := range members {
		r.addMember(m)
	}
	return r
}

func (r *register) addPartner(p partnerRecord) *partnerRecord {
	v := &p
	r.partners = append(r.partners, v)
	if name := orgname.SearchText(p.Name); r.byName[name] == nil {
		r.byName[name] = v
	}
	r.byNorm[p.NameNorm] = append(r.byNorm[p.NameNorm], v)
	r.byID[p.ID.String()] = v
	if p.ExternalID != "" {
		r.byID[p.ExternalID] = v
	}
	return v
}

func (r *register) addMember(m memberRecord) *memberRecord {
	v := &m
	name := orgname.SearchText(m.Name)
	if len(r.members[name]) == 0 {
		r.names = append(r.names, m.Name)
	}
	r.members[name] = append(r.members[name], v)
	r.nameOf[m.ID] = m.Name
	if m.Email != "" {
		r.byEmail[m.Email] = append(r.byEmail[m.Email], v)
	}
	return v
}

// partner returns the company that s names: by its id or external id, as written, or the only one so normalised.
func (r *register) partner(s string) *partnerRecord {
	if p := r.byID[s]; p != nil {
		return p
	}
	if p := r.byName[orgname.SearchText(s)]; p != nil {
		return p
	}
	if same := r.byNorm[orgname.NormalName(s)]; len(same) == 1 {
		return same[0]
	}
	return nil
}

func (r *register) partnerNames() []string {
	out := make([]string, len(r.partners))
	for i, p := range r.partners {
		out[i] = p.Name
	}
	return out
}

// people returns who s names, by e-mail address or by name.
func (r *register) people(s string) []*memberRecord {
	if strings.Contains(s, "@") {
		return r.byEmail[strings.ToLower(s)]
	}
	return r.members[orgname.SearchText(s)]
}

// at returns the people of a company, and with vendor those of the vendor's side.
func at(list []*memberRecord, company id.ID) []*memberRecord {
	return slices.DeleteFunc(slices.Clone(list), func(m *memberRecord) bool { return m.Partner != company })
}
