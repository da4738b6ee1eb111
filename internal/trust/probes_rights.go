package trust

import (
	"context"
	"fmt"
	"time"

	"entente.dev/internal/kernel/id"
)

// lateRun is how long ago retention may have run to its end.
const lateRun = 26 * time.Hour

// probeRetention is P-23.
func probeRetention(ctx context.Context, e *Env, tenant id.ID) Finding {
	wrong, age, err := readOverdue(ctx, e.Ops, tenant)
	if err != nil {
		return broken(err, "Every table with a period.")
	}
	if age > lateRun {
		wrong = append(wrong, fmt.Sprintf("retention has not run to its end for %d hours", int(age.Hours())))
	}
	return verdict(len(e.Ops.Map.Columns()), wrong, "Every table with a period was searched for rows beyond it, and there are none; the rules that are enforced are the published ones; retention ran lately.")
}

// latePurge is how long after its day a purge may still be at work.
const latePurge = 26 * time.Hour

// probeLeaving is P-26.
func probeLeaving(ctx context.Context, e *Env, _ id.ID) Finding {
	tenants, err := e.Tenants(ctx)
	if err != nil {
		return broken(err, "Programmes that leave.")
	}
	wrong, err := readUnpurged(ctx, e.Ops)
	if err != nil {
		return broken(err, "The tables of the purge.")
	}
	for i, t := range wrong {
		wrong[i] = "a purge would leave " + t + " behind"
	}
	leaving, held := 0, 0
	for _, t := range tenants {
		if t.Active {
			continue
		}
		l, err := readLeaving(ctx, e.Ops, t.ID)
		if err != nil {
			return broken(err, "Programmes that leave.")
		}
		if l.status != "closing" && l.status != "closed" {
			continue
		}
		leaving++
		switch {
		case l.departures != 1:
			wrong = append(wrong, fmt.Sprintf("%s is %s and has %d departures under way", t.Slug, l.status, l.departures))
		case l.held:
			held++
		case l.purgeAfter == nil:
			wrong = append(wrong, t.Slug+" is "+l.status+" without a day on which it is erased")
		case e.Ops.Clock().Sub(*l.purgeAfter) > latePurge:
			wrong = append(wrong, fmt.Sprintf("%s should have been erased on %s", t.Slug, l.purgeAfter.Format(time.DateOnly)))
		}
	}
	return verdict(leaving+1, wrong, "%d programmes are leaving, none past its term; %d of them wait for a legal hold. A purge reaches every table of a programme.", leaving, held)
}
