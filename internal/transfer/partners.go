package transfer

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/country"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/orgname"
	"entente.dev/internal/op"
	"entente.dev/internal/partner"
)

// partnerImport imports partner companies with their people: a row names a company and may name an agent and a partner admin
// of it. People are listed, not invited: nobody gets a mail. A company is known by its external id, else by its name; a person by
// company and e-mail address, else by company and name.
type partnerImport struct {
	w   *worker
	reg *register
	now partnerPlan
}

// partnerPlan is what one chunk makes and changes. Nothing of it is in the register until the chunk is settled.
type partnerPlan struct {
	reg      *register // what the chunk adds
	partners []*partnerRecord
	members  []*memberRecord
	oldP     []partnerRecord
	newP     []partnerRecord
	oldM     []memberRecord
	newM     []memberRecord
}

// undoPartner is what undo needs of a row that changed something.
type undoPartner struct {
	Partner *partnerRecord `json:"partner,omitempty"`
	Members []memberRecord `json:"members,omitempty"`
}

func (i *partnerImport) load(ctx context.Context, tx *op.Tx) error {
	partners, err := allPartners(ctx, tx)
	if err != nil {
		return err
	}
	members, err := allMembers(ctx, tx)
	i.reg = newRegister(partners, members)
	return err
}

func (i *partnerImport) settle() {
	for _, p := range i.now.partners {
		i.reg.addPartner(*p)
	}
	for _, m := range i.now.members {
		i.reg.addMember(*m)
	}
	for _, p := range i.now.newP {
		*i.reg.byID[p.ID.String()] = bumpPartner(p)
	}
	for _, m := range i.now.newM {
		for _, have := range i.reg.people(m.Name) {
			if have.ID == m.ID {
				if !m.Own {
					m.Version++
				}
				*have = m
				i.reg.byEmail[m.Email] = append(i.reg.byEmail[m.Email], have)
			}
		}
	}
	i.now = partnerPlan{}
}

func bumpPartner(p partnerRecord) partnerRecord {
	if !p.Own {
		p.Version++
	}
	return p
}

func (i *partnerImport) plan(_ context.Context, _ *op.Tx, rows []Row) ([]verdict, error) {
	i.w.cells.report(&i.w.report)
	i.now = partnerPlan{reg: newRegister(nil, nil)}
	out := make([]verdict, 0, len(rows))
	for n := range rows {
		out = append(out, i.row(&rows[n]))
	}
	if i.w.checking() || i.w.status == Committing {
		i.w.report.made("partners", len(i.now.partners))
		i.w.report.made("people", len(i.now.members))
	}
	return out, nil
}

func (i *partnerImport) row(row *Row) verdict {
	c, v := i.w.cells, verdict{row: row.No, outcome: Unchanged}
	raw, name, byMap := c.mapped(row, "partner")
	name = strings.Join(strings.Fields(name), " ")
	switch {
	case name == "":
		v.refuse(c.problem("partner", "", "partner.required", "Give the name of the partner company."))
	case len([]rune(name)) > 200:
		v.refuse(c.problem("partner", raw, "partner.too_long", "Keep the name within 200 characters."))
	}
	facts, bad := i.facts(row, name)
	v.problems = append(v.problems, bad...)
	agent, bad := i.person(row, "agent", role.Agent)
	v.problems = append(v.problems, bad...)
	manager, bad := i.person(row, "manager", role.Partner)
	if v.problems = append(v.problems, bad...); len(v.problems) > 0 {
		v.outcome = Refused
		return v
	}
	var undo undoPartner
	p, made, old := i.company(facts, c.raw(row, "external_id"))
	i.w.report.saw("partner", raw, func() Value {
		return Value{Target: p.Name, Known: !made || byMap, Suggestion: suggestOther(p.Name, i.reg.partnerNames())}
	})
	v.object = p.ID
	if made {
		v.outcome = Created
	} else if old != nil {
		v.outcome, undo.Partner = Updated, old
	}
	for _, who := range []*memberRecord{manager, agent} {
		if who == nil {
			continue
		}
		m, made, old := i.member(*who, p.ID, row.No)
		v.object = m.ID
		switch {
		case made:
			v.outcome = Created
		case old != nil && v.outcome == Unchanged:
			v.outcome = Updated
		}
		if old != nil {
			undo.Members = append(undo.Members, *old)
		}
	}
	if undo.Partner != nil || undo.Members != nil {
		v.before = undo
	}
	return v
}

// suggestOther is suggest without the name itself.
func suggestOther(name string, known []string) string {
	if s := suggest(name, known); s != name {
		return s
	}
	return ""
}

// facts reads what the row says about the company.
func (i *partnerImport) facts(row *Row, name string) (partnerRecord, []Problem) {
	c := i.w.cells
	var bad []Problem
	p := partnerRecord{Name: name, NameNorm: orgname.NormalName(name), ExternalID: c.raw(row, "external_id"), Domains: []string{}}
	if len(p.ExternalID) > 200 {
		bad = append(bad, c.problem("external_id", p.ExternalID, "external_id.too_long", "Keep the external id within 200 characters."))
	}
	if raw, kind, _ := c.mapped(row, "kind"); kind != "" {
		if p.Kind = strings.ToLower(kind); !slices.Contains(partner.Kinds, p.Kind) {
			bad = append(bad, c.problem("kind", raw, "kind.unknown", "Use one of %s, or map this value.", strings.Join(partner.Kinds, ", ")))
		}
	}
	region, wrong := c.text(row, "region", 100)
	if p.Region = region; wrong != nil {
		bad = append(bad, *wrong)
	}
	if c.raw(row, "country") != "" {
		p.Country = c.country(row, &i.w.report)
	}
	for _, d := range strings.FieldsFunc(c.raw(row, "domain"), func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' }) {
		reg, ok := orgname.Domain(d)
		switch {
		case !ok:
			bad = append(bad, c.problem("domain", d, "domain.malformed", "This is not a domain; write it like example.com."))
		case orgname.FreeMail(reg):
			bad = append(bad, c.problem("domain", d, "domain.free_mail", "This is a public mail provider, not the partner's own domain. Leave it empty."))
		case !slices.Contains(p.Domains, reg):
			p.Domains = append(p.Domains, reg)
		}
	}
	return p, bad
}

// person reads a person of the row, nil when it names none.
func (i *partnerImport) person(row *Row, field, roleName string) (*memberRecord, []Problem) {
	c := i.w.cells
	var bad []Problem
	name, wrong := c.text(row, field, 200)
	if wrong != nil {
		bad = append(bad, *wrong)
	}
	email := strings.ToLower(c.raw(row, field+"_email"))
	if email != "" {
		if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 254 {
			bad = append(bad, c.problem(field+"_email", email, "email.malformed", "Write the address like ada@example.com."))
		}
		if name == "" {
			name, _, _ = strings.Cut(email, "@")
		}
	}
	if name == "" {
		return nil, bad
	}
	return &memberRecord{Role: roleName, Name: name, Email: email, Status: "listed", Version: 1}, bad
}

// company finds or makes the row's company; old is the record it had, if the row changes it.
func (i *partnerImport) company(f partnerRecord, external string) (p *partnerRecord, made bool, old *partnerRecord) {
	for _, reg := range []*register{i.now.reg, i.reg} {
		if external != "" {
			p = reg.byID[external]
		}
		if p == nil {
			if p = reg.byName[orgname.SearchText(f.Name)]; p != nil && external != "" && p.ExternalID != "" && p.ExternalID != external {
				p = nil
			}
		}
		if p != nil {
			break
		}
	}
	if p == nil {
		f.ID, f.Version, f.Import = id.New(), 1, i.w.run.ID
		if f.Kind == "" {
			f.Kind = "reseller"
		}
		if f.Country == "" {
			f.Country, _ = country.Lookup(i.w.cells.mapping.Defaults.Country)
		}
		p = i.now.reg.addPartner(f)
		i.now.partners = append(i.now.partners, p)
		return p, true, nil
	}
	if i.w.cells.mapping.Options.Existing == ExistingKeep {
		return p, false, nil
	}
	fresh := *p
	fresh.fill(f)
	if fresh.equal(*p) {
		return p, false, nil
	}
	if k := slices.Index(i.now.partners, p); k >= 0 { // made by a row of this chunk: this row adds to it
		*p = fresh
		return p, false, nil
	}
	if k := slices.IndexFunc(i.now.newP, func(o partnerRecord) bool { return o.ID == p.ID }); k >= 0 {
		i.now.newP[k].fill(f)
		return p, false, nil
	}
	was := *p
	fresh.Own = p.Import == i.w.run.ID
	i.now.oldP, i.now.newP = append(i.now.oldP, was), append(i.now.newP, fresh)
	if fresh.Own {
		return p, false, nil
	}
	was.Version++
	return p, false, &was
}

// fill takes over what a row says; empty says nothing.
func (p *partnerRecord) fill(f partnerRecord) {
	for _, t := range []struct {
		to   *string
		from string
	}{{&p.Kind, f.Kind}, {&p.Country, f.Country}, {&p.Region, f.Region}, {&p.ExternalID, f.ExternalID}} {
		if t.from != "" {
			*t.to = t.from
		}
	}
	for _, d := range f.Domains {
		if !slices.Contains(p.Domains, d) {
			p.Domains = append(slices.Clone(p.Domains), d)
		}
	}
}

func (p partnerRecord) equal(q partnerRecord) bool {
	return p.Kind == q.Kind && p.Country == q.Country && p.Region == q.Region && p.ExternalID == q.ExternalID && slices.Equal(p.Domains, q.Domains)
}

// member finds or lists a person of a company; old is the record it had, if the row adds the address of somebody listed.
func (i *partnerImport) member(f memberRecord, company id.ID, row int) (m *memberRecord, made bool, old *memberRecord) {
	f.Partner = company
	for _, reg := range []*register{i.now.reg, i.reg} {
		var list []*memberRecord
		if f.Email != "" {
			list = at(reg.people(f.Email), company)
		}
		if len(list) == 0 {
			list = slices.DeleteFunc(at(reg.people(f.Name), company), func(o *memberRecord) bool { return f.Email != "" && o.Email != "" && o.Email != f.Email })
		}
		if len(list) > 0 {
			m = list[0]
			break
		}
	}
	if m == nil {
		for _, reg := range []*register{i.now.reg, i.reg} {
			if elsewhere := reg.people(f.Name); len(elsewhere) > 0 && elsewhere[0].Partner != company {
				i.w.report.warn("", "person.twice", fmt.Sprintf("%s is also somebody of another company; the two are kept apart.", f.Name), row)
				break
			}
		}
		f.ID, f.Import = id.New(), i.w.run.ID
		m = i.now.reg.addMember(f)
		i.now.members = append(i.now.members, m)
		return m, true, nil
	}
	if m.Role != f.Role && m.Status == "listed" {
		i.w.report.warn("", "person.role", fmt.Sprintf("%s is named as %s and stands as %s; the role stays.", f.Name, f.Role, m.Role), row)
	}
	if f.Email == "" || m.Email != "" || m.Status != "listed" || slices.Contains(i.now.members, m) || i.w.cells.mapping.Options.Existing == ExistingKeep {
		return m, false, nil
	}
	if slices.ContainsFunc(i.now.newM, func(o memberRecord) bool { return o.ID == m.ID }) {
		return m, false, nil
	}
	was, fresh := *m, *m
	fresh.Email, fresh.Own = f.Email, m.Import == i.w.run.ID
	i.now.oldM, i.now.newM = append(i.now.oldM, was), append(i.now.newM, fresh)
	if fresh.Own {
		return m, false, nil
	}
	was.Version++
	return m, false, &was
}

func (i *partnerImport) write(ctx context.Context, tx *op.Tx) error {
	n := i.now
	partners := make([]partnerRecord, 0, len(n.partners))
	for _, p := range n.partners {
		partners = append(partners, *p)
		tx.Audit(audit.Change{Type: "partner", ID: p.ID, Label: p.Name, Partner: p.ID, After: p})
	}
	members := make([]memberRecord, 0, len(n.members))
	for _, m := range n.members {
		members = append(members, *m)
		tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.Partner, After: m, Note: "listed"})
	}
	for k, p := range n.newP {
		tx.Audit(audit.Change{Type: "partner", ID: p.ID, Label: p.Name, Partner: p.ID, Before: n.oldP[k], After: p})
	}
	for k, m := range n.newM {
		tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.Partner, Before: n.oldM[k], After: m})
	}
	if err := addPartners(ctx, tx, i.w.run.ID, partners); err != nil {
		return err
	}
	if err := addMembers(ctx, tx, i.w.run.ID, members); err != nil {
		return err
	}
	doneP, err := setPartners(ctx, tx, n.newP)
	if err != nil {
		return err
	}
	doneM, err := setMembers(ctx, tx, n.newM)
	if err == nil && (len(doneP) != len(n.newP) || len(doneM) != len(n.newM)) {
		err = errs.New(errs.Conflict, "busy", "Somebody changed a partner or a person at the same moment.")
	}
	return err
}
