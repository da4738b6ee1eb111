package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// watched are the processes whose CPU time is told apart: the server and the PostgreSQL below it. The zero value watches only the
// bench itself; so does a system without /proc.
type watched struct{ server int }

type cpu struct{ server, postgres, bench time.Duration }

func (c cpu) minus(b cpu) cpu {
	return cpu{c.server - b.server, c.postgres - b.postgres, c.bench - b.bench}
}

const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on

// sample returns the CPU time used so far. PostgreSQL's is that of its living processes and of those it has waited for.
func (w watched) sample() cpu {
	self, _ := processOf(os.Getpid())
	out := cpu{bench: self.used}
	if w.server == 0 {
		return out
	}
	if p, ok := processOf(w.server); ok {
		out.server = p.used
	}
	children := childrenOf()
	for _, postmaster := range children[w.server] {
		out.postgres += postmaster.used + postmaster.waited
		for _, backend := range children[postmaster.pid] {
			out.postgres += backend.used
		}
	}
	return out
}

type process struct {
	pid, parent  int
	used, waited time.Duration
}

func childrenOf() map[int][]process {
	out := map[int][]process{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(d))
		if p, ok := processOf(pid); ok {
			out[p.parent] = append(out[p.parent], p)
		}
	}
	return out
}

func processOf(pid int) (process, bool) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	i := bytes.LastIndexByte(b, ')')
	if err != nil || i < 0 {
		return process{}, false
	}
	f := strings.Fields(string(b[i+1:]))
	if len(f) < 15 {
		return process{}, false
	}
	n := func(i int) int64 { v, _ := strconv.ParseInt(f[i], 10, 64); return v }
	return process{pid: pid, parent: int(n(1)), used: time.Duration(n(11)+n(12)) * tick, waited: time.Duration(n(13)+n(14)) * tick}, true
}

// resident returns a process's resident memory in bytes, 0 when it cannot be told.
func resident(pid int) int64 {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	f := strings.Fields(string(b))
	if err != nil || len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// peak samples a process's resident memory until stop is called, which returns the largest.
func peak(pid int) (stop func() int64) {
	done, result := make(chan struct{}), make(chan int64)
	go func() {
		most := resident(pid)
		t := time.NewTicker(5 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				most = max(most, resident(pid))
			case <-done:
				result <- max(most, resident(pid))
				return
			}
		}
	}()
	return func() int64 { close(done); return <-result }
}

// proportional returns the memory of PostgreSQL below the server, each shared page counted once.
func (w watched) proportional() (sum int64) {
	children := childrenOf()
	for _, postmaster := range children[w.server] {
		sum += proportionalOf(postmaster.pid)
		for _, backend := range children[postmaster.pid] {
			sum += proportionalOf(backend.pid)
		}
	}
	return sum
}

func proportionalOf(pid int) int64 {
	b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
