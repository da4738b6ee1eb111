package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// record is what the measurement needs of a deal on the wire.
type record struct {
	ID      string `json:"id"`
	StageID string `json:"stage_id"`
	Partner string `json:"partner_id"`
	Title   string `json:"title"`
	Account struct {
		Name   string `json:"name"`
		Domain string `json:"domain"`
	} `json:"account"`
}

type listing struct {
	Items []record `json:"items"`
	Next  string   `json:"next_cursor"`
}

// scene is what is asked about, found out through the API itself: it works on any installation that has deals.
type scene struct {
	host     string
	w        world
	partners []view
	staff    view
}

// view is somebody and what they see.
type view struct {
	caller
	deals []record
}

const seenMost = 3000 // deals of one caller that are looked at before measuring

func discover(ctx context.Context, addr, host string, w world) (*scene, error) {
	s := &scene{host: host, w: w}
	c := newClient(addr)
	defer c.close()
	for _, p := range w.Partners {
		v, err := s.look(ctx, c, p)
		if err != nil {
			return nil, fmt.Errorf("as a partner user: %w", err)
		}
		if len(v.deals) == 0 {
			continue
		}
		if v.Partner == "" {
			v.Partner = v.deals[0].Partner
		}
		s.partners = append(s.partners, v)
	}
	var err error
	if s.staff, err = s.look(ctx, c, w.Staff); err != nil {
		return nil, fmt.Errorf("as staff: %w", err)
	}
	if len(s.partners) == 0 || len(s.staff.deals) == 0 {
		return nil, fmt.Errorf("there are no deals to ask about")
	}
	return s, nil
}

// look reads a caller's newest deals, page by page.
func (s *scene) look(ctx context.Context, c *client, who caller) (view, error) {
	v := view{caller: who}
	for cursor := ""; len(v.deals) < seenMost && ctx.Err() == nil; {
		var p listing
		if err := s.ask(c, s.api(who, "/api/v1/deals?limit=200"+cursor), &p); err != nil {
			return v, err
		}
		v.deals = append(v.deals, p.Items...)
		if cursor = "&cursor=" + url.QueryEscape(p.Next); p.Next == "" {
			break
		}
	}
	return v, nil
}

func (s *scene) ask(c *client, req []byte, into any) error {
	status, body, err := c.do(req)
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d: %.300s", status, body)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	return err
}

func (s *scene) api(who caller, path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + s.host + "\r\nAuthorization: Bearer " + who.Key + "\r\nAccept: application/json\r\n\r\n")
}

// browse is a page request as a browser that takes no compressed answers sends it.
func (s *scene) browse(who caller, path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + s.host + "\r\nCookie: __Host-entente=" + who.Session + "\r\nAccept: text/html\r\nSec-Fetch-Site: same-origin\r\n\r\n")
}

var partnerField = []byte(`"partner_id":"`)

func own(partner string) []byte { return []byte(`"partner_id":"` + partner + `"`) }

// works lists what is measured, in the order of measuring: what changes data comes last.
func (s *scene) works(c *client) ([]work, error) {
	list, err := s.lists(c)
	if err != nil {
		return nil, err
	}
	searchPartner, err := s.searches(c, s.partners, false)
	if err != nil {
		return nil, err
	}
	searchStaff, err := s.searches(c, []view{s.staff}, false)
	if err != nil {
		return nil, err
	}
	broad, err := s.searches(c, []view{s.staff}, true)
	if err != nil {
		return nil, err
	}
	common, err := s.common(c)
	if err != nil {
		return nil, err
	}
	fast := target{p50at1: 4 * time.Millisecond, rateAt16: 1000}
	out := []work{
		{"read", "read one deal as a partner user", target{p50at1: 800 * time.Microsecond, rateAt16: 3300}, pick(s.reads())},
		{"list", "list 50 filtered by partner and stage, sorted by amount, as a partner user", target{1600 * time.Microsecond, 1700, 40 * time.Millisecond}, pick(list)},
		{"search-partner", "substring search of company as a partner user", fast, pick(searchPartner)},
		{"search-staff", "substring search of company as staff", fast, pick(searchStaff)},
		{"search-broad", "search for a part of a word that every fiftieth company has, as staff", target{}, pick(broad)},
		{"search-common", "search for a word that most deals have, as staff", target{}, pick(common)},
	}
	if s.partners[0].Session != "" {
		pages, err := s.pages(c)
		if err != nil {
			return nil, err
		}
		out = append(out, work{"page", "the list as an HTML page, as a partner user", target{p50at1: 6 * time.Millisecond, rateAt16: 500}, pick(pages)})
		for _, p := range []struct{ name, path string }{{"home", "/"}, {"board", "/deals/board"}, {"queue", "/deals/queue"}} {
			out = append(out, work{p.name + "-staff", "the page " + p.path + " as staff", target{}, pick([]prepared{{req: s.browse(s.staff.caller, p.path), items: -1, holds: []byte("</html>")}})})
		}
		out = append(out, work{"home-partner", "the page / as a partner user", target{}, pick(s.everyPartner("/"))})
		out = append(out, work{"record-partner", "a deal's page with its timeline, as a partner user", target{}, pick(s.records())})
	}
	return append(out,
		work{"create", "create one deal (durable, history, audit) as a partner user", target{p50at1: 5 * time.Millisecond, rateAt16: 700}, s.creates("")},
		work{"create-keyed", "the same with an Idempotency-Key", target{}, s.creates("bench")}), nil
}

func (s *scene) reads() (out []prepared) {
	for _, v := range s.partners {
		for _, d := range v.deals {
			out = append(out, prepared{req: s.api(v.caller, "/api/v1/deals/"+d.ID), items: 1, each: partnerField, own: own(v.Partner), holds: []byte(`"id":"` + d.ID + `"`)})
		}
	}
	return out
}

// lists asks for every partner's dearest deals in each stage that has a whole page of them, by the stage's id.
func (s *scene) lists(c *client) (out []prepared, err error) {
	for _, v := range s.partners {
		for stage, n := range count(v.deals, func(d record) string { return d.StageID }) {
			if n < 50 {
				continue
			}
			path := "/api/v1/deals?partner_id=" + v.Partner + "&stage=" + stage + "&sort=-amount&limit=50"
			p := prepared{req: s.api(v.caller, path), items: 50, each: partnerField, own: own(v.Partner), holds: []byte(stage)}
			if err := s.rehearse(c, &p); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no partner user has 50 deals in one stage")
	}
	return out, nil
}

// searches asks for parts of customers' names, 4 to 8 characters long: from anywhere in the name's first word, or, for a broad
// search, in its second, which every fiftieth customer has. What each finds is checked here once, and its number ever after.
func (s *scene) searches(c *client, views []view, broad bool) (out []prepared, err error) {
	rng := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // repeatable on purpose
	for range 400 {
		v := views[rng.IntN(len(views))]
		name, rest, _ := strings.Cut(v.deals[rng.IntN(len(v.deals))].Account.Name, " ")
		if broad {
			name, _, _ = strings.Cut(rest, " ")
		}
		n := min(4+rng.IntN(5), len(name))
		if n < 3 {
			continue
		}
		at := rng.IntN(len(name) - n + 1)
		q := strings.TrimSpace(name[at : at+n])
		p := prepared{req: s.api(v.caller, "/api/v1/deals?limit=50&q="+url.QueryEscape(q)), each: partnerField}
		if v.Partner != "" {
			p.own = own(v.Partner)
		}
		var found listing
		if err := s.ask(c, p.req, &found); err != nil {
			return nil, fmt.Errorf("search for %q: %w", q, err)
		}
		for _, d := range found.Items {
			if text := strings.ToLower(strings.Join([]string{d.Title, d.Account.Name, d.Account.Domain}, " ")); !strings.Contains(text, strings.ToLower(q)) {
				return nil, fmt.Errorf("search for %q found %q of %q", q, d.Title, d.Account.Name)
			}
		}
		if p.items = len(found.Items); p.items == 0 {
			return nil, fmt.Errorf("search for %q found nothing", q)
		}
		out = append(out, p)
	}
	return out, nil
}

// common asks for the first word that is in most of the titles that staff see.
func (s *scene) common(c *client) ([]prepared, error) {
	words := map[string]int{}
	for _, d := range s.staff.deals {
		for _, w := range strings.Fields(strings.ToLower(d.Title)) {
			words[w]++
		}
	}
	word, most := "", 0
	for w, n := range words {
		if len(w) > 2 && (n > most || n == most && w < word) {
			word, most = w, n
		}
	}
	p := prepared{req: s.api(s.staff.caller, "/api/v1/deals?limit=50&q="+url.QueryEscape(word)), items: -1, each: partnerField}
	return []prepared{p}, s.rehearse(c, &p)
}

// rehearse sends a request once before it counts.
func (s *scene) rehearse(c *client, p *prepared) error {
	status, body, err := c.do(p.req)
	if err != nil {
		return err
	}
	return p.judge(status, body)
}

// pages are the lists of lists, drawn.
func (s *scene) pages(c *client) (out []prepared, err error) {
	for _, v := range s.partners {
		for stage, n := range count(v.deals, func(d record) string { return d.StageID }) {
			if n >= 50 {
				out = append(out, prepared{req: s.browse(v.caller, "/deals?stage="+stage+"&sort=-amount"), each: []byte(`<td class="main">`), items: -1, holds: []byte("</html>")})
			}
		}
	}
	for i := range out {
		status, body, err := c.do(out[i].req)
		if err != nil {
			return nil, err
		}
		if out[i].items = bytes.Count(body, out[i].each); status != 200 || out[i].items < 25 {
			return nil, fmt.Errorf("the page of the list: status %d, %d rows: %.300s", status, out[i].items, body)
		}
	}
	return out, nil
}

func (s *scene) everyPartner(path string) (out []prepared) {
	for _, v := range s.partners {
		out = append(out, prepared{req: s.browse(v.caller, path), items: -1, holds: []byte("</html>")})
	}
	return out
}

func (s *scene) records() (out []prepared) {
	for _, v := range s.partners {
		for _, d := range v.deals[:min(len(v.deals), 200)] {
			out = append(out, prepared{req: s.browse(v.caller, "/deals/"+d.ID), items: -1, holds: []byte(d.Title)})
		}
	}
	return out
}

// creates registers deals: three of four for a customer the partner knows, the fourth for a new one. With a key each request has one.
func (s *scene) creates(key string) func(*worker) ([]byte, func(int, []byte) error) {
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	done := make([]int, 1024)
	judge := func(status int, body []byte) error {
		if status != 201 {
			return fmt.Errorf("status %d: %.200s", status, body)
		}
		if !bytes.Contains(body, []byte(`"state":"draft"`)) || !bytes.Contains(body, partnerField) {
			return fmt.Errorf("not a new deal: %.200s", body)
		}
		return nil
	}
	return func(w *worker) ([]byte, func(int, []byte) error) {
		v := &s.partners[w.rng.IntN(len(s.partners))]
		n := done[w.n]
		done[w.n]++
		a := v.deals[w.rng.IntN(len(v.deals))].Account
		if n%4 == 3 {
			mark := fmt.Sprintf("%s-%d-%d", run, w.n, n)
			a.Name, a.Domain = "Newcomer "+mark, "new-"+mark+".com"
		}
		body := fmt.Sprintf(`{"title":"Bench %s %d %d","account":{"name":%q,"domain":%q,"country":"DE"},"amount_minor":%d,"currency":"EUR","expected_close_on":"2027-03-31"}`,
			run, w.n, n, a.Name, a.Domain, 1000+w.rng.IntN(1_000_000))
		w.buf = fmt.Appendf(w.buf[:0], "POST /api/v1/deals HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", s.host, v.Key, len(body))
		if key != "" {
			w.buf = fmt.Appendf(w.buf, "Idempotency-Key: %s-%s-%d-%d\r\n", key, run, w.n, n)
		}
		w.buf = append(append(w.buf, "\r\n"...), body...)
		return w.buf, judge
	}
}

func count(deals []record, by func(record) string) map[string]int {
	out := map[string]int{}
	for _, d := range deals {
		out[by(d)]++
	}
	return out
}
