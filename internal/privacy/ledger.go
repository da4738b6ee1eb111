package privacy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
)

// LedgerLine is one erasure as the ledger knows it: ids and keyed hashes, nothing that says who it was.
type LedgerLine struct {
	ID       id.ID     `json:"id"`
	Tenant   id.ID     `json:"tenant"`
	Request  id.ID     `json:"request"`
	At       time.Time `json:"at"`
	Hashes   []string  `json:"hashes"` // "email:…", "phone:…", "name2:…" (a name of two words)
	Contacts []id.ID   `json:"contacts,omitempty"`
	Members  []id.ID   `json:"members,omitempty"`
	Proof    string    `json:"proof,omitempty"`  // that the database saw it approved; a replay into the log needs it
	Shared   bool      `json:"shared,omitempty"` // somebody else had the name: it counts only next to something else
}

// ledgerKey is the key of the hashes; it is of the installation, so that a restored database has it too.
func (s *Service) ledgerKey() []byte { return s.ops.DB.Installation().Key("erasure ledger") }

func hashed(key []byte, tenant id.ID, by, folded string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(tenant.String() + "|" + by + "|" + folded))
	return hex.EncodeToString(h.Sum(nil))
}

// line returns what the ledger keeps of a subject.
func (s *Service) line(tenant id.ID, r Request, at time.Time) LedgerLine {
	refs := *r.Plan.Refs
	l := LedgerLine{ID: r.Progress.Ledger, Tenant: tenant, Request: r.ID, At: at, Contacts: refs.Contacts, Members: refs.Members, Shared: refs.Shared}
	key := s.ledgerKey()
	for _, e := range refs.Emails {
		l.Hashes = append(l.Hashes, "email:"+hashed(key, tenant, byEmail, e))
	}
	for _, p := range refs.Phones {
		l.Hashes = append(l.Hashes, "phone:"+hashed(key, tenant, byPhone, p))
	}
	for _, n := range refs.Names {
		l.Hashes = append(l.Hashes, fmt.Sprintf("name%d:%s", strings.Count(n, " ")+1, hashed(key, tenant, byName, n)))
	}
	return l
}

// matcher finds the subject of a line in texts by hashing whatever could name somebody.
func (l LedgerLine) matcher(key []byte) matcher {
	known := map[string]bool{}
	m := matcher{}
	for _, h := range l.Hashes {
		kind, hash, _ := strings.Cut(h, ":")
		known[hash] = true
		var n int
		switch {
		case kind == byEmail:
			m.emails = true
		case kind == byPhone:
			m.phones = true
		default:
			if _, err := fmt.Sscanf(kind, "name%d", &n); err == nil && !slices.Contains(m.widths, n) {
				m.widths = append(m.widths, n)
			}
		}
	}
	m.is = func(by, folded string) bool { return known[hashed(key, l.Tenant, by, folded)] }
	return m
}

// enterLedger writes an erasure into the file, on disk, and then into the database. Both do nothing when it is there already.
func (s *Service) enterLedger(ctx context.Context, who access.Actor, r Request) error {
	l := s.line(who.Tenant, r, s.ops.Clock().UTC().Truncate(time.Microsecond))
	var err error
	if l.Proof, err = s.proof(ctx, who, r.ID); err != nil {
		return err
	}
	if err := appendLedger(s.opts.Ledger, l); err != nil {
		return fmt.Errorf("erasure ledger: %w", err)
	}
	return s.enterDatabase(ctx, who, l, nil)
}

// proof returns the database's word that an erasure was approved.
func (s *Service) proof(ctx context.Context, who access.Actor, request id.ID) (string, error) {
	return op.Read(ctx, s.ops, who, ActRun, func(tx *op.Tx) (string, error) { return erasureProof(ctx, tx, request) })
}

func (s *Service) enterDatabase(ctx context.Context, who access.Actor, l LedgerLine, replayed *time.Time) error {
	_, err := op.Write(ctx, s.ops, who, ActRun, func(tx *op.Tx) (struct{}, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return struct{}{}, err
		}
		tx.Unchanged() // the ledger is its own record
		return struct{}{}, ledgerAdd(ctx, tx, l, replayed)
	})
	return err
}

// appendLedger adds a line to the file and waits until it is on disk; a line that is there already is not added again.
func appendLedger(path string, l LedgerLine) error {
	if path == "" {
		return nil
	}
	have, err := ReadLedger(path)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(have, func(x LedgerLine) bool { return x.ID == l.ID }) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// A line that a crash cut off ends here, so that it does not swallow this one.
	_, err = f.WriteString("\n" + jsonOf(l) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// ReadLedger returns every whole line of a ledger file; none when there is no file. A line that a crash cut off is left out: its
// erasure had not begun.
func ReadLedger(path string) ([]LedgerLine, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []LedgerLine
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l LedgerLine
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.ID != id.Nil {
			out = append(out, l)
		}
	}
	return out, lines.Err()
}

// Replayed says what a replay of the ledger found and did.
type Replayed struct {
	Lines   int `json:"lines"`   // in the file
	Missing int `json:"missing"` // that the database did not know
	Rows    int `json:"rows"`    // erased again
	Unknown int `json:"unknown"` // of programmes that are not in this database
}

// Replay erases again what a ledger file knows and the database does not: after a restore from a backup that is older than an
// erasure. Without a path it is the installation's own file. Safe to repeat.
func (s *Service) Replay(ctx context.Context, path string) (Replayed, error) {
	if path == "" {
		path = s.opts.Ledger
	}
	lines, err := ReadLedger(path)
	out := Replayed{Lines: len(lines)}
	if err != nil {
		return out, fmt.Errorf("erasure ledger: %w", err)
	}
	for _, l := range lines {
		who := access.NewSystem(l.Tenant, "erasure replayed after a restore")
		state, err := s.ledgerState(ctx, who, l)
		switch {
		case err != nil:
			return out, err
		case state == "gone":
			out.Unknown++
		case state == "missing":
			out.Missing++
			n, err := s.replayLine(ctx, who, l)
			if err != nil {
				return out, fmt.Errorf("replay erasure %s: %w", l.ID, err)
			}
			out.Rows += n
		}
	}
	return out, nil
}

func (s *Service) ledgerState(ctx context.Context, who access.Actor, l LedgerLine) (string, error) {
	return op.Read(ctx, s.ops, who, ActReplay, func(tx *op.Tx) (string, error) { return ledgerKnown(ctx, tx, l) })
}

// replayLine erases the subject of one line again, and then enters the line: a replay that is broken off is begun anew.
func (s *Service) replayLine(ctx context.Context, who access.Actor, l LedgerLine) (int, error) {
	e := eraser{s: s, refs: Refs{Contacts: l.Contacts, Members: l.Members, Shared: l.Shared}, m: l.matcher(s.ledgerKey()), request: l.Request, proof: l.Proof}
	run := Run{Counts: map[string]int{}}
	if err := e.lookIntoFiles(ctx, l.Tenant, nil); err != nil {
		return 0, err
	}
	for more := true; more; {
		var err error
		more, err = op.Write(ctx, s.ops, who, ActReplay, func(tx *op.Tx) (bool, error) {
			if err := tx.Allow(access.Object{}); err != nil {
				return false, err
			}
			if err := e.prepare(ctx, tx, ""); err != nil {
				return false, err
			}
			e.duties = nil // they were weighed when it was erased the first time
			if run.Step < len(e.tables)+len(sealed) {
				tx.Unchanged()
				p := run
				err := e.step(ctx, tx, &p)
				if err == nil {
					run = p
				}
				return true, err
			}
			tx.Audit(audit.Change{Type: "erasure_ledger", ID: l.ID, Label: "Erasure of " + l.At.Format(time.DateOnly), Note: fmt.Sprintf("%d records erased again after a restore", run.Done)})
			return false, ledgerAdd(ctx, tx, l, &tx.Now)
		})
		if err != nil {
			return run.Done, err
		}
	}
	_, err := s.files.Sweep(ctx, l.Tenant)
	return run.Done, err
}
