// Package dealapi is the API door of the deal room.
package dealapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
)

type routes struct{ deals *deal.Service }

// Routes adds the room's operations to the API.
func Routes(a *door.API, s *deal.Service) {
	h := routes{s}
	created := http.StatusCreated
	door.Register(a, deal.ActCreate, huma.Operation{Method: "POST", Path: "/deals", Summary: "Register a deal", DefaultStatus: created,
		Description: "The deal begins as a draft; submit it to ask for a decision."}, h.create)
	door.Register(a, deal.ActList, huma.Operation{Method: "GET", Path: "/deals", Summary: "List deals",
		Description: "A partner's people see their own company's only."}, h.list)
	door.Register(a, deal.ActRead, huma.Operation{Method: "GET", Path: "/deals/{id}", Summary: "Read a deal"}, h.read)
	door.Register(a, deal.ActUpdate, huma.Operation{Method: "PATCH", Path: "/deals/{id}", Summary: "Change a deal's facts",
		Description: "A partner's people while it is a draft or returned, the vendor's as long as it is open. What is left out stays as it is."}, h.update)
	h.steps(a)
	door.Register(a, deal.ActMove, huma.Operation{Method: "POST", Path: "/deals/{id}/move", Summary: "Move a deal to another stage",
		Description: "The stage of won or lost deals closes an approved deal."}, h.move)
	door.Register(a, deal.ActNote, huma.Operation{Method: "POST", Path: "/deals/{id}/notes", Summary: "Write a note on a deal", DefaultStatus: created}, h.note)
	door.Register(a, deal.ActRead, huma.Operation{OperationID: "deal.notes", Method: "GET", Path: "/deals/{id}/notes", Summary: "Read the notes on a deal"}, h.notes)
	door.Register(a, deal.ActCheck, huma.Operation{Method: "POST", Path: "/deals/check", Summary: "Ask whether a customer is free",
		Description: "Says nothing else. Every question is on record; at most 60 a minute."}, h.check)
	door.Register(a, deal.ActQueue, huma.Operation{Method: "GET", Path: "/deals/queue", Summary: "Read the decision queue",
		Description: "Submitted deals, oldest first, each beside what looks like it."}, h.queue)
	door.Register(a, deal.ActQueue, huma.Operation{OperationID: "deal.look_alikes", Method: "GET", Path: "/deals/{id}/look-alikes", Summary: "Read what looks like a deal"}, h.lookAlikes)
	door.Register(a, deal.ActStages, huma.Operation{OperationID: "stage.list", Method: "GET", Path: "/stages", Summary: "List the pipeline's stages"}, h.stages)
	a.Raw("GET", "/deals.csv", deal.ActList, "Export deals as CSV", h.export(false), exported("deal.export_csv", "text/csv"))
	a.Raw("GET", "/deals.json", deal.ActList, "Export deals as JSON", h.export(true), exported("deal.export_json", "application/json"))
	h.viewRoutes(a)
}

// steps registers what takes a deal to another state.
func (h routes) steps(a *door.API) {
	door.Register(a, deal.ActSubmit, huma.Operation{Method: "POST", Path: "/deals/{id}/submit", Summary: "Submit a deal for a decision",
		Description: "The answer says whether the customer seems free, is taken, or needs a look."}, h.submit)
	door.Register(a, deal.ActReturn, huma.Operation{Method: "POST", Path: "/deals/{id}/return", Summary: "Send a registration back for more information"}, h.sendBack)
	door.Register(a, deal.ActApprove, huma.Operation{Method: "POST", Path: "/deals/{id}/approve", Summary: "Approve a registration",
		Description: "Starts the protection window. Answers 409 deal.protected when the customer is held already, 403 deal.own for one's own deal."}, h.approve)
	door.Register(a, deal.ActReject, huma.Operation{Method: "POST", Path: "/deals/{id}/reject", Summary: "Reject a registration"}, h.reject)
	door.Register(a, deal.ActWithdraw, huma.Operation{Method: "POST", Path: "/deals/{id}/withdraw", Summary: "Take a registration back"}, h.withdraw)
	door.Register(a, deal.ActWin, huma.Operation{Method: "POST", Path: "/deals/{id}/win", Summary: "Mark a deal won"}, h.win)
	door.Register(a, deal.ActLose, huma.Operation{Method: "POST", Path: "/deals/{id}/lose", Summary: "Mark a deal lost"}, h.lose)
}

func answer(who access.Actor, d deal.Deal, err error) (*out, error) {
	if err != nil {
		return nil, err
	}
	return &out{ETag: httpx.ETag(d.Version), Body: wire(who, &d)}, nil
}

func (h routes) create(ctx context.Context, who access.Actor, in *createIn) (*out, error) {
	d, err := h.deals.Create(ctx, who, in.input())
	return answer(who, d, err)
}

func (h routes) read(ctx context.Context, who access.Actor, in *oneIn) (*out, error) {
	d, err := h.deals.Get(ctx, who, in.ID)
	return answer(who, d, err)
}

func (h routes) update(ctx context.Context, who access.Actor, in *updateIn) (*out, error) {
	d, err := h.deals.Update(ctx, who, in.input())
	return answer(who, d, err)
}

func (h routes) submit(ctx context.Context, who access.Actor, in *stepIn) (*out, error) {
	d, err := h.deals.Submit(ctx, who, in.plain())
	return answer(who, d, err)
}

func (h routes) sendBack(ctx context.Context, who access.Actor, in *stepIn) (*out, error) {
	d, err := h.deals.Return(ctx, who, deal.ReturnInput{Step: in.step(), Reason: in.reason()})
	return answer(who, d, err)
}

func (h routes) approve(ctx context.Context, who access.Actor, in *stepIn) (*out, error) {
	d, err := h.deals.Approve(ctx, who, in.plain())
	return answer(who, d, err)
}

func (h routes) reject(ctx context.Context, who access.Actor, in *rejectIn) (*out, error) {
	d, err := h.deals.Reject(ctx, who, in.input())
	return answer(who, d, err)
}

func (h routes) withdraw(ctx context.Context, who access.Actor, in *stepIn) (*out, error) {
	d, err := h.deals.Withdraw(ctx, who, deal.WithdrawInput{Step: in.step(), Reason: in.reason()})
	return answer(who, d, err)
}

func (h routes) win(ctx context.Context, who access.Actor, in *closeIn) (*out, error) {
	step, on, reason := in.parts()
	if step.Note == "" {
		step.Note = reason
	}
	d, err := h.deals.Win(ctx, who, deal.WinInput{Step: step, ClosedOn: on})
	return answer(who, d, err)
}

func (h routes) lose(ctx context.Context, who access.Actor, in *closeIn) (*out, error) {
	step, on, reason := in.parts()
	d, err := h.deals.Lose(ctx, who, deal.LoseInput{Step: step, ClosedOn: on, Reason: reason})
	return answer(who, d, err)
}

func (h routes) move(ctx context.Context, who access.Actor, in *moveIn) (*out, error) {
	d, err := h.deals.Move(ctx, who, deal.MoveInput{ID: in.ID, Version: in.Version, Stage: in.Body.StageID, Reason: in.Body.Reason})
	return answer(who, d, err)
}

func (h routes) note(ctx context.Context, who access.Actor, in *noteIn) (*noteOut, error) {
	n, err := h.deals.Note(ctx, who, deal.NoteInput{ID: in.ID, Body: in.Body.Body, Internal: in.Body.Internal})
	if err != nil {
		return nil, err
	}
	return &noteOut{wireNote(n)}, nil
}

func (h routes) notes(ctx context.Context, who access.Actor, in *oneIn) (*notesOut, error) {
	all, err := h.deals.Notes(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	var o notesOut
	for _, n := range all {
		o.Body.Items = append(o.Body.Items, wireNote(n))
	}
	return &o, nil
}

func (h routes) check(ctx context.Context, who access.Actor, in *checkIn) (*checkOut, error) {
	a, err := h.deals.Check(ctx, who, deal.CheckInput(in.Body))
	if err != nil {
		return nil, err
	}
	var o checkOut
	o.Body.Answer = string(a)
	return &o, nil
}
