package document

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/notice"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// The audiences of a document.
const (
	Vendor   = notice.Vendor
	Partners = notice.Partners
	All      = notice.All
)

// PublishInput is how a draft is published.
type PublishInput struct {
	ID          id.ID
	Version     int    // 0 is not checked
	Change      string // material or minor; the first version of a document is neither
	Summary     string // what changes, for the mail and the page
	EffectiveOn string // a day like 2026-12-24 in the programme's time zone; "" is at once, or for a material change the earliest day there can be
}

// EarliestDay is the first day, at its midnight in zone, on which a material change that is announced at a time may take force. The
// mails have a day to go out.
func EarliestDay(announced time.Time, term time.Duration, zone *time.Location) time.Time {
	t := announced.Add(term + 24*time.Hour).In(zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	if day.Before(t) {
		day = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, zone)
	}
	return day
}

// Publish announces a draft. A material change is mailed to everybody concerned and takes force after the term of notice; a minor one
// is posted. Errors: Invalid with fields, NotFound, Stale, Conflict "document.frozen" and "document.pending".
func (s *Service) Publish(ctx context.Context, who access.Actor, in PublishInput) (Version, error) {
	return op.Write(ctx, s.ops, who, ActPublish, func(tx *op.Tx) (Version, error) {
		tx.About("document_version", in.ID)
		if err := tx.Allow(access.Object{}); err != nil {
			return Version{}, err
		}
		v, err := one[Version](ctx, tx, "document", sqlLockVersion, tx.Who.Tenant, in.ID)
		if err != nil {
			return v, err
		}
		if v.Status != Draft {
			return v, errs.New(errs.Conflict, "document.frozen", "This version is published already.")
		}
		if in.Version != 0 && in.Version != v.Version {
			return v, stale()
		}
		d, err := one[Document](ctx, tx, "document", sqlLockDocument, tx.Who.Tenant, v.DocumentID)
		if err != nil {
			return v, err
		}
		before := v
		if err := s.settle(ctx, tx, &v, in); err != nil {
			return v, err
		}
		if v.Change == Material {
			n, err := notice.QueueIn(ctx, tx, s.letter(d, v, tx.Who.Name))
			if err != nil {
				return v, err
			}
			v.NoticeID = n.ID
		}
		v.Status, v.Digest, v.AnnouncedBy, v.AnnouncedByName, v.Version, v.UpdatedAt = Announced, DigestOf(v.Title, v.Body), tx.Who.Member, tx.Who.Name, v.Version+1, tx.Now
		if err := publish(ctx, tx, &v); err != nil {
			return v, err
		}
		tx.Audit(audit.Change{Type: "document_version", ID: v.ID, Label: fmt.Sprintf("%s, version %d", v.Title, v.Number), Before: before, After: v})
		return v, nil
	})
}

// settle decides what sort of change v is and when it takes force.
func (s *Service) settle(ctx context.Context, tx *op.Tx, v *Version, in PublishInput) error {
	all, err := many[Version](ctx, tx, sqlVersionsOf, tx.Who.Tenant, v.DocumentID)
	if err != nil {
		return err
	}
	var bad errs.Problems
	if in.Summary = bad.Text("summary", in.Summary, 2000); in.Summary != "" {
		v.Summary = in.Summary
	}
	if in.Change != "" {
		v.Change = in.Change
	}
	if _, ok := NextOf(all, tx.Now); ok {
		return errs.New(errs.Conflict, "document.pending", "A version is announced and not yet in force. Wait for its day, or withdraw it first.")
	}
	if _, ok := InForceOf(all, tx.Now); !ok {
		v.Change = First
	} else if v.Change != Material && v.Change != Minor {
		bad.Add("change", "field.choice", "Say whether the change is material or minor.")
	} else if v.Summary == "" {
		bad.Add("summary", "field.required", "Say in a sentence or two what changes. It stands in the mail and on the page.")
	}
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return err
	}
	earliest := tx.Now
	if v.Change == Material {
		term, err := termIn(ctx, tx)
		if err != nil {
			return err
		}
		earliest = EarliestDay(tx.Now, term, set.Location())
	}
	at := earliest
	if in.EffectiveOn != "" {
		day, err := time.ParseInLocation(time.DateOnly, in.EffectiveOn, set.Location())
		today := tx.Now.In(set.Location()).Format(time.DateOnly)
		switch {
		case err != nil:
			bad.Add("effective_on", "field.date", "Write the day like 2026-12-24.")
		case v.Change != Material && in.EffectiveOn == today: // today is now
		case day.Before(earliest) && v.Change == Material:
			bad.Add("effective_on", "document.notice", "A material change is announced %d days ahead. The earliest day is %s.", int(earliest.Sub(tx.Now).Hours()/24), earliest.Format("2 January 2006"))
		case day.Before(earliest):
			bad.Add("effective_on", "document.backdated", "This day is over. Choose today or a later one.")
		case day.After(tx.Now.AddDate(2, 0, 0)):
			bad.Add("effective_on", "field.range", "Choose a day within the next two years.")
		default:
			at = day
		}
	}
	at = at.UTC()
	v.EffectiveAt = &at
	return errs.Refused(bad)
}

// letter is the notice of a material change.
func (s *Service) letter(d Document, v Version, by string) notice.Draft {
	k, _ := KindOf(d.Kind)
	return notice.Draft{Kind: "document", Object: v.ID, Audience: d.Audience, Subject: fmt.Sprintf("%s: changes from %s", k.Title, v.EffectiveAt.Format("2 January 2006")),
		Heading: fmt.Sprintf("Our %s changes on %s", lower(k.Title), v.EffectiveAt.Format("2 January 2006")),
		Paragraphs: []string{v.Summary, fmt.Sprintf("Version %d takes the place of the one that holds today. You can read both, with the changes marked.", v.Number),
			"If you do not agree, answer this mail or write to your contact before that day."},
		Button: "Read what changes", Path: "/documents/versions/" + v.ID.String(),
		Reason: "You get this because you take part in the programme and this document concerns you. It is sent whatever you chose for other mails."}
}

func lower(title string) string {
	b := []byte(title)
	if len(b) > 0 && b[0] >= 'A' && b[0] <= 'Z' {
		b[0] += 'a' - 'A'
	}
	return string(b)
}

// NoteSent is the listener of notice.Sent: it notes that the notices of a version are out. Should they have taken so long that the term
// would no longer be kept, the day it takes force moves on by whole days.
func (s *Service) NoteSent(ctx context.Context, tx *op.Tx, ev notice.Sent) error {
	if ev.Notice.Kind != "document" {
		return nil
	}
	v, err := one[Version](ctx, tx, "document", sqlByNotice, tx.Who.Tenant, ev.Notice.ID)
	if errs.IsKind(err, errs.NotFound) || err == nil && (v.Status != Announced || v.NotifiedAt != nil) {
		return nil // withdrawn meanwhile
	}
	if err != nil {
		return err
	}
	at := *v.EffectiveAt
	for least := tx.Now.Add(time.Duration(v.NoticeSeconds) * time.Second); at.Before(least); {
		at = at.AddDate(0, 0, 1)
	}
	after := v
	after.EffectiveAt, after.NotifiedAt = &at, &tx.Now
	tx.Audit(audit.Change{Action: ActNotify, Type: "document_version", ID: v.ID, Label: fmt.Sprintf("%s, version %d", v.Title, v.Number), Before: v, After: after,
		Note: fmt.Sprintf("%d notices are out", ev.Notice.Done)})
	return notified(ctx, tx, v.ID, at)
}

// Withdraw takes an announced version back before its day. Errors: NotFound, Conflict "document.in_force".
func (s *Service) Withdraw(ctx context.Context, who access.Actor, key id.ID) (Version, error) {
	return op.Write(ctx, s.ops, who, ActPublish, func(tx *op.Tx) (Version, error) {
		tx.About("document_version", key)
		if err := tx.Allow(access.Object{}); err != nil {
			return Version{}, err
		}
		v, err := one[Version](ctx, tx, "document", sqlLockVersion, tx.Who.Tenant, key)
		if err != nil {
			return v, err
		}
		if v.Status != Announced || !v.EffectiveAt.After(tx.Now) {
			return v, errs.New(errs.Conflict, "document.in_force", "Only an announced version that is not yet in force can be withdrawn.")
		}
		before := v
		v.Status, v.Version, v.UpdatedAt = Withdrawn, v.Version+1, tx.Now
		tx.Audit(audit.Change{Type: "document_version", ID: v.ID, Label: fmt.Sprintf("%s, version %d", v.Title, v.Number), Before: before, After: v})
		return v, withdraw(ctx, tx, v.ID)
	})
}
