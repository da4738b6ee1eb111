package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// figure is one number that is no row of requests: how long a whole thing took, or how much memory.
type figure struct {
	Name   string  `json:"name"`
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Detail string  `json:"detail,omitempty"`
	Target string  `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`
	Err    string  `json:"error,omitempty"`
}

// atMost gives the figure its target.
func (f figure) atMost(limit float64) figure {
	met := f.Err == "" && f.Value <= limit
	f.Target, f.Met = fmt.Sprintf("≤ %g %s", limit, f.Unit), &met
	return f
}

func (f figure) failed(err error) figure {
	if err != nil {
		f.Err = err.Error()
	}
	return f
}

const mib = 1 << 20

// exports downloads every deal that staff see as CSV: how long it takes for 100,000, and what it does to the server's memory.
func exports(ctx context.Context, base string, w world, who watched) []figure {
	took := figure{Name: "export", What: "export of deals as CSV, for 100,000 of them", Unit: "s"}
	grown := figure{Name: "export-memory", What: "what the server's resident memory grows by during the export", Unit: "MiB"}
	for range 3 {
		before, stop, used := resident(who.server), peak(who.server), who.sample()
		start := time.Now()
		lines, size, err := download(ctx, base+"/api/v1/deals.csv", w.Staff.Key)
		seconds := time.Since(start).Seconds()
		grown.Value = max(grown.Value, float64(stop()-before)/mib)
		if err == nil && lines < w.Deals {
			err = fmt.Errorf("%d lines for %d deals", lines, w.Deals)
		}
		if err != nil {
			return []figure{took.failed(err).atMost(0.8)}
		}
		if each := seconds * 100_000 / float64(lines); took.Value == 0 || each < took.Value {
			took.Value = each
			took.Detail = fmt.Sprintf("%d deals, %.1f MiB in %.2f s%s; the best of three", lines-1, float64(size)/mib, seconds, who.spent(used))
		}
	}
	out := []figure{took.atMost(0.8)}
	if who.server != 0 {
		out = append(out, grown.atMost(16))
	}
	return out
}

// spent says how much processor time the server and PostgreSQL took since before.
func (w watched) spent(before cpu) string {
	if w.server == 0 {
		return ""
	}
	used := w.sample().minus(before)
	return fmt.Sprintf(", of processor time %.2f s server and %.2f s PostgreSQL", used.server.Seconds(), used.postgres.Seconds())
}

func download(ctx context.Context, url, key string) (lines int, size int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return 0, 0, fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if size += int64(n); err == io.EOF {
			return lines, size, nil
		}
		if err != nil {
			return lines, size, err
		}
	}
}

// sample are the files of the public sample, in the order of import.
var sample = []struct {
	kind, file string
	rows       int
}{{"products", "products.csv", 7}, {"accounts", "accounts.csv", 85}, {"partners", "sales_teams.csv", 35}, {"deals", "sales_pipeline.csv", 8800}}

// importAPI imports the sample through the API into an empty programme; the figure is the deals', from upload to committed.
func importAPI(ctx context.Context, base string, into caller, dir string, who watched) figure {
	f := figure{Name: "import-api", What: "import of the 8,800 deals over the API: upload, check, commit", Unit: "s"}
	for _, s := range sample {
		start, used := time.Now(), who.sample()
		checked, r, err := importOne(ctx, base, into.Key, s.kind, filepath.Join(dir, s.file))
		if err == nil && (r.Created != s.rows || r.Refused != 0) {
			err = fmt.Errorf("%s: %d created, %d refused of %d", s.kind, r.Created, r.Refused, s.rows)
		}
		if err != nil {
			return f.failed(err).atMost(3)
		}
		f.Value = time.Since(start).Seconds()
		f.Detail = fmt.Sprintf("checked after %.2f s%s", checked.Seconds(), who.spent(used))
	}
	return f.atMost(3)
}

type importRun struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Created int    `json:"created"`
	Refused int    `json:"refused"`
	Failure string `json:"failure"`
}

func importOne(ctx context.Context, base, key, kind, file string) (checked time.Duration, r importRun, err error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("kind", kind); err != nil {
		return 0, r, err
	}
	part, err := form.CreateFormFile("file", filepath.Base(file))
	if err != nil {
		return 0, r, err
	}
	content, err := os.ReadFile(file) //nolint:gosec // the sample
	if err != nil {
		return 0, r, err
	}
	if _, err := part.Write(content); err != nil {
		return 0, r, err
	}
	if err := form.Close(); err != nil {
		return 0, r, err
	}
	start := time.Now()
	if err := call(ctx, http.MethodPost, base+"/api/v1/imports", key, form.FormDataContentType(), &body, &r); err != nil {
		return 0, r, err
	}
	one := base + "/api/v1/imports/" + r.ID
	if err := await(ctx, one, key, "checked", &r); err != nil {
		return 0, r, err
	}
	checked = time.Since(start)
	if err := call(ctx, http.MethodPost, one+"/commit", key, "", nil, &r); err != nil {
		return checked, r, err
	}
	return checked, r, await(ctx, one, key, "committed", &r)
}

// await reads an import every 20 ms until it has the status.
func await(ctx context.Context, url, key, status string, r *importRun) error {
	for r.Status != status {
		if r.Status == "failed" || ctx.Err() != nil {
			return fmt.Errorf("the import is %s: %s", r.Status, r.Failure)
		}
		time.Sleep(20 * time.Millisecond)
		if err := call(ctx, http.MethodGet, url+"?limit=1", key, "", nil, r); err != nil {
			return err
		}
	}
	return nil
}

func call(ctx context.Context, method, url, key, media string, body io.Reader, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(bufio.NewReader(resp.Body))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: status %d: %.400s", method, url, resp.StatusCode, b)
	}
	return json.Unmarshal(b, into)
}

// importCLI imports the sample with the command line, beside the running server; the figure is the deals', process start included.
func importCLI(ctx context.Context, bin, data string, into caller, dir string, who watched) figure {
	f := figure{Name: "import-cli", What: "import of the 8,800 deals on the command line, beside the server", Unit: "s"}
	for _, s := range sample {
		start, used := time.Now(), who.sample()
		out, err := exec.CommandContext(ctx, bin, "import", s.kind, filepath.Join(dir, s.file), "--data", data, "--tenant", into.Slug, "--json").Output() //nolint:gosec // the program that was just built
		f.Value, f.Detail = time.Since(start).Seconds(), "the process's start included"+who.spent(used)
		var r importRun
		if err == nil {
			err = json.Unmarshal(out, &r)
		}
		if err == nil && (r.Created != s.rows || r.Refused != 0) {
			err = fmt.Errorf("%s: %d created, %d refused of %d", s.kind, r.Created, r.Refused, s.rows)
		}
		if err != nil {
			return f.failed(fmt.Errorf("%w: %.300s", err, out)).atMost(3)
		}
	}
	return f.atMost(3)
}
