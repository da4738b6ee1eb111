package incident

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/kernel/mailer"
	"entente.dev/internal/mail"
	"entente.dev/internal/op"
)

// Alarms gives the alarms that are due in a tenant: a mail to every Admin for each clock that reached half or a quarter of its time, four
// hours, or its end; each once. It returns how long the nearest running clock has left, negative when it passed; ok is false when none
// runs. It may run at any time and twice.
func (s *Service) Alarms(ctx context.Context, tenant id.ID) (left time.Duration, ok bool, err error) {
	_, err = op.Write(ctx, s.ops, access.NewSystem(tenant, "incident clocks"), ActAlarm, func(tx *op.Tx) (struct{}, error) {
		tx.Unchanged()
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		left, ok = 0, false
		running, err := many[Clock](ctx, tx, sqlRunning)
		if err != nil {
			return struct{}{}, err
		}
		for _, c := range running {
			if rest := c.DueAt.Sub(tx.Now); !ok || rest < left {
				left, ok = rest, true
			}
			if names := c.due(tx.Now); len(names) > 0 {
				c.give(names, tx.Now)
				if err := s.warn(ctx, tx, c, names[len(names)-1]); err != nil {
					return struct{}{}, err
				}
			}
		}
		return struct{}{}, nil
	})
	return left, ok, err
}

// warn mails one alarm; when several are due at once, the gravest.
func (s *Service) warn(ctx context.Context, tx *op.Tx, c Clock, name string) error {
	i, err := one[Incident](ctx, tx, "incident", sqlGet, c.IncidentID)
	if err != nil {
		return err
	}
	says := c.Says(tx.Now)
	type admin struct {
		Name  string `db:"name"`
		Email string `db:"email"`
	}
	admins, err := many[admin](ctx, tx, sqlAdmins)
	if err != nil {
		return err
	}
	for _, a := range admins {
		l := mail.Letter{Template: "incident.alarm", To: a.Email, ToName: a.Name, Subject: fmt.Sprintf("Incident %d: %s, %s", i.Number, c.Label, says), ObjectType: "incident", ObjectID: i.ID,
			Layout: mailer.Layout{Heading: c.Label + ": " + says, Paragraphs: []string{fmt.Sprintf("Incident %d, “%s”.", i.Number, i.Title), "The deadline is " + c.DueAt.Format("2 January 2006, 15:04 UTC") + "."},
				Button: mailer.Button{Label: "Open the incident", URL: s.ops.PublicURL + "/incidents/" + i.ID.String()}, Reason: "You get this because you are an Admin of the programme."}}
		if err := mail.Queue(ctx, tx, l); err != nil {
			return err
		}
	}
	tx.Audit(audit.Change{Type: "incident", ID: i.ID, Label: i.Title, Note: c.Label + ": " + says + " (" + name + ")"})
	return joined(settleClock(ctx, tx, c), tell(ctx, tx, i.ID, "alarm", c.Label+": "+says))
}
