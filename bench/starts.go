package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"entente.dev/internal/kernel/pg/embedded"
)

// firstStart measures the first ever start: an empty directory, to the first answer of /readyz.
func (o options) firstStart(ctx context.Context, log string) figure {
	f := figure{Name: "first-start", What: "first ever start to first answer", Unit: "s"}
	dir, err := os.MkdirTemp(o.out, "first-")
	if err != nil {
		return f.failed(err).atMost(6)
	}
	defer os.RemoveAll(dir)
	s, err := serve(ctx, o.bin, dir, log)
	if err != nil {
		return f.failed(err).atMost(6)
	}
	f.Value = s.toReady.Seconds()
	return f.failed(s.stop()).atMost(6)
}

// restarts stops and starts the program three times on its full directory and returns the last server.
func (o options) restarts(ctx context.Context, s *server, data, log string, r *result) (*server, error) {
	f := figure{Name: "start", What: "start on an existing directory to first answer", Unit: "s"}
	var times []float64
	for range 3 {
		if err := s.stop(); err != nil {
			return s, err
		}
		var err error
		if s, err = serve(ctx, o.bin, data, log); err != nil {
			return s, err
		}
		times = append(times, s.toReady.Seconds())
	}
	slices.Sort(times)
	f.Value, f.Detail = times[1], fmt.Sprintf("the middle of %.2f, %.2f and %.2f", times[0], times[1], times[2])
	r.Figures = append(r.Figures, f.atMost(1.5))
	return s, nil
}

// wholes measures the imports and the memory after all.
func (o options) wholes(ctx context.Context, s *server, data string, who watched, r *result) {
	base := "http://" + s.addr
	r.Figures = append(r.Figures, o.imports(ctx, base, data, who)...)
	memory := figure{Name: "memory", What: "resident memory of the Go process after all of this", Unit: "MiB", Value: float64(resident(who.server)) / mib}
	r.Figures = append(r.Figures, memory.atMost(100))
	time.Sleep(10 * time.Second)
	r.Figures = append(r.Figures,
		figure{Name: "memory-idle", What: "the same after ten seconds of rest", Unit: "MiB", Value: float64(resident(who.server)) / mib},
		figure{Name: "memory-postgres", What: "memory of PostgreSQL, shared pages counted once", Unit: "MiB", Value: float64(who.proportional()) / mib})
}

// imports imports the sample twice, each time into a programme of its own.
func (o options) imports(ctx context.Context, base, data string, who watched) []figure {
	var into [2]caller
	url, err := embedded.Attach(ctx, data)
	for i := range into {
		if err == nil {
			into[i], err = emptyOne(ctx, url, data, fmt.Sprintf("empty-%d-%d", time.Now().Unix(), i))
		}
	}
	if err != nil {
		return []figure{figure{Name: "import", What: "programmes to import into"}.failed(err)}
	}
	return []figure{importAPI(ctx, base, into[0], o.sample, who), importCLI(ctx, o.bin, data, into[1], o.sample, who)}
}
