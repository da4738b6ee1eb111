package dealweb

import (
	"net/http"
	"strconv"

	"entente.dev/internal/access"
	"entente.dev/internal/audit/trail"
	"entente.dev/internal/deal"
	"entente.dev/internal/ui"
	"entente.dev/internal/ui/chart"
)

// homeView is what a home page shows.
type homeView struct {
	vendor   bool
	sum      deal.Summary
	stats    []ui.Stat
	pipeline chart.BarsData
	ages     chart.AgesData
	won      chart.ColumnsData
	oldest   []deal.Deal // vendor: what waits longest
	open     []deal.Deal // partner: returned, drafts, submitted
	activity []trail.Entry
	due      []Deadline // vendor: what law or contract wants done by a time
	rd       ui.Reader
}

func (p *pages) home(w http.ResponseWriter, r *http.Request, who access.Actor) error {
	pg, err := p.Page(w, r, who, "Home", "home")
	if err != nil {
		return err
	}
	v := homeView{vendor: vendor(who), rd: pg.Viewer.Reader}
	if v.sum, err = p.deals.Summary(r.Context(), who); err != nil {
		return err
	}
	if v.vendor {
		err = p.vendorHome(r, who, &v)
	} else {
		err = p.partnerHome(r, who, &v)
	}
	if err != nil {
		return err
	}
	v.draw()
	pg.Subtitle = homeLine(who, pg.Viewer)
	return ui.Render(w, r, http.StatusOK, homePage(pg, v))
}

func homeLine(who access.Actor, v ui.Viewer) string {
	if vendor(who) {
		return "Where the partner programme stands today."
	}
	return v.Company + ", partner of " + v.Brand.Name + "."
}

func (p *pages) vendorHome(r *http.Request, who access.Actor, v *homeView) (err error) {
	if p.Deadlines != nil {
		if v.due, err = p.Deadlines(r.Context(), who); err != nil {
			return err
		}
	}
	if who.May(deal.ActQueue) {
		q, err := p.deals.Queue(r.Context(), who, deal.QueueQuery{Limit: rowsMost})
		if err != nil {
			return err
		}
		for _, it := range q.Items {
			v.oldest = append(v.oldest, it.Deal)
		}
	}
	if !who.May(trail.ActList) {
		return nil
	}
	page, err := p.Trail.List(r.Context(), who, trail.Query{ObjectType: "deal", Outcome: "done", Limit: 3 * activityMost})
	for _, e := range page.Items {
		if _, told := verbs[e.Action]; told && len(v.activity) < activityMost {
			v.activity = append(v.activity, e)
		}
	}
	return err
}

// rowsMost and activityMost are how many rows the short lists of the home page have.
const rowsMost, activityMost = 6, 8

func (v homeView) expiring() []deal.Deal { return v.sum.Expiring[:min(rowsMost, len(v.sum.Expiring))] }

// openOrder is in which order a partner sees its open registrations: what needs the partner first.
var openOrder = []deal.State{deal.StateReturned, deal.StateDraft, deal.StateSubmitted}

func (p *pages) partnerHome(r *http.Request, who access.Actor, v *homeView) error {
	for _, s := range openOrder {
		l, err := p.deals.List(r.Context(), who, deal.Query{State: s, Limit: 3})
		if err != nil {
			return err
		}
		v.open = append(v.open, l.Items...)
	}
	return nil
}

// draw turns the figures into headline numbers and charts.
func (v *homeView) draw() {
	var pipe []deal.Money
	for _, s := range v.sum.Pipeline {
		pipe = add(pipe, s.Totals)
	}
	v.pipeline = v.bars(mainCurrency(pipe))
	v.ages = v.bins()
	v.won = v.months()
	waiting := v.waiting()
	decide := ui.Stat{Label: "Waiting for a decision", Value: v.rd.Number(waiting), Icon: "inbox", Href: "/deals?state=submitted&sort=created"}
	if v.vendor {
		decide.Href = "/deals/queue"
	}
	if len(v.oldest) > 0 {
		decide.Note, decide.Tone = "oldest "+v.rd.Relative(at(v.oldest[0].SubmittedAt)), v.patience()
	} else if len(v.open) > 0 && v.open[0].State == deal.StateReturned {
		decide.Note, decide.Tone = "others were returned to you", ui.Warn
	} else if waiting == 0 {
		decide.Note = "nothing is waiting"
	}
	value := ui.Stat{Label: "Approved pipeline", Value: short(v.rd, pipe, "–"), Note: counted(v.rd, countOf(pipe), "deal", "deals"), Icon: "layout-kanban", Href: "/deals/board"}
	v.stats = []ui.Stat{decide, value, v.forecast(), v.wonNow()}
}

func (v *homeView) waiting() int64 {
	var n int64
	for _, b := range v.sum.Waiting {
		n += b.Count
	}
	return n
}

// everWon reports whether there is anything to draw by month.
func (v *homeView) everWon() bool {
	for _, m := range v.sum.WonByMonth {
		if len(m.Totals) > 0 {
			return true
		}
	}
	return false
}

// fresh reports whether the programme has no deal that a chart would show, nor a trace of one.
func (v *homeView) fresh() bool {
	for _, s := range v.sum.Pipeline {
		if len(s.Totals) > 0 {
			return false
		}
	}
	return v.waiting() == 0 && len(v.activity) == 0 && !v.everWon()
}

// patience is the tone of waiting: more than a week is late.
func (v *homeView) patience() ui.Tone {
	for _, b := range v.sum.Waiting {
		if late(b) && b.Count > 0 {
			return ui.Warn
		}
	}
	return ""
}

func late(b deal.AgeBucket) bool { return b.UpToDays == 0 || b.UpToDays > 7 }

func (v *homeView) forecast() ui.Stat {
	var sums []deal.Money
	for _, s := range v.sum.Pipeline {
		for _, m := range s.Totals {
			m.Minor = m.Minor / 100 * int64(s.Stage.Probability)
			sums = add(sums, []deal.Money{m})
		}
	}
	return ui.Stat{Label: "Weighted forecast", Value: short(v.rd, sums, "–"), Note: "by the stages' probability", Icon: "scale"}
}

func (v *homeView) wonNow() ui.Stat {
	s := ui.Stat{Label: "Won this month", Value: "–", Note: "nothing last month", Icon: "trophy", Href: "/deals?state=won"}
	if n := len(v.sum.WonByMonth); n > 1 && v.upToNow() {
		s.Value = short(v.rd, v.sum.WonByMonth[n-1].Totals, "–")
		s.Note = short(v.rd, v.sum.WonByMonth[n-2].Totals, "nothing") + " last month"
	}
	return s
}

// upToNow reports whether the months end with the present one; they end with the last win where that is long ago.
func (v *homeView) upToNow() bool {
	n := len(v.sum.WonByMonth)
	return n > 0 && v.sum.WonByMonth[n-1].Month.Time().Format("2006-01") == v.rd.Present().UTC().Format("2006-01")
}

func (v *homeView) bars(cur string) chart.BarsData {
	d := chart.BarsData{ID: "pipeline", Title: "Pipeline by stage", LabelHead: "Stage", ValueHead: "Value", NoteHead: "Deals",
		Summary: "Approved deals that are neither won nor lost."}
	for _, s := range v.sum.Pipeline {
		d.Bars = append(d.Bars, chart.Bar{Label: s.Stage.Name, Value: float64(in(s.Totals, cur)), Text: short(v.rd, s.Totals, "–"),
			Note: counted(v.rd, countOf(s.Totals), "deal", "deals"), Href: "/deals?state=approved&stage=" + s.Stage.ID.String()})
	}
	return d
}

func (v *homeView) bins() chart.AgesData {
	d := chart.AgesData{ID: "ages", Title: "Decisions waiting by age", LabelHead: "Waiting for", CountHead: "Registrations",
		Summary: counted(v.rd, v.waiting(), "registration waits", "registrations wait") + " for a decision."}
	for _, b := range v.sum.Waiting {
		d.Bins = append(d.Bins, chart.Bin{Label: ageLabel(b), Count: int(b.Count), Late: late(b), Href: "/deals/queue"})
	}
	return d
}

// ageLabel is short enough to stand under a bar.
func ageLabel(b deal.AgeBucket) string {
	switch b.UpToDays {
	case 0:
		return "> 14 days"
	case 1:
		return "≤ 1 day"
	}
	return "≤ " + strconv.Itoa(b.UpToDays) + " days"
}

func (v *homeView) months() chart.ColumnsData {
	var all []deal.Money
	for _, m := range v.sum.WonByMonth {
		all = add(all, m.Totals)
	}
	cur := mainCurrency(all)
	span := "in the last 18 months"
	if n := len(v.sum.WonByMonth); n > 0 && !v.upToNow() {
		span = "in the 18 months up to " + v.sum.WonByMonth[n-1].Month.Time().Format("January 2006")
	}
	d := chart.ColumnsData{ID: "won", Title: "Won value by month", LabelHead: "Month", ValueHead: "Value", NoteHead: "Deals",
		Summary: short(v.rd, all, "Nothing") + " won " + span + ", by the day the deal closed.",
		Axis:    func(x float64) string { return v.rd.MoneyShort(int64(x), cur) }}
	year := ""
	for _, m := range v.sum.WonByMonth {
		t := m.Month.Time()
		c := chart.Column{Label: t.Format("January 2006"), Short: t.Format("Jan"), Value: float64(in(m.Totals, cur)), Text: short(v.rd, m.Totals, "–"),
			Note: counted(v.rd, countOf(m.Totals), "deal", "deals")}
		if y := t.Format("2006"); y != year {
			c.Group, year = y, y
		}
		d.Columns = append(d.Columns, c)
	}
	return d
}
