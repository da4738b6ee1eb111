package identity

import (
	"context"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// Suspend shuts an active person out: their sessions here and their API keys end in the same transaction.
// NotFound, Forbidden "person.rank", Conflict "person.not_active", "person.last_admin", "person.self".
func (s *Service) Suspend(ctx context.Context, who access.Actor, member id.ID) (Member, error) {
	return s.shut(ctx, who, member, StatusSuspended)
}

// Remove ends a membership for good; what the person did stays on record. Errors as for Suspend.
func (s *Service) Remove(ctx context.Context, who access.Actor, member id.ID) (Member, error) {
	return s.shut(ctx, who, member, StatusRemoved)
}

func (s *Service) shut(ctx context.Context, who access.Actor, member id.ID, to string) (Member, error) {
	m, err := op.Write(ctx, s.ops, who, ActSuspend, func(tx *op.Tx) (Member, error) {
		old, err := s.handle(ctx, tx, member)
		if err != nil {
			return Member{}, err
		}
		if old.Status == StatusRemoved || to == StatusSuspended && old.Status != StatusActive {
			return Member{}, errs.New(errs.Conflict, "person.not_active", "This person is %s.", old.Status)
		}
		if err := guardAdmins(ctx, tx, old); err != nil {
			return Member{}, err
		}
		if old.ID == who.Member {
			return Member{}, errs.New(errs.Conflict, "person.self", "Nobody shuts themselves out. Ask another Admin.")
		}
		m := old
		m.Status, m.Version, m.UpdatedAt = to, old.Version+1, tx.Now
		if err := saveMember(ctx, tx, m); err != nil {
			return Member{}, err
		}
		if _, err := endSessions(ctx, tx, m.ID); err != nil {
			return Member{}, err
		}
		if err := endKeysAndInvites(ctx, tx, m.ID); err != nil {
			return Member{}, err
		}
		tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.PartnerID, Before: old, After: m, Note: to})
		return m, nil
	})
	s.Forget(member)
	return m, err
}

// RemoveIn ends a membership, of a person or a service, within another room's transaction, which asked the permission and tells
// what it did: sessions here, keys and invitations end with it. Conflict "person.last_admin", "person.not_active".
func RemoveIn(ctx context.Context, tx *op.Tx, member id.ID) (Member, error) {
	m, err := lockMember(ctx, tx, member)
	if err != nil {
		return m, err
	}
	if m.Status == StatusRemoved {
		return m, errs.New(errs.Conflict, "person.not_active", "This person is %s.", m.Status)
	}
	if err := guardAdmins(ctx, tx, m); err != nil {
		return m, err
	}
	m.Status, m.Version, m.UpdatedAt = StatusRemoved, m.Version+1, tx.Now
	if err := saveMember(ctx, tx, m); err != nil {
		return m, err
	}
	if _, err := endSessions(ctx, tx, m.ID); err != nil {
		return m, err
	}
	return m, endKeysAndInvites(ctx, tx, m.ID)
}

// Restore lets a suspended person in again. Keys and sessions that ended stay ended. Conflict "person.not_suspended".
func (s *Service) Restore(ctx context.Context, who access.Actor, member id.ID) (Member, error) {
	m, err := op.Write(ctx, s.ops, who, ActSuspend, func(tx *op.Tx) (Member, error) {
		old, err := s.handle(ctx, tx, member)
		if err != nil {
			return Member{}, err
		}
		if old.Status != StatusSuspended {
			return Member{}, errs.New(errs.Conflict, "person.not_suspended", "This person is %s.", old.Status)
		}
		m := old
		m.Status, m.Version, m.UpdatedAt = StatusActive, old.Version+1, tx.Now
		tx.Audit(audit.Change{Type: "member", ID: m.ID, Label: m.Name, Partner: m.PartnerID, Before: old, After: m, Note: "restored"})
		return m, saveMember(ctx, tx, m)
	})
	s.Forget(member)
	return m, err
}
