package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"entente.dev/internal/kernel/pg/embedded"
)

// The plan check asks the program what people ask, with PostgreSQL's auto_explain writing down the plan of every statement that
// then runs: as the personas' own roles, under row-level security, inside functions too, and often enough for the plans that a
// connection settles on.
const (
	sqlExplain = `
alter database entente set session_preload_libraries = 'auto_explain';
alter database entente set auto_explain.log_min_duration = 0;
alter database entente set auto_explain.log_format = 'json';
alter database entente set auto_explain.log_nested_statements = on;
alter database entente set auto_explain.log_parameter_max_length = 0`
	sqlNoExplain = `alter database entente reset all`
	sqlBig       = `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'app' and c.relkind = 'r' and c.reltuples > 5000`
)

const settleAfter = 8 // PostgreSQL settles on a plan after five executions on one connection

// planned is a statement as it ran.
type planned struct {
	Asked   string   `json:"asked"` // what was asked of the program
	Role    string   `json:"role"`
	Query   string   `json:"query"`
	Indexes []string `json:"indexes"`
	SeqScan []string `json:"seq_scans_of_big_tables"`
	Cost    float64  `json:"estimated_cost"`
}

type planNode struct {
	Kind     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Cost     float64    `json:"Total Cost"`
	Plans    []planNode `json:"Plans"`
}

// checkPlans restarts the server under auto_explain, asks, and reads the plans from PostgreSQL's log. It leaves the server as it was.
func (o options) checkPlans(ctx context.Context, s **server, data, log string, w world, r *result) error {
	url, err := embedded.Attach(ctx, data)
	if err != nil {
		return err
	}
	big, err := explain(ctx, url)
	if err != nil {
		return err
	}
	if err := (*s).stop(); err != nil {
		return err
	}
	if *s, err = serve(ctx, o.bin, data, log); err != nil {
		return err
	}
	all, askErr := o.askAll(ctx, (*s).addr, data, w, big)
	if err := unexplain(ctx, url); err != nil || askErr != nil {
		return errors.Join(askErr, err)
	}
	r.Plans = filepath.Join(o.out, "plans.json")
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.Plans, append(b, '\n'), 0o644); err != nil { //nolint:gosec // plans, nothing secret
		return err
	}
	scans := 0
	for _, p := range all {
		scans += len(p.SeqScan)
		if len(p.SeqScan) > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s as %s reads a big table whole (%s): %.160s", p.Asked, p.Role, strings.Join(p.SeqScan, ", "), p.Query))
		}
	}
	none := scans == 0
	r.Figures = append(r.Figures, figure{Name: "plans", What: "big tables read whole, over the commonest requests", Value: float64(scans), Unit: "scans",
		Target: "none", Met: &none, Detail: fmt.Sprintf("%d different statements, see %s", len(all), r.Plans)})
	return nil
}

func explain(ctx context.Context, url string) (big map[string]bool, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, sqlExplain); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, sqlBig)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	big = map[string]bool{}
	for _, n := range names {
		big[n] = true
	}
	return big, err
}

func unexplain(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sqlNoExplain)
	return err
}

// questions are the commonest requests, each as staff and as a partner user where both may ask.
func (s *scene) questions() map[string][]byte {
	out := map[string][]byte{}
	p, staff := s.partners[0], s.staff
	for _, v := range []view{p, staff} {
		who := "staff"
		if v.Partner != "" {
			who = "partner"
		}
		d := v.deals[len(v.deals)/2]
		name, _, _ := strings.Cut(d.Account.Name, " ")
		for _, path := range []string{
			"/deals/" + d.ID, "/deals?limit=50", "/deals?limit=50&sort=-amount", "/deals?limit=50&sort=close", "/deals?limit=50&state=submitted",
			"/deals?limit=50&stage=" + d.StageID + "&sort=-amount", "/deals?limit=50&partner_id=" + p.Partner + "&stage=" + p.deals[0].StageID + "&sort=-amount",
			"/deals?limit=50&q=" + name, "/deals?limit=50&q=" + name[1:4] + "&sort=-amount", "/deals?limit=50&created_from=2026-01-01&created_to=2026-01-31",
			"/partners?limit=50", "/partners/" + p.Partner, "/accounts?limit=50", "/accounts?limit=50&q=" + name, "/contacts?limit=50", "/people?limit=50",
			"/audit?limit=50", "/audit?limit=50&object_type=deal&object_id=" + d.ID,
		} {
			out[who+" GET /api/v1"+path] = s.api(v.caller, "/api/v1"+path)
		}
		if v.Session != "" {
			for _, path := range []string{"/", "/deals", "/deals/board", "/deals/" + d.ID, "/partners", "/accounts", "/contacts", "/people"} {
				out[who+" GET "+path] = s.browse(v.caller, path)
			}
		}
	}
	out["staff GET /deals/queue"] = s.browse(staff.caller, "/deals/queue")
	out["staff GET /audit"] = s.browse(staff.caller, "/audit")
	body := `{"domain":"somebody-else.com","name":"Somebody Else"}`
	out["partner POST /api/v1/deals/check"] = fmt.Appendf(nil, "POST /api/v1/deals/check HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", s.host, p.Key, len(body), body)
	body = fmt.Sprintf(`{"title":"Plan check %d","account":{"name":%q},"amount_minor":1000,"currency":"EUR"}`, time.Now().UnixNano(), p.deals[0].Account.Name)
	out["partner POST /api/v1/deals"] = fmt.Appendf(nil, "POST /api/v1/deals HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", s.host, p.Key, len(body), body)
	return out
}

// askAll asks every question on one connection at a time and collects the plans that its last round was answered with.
func (o options) askAll(ctx context.Context, addr, data string, w world, big map[string]bool) ([]planned, error) {
	s, err := discover(ctx, addr, addr, w)
	if err != nil {
		return nil, err
	}
	c := newClient(addr)
	defer c.close()
	var out []planned
	questions := s.questions()
	names := make([]string, 0, len(questions))
	for n := range questions {
		names = append(names, n)
	}
	slices.Sort(names)
	logFile := filepath.Join(data, "postgres.log")
asking:
	for _, name := range names {
		for round := range settleAfter {
			if round == settleAfter-1 {
				if err := os.Truncate(logFile, 0); err != nil {
					return nil, err
				}
			}
			status, body, err := c.do(questions[name])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if status == 403 || status == 422 { // not for everybody: the audit log of the whole programme
				say("  %s is refused with %d, so it has no plan", name, status)
				continue asking
			}
			if status >= 400 {
				return nil, fmt.Errorf("%s: status %d: %.200s", name, status, body)
			}
		}
		found, err := readPlans(logFile, name, big)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

var planLine = regexp.MustCompile(`^\S+ \S+ \S+ \[\d+\] (entente_(?:staff|partner|public|platform|worker)\w*)@\S+ LOG:  duration: .* plan:`)

// readPlans returns the statements that the log tells of, each once.
func readPlans(file, asked string, big map[string]bool) ([]planned, error) {
	f, err := os.Open(file) //nolint:gosec // the bench's own
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []planned
	seen := map[string]bool{}
	role, text := "", ""
	keep := func() error {
		if role == "" {
			return nil
		}
		var entry struct {
			Query string   `json:"Query Text"`
			Plan  planNode `json:"Plan"`
		}
		if err := json.Unmarshal([]byte(text), &entry); err != nil {
			return fmt.Errorf("plan in %s: %w", file, err)
		}
		p := planned{Asked: asked, Role: strings.TrimSuffix(role, role[strings.LastIndexByte(role, '_'):]), Query: strings.Join(strings.Fields(entry.Query), " "), Cost: entry.Plan.Cost}
		entry.Plan.walk(func(n planNode) {
			if n.Index != "" && !slices.Contains(p.Indexes, n.Index) {
				p.Indexes = append(p.Indexes, n.Index)
			}
			if n.Kind == "Seq Scan" && big[n.Relation] {
				p.SeqScan = append(p.SeqScan, n.Relation)
			}
		})
		if len(p.Indexes)+len(p.SeqScan) > 0 && !seen[p.Query] {
			out = append(out, p)
		}
		seen[p.Query], role, text = true, "", ""
		return nil
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		line := strings.TrimLeft(lines.Text(), "\x00")
		switch m := planLine.FindStringSubmatch(line); {
		case m != nil:
			if err := keep(); err != nil {
				return nil, err
			}
			role = m[1]
		case strings.HasPrefix(line, "\t") && role != "":
			text += line[1:] + "\n"
		default:
			if err := keep(); err != nil {
				return nil, err
			}
		}
	}
	return out, errors.Join(lines.Err(), keep())
}

func (n planNode) walk(fn func(planNode)) {
	fn(n)
	for _, c := range n.Plans {
		c.walk(fn)
	}
}
