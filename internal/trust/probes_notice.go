package trust

import (
	"context"
	"fmt"

	"entente.dev/internal/kernel/id"
)

// probeProcessors is P-34.
func probeProcessors(ctx context.Context, e *Env, tenant id.ID) Finding {
	wrong, days, err := tryProcessor(ctx, e.Ops, tenant)
	if err != nil {
		return broken(err, "A made-up sub-processor.")
	}
	hosts := 0
	if e.Processors != nil {
		list, err := e.Processors(ctx, tenant)
		if err != nil {
			return broken(err, "The list of sub-processors.")
		}
		hosts = len(list)
	}
	return verdict(3+hosts, wrong, "A made-up sub-processor was announced with 13 days' notice, and a day short of the term; the database refused both, and took %d days.", days)
}

// probePolicies is P-35.
func probePolicies(ctx context.Context, e *Env, tenant id.ID) Finding {
	wrong, days, err := tryDocument(ctx, e.Ops, tenant)
	if err != nil {
		return broken(err, "A made-up change of a policy.")
	}
	return verdict(3, wrong, "A material change of a policy was announced with 13 days' notice, and a day short of the term; the database refused both, and took %d days.", days)
}

// probeIncidents is P-36.
func probeIncidents(ctx context.Context, e *Env, tenant id.ID) Finding {
	all, running, passed, refused, err := readClocks(ctx, e.Ops, tenant)
	if err != nil {
		return broken(err, "The clocks of incidents.")
	}
	var wrong []string
	if passed > 0 {
		wrong = append(wrong, fmt.Sprintf("%d deadlines have passed without a notice", passed))
	}
	if !refused {
		wrong = append(wrong, "an incident can be confirmed without the moment from which its clocks run")
	}
	return verdict(all+1, wrong, "%d clocks of incidents, of which %d run; a made-up incident cannot be confirmed without starting them.", all, running)
}
