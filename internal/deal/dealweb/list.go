package dealweb

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/ui"
)

// listView is what the list page shows.
type listView struct {
	ui.List
	who      access.Actor
	rd       ui.Reader
	deals    []deal.Deal
	columns  []column
	views    []deal.View
	view     *deal.View // the saved view that the address shows, nil for none
	stages   []deal.Stage
	partners []partner.Partner
	problems []errs.Field // of filters nobody can use
}

func (p *pages) list(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := listView{List: ui.ListOf(r), who: who, columns: chosen(who, r.URL.Query())}
	v.Noun = "deals"
	if v.Sort == "" {
		v.Sort = deal.Sorts[0]
	}
	q, bad := queryOf(who, v.Query)
	status, err := p.fillList(r.Context(), &v, q, bad)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Deals", "deals")
	if err != nil {
		return err
	}
	v.rd, pg.Actions = pg.Viewer.Reader, listTools(v)
	return ui.Render(w, r, status, listPage(pg, v))
}

// fillList reads the rows and what the filters offer. Filters that cannot be used leave the list empty and say why.
func (p *pages) fillList(ctx context.Context, v *listView, q deal.Query, bad []errs.Field) (status int, err error) {
	status = http.StatusOK
	if len(bad) == 0 {
		page, err := p.deals.List(ctx, v.who, q)
		switch {
		case errs.IsKind(err, errs.Invalid):
			bad = errs.Of(err).Fields
		case err != nil:
			return status, err
		}
		v.deals, v.Next, v.Shown = page.Items, page.Next, len(page.Items)
	}
	if v.problems = bad; len(bad) > 0 {
		status = http.StatusUnprocessableEntity
	}
	if v.views, err = p.deals.Views(ctx, v.who, "deals"); err != nil {
		return status, err
	}
	v.view = currentView(v.views, v.Query)
	if v.stages, err = p.deals.Stages(ctx, v.who); err != nil {
		return status, err
	}
	v.partners, err = p.partnerChoices(ctx, v.who)
	return status, err
}

// partnerChoices are the partner companies the vendor's people choose from; a partner's people have one only.
func (p *pages) partnerChoices(ctx context.Context, who access.Actor) ([]partner.Partner, error) {
	if !vendor(who) || !who.May(partner.ActList) {
		return nil, nil
	}
	page, err := p.Partners.List(ctx, who, partner.Query{Limit: 200})
	return page.Items, err
}

// queryOf reads the filters of an address. "me" is the actor, account=none asks for deals without an account.
func queryOf(who access.Actor, q url.Values) (deal.Query, []errs.Field) {
	var bad []errs.Field
	ref := func(name string) id.ID {
		s := strings.TrimSpace(q.Get(name))
		v, ok := id.Parse(s)
		if s == "" || s == "none" && name == "account" {
			return id.Nil
		}
		if s == "me" && name == "owner" {
			return who.Member
		}
		if !ok {
			bad = append(bad, errs.Field{Name: name, Code: "field.id", Msg: "The address names no " + name + " that exists."})
		}
		return v
	}
	out := deal.Query{State: deal.State(q.Get("state")), Stage: q.Get("stage"), Partner: ref("partner"), Owner: ref("owner"), Account: ref("account"),
		NoAccount: q.Get("account") == "none", Currency: q.Get("currency"), Q: q.Get("q"), Sort: q.Get("sort"), Cursor: q.Get("cursor"),
		CreatedFrom: deal.Day(q.Get("created_from")), CreatedTo: deal.Day(q.Get("created_to")),
		CloseFrom: deal.Day(q.Get("close_from")), CloseTo: deal.Day(q.Get("close_to"))}
	return out, bad
}

// tabs are the views of everybody and then one's own.
func (v listView) tabs() []ui.Tab {
	out := []ui.Tab{
		{Label: "All", Href: "/deals"},
		{Label: "Waiting", Href: "/deals?state=submitted"},
		{Label: "Approved", Href: "/deals?state=approved"},
		{Label: "Won", Href: "/deals?state=won"},
		{Label: "Mine", Href: "/deals?owner=me"},
	}
	for _, sv := range v.views {
		out = append(out, ui.Tab{Label: sv.Name, Href: "/deals?" + sv.Query})
	}
	now := canonical(v.Query)
	for i, t := range out {
		_, query, _ := strings.Cut(t.Href, "?")
		q, _ := url.ParseQuery(query)
		if canonical(q) == now {
			out[i].Active = true
			break
		}
	}
	return out
}

// canonical is an address's query without what does not belong to a view.
func canonical(q url.Values) string {
	c := url.Values{}
	for k, vals := range q {
		if k != "cursor" && len(vals) > 0 && vals[0] != "" {
			c[k] = vals
		}
	}
	return c.Encode()
}

func currentView(views []deal.View, q url.Values) *deal.View {
	now := canonical(q)
	for i, v := range views {
		if saved, err := url.ParseQuery(v.Query); err == nil && now != "" && canonical(saved) == now {
			return &views[i]
		}
	}
	return nil
}

func (v listView) stateOptions() []ui.Option {
	var out []ui.Option
	for _, s := range deal.States {
		out = append(out, ui.Option{Value: string(s), Label: s.Label()})
	}
	return out
}

func (v listView) stageOptions() []ui.Option {
	var out []ui.Option
	for _, s := range v.stages {
		out = append(out, ui.Option{Value: s.ID.String(), Label: s.Name})
	}
	return out
}

func partnerOptions(all []partner.Partner) []ui.Option {
	var out []ui.Option
	for _, c := range all {
		out = append(out, ui.Option{Value: c.ID.String(), Label: c.Name})
	}
	return out
}

// ownerOptions are the actor and whoever the address names; a click on an owner in the list names others.
func (v listView) ownerOptions() []ui.Option {
	out := []ui.Option{{Value: "me", Label: "Mine"}}
	if s := v.Get("owner"); s != "" && s != "me" {
		name := "One person"
		if len(v.deals) > 0 && v.deals[0].OwnerName != "" {
			name = v.deals[0].OwnerName
		}
		out = append(out, ui.Option{Value: s, Label: name})
	}
	return out
}

// dated reports whether a date narrows the list.
func (v listView) dated() bool {
	return v.Get("created_from")+v.Get("created_to")+v.Get("close_from")+v.Get("close_to") != ""
}

// ownerHref narrows the list to the owner of a deal.
func (v listView) ownerHref(d *deal.Deal) string { return v.With("owner", d.Owner.String()) }
