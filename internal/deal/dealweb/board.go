package dealweb

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/deal"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/partner"
	"entente.dev/internal/tenant"
	"entente.dev/internal/ui"
)

// boardView is what the board page shows.
type boardView struct {
	ui.List
	who      access.Actor
	board    ui.BoardData
	partners []partner.Partner
	empty    bool
}

func (p *pages) board(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	v := boardView{List: ui.ListOf(r), who: who}
	q, bad := queryOf(who, v.Query)
	if err := errs.Refused(bad); err != nil {
		return err
	}
	b, err := p.deals.Board(r.Context(), who, deal.BoardQuery{Partner: q.Partner, Owner: q.Owner})
	if err != nil {
		return err
	}
	if v.partners, err = p.partnerChoices(r.Context(), who); err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Board", "board")
	if err != nil {
		return err
	}
	v.fill(b, pg.Viewer.Reader)
	pg.Wide, pg.Subtitle = true, "Approved deals by stage. Drag a card, or use its arrows."
	return ui.Render(w, r, http.StatusOK, boardPage(pg, v))
}

func (v *boardView) fill(b deal.Board, rd ui.Reader) {
	v.empty, v.board.CanMove = true, v.who.May(deal.ActMove)
	for _, c := range b.Columns {
		col := ui.BoardColumn{ID: c.Stage.ID.String(), Title: c.Stage.Name, Count: c.Count, Total: short(rd, c.Totals, "")}
		if c.Stage.Kind != tenant.StageOpen {
			col.Count, col.Hint = -1, "Drop a deal here to mark it "+c.Stage.Kind+"."
		}
		for _, d := range c.Cards {
			col.Cards = append(col.Cards, v.card(rd, d))
		}
		if more := c.Count - int64(len(c.Cards)); more > 0 {
			col.More = ui.Link{Label: counted(rd, more, "more deal", "more deals"), Href: "/deals?state=approved&sort=-amount&stage=" + c.Stage.ID.String()}
		}
		v.empty = v.empty && c.Count == 0
		v.board.Columns = append(v.board.Columns, col)
	}
}

func (v *boardView) card(rd ui.Reader, d deal.Deal) ui.BoardCard {
	c := ui.BoardCard{Href: dealHref(d.ID), Title: d.Title, Sub: rowSub(d, vendor(v.who)), Amount: amount(rd, d), Owner: d.OwnerName}
	if t := dayTime(rd, d.ExpectedCloseOn); !t.IsZero() {
		c.Due, c.Late = rd.Day(t), t.Add(24*time.Hour).Before(rd.Present())
		if t.Year() == rd.Present().Year() {
			c.Due = strings.TrimRight(strings.TrimSuffix(c.Due, t.Format("2006")), ", ") // this year goes without saying
		}
	}
	if d.Can(v.who, deal.ActMove) {
		c.MoveHref = dealHref(d.ID) + "/move"
	}
	return c
}

// move puts a deal into another stage. The stages of won and lost deals lead to the page that asks for the day and the
// reason: a script finds it in the header X-Go.
func (p *pages) move(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	key, err := dealID(r)
	if err != nil {
		return err
	}
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := deal.MoveInput{ID: key, Version: f.Version(), Stage: f.ID("stage")}
	next := f.Text("next")
	if next == "" {
		next = "/deals/board"
	}
	if err = f.Err(); err != nil {
		return err
	}
	ask, err := p.closing(r.Context(), who, in.Stage)
	if err != nil {
		return err
	}
	script := r.Header.Get("Accept") == "application/json"
	if ask != "" {
		return goTo(w, r, script, dealHref(key)+"/"+ask+"?next="+url.QueryEscape(next))
	}
	d, err := p.deals.Move(r.Context(), who, in)
	return moved(w, r, script, next, d, err)
}

// closing says which page asks before a deal goes to the stage: "win", "lose", or "" for an open stage.
func (p *pages) closing(ctx context.Context, who access.Actor, stage id.ID) (string, error) {
	all, err := p.deals.Stages(ctx, who)
	for _, s := range all {
		switch {
		case s.ID == stage && s.Kind == tenant.StageWon:
			return "win", nil
		case s.ID == stage && s.Kind == tenant.StageLost:
			return "lose", nil
		}
	}
	return "", err
}

func goTo(w http.ResponseWriter, r *http.Request, script bool, href string) error {
	if script {
		w.Header().Set("X-Go", href)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	httpx.SeeOther(w, r, href)
	return nil
}

// moved answers a move: the script of the board reads the status and X-Message, a form goes back.
func moved(w http.ResponseWriter, r *http.Request, script bool, next string, d deal.Deal, err error) error {
	said := ui.Flash{Tone: ui.Good, Text: d.Title + " is in " + d.StageName + " now."}
	if err != nil {
		e := errs.Of(err)
		if e.Kind != errs.Conflict && e.Kind != errs.Stale && e.Kind != errs.Invalid {
			return err
		}
		said = ui.Flash{Tone: ui.Warn, Text: e.Msg}
		if script {
			w.Header().Set("X-Message", e.Msg)
			w.WriteHeader(httpx.Status(e.Kind))
			return nil
		}
	}
	if script {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	ui.SetFlash(w, said)
	httpx.SeeOther(w, r, next)
	return nil
}
