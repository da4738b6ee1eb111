package archive

import (
	"context"
	"fmt"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/identity"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/partner"
)

// The use cases of off-boarding.
const (
	ActEndPartner access.Action = "partner.end"
	ActLeave      access.Action = "person.leave"
)

// Handover is what an off-boarding does, before it is done or after.
type Handover struct {
	Name   string // of the partner or person
	Deals  int    // open ones, that change hands
	Kept   int    // decided and closed ones, that stay where they are
	People int    // who lose their access
	Keys   int    // API keys that end
}

// PreviewPartner says what EndPartner would do. NotFound.
func (s *Service) PreviewPartner(ctx context.Context, who access.Actor, v id.ID) (Handover, error) {
	return op.Read(ctx, s.ops, who, ActEndPartner, func(tx *op.Tx) (Handover, error) {
		p, err := partner.GetIn(ctx, tx, v)
		if err != nil {
			return Handover{}, err
		}
		h := Handover{Name: p.Name}
		err = countPartner(ctx, tx, v, &h)
		return h, err
	})
}

// EndPartner ends the relation to a partner company in one transaction: its open deals, with their protection, go to the successor
// or to the vendor, its people lose memberships, sessions, keys and invitations, and the partner is ended. What was decided stays
// with it, readable for the vendor; the periods of the policy that run from the end of the relation begin. Its status can be set
// back; people then have to be invited again.
//
// Errors: NotFound; Conflict "partner.ended"; Invalid with the field successor for a partner that does not exist or is not at work.
func (s *Service) EndPartner(ctx context.Context, who access.Actor, v, successor id.ID) (Handover, error) {
	return op.Write(ctx, s.ops, who, ActEndPartner, func(tx *op.Tx) (Handover, error) {
		tx.About("partner", v)
		p, err := partner.GetIn(ctx, tx, v)
		if err != nil {
			return Handover{}, err
		}
		if err := tx.Allow(p.Object()); err != nil {
			return Handover{}, err
		}
		if p.Status == "ended" {
			return Handover{}, errs.New(errs.Conflict, "partner.ended", "The relation to this partner has ended already.")
		}
		to := "the vendor"
		if successor != id.Nil {
			next, err := partner.GetIn(ctx, tx, successor)
			if err != nil || next.ID == v || next.Status != "active" && next.Status != "invited" {
				return Handover{}, errs.Refused([]errs.Field{{Name: "successor", Code: "field.unknown_object", Msg: "Choose another partner that is at work, or the vendor."}})
			}
			to = next.Name
		}
		h := Handover{Name: p.Name}
		if err := countPartner(ctx, tx, v, &h); err != nil {
			return h, err
		}
		moved, err := handDeals(ctx, tx, v, successor)
		if err != nil {
			return h, err
		}
		for _, d := range moved {
			tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: successor, Note: "handed over from " + p.Name + " to " + to})
		}
		people, err := membersOf(ctx, tx, v)
		if err != nil {
			return h, err
		}
		for _, m := range people {
			if _, err := identity.RemoveIn(ctx, tx, m); err != nil {
				return h, err
			}
		}
		ended, err := partner.EndIn(ctx, tx, v)
		if err != nil {
			return h, err
		}
		tx.Audit(audit.Change{Type: "partner", ID: v, Label: p.Name, Before: p, After: ended,
			Note: fmt.Sprintf("%d open deals to %s, %d people lost their access", len(moved), to, len(people))})
		return h, nil
	})
}

// PreviewLeaver says what Leaver would do. NotFound "person.not_found".
func (s *Service) PreviewLeaver(ctx context.Context, who access.Actor, v id.ID) (Handover, []identity.Member, error) {
	var colleagues []identity.Member
	h, err := op.Read(ctx, s.ops, who, ActLeave, func(tx *op.Tx) (Handover, error) {
		m, err := identity.MemberIn(ctx, tx, v)
		if err != nil {
			return Handover{}, err
		}
		h := Handover{Name: m.Name, People: 1}
		if err := countMember(ctx, tx, v, &h); err != nil {
			return h, err
		}
		colleagues, err = colleaguesOf(ctx, tx, m)
		return h, err
	})
	return h, colleagues, err
}

// Leaver takes a person out of the programme in one transaction: the deals they own go to a colleague of their side, or to nobody in
// particular, and membership, sessions here, keys, invitations and saved views end. Their account is kept as the policy keeps user
// accounts.
//
// Errors: NotFound "person.not_found"; Conflict "person.last_admin", "person.self", "person.not_active"; Forbidden "person.rank";
// Invalid with the field successor.
func (s *Service) Leaver(ctx context.Context, who access.Actor, v, successor id.ID) (Handover, error) {
	return op.Write(ctx, s.ops, who, ActLeave, func(tx *op.Tx) (Handover, error) {
		tx.About("member", v)
		m, err := identity.MemberIn(ctx, tx, v)
		if err != nil {
			return Handover{}, err
		}
		if err := tx.Allow(m.Object()); err != nil {
			return Handover{}, err
		}
		if m.ID == who.Member {
			return Handover{}, errs.New(errs.Conflict, "person.self", "Nobody shuts themselves out. Ask another Admin.")
		}
		if who.Kind != access.System && !identity.MayGive(who, m.Role) {
			return Handover{}, errs.New(errs.Forbidden, "person.rank", "You cannot take out somebody with this role.")
		}
		to := "nobody in particular"
		if successor != id.Nil {
			next, err := identity.MemberIn(ctx, tx, successor)
			if err != nil || next.ID == m.ID || next.PartnerID != m.PartnerID || next.Status != identity.StatusActive {
				return Handover{}, errs.Refused([]errs.Field{{Name: "successor", Code: "field.unknown_object", Msg: "Choose an active colleague of the same company."}})
			}
			to = next.Name
		}
		h := Handover{Name: m.Name, People: 1}
		if err := countMember(ctx, tx, v, &h); err != nil {
			return h, err
		}
		moved, err := handOwned(ctx, tx, v, successor)
		if err != nil {
			return h, err
		}
		for _, d := range moved {
			tx.Audit(audit.Change{Type: "deal", ID: d.ID, Label: d.Title, Partner: m.PartnerID, Note: "handed over from " + m.Name + " to " + to})
		}
		if err := dropViews(ctx, tx, v); err != nil {
			return h, err
		}
		gone, err := identity.RemoveIn(ctx, tx, v)
		if err != nil {
			return h, err
		}
		tx.Audit(audit.Change{Type: "member", ID: v, Label: m.Name, Partner: m.PartnerID, Before: m, After: gone, Note: fmt.Sprintf("left; %d open deals to %s", len(moved), to)})
		return h, nil
	})
}
