// Package policyapi is the API door of the policy room: the data map, the policy in force and its history.
package policyapi

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/policy"
)

type routes struct{ policies *policy.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *policy.Service) {
	h := routes{s}
	door.Register(a, policy.ActRead, huma.Operation{Method: "GET", Path: "/data-map", Summary: "Read the data map", OperationID: "policy.data_map",
		Description: "What the program holds: every category with its ground, period, stores, and every table and column that holds it."}, h.dataMap)
	door.Register(a, policy.ActRead, huma.Operation{Method: "GET", Path: "/policy", Summary: "Read the data policy",
		Description: "The rules that retention enforces, as they stand."}, h.read)
	door.Register(a, policy.ActApply, huma.Operation{Method: "PUT", Path: "/policy", Summary: "Apply a data policy",
		Description: "The profile, with the rules in which this programme differs from it; what is not named is as in the profile. A programme may be stricter than its operator's profile, never laxer: `policy.laxer` says in what it is. Applying what stands changes nothing."}, h.apply)
	door.Register(a, policy.ActRead, huma.Operation{Method: "GET", Path: "/policy/profiles", Summary: "List the policy profiles", OperationID: "policy.profiles"}, h.profiles)
	door.Register(a, policy.ActRead, huma.Operation{Method: "GET", Path: "/policy/versions", Summary: "List the policies that were in force", OperationID: "policy.versions",
		Description: "Newest first, each with the numbers it changed."}, h.versions)
}

func (h routes) dataMap(ctx context.Context, who access.Actor, _ *struct{}) (*mapOut, error) {
	columns, err := h.policies.Map(ctx, who)
	if err != nil {
		return nil, err
	}
	e, err := h.policies.Get(ctx, who)
	if err != nil {
		return nil, err
	}
	return &mapOut{wireMap(e, columns)}, nil
}

func (h routes) read(ctx context.Context, who access.Actor, _ *struct{}) (*policyOut, error) {
	return answer(h.policies.Get(ctx, who))
}

func (h routes) apply(ctx context.Context, who access.Actor, in *applyIn) (*policyOut, error) {
	return answer(h.policies.Apply(ctx, who, in.input()))
}

func answer(e policy.Effective, err error) (*policyOut, error) {
	if err != nil {
		return nil, err
	}
	return &policyOut{ETag: httpx.ETag(e.Number), Body: wirePolicy(e)}, nil
}

func (h routes) profiles(ctx context.Context, who access.Actor, _ *struct{}) (*profilesOut, error) {
	all, err := h.policies.Profiles(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &profilesOut{}
	for _, p := range all {
		out.Body.Items = append(out.Body.Items, wireProfile(p))
	}
	return out, nil
}

func (h routes) versions(ctx context.Context, who access.Actor, in *versionsIn) (*versionsOut, error) {
	page, err := h.policies.Versions(ctx, who, in.Before)
	if err != nil {
		return nil, err
	}
	out := &versionsOut{}
	out.Body.NextBefore = page.Next
	for _, v := range page.Items {
		out.Body.Items = append(out.Body.Items, wireVersion(v))
	}
	return out, nil
}
