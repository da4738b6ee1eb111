package identity

import (
	"context"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/access/role"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

const inviteFor = 7 * 24 * time.Hour

// InviteInput is who is invited as what; Partner is Nil for the vendor's own people.
type InviteInput struct {
	Email   string
	Name    string
	Role    string
	Partner id.ID
}

// Invited is an invitation on its way. URL is told this once.
type Invited struct {
	ID     id.ID  `json:"id"` // the membership
	URL    string `json:"invitation_url"`
	Member Member `json:"-"`
}

// ToldOnce implements op.Once.
func (Invited) ToldOnce() {}

// Invite makes a membership for the person of an address and mails them a link that works once, for 7 days. An open
// invitation of the same person is replaced.
//
// Invalid with fields email, name, role, partner_id; Forbidden "person.rank" for a role the actor cannot give;
// Conflict "person.exists" for somebody who is in already, "person.suspended" for somebody who was shut out.
func (s *Service) Invite(ctx context.Context, who access.Actor, in InviteInput) (Invited, error) {
	if who.Persona == access.Partner && in.Partner == id.Nil {
		in.Partner = who.Partner
	}
	return op.Write(ctx, s.ops, who, ActInvite, func(tx *op.Tx) (Invited, error) {
		tx.About("partner", in.Partner)
		if err := tx.Allow(access.Object{Partner: in.Partner}); err != nil {
			return Invited{}, err
		}
		if err := in.check(ctx, tx); err != nil {
			return Invited{}, err
		}
		if !MayGive(who, in.Role) {
			return Invited{}, errs.New(errs.Forbidden, "person.rank", "You cannot invite somebody as %s.", role.Label(in.Role))
		}
		m, old, err := s.seat(ctx, tx, in)
		if err != nil {
			return Invited{}, err
		}
		return s.sendInvite(ctx, tx, m, old)
	})
}

// Reinvite sends a listed or invited person a new link; the older one stops working. Errors as for Invite, and NotFound.
func (s *Service) Reinvite(ctx context.Context, who access.Actor, member id.ID) (Invited, error) {
	return op.Write(ctx, s.ops, who, ActInvite, func(tx *op.Tx) (Invited, error) {
		old, err := s.handle(ctx, tx, member)
		if err != nil {
			return Invited{}, err
		}
		if old.Status != StatusListed && old.Status != StatusInvited {
			return Invited{}, exists(old.Status)
		}
		in := InviteInput{Email: old.Email, Name: old.Name, Role: old.Role, Partner: old.PartnerID}
		if err := in.check(ctx, tx); err != nil {
			return Invited{}, err
		}
		m := old
		if m.PersonID, err = personFor(ctx, tx, in.Email, in.Name); err != nil {
			return Invited{}, err
		}
		m.Status, m.Version, m.UpdatedAt = StatusInvited, old.Version+1, tx.Now
		if err := saveMember(ctx, tx, m); err != nil {
			return Invited{}, err
		}
		return s.sendInvite(ctx, tx, m, &old)
	})
}

func exists(status string) error {
	switch status {
	case StatusSuspended:
		return errs.New(errs.Conflict, "person.suspended", "This person is suspended. Restore them instead.")
	case StatusRemoved:
		return errs.New(errs.Conflict, "person.removed", "This person was removed. Invite their address again.")
	}
	return errs.New(errs.Conflict, "person.exists", "This person belongs here already.")
}

// values normalises what was typed and returns every value that nobody may have.
func (in *InviteInput) values() errs.Problems {
	var bad errs.Problems
	in.Name, in.Email = checkName(&bad, in.Name), checkEmail(&bad, in.Email)
	checkRole(&bad, in.Role)
	return bad
}

// Refused returns every value that Invite would refuse whoever asks, so that a door can tell them along with what it finds
// itself.
func (in InviteInput) Refused() []errs.Field { return in.values() }

// check normalises the input and refuses everything in it that cannot be.
func (in *InviteInput) check(ctx context.Context, tx *op.Tx) error {
	bad := in.values()
	if side := role.Persona(in.Role) == access.Partner; rank(in.Role) > 0 && side != (in.Partner != id.Nil) {
		msg := "Leave this empty: Admin and Staff belong to the vendor."
		if side {
			msg = "Name the partner company this person works for."
		}
		bad.Add("partner_id", "role.side", "%s", msg)
	}
	if in.Partner != id.Nil {
		_, status, err := partnerState(ctx, tx, in.Partner)
		switch {
		case errs.IsKind(err, errs.NotFound):
			bad.Add("partner_id", "field.unknown_object", "There is no such partner company.")
		case err != nil:
			return err
		case status == "suspended" || status == "ended":
			bad.Add("partner_id", "partner."+status, "This partner company is %s.", status)
		}
	}
	return errs.Refused(bad)
}

// seat finds or makes the membership of the invited person; old is nil when it is new.
func (s *Service) seat(ctx context.Context, tx *op.Tx, in InviteInput) (m Member, old *Member, err error) {
	person, err := personFor(ctx, tx, in.Email, in.Name)
	if err != nil {
		return m, nil, err
	}
	have, err := oneMember(ctx, tx, sqlSameMember, person, in.Partner)
	if errs.IsKind(err, errs.NotFound) {
		have, err = oneMember(ctx, tx, sqlListedMember, in.Email, in.Partner)
	}
	switch {
	case errs.IsKind(err, errs.NotFound):
		m = Member{ID: id.New(), Kind: "person", PersonID: person, PartnerID: in.Partner, Role: in.Role, Name: in.Name, Email: in.Email,
			Status: StatusInvited, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
		return m, nil, insertMember(ctx, tx, m, "", id.Nil)
	case err != nil:
		return m, nil, err
	case have.Status != StatusListed && have.Status != StatusInvited:
		return m, nil, exists(have.Status)
	case !MayGive(tx.Who, have.Role):
		return m, nil, errs.New(errs.Forbidden, "person.rank", "This person is invited as %s already, which you cannot change.", role.Label(have.Role))
	}
	m = have
	m.PersonID, m.Role, m.Name, m.Status, m.Version, m.UpdatedAt = person, in.Role, in.Name, StatusInvited, have.Version+1, tx.Now
	return m, &have, saveMember(ctx, tx, m)
}

// sendInvite makes the link, replaces older ones and queues the letter.
func (s *Service) sendInvite(ctx context.Context, tx *op.Tx, m Member, old *Member) (Invited, error) {
	token := secret()
	if err := replaceInvite(ctx, tx, m, digest(token), tx.Now.Add(inviteFor)); err != nil {
		return Invited{}, err
	}
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return Invited{}, err
	}
	change := audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.PartnerID, After: m}
	if old != nil {
		change.Before, change.Note = *old, "invited again; the earlier link stops working"
	}
	tx.Audit(change)
	url := s.link("/invitation", token)
	err = mail.Queue(ctx, tx, mail.Letter{Template: "person.invitation", To: m.Email, ToName: m.Name, Subject: "You are invited to " + set.Name, Link: url,
		ObjectType: "member", ObjectID: m.ID, Layout: mailer.Layout{Heading: "You are invited to " + set.Name,
			Paragraphs: []string{tx.Who.Name + " invites you to the partner programme of " + set.Name + " as " + role.Label(m.Role) + ".",
				"The link is for you alone. It works once, until " + tx.Now.Add(inviteFor).In(set.Location()).Format("2 January 2006") + "."},
			Button: mailer.Button{Label: "Accept the invitation"},
			Reason: "You get this mail because " + tx.Who.Name + " gave your address. If you do not know them, ignore it: nothing happens without you."}})
	return Invited{ID: m.ID, URL: url, Member: m}, err
}
