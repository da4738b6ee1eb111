package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// work is one kind of request. next returns a request and how to judge its answer; the request is sent before next is called again
// on the same worker.
type work struct {
	name, what string
	target     target
	next       func(w *worker) (req []byte, judge func(status int, body []byte) error)
}

// target is what the row should reach; a zero field asks for nothing.
type target struct {
	p50at1   time.Duration
	rateAt16 float64
	p99at16  time.Duration
}

// worker is one connection's state.
type worker struct {
	n   int // which of them
	rng *rand.Rand
	buf []byte
}

// prepared is a request that is sent as it stands, with what its answer must hold.
type prepared struct {
	req   []byte
	items int    // how many records, -1 for any number
	each  []byte // what begins one record's mention of its partner, such as "partner_id":"
	own   []byte // the same with the only partner that may stand there; nil for anybody's
	holds []byte // what must stand in it
}

func (p *prepared) judge(status int, body []byte) error {
	if status != 200 {
		return fmt.Errorf("status %d: %.200s", status, body)
	}
	if p.holds != nil && !bytes.Contains(body, p.holds) {
		return fmt.Errorf("the answer lacks %q: %.200s", p.holds, body)
	}
	if p.each == nil {
		return nil
	}
	n := bytes.Count(body, p.each)
	if p.items >= 0 && n != p.items {
		return fmt.Errorf("%d records, wanted %d", n, p.items)
	}
	if p.own != nil {
		if own := bytes.Count(body, p.own); own != n {
			return fmt.Errorf("%d of %d records are another partner's", n-own, n)
		}
	}
	return nil
}

// pick sends one of the prepared requests after the other, in random order.
func pick(all []prepared) func(*worker) ([]byte, func(int, []byte) error) {
	return func(w *worker) ([]byte, func(int, []byte) error) {
		p := &all[w.rng.IntN(len(all))]
		return p.req, p.judge
	}
}

// measured is what one row and number of connections gave.
type measured struct {
	Name      string  `json:"name"`
	What      string  `json:"what"`
	Conns     int     `json:"connections"`
	Requests  int     `json:"requests"`
	Errors    int     `json:"errors"`
	FirstErr  string  `json:"first_error,omitempty"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P90       float64 `json:"p90_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	// CPU time of a request, in milliseconds, by who spent it; 0 where it is not known.
	ServerCPU   float64 `json:"server_cpu_ms"`
	PostgresCPU float64 `json:"postgres_cpu_ms"`
	BenchCPU    float64 `json:"bench_cpu_ms"`
	Target      string  `json:"target,omitempty"`
	Met         *bool   `json:"met,omitempty"`
}

// run loads addr over conns connections: first a while that does not count, then d. The processes' CPU time is sampled around d.
func run(ctx context.Context, addr string, w work, conns int, warm, d time.Duration, who watched) measured {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		all   []time.Duration
		out   = measured{Name: w.name, What: w.what, Conns: conns}
		begin = time.Now().Add(warm)
		end   = begin.Add(d)
	)
	for n := range conns {
		wg.Go(func() {
			c := newClient(addr)
			defer c.close()
			me := &worker{n: n, rng: rand.New(rand.NewPCG(uint64(n)+1, uint64(conns)))} //nolint:gosec // not a secret
			times := make([]time.Duration, 0, 1<<14)
			errs, first := 0, ""
			for ctx.Err() == nil {
				req, judge := w.next(me)
				start := time.Now()
				if start.After(end) {
					break
				}
				status, body, err := c.do(req)
				took := time.Since(start)
				if err == nil {
					err = judge(status, body)
				}
				if start.Before(begin) && err == nil {
					continue
				}
				if err != nil {
					if errs++; first == "" {
						first = err.Error()
					}
					continue
				}
				times = append(times, took)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, times...)
			out.Errors += errs
			if out.FirstErr == "" {
				out.FirstErr = first
			}
		})
	}
	time.Sleep(time.Until(begin))
	before := who.sample()
	time.Sleep(time.Until(end))
	used := who.sample().minus(before)
	wg.Wait()
	slices.Sort(all)
	out.Requests, out.Seconds = len(all), d.Seconds()
	if len(all) > 0 {
		out.PerSecond = float64(len(all)) / d.Seconds()
		out.P50, out.P90, out.P99, out.Max = at(all, .50), at(all, .90), at(all, .99), ms(all[len(all)-1])
		n := float64(len(all))
		out.ServerCPU, out.PostgresCPU, out.BenchCPU = ms(used.server)/n, ms(used.postgres)/n, ms(used.bench)/n
	}
	out.judge(w.target)
	return out
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// at returns the q-quantile of sorted times, in milliseconds: the smallest that at least a share q does not exceed.
func at(sorted []time.Duration, q float64) float64 {
	i := int(float64(len(sorted))*q+0.999999) - 1
	return ms(sorted[min(max(i, 0), len(sorted)-1)])
}

// judge compares the row with its target, at the numbers of connections that the target speaks of.
func (m *measured) judge(t target) {
	met := m.Errors == 0 && m.Requests > 0
	switch {
	case m.Conns == 1 && t.p50at1 > 0:
		m.Target = fmt.Sprintf("p50 ≤ %g ms", ms(t.p50at1))
		met = met && m.P50 <= ms(t.p50at1)
	case m.Conns == 16 && t.rateAt16 > 0:
		m.Target = fmt.Sprintf("≥ %g/s", t.rateAt16)
		met = met && m.PerSecond >= t.rateAt16
		if t.p99at16 > 0 {
			m.Target += fmt.Sprintf(", p99 ≤ %g ms", ms(t.p99at16))
			met = met && m.P99 <= ms(t.p99at16)
		}
	default:
		return
	}
	m.Met = &met
}
