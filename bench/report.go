package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// result is everything, as it stands in result.json.
type result struct {
	At       time.Time  `json:"at"`
	Program  string     `json:"program"`
	Machine  machine    `json:"machine"`
	Command  string     `json:"command"`
	Scale    float64    `json:"scale"`
	Deals    int        `json:"deals"`
	AllDeals int        `json:"all_deals"`
	Fill     float64    `json:"fill_seconds,omitempty"`
	Rows     []measured `json:"rows"`
	Figures  []figure   `json:"figures"`
	Plans    string     `json:"plans,omitempty"` // where they stand
	Notes    []string   `json:"notes"`
}

type machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Go     string  `json:"go"`
	OS     string  `json:"os"`
	Load   float64 `json:"load_before"` // the system's load average over a minute, before measuring
	Shared bool    `json:"shared"`      // others were using the machine
}

func thisMachine() machine {
	m := machine{Cores: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH}
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(v)
			break
		}
	}
	b, _ = os.ReadFile("/proc/loadavg")
	_, _ = fmt.Sscan(string(b), &m.Load)
	m.Shared = m.Load > 1
	return m
}

func (r *result) write(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644) //nolint:gosec // figures, nothing secret
}

func mark(met *bool) string {
	switch {
	case met == nil:
		return ""
	case *met:
		return "met"
	}
	return "MISSED"
}

// print writes the result as tables for a person.
func (r *result) print(out io.Writer) {
	fmt.Fprintf(out, "\n%d deals in the programme that is measured, %d in all. %s, %d cores, load %.1f before.\n\n", r.Deals, r.AllDeals, r.Machine.CPU, r.Machine.Cores, r.Machine.Load)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "row\tconns\tp50 ms\tp90 ms\tp99 ms\tmax ms\treq/s\terrors\tserver ms\tpostgres ms\tclient ms\t \ttarget\t")
	for _, m := range r.Rows {
		fmt.Fprintf(t, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.1f\t%.0f\t%d\t%.3f\t%.3f\t%.3f\t%s\t%s\t\n", m.Name, m.Conns, m.P50, m.P90, m.P99, m.Max, m.PerSecond, m.Errors,
			m.ServerCPU, m.PostgresCPU, m.BenchCPU, mark(m.Met), m.Target)
	}
	_ = t.Flush()
	fmt.Fprintln(out, "\nThe last three columns of numbers are processor time per request, by who spent it.")
	for _, m := range r.Rows {
		if m.FirstErr != "" {
			fmt.Fprintf(out, "  %s at %d: %s\n", m.Name, m.Conns, m.FirstErr)
		}
	}
	fmt.Fprintln(out)
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(t, "%s\t%.2f %s\t%s\t%s\t%s\t\n", f.What, f.Value, f.Unit, mark(f.Met), f.Target, f.Detail+f.Err)
	}
	_ = t.Flush()
	for _, n := range r.Notes {
		fmt.Fprintln(out, "\n"+n)
	}
}
