package archive

import (
	"context"
	"encoding/json"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// The use cases of leaving.
const (
	ActDelete access.Action = "tenant.delete"
	ActKeep   access.Action = "tenant.keep"
	ActClose  access.Action = "tenant.close"
	ActPurge  access.Action = "tenant.purge"
)

// The states of a departure.
const (
	Asked     = "asked"
	Closing   = "closing"
	Purging   = "purging"
	Done      = "done"
	TakenBack = "taken_back"
)

// Departure is how a programme leaves.
type Departure struct {
	ID          id.ID           `db:"departure_id" json:"id"`
	State       string          `db:"state" json:"state"`
	Reason      string          `db:"reason" json:"reason"`
	AtOnce      bool            `db:"at_once" json:"at_once"`
	AskedBy     id.ID           `db:"asked_by" json:"asked_by"`
	AskedName   string          `db:"asked_by_name" json:"asked_by_name"`
	AskedAt     time.Time       `db:"asked_at" json:"asked_at"`
	AgreedBy    id.ID           `db:"agreed_by" json:"agreed_by"`
	AgreedName  string          `db:"agreed_by_name" json:"agreed_by_name"`
	AgreedAt    *time.Time      `db:"agreed_at" json:"agreed_at"`
	PurgeAfter  *time.Time      `db:"purge_after" json:"purge_after"` // it closes and is erased from then on
	ClosedAt    *time.Time      `db:"closed_at" json:"closed_at"`
	Step        string          `db:"step" json:"step"` // of the purge: the table it is at, or what it waits for
	Counts      json.RawMessage `db:"counts" json:"counts"`
	Kept        json.RawMessage `db:"kept" json:"kept"`
	Certificate string          `db:"certificate" json:"certificate"`
	FinishedAt  *time.Time      `db:"finished_at" json:"finished_at"`
	ToldAt      *time.Time      `db:"told_at" json:"told_at"`
	Version     int             `db:"version" json:"version"`
}

// DeleteInput is what somebody says who wants the programme gone.
type DeleteInput struct {
	Slug   string // typed again, so that nobody deletes the wrong programme
	Reason string
	AtOnce bool // the operator's: no time to think it over
}

// check refuses what the running transaction's programme may not be deleted with.
func (in *DeleteInput) check(set tenant.Settings) error {
	var p errs.Problems
	if in.Slug != set.Slug {
		p.Add("slug", "tenant.slug_wrong", "Type %s, the short name of this programme.", set.Slug)
	}
	if in.Reason = p.Text("reason", in.Reason, 1000); in.Reason == "" {
		p.Add("reason", "field.required", "Say why; it stands on the certificate's record until the programme is gone.")
	}
	return errs.Refused(p)
}

// Delete asks for the programme to be deleted. Where another Admin is at work, one of them has to agree (Agree) before anything
// happens; otherwise, and when the operator asks, the programme is closing from now on: people read and export, nothing changes,
// and Keep takes it back until the day of Departure.PurgeAfter.
//
// Errors: Invalid with the fields slug and reason; Conflict "tenant.leaving" when it is on its way already.
func (s *Service) Delete(ctx context.Context, who access.Actor, in DeleteInput) (Departure, error) {
	return op.Write(ctx, s.ops, who, ActDelete, func(tx *op.Tx) (Departure, error) {
		set, err := lockTenant(ctx, tx)
		if err != nil {
			return Departure{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Departure{}, err
		}
		if err := in.check(set); err != nil {
			return Departure{}, err
		}
		if _, open, err := openDeparture(ctx, tx); err != nil || open || set.Status != tenant.Active && set.Status != tenant.Suspended {
			return Departure{}, firstErr(err, errs.New(errs.Conflict, "tenant.leaving", "This programme is on its way out already."))
		}
		operator := who.Kind == access.System
		d := Departure{ID: id.New(), State: Asked, Reason: in.Reason, AtOnce: in.AtOnce && operator, AskedBy: who.Member, AskedName: who.Name, AskedAt: tx.Now, Version: 1}
		if who.Kind == access.Service { // a key is the hand of who made it, who then does not agree
			if d.AskedBy, err = hand(ctx, tx, who.Credential); err != nil {
				return d, err
			}
		}
		admins, err := admins(ctx, tx)
		if err != nil {
			return d, err
		}
		if err := insertDeparture(ctx, tx, d); err != nil {
			return d, err
		}
		tx.Audit(audit.Change{Type: "tenant", ID: set.ID, Label: set.Name, Note: in.Reason})
		if !operator && len(admins) > 1 {
			return d, s.tell(ctx, tx, admins, who.Member, "The deletion of "+set.Name+" was asked for",
				who.Name+" asked for this programme to be deleted. Another Admin has to agree before anything happens.", "See it under Settings, Leaving")
		}
		return s.begin(ctx, tx, set, d, admins)
	})
}

// Agree lets a deletion that somebody else asked for begin. Conflict "tenant.own_request" for who asked, "tenant.not_asked" when
// there is nothing to agree to; Forbidden "tenant.person" for who is no person. What a key asked for, its maker does not agree to.
func (s *Service) Agree(ctx context.Context, who access.Actor) (Departure, error) {
	return op.Write(ctx, s.ops, who, ActDelete, func(tx *op.Tx) (Departure, error) {
		set, err := lockTenant(ctx, tx)
		if err != nil {
			return Departure{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Departure{}, err
		}
		d, open, err := openDeparture(ctx, tx)
		switch {
		case err != nil:
			return d, err
		case !open || d.State != Asked:
			return d, errs.New(errs.Conflict, "tenant.not_asked", "Nobody asked for this programme to be deleted.")
		case who.Member == d.AskedBy:
			return d, errs.New(errs.Conflict, "tenant.own_request", "You asked for it yourself: another Admin has to agree.")
		case who.Kind != access.Person:
			return d, errs.New(errs.Forbidden, "tenant.person", "A person has to agree, signed in. A key cannot.")
		}
		d.AgreedBy, d.AgreedName = who.Member, who.Name
		tx.Audit(audit.Change{Type: "tenant", ID: set.ID, Label: set.Name, Note: "agreed"})
		all, err := admins(ctx, tx)
		if err != nil {
			return d, err
		}
		return s.begin(ctx, tx, set, d, all)
	})
}

// begin closes the programme to change and says until when it can come back.
func (s *Service) begin(ctx context.Context, tx *op.Tx, set tenant.Settings, d Departure, admins []address) (Departure, error) {
	d.State, d.AgreedAt = Closing, &tx.Now
	day, err := purgeAfter(ctx, tx, d.AtOnce)
	if err != nil {
		return d, err
	}
	d.PurgeAfter = &day
	if err := beginDeparture(ctx, tx, d); err != nil {
		return d, err
	}
	return d, s.tell(ctx, tx, admins, id.Nil, set.Name+" will be deleted on "+day.UTC().Format("2 January 2006"),
		"This programme is closing. Until "+day.UTC().Format("2 January 2006, 15:04 MST")+" everybody can sign in, read and export, nothing can be changed, and an Admin can take the deletion back. Then it is erased for good; you get a certificate.",
		"See it under Settings, Leaving")
}

// Keep takes a deletion back: the programme is at work again. Conflict "tenant.not_asked" when it is not on its way out, or
// beyond the point where it can come back.
func (s *Service) Keep(ctx context.Context, who access.Actor) (Departure, error) {
	return op.Write(ctx, s.ops, who, ActKeep, func(tx *op.Tx) (Departure, error) {
		set, err := lockTenant(ctx, tx)
		if err != nil {
			return Departure{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Departure{}, err
		}
		d, open, err := openDeparture(ctx, tx)
		if err != nil || !open || d.State == Purging {
			return d, firstErr(err, errs.New(errs.Conflict, "tenant.not_asked", "There is no deletion that could be taken back."))
		}
		d.State = TakenBack
		tx.Audit(audit.Change{Type: "tenant", ID: set.ID, Label: set.Name, Note: "the deletion was taken back"})
		if err := takeBack(ctx, tx, d); err != nil {
			return d, err
		}
		all, err := admins(ctx, tx)
		if err != nil {
			return d, err
		}
		return d, s.tell(ctx, tx, all, who.Member, set.Name+" stays", who.Name+" took the deletion of this programme back. It is at work again.", "Open it")
	})
}

// Hasten moves the day of a programme that is closing to now. It is the operator's.
func (s *Service) Hasten(ctx context.Context, who access.Actor) (Departure, error) {
	return op.Write(ctx, s.ops, who, ActClose, func(tx *op.Tx) (Departure, error) {
		set, err := lockTenant(ctx, tx)
		if err != nil {
			return Departure{}, err
		}
		if err := tx.Allow(access.Object{}); err != nil {
			return Departure{}, err
		}
		d, open, err := openDeparture(ctx, tx)
		if err != nil || !open || d.State == Purging {
			return d, firstErr(err, errs.New(errs.Conflict, "tenant.not_asked", "There is no deletion that could be brought forward."))
		}
		d.AgreedAt, d.PurgeAfter, d.State = &tx.Now, &tx.Now, Closing
		tx.Audit(audit.Change{Type: "tenant", ID: set.ID, Label: set.Name, Note: "to be erased at once"})
		return d, beginDeparture(ctx, tx, d)
	})
}

// Leaving is what the page of leaving shows.
type Leaving struct {
	Settings  tenant.Settings
	Departure Departure // the open one; the zero Departure without
	Others    int       // further Admins at work, one of whom has to agree
	Days      int       // of the policy, from asking to being gone
	Day       time.Time // when it would be erased if it were asked for now
	Runs      []Run     // the latest exports
}

// Leaving returns where the programme stands.
func (s *Service) Leaving(ctx context.Context, who access.Actor) (Leaving, error) {
	return op.Read(ctx, s.ops, who, ActRead, func(tx *op.Tx) (out Leaving, err error) {
		if out.Settings, err = tenant.SettingsIn(ctx, tx); err != nil {
			return out, err
		}
		if out.Departure, _, err = openDeparture(ctx, tx); err != nil {
			return out, err
		}
		all, err := admins(ctx, tx)
		if err != nil {
			return out, err
		}
		for _, a := range all {
			if a.Member != who.Member {
				out.Others++
			}
		}
		if out.Day, err = purgeAfter(ctx, tx, false); err != nil {
			return out, err
		}
		out.Days = int(out.Day.Sub(tx.Now).Hours()/24 + 0.999)
		out.Runs, err = runs(ctx, tx)
		return out, err
	})
}

// tell mails the Admins, but for one.
func (s *Service) tell(ctx context.Context, tx *op.Tx, to []address, but id.ID, subject, text, button string) error {
	for _, a := range to {
		if a.Member == but {
			continue
		}
		if err := mail.Queue(ctx, tx, mail.Letter{Template: "tenant.leaving", To: a.Email, ToName: a.Name, Subject: subject, ObjectType: "tenant", ObjectID: tx.Who.Tenant,
			Layout: mailer.Layout{Heading: subject, Paragraphs: []string{text}, Button: mailer.Button{Label: button, URL: s.ops.PublicURL + "/settings/leaving"},
				Reason: "You get this mail because you are an Admin of this programme."}}); err != nil {
			return err
		}
	}
	return nil
}

func firstErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
