package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// promised is a figure of a promise, measured by a benchmark of the room that keeps it, on a database of its own.
type promised struct {
	name, what string
	pkg, run   string
	unit       string
	times      string               // -benchtime
	limit      float64              // the target, at most
	read       func(string) float64 // from what the benchmark printed; negative when it is not there
}

// promises lists them; each is measured alone with -only, all of them with -only promises.
var promises = []promised{
	{"promises/audit-sealing", "what sealing takes of the throughput of one writer of the log, alternating runs", "./internal/audit/seal", "BenchmarkWrite", "%", "300x", 25, sealingShare},
	{"promises/proof", "proof of one entry of a sealed log", "./internal/audit/seal", "BenchmarkProof", "ms", "200x", 5, perOp("BenchmarkProof", 1e6)},
	{"promises/verify", "verify a bundle of 1,000,000 entries", "./internal/audit/verify", "BenchmarkBundleOfAMillion", "s", "1x", 10, perOp("BenchmarkBundleOfAMillion", 1e9)},
	{"promises/drop-month", "drop a month of 5 million rows of the log while others read", "./internal/retention", "BenchmarkDropMonth", "s", "1x", 1, field("retention.drop_month")},
	{"promises/nothing-to-do", "retention over 1,000 programmes and all categories with nothing to go", "./internal/retention", "BenchmarkNothingToDo", "s", "1x", 30, field("retention.nothing_to_do")},
	{"promises/subject", "export a person out of 100,000 deals: find, collect, and write the signed package", "./internal/privacy", "BenchmarkExport", "s", "3x", 5, perOp("BenchmarkExport", 1e9)},
	{"promises/decrypt", "what decrypting adds to a download of 10 MB over HTTP on loopback", "./internal/file", "BenchmarkDownload10MB", "%", "100x", 20, decrypting},
}

var nsPerOp = regexp.MustCompile(`(?m)^(Benchmark\S*?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`)

// nanoseconds returns the times per operation of a benchmark, in the order of its runs.
func nanoseconds(out, name string) (all []float64) {
	for _, m := range nsPerOp.FindAllStringSubmatch(out, -1) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil && m[1] == name {
			all = append(all, v)
		}
	}
	return all
}

// least is what noise disturbed least; negative for nothing.
func least(all []float64) float64 {
	out := -1.0
	for _, v := range all {
		if out < 0 || v < out {
			out = v
		}
	}
	return out
}

func perOp(name string, divisor float64) func(string) float64 {
	return func(out string) float64 { return least(nanoseconds(out, name)) / divisor }
}

// field reads the seconds of the line of JSON that a benchmark logs.
func field(benchmark string) func(string) float64 {
	seconds := regexp.MustCompile(`"benchmark":"` + regexp.QuoteMeta(benchmark) + `".*"seconds":([\d.e+-]+)`)
	return func(out string) float64 {
		m := seconds.FindStringSubmatch(out)
		if m == nil {
			return -1
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return -1
		}
		return v
	}
}

// sealingShare compares the best run of each of the alternating ones: 0 when sealing costs nothing that shows.
func sealingShare(out string) float64 {
	plain, sealed := least(nanoseconds(out, "BenchmarkWrite/unsealed")), least(nanoseconds(out, "BenchmarkWrite/sealed"))
	if plain <= 0 || sealed <= 0 {
		return -1
	}
	return max(0, 100*(1-plain/sealed))
}

func decrypting(out string) float64 {
	plain, sealed := least(nanoseconds(out, "BenchmarkDownload10MB/plain")), least(nanoseconds(out, "BenchmarkDownload10MB/sealed"))
	if plain <= 0 || sealed <= 0 {
		return -1
	}
	return max(0, 100*(sealed-plain)/plain)
}

// onlyPromises says that -only names nothing else, so that no installation is needed.
func (o options) onlyPromises() bool { return strings.HasPrefix(o.only.String(), "promises") }

// promised measures those that -only names. Alternating runs: go test repeats the whole list of a benchmark's variants.
func (o options) promised(ctx context.Context, r *result) {
	for _, p := range promises {
		if o.only.MatchString(p.name) {
			f := p.measure(ctx)
			r.Figures = append(r.Figures, f)
			say("%-26s %9.3f %-3s %s %s %s", f.Name, f.Value, f.Unit, f.Target, mark(f.Met), f.Err)
		}
	}
}

func (p promised) measure(ctx context.Context) figure {
	f := figure{Name: p.name, What: p.what, Unit: p.unit}
	args := []string{"test", "-run", "^$", "-bench", "^" + p.run + "$", "-benchtime", p.times, "-timeout", "10m", "-v", p.pkg}
	rounds := 1
	if strings.Contains(p.name, "sealing") || strings.Contains(p.name, "decrypt") {
		rounds = 3
	}
	var out bytes.Buffer
	for range rounds {
		cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // our own benchmarks
		if os.Getenv("ENTENTE_TEST_DATABASE_URL") == "" {
			cmd = exec.CommandContext(ctx, "go", append([]string{"run", "./internal/tools/withdb", "go"}, args...)...) //nolint:gosec // the same
		}
		cmd.Stdout, cmd.Stderr = &out, &out
		start := time.Now()
		if err := cmd.Run(); err != nil {
			return f.failed(errors.Join(err, errors.New(last(out.String())))).atMost(p.limit)
		}
		f.Detail = "go " + strings.Join(args, " ") + ", in " + time.Since(start).Round(time.Second).String()
	}
	if f.Value = p.read(out.String()); f.Value < 0 {
		return f.failed(errors.New("the benchmark did not say")).atMost(p.limit)
	}
	return f.atMost(p.limit)
}

// last returns the end of an output, for an error.
func last(s string) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-300):]
}
