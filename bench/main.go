package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"entente.dev/internal/kernel/pg/embedded"
)

// options are the flags.
type options struct {
	url, keyStaff, keyPartner, session string

	data, bin, out, sample string
	scale                  float64
	last, warm             time.Duration
	conns                  string
	only                   *regexp.Regexp
	profile, plans, whole  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, flags())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func flags() options {
	var o options
	var only string
	flag.StringVar(&o.url, "url", "", "measure this installation instead of starting one; needs the keys")
	flag.StringVar(&o.keyStaff, "key-staff", "", "API key of one of Staff, with -url")
	flag.StringVar(&o.keyPartner, "key-partner", "", "API keys of partner users, comma-separated, with -url")
	flag.StringVar(&o.session, "session", "", "value of a partner user's session cookie, with -url; without it pages are left out")
	flag.StringVar(&o.data, "data", "", "data directory that is kept and used again; by default a new one below -out that is removed")
	flag.StringVar(&o.bin, "bin", "bin/entente", "the program")
	flag.StringVar(&o.out, "out", "bench/out", "directory for results")
	flag.StringVar(&o.sample, "sample", "testdata/crm-sales-opportunities", "directory of the sample that is imported")
	flag.Float64Var(&o.scale, "scale", 1, "share of the 1.1 million deals that is filled in")
	flag.DurationVar(&o.last, "for", 5*time.Second, "how long each row is measured at each number of connections")
	flag.DurationVar(&o.warm, "warm", 1500*time.Millisecond, "how long each runs before it counts")
	flag.StringVar(&o.conns, "conns", "1,16,4,64", "numbers of connections, comma-separated")
	flag.StringVar(&only, "only", "", "regular expression of the rows to measure")
	flag.BoolVar(&o.profile, "profile", true, "take a CPU profile of the server for each row, at 16 connections, and one of its heap")
	flag.BoolVar(&o.plans, "plans", true, "check the plans of what the program asks the database")
	flag.BoolVar(&o.whole, "whole", true, "measure starts, the export, imports and memory")
	flag.Parse()
	o.only = regexp.MustCompile(only)
	return o
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// bench measures and reports; a target that is missed is no error, a request that fails is.
func bench(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	r := &result{At: time.Now().UTC(), Machine: thisMachine(), Command: strings.Join(os.Args[1:], " "), Scale: o.scale}
	var err error
	switch {
	case o.onlyPromises():
		o.promised(ctx, r)
	case o.url != "":
		err = o.foreign(ctx, r)
	default:
		if err = o.local(ctx, r); err == nil && o.whole {
			o.promised(ctx, r)
		}
	}
	if len(r.Rows)+len(r.Figures) > 0 {
		r.print(os.Stdout)
		err = errors.Join(err, r.write(filepath.Join(o.out, "result.json")))
		say("\nAll of it stands in %s.", filepath.Join(o.out, "result.json"))
	}
	for _, m := range r.Rows {
		if m.Errors > 0 {
			err = errors.Join(err, fmt.Errorf("%s at %d connections: %d requests failed", m.Name, m.Conns, m.Errors))
		}
	}
	return err
}

// foreign measures an installation that somebody else runs.
func (o options) foreign(ctx context.Context, r *result) error {
	u, err := url.Parse(o.url)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return fmt.Errorf("-url must be http://host:port: the client speaks plain HTTP")
	}
	w := world{Staff: caller{Key: o.keyStaff}}
	for i, k := range strings.Split(o.keyPartner, ",") {
		c := caller{Key: k}
		if i == 0 {
			c.Session = o.session
		}
		w.Partners = append(w.Partners, c)
	}
	r.Notes = append(r.Notes, "An installation that was already running: no starts, memory, profiles or processor times.")
	return o.rows(ctx, u.Host, "", w, watched{}, r)
}

// local starts the program, fills it and measures everything.
func (o options) local(ctx context.Context, r *result) (err error) {
	if _, err := os.Stat(o.bin); err != nil {
		return fmt.Errorf("%w; run make build first", err)
	}
	data := o.data
	if data == "" {
		if data, err = os.MkdirTemp(o.out, "data-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	}
	log := filepath.Join(o.out, "server.log")
	_ = os.Remove(log)
	if o.whole {
		r.Figures = append(r.Figures, o.firstStart(ctx, log))
	}
	s, err := serve(ctx, o.bin, data, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	w, err := o.filled(ctx, data)
	if err != nil {
		return err
	}
	r.Deals, r.AllDeals, r.Fill = w.Deals, w.AllDeals, w.Seconds
	if o.whole {
		if s, err = o.restarts(ctx, s, data, log, r); err != nil {
			return err
		}
	} else if err := s.stop(); err != nil {
		return err
	} else if s, err = serve(ctx, o.bin, data, log); err != nil { // the server that was filled under has cold plans and caches
		return err
	}
	who := watched{server: s.cmd.Process.Pid}
	if o.whole { // before rows that add deals
		r.Figures = append(r.Figures, exports(ctx, "http://"+s.addr, w, who)...)
	}
	if err := o.rows(ctx, s.addr, s.admin, w, who, r); err != nil {
		return err
	}
	if o.whole {
		o.wholes(ctx, s, data, who, r)
	}
	if o.profile {
		err = keep(ctx, "http://"+s.admin+"/debug/pprof/heap", filepath.Join(o.out, "heap.pprof"))
	}
	if o.plans {
		return errors.Join(err, o.checkPlans(ctx, &s, data, log, w, r))
	}
	return err
}

// filled returns the world of the data directory, made now unless an earlier run left it.
func (o options) filled(ctx context.Context, data string) (w world, err error) {
	file := filepath.Join(data, "bench.json")
	url, err := embedded.Attach(ctx, data)
	if err != nil {
		return w, err
	}
	if b, err := os.ReadFile(file); err == nil { //nolint:gosec // our own
		return w, errors.Join(json.Unmarshal(b, &w), revive(ctx, url))
	}
	say("filling, scale %g …", o.scale)
	if w, err = fill(ctx, url, data, o.scale, say); err != nil {
		return w, err
	}
	say("filled: %d deals in %.0f s", w.AllDeals, w.Seconds)
	b, err := json.Marshal(w)
	if err != nil {
		return w, err
	}
	return w, os.WriteFile(file, b, 0o600)
}

// rows measures each kind of request at each number of connections.
func (o options) rows(ctx context.Context, addr, admin string, w world, who watched, r *result) error {
	s, err := discover(ctx, addr, addr, w)
	if err != nil {
		return err
	}
	if r.Deals == 0 {
		r.Deals = len(s.staff.deals)
	}
	c := newClient(addr)
	defer c.close()
	works, err := s.works(c)
	if err != nil {
		return err
	}
	for _, w := range works {
		if !o.only.MatchString(w.name) {
			continue
		}
		for _, field := range strings.Split(o.conns, ",") {
			conns, err := strconv.Atoi(field)
			if err != nil || conns < 1 || conns > 1024 {
				return fmt.Errorf("-conns: %q is not a number of connections", field)
			}
			m := run(ctx, addr, w, conns, o.warm, o.last, who)
			r.Rows = append(r.Rows, m)
			say("%-16s %3d connections  p50 %7.2f ms  p99 %7.2f ms  %6.0f/s  %s %s", m.Name, m.Conns, m.P50, m.P99, m.PerSecond, mark(m.Met), m.FirstErr)
		}
		if o.profile && admin != "" {
			if err := o.profiled(ctx, addr, admin, w, who); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// profiled loads once more, only to take a profile of the server: it would disturb what is measured.
func (o options) profiled(ctx context.Context, addr, admin string, w work, who watched) error {
	done := make(chan struct{})
	go func() { defer close(done); run(ctx, addr, w, 16, 0, 4*time.Second, who) }()
	err := keep(ctx, "http://"+admin+"/debug/pprof/profile?seconds=3", filepath.Join(o.out, "cpu-"+w.name+".pprof"))
	<-done
	return err
}
