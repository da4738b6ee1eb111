// Package benchmarkweb draws the benchmarks across programmes, and asks whether a programme takes part.
package benchmarkweb

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/benchmark"
	"entente.dev/internal/door"
	"entente.dev/internal/kernel/httpx"
	"entente.dev/internal/kernel/money"
	"entente.dev/internal/ui"
)

// Deps are what the pages are drawn with.
type Deps struct {
	Page       ui.PageFunc
	Benchmarks *benchmark.Service
}

type pages struct{ Deps }

// Routes puts the pages behind the door.
func Routes(w *door.Web, deps Deps) {
	p := pages{deps}
	w.Private("GET /benchmarks", benchmark.ActRead, p.board)
	w.Private("POST /benchmarks", benchmark.ActOpt, p.opt)
}

func (p pages) board(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	b, err := p.Benchmarks.Get(r.Context(), who)
	if err != nil {
		return err
	}
	pg, err := p.Page(w, r, who, "Benchmarks", "benchmarks")
	if err != nil {
		return err
	}
	pg.Subtitle = "How your programme compares with others, without anybody learning about anybody."
	return ui.Render(w, r, http.StatusOK, boardPage(pg, view{who, b}))
}

func (p pages) opt(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	f, err := httpx.ParseForm(w, r)
	if err != nil {
		return err
	}
	in := f.Choice("take_part", "yes", "no") == "yes"
	if err := f.Err(); err != nil {
		return err
	}
	if _, err := p.Benchmarks.Opt(r.Context(), who, in); err != nil {
		return err
	}
	text := "Your programme takes part from now on."
	if !in {
		text = "Your programme takes no part any more, from this moment."
	}
	ui.SetFlash(w, ui.Flash{Tone: ui.Good, Text: text})
	httpx.SeeOther(w, r, "/benchmarks")
	return nil
}

type view struct {
	who   access.Actor
	board benchmark.Board
}

// own returns the programme's own figure beside one of all.
func (v view) own(f benchmark.Figure) string {
	for _, o := range v.board.Own {
		if o.Metric == f.Metric && o.Segment == f.Segment && o.Quarter.Equal(f.Quarter) {
			return value(o)
		}
	}
	return ""
}

func quarter(t time.Time) string { return fmt.Sprintf("Q%d %d", (int(t.Month())+2)/3, t.Year()) }

var metrics = map[string]string{benchmark.DecisionDays: "Days until a registration is decided", benchmark.WinRate: "Deals won, of those closed", benchmark.DealSize: "Size of a deal that is won"}

func segment(s string) string {
	switch s {
	case benchmark.Whole:
		return "All programmes"
	case "small":
		return "Fewer than 10 partners"
	case "medium":
		return "10 to 49 partners"
	case "large":
		return "50 partners or more"
	}
	return "in " + s
}

func value(f benchmark.Figure) string {
	switch f.Metric {
	case benchmark.DecisionDays:
		return strconv.FormatFloat(f.Value, 'f', 1, 64)
	case benchmark.WinRate:
		return strconv.FormatFloat(f.Value*100, 'f', 0, 64) + " %"
	}
	return money.Format(int64(f.Value), f.Segment)
}
