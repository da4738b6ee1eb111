package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/access"
	"entente.dev/internal/audit"
	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// chunk is how many rows of a table go in one transaction.
const chunk = 5000

// stays are the tables that a purge does not empty, each with the reason.
var stays = map[string]string{
	"tenant":           "a nameless stone, so that nothing dangles and the id is never given again",
	"departure":        "the certificate",
	"kept_record":      "what law keeps, restricted, until its day",
	"audit_leaf":       "hashes of the log: who has an earlier export can still prove it; they tell nothing of anybody",
	"audit_tile":       "as audit_leaf",
	"audit_tree":       "as audit_leaf",
	"audit_checkpoint": "as audit_leaf",
	"data_key":         "that the keys are destroyed, and when; the keys themselves are gone",
	"row_history":      "emptied last of all, by the burial",
}

// Due closes the programme if its time has come, and purges one that is closed: the periodic task. It does nothing for others.
func (s *Service) Due(ctx context.Context, t tenant.Entry) error {
	switch t.Status {
	case tenant.Closing:
		closed, err := s.Close(ctx, t.ID)
		if err != nil || !closed {
			return err
		}
		return s.Purge(ctx, t.ID)
	case tenant.Closed:
		return s.Purge(ctx, t.ID)
	}
	return nil
}

// Close makes a closing programme whose day has come dead to everybody: sessions, keys and invitations end in the same
// transaction. It reports false when its day has not come. What law keeps is copied aside here, while it can still be read.
func (s *Service) Close(ctx context.Context, v id.ID) (bool, error) {
	return op.Write(ctx, s.ops, access.NewSystem(v, "leaving"), ActClose, func(tx *op.Tx) (bool, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return false, err
		}
		set, err := lockTenant(ctx, tx)
		if err != nil {
			return false, err
		}
		d, open, err := openDeparture(ctx, tx)
		if err != nil || !open || set.Status != tenant.Closing || d.PurgeAfter.After(tx.Now) {
			tx.Unchanged()
			return false, err
		}
		if d.Kept, err = s.keep(ctx, tx); err != nil {
			return false, err
		}
		tx.Audit(audit.Change{Type: "tenant", ID: set.ID, Label: set.Name, Note: "closed for good"})
		return true, closeTenant(ctx, tx, d)
	})
}

// kept is one line of what law keeps.
type kept struct {
	Table    string     `json:"table"`
	Category string     `json:"category"`
	Rows     int64      `json:"rows"`
	Reason   string     `json:"reason"`
	Until    *time.Time `json:"until"` // of the last of them; null: indefinitely
}

// keep copies what a legal duty, or the policy's own period for legal and billing records, keeps beyond the programme.
func (s *Service) keep(ctx context.Context, tx *op.Tx) (json.RawMessage, error) {
	tables, err := readTables(ctx, tx)
	if err != nil {
		return nil, err
	}
	duties, err := duties(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := []kept{}
	for _, t := range tables {
		if stays[t.Name] != "" && t.Name != "tenant" || leftOut[t.Name] != "" {
			continue
		}
		for _, d := range duties {
			columns := t.of(d.Category)
			if len(columns) == 0 {
				continue
			}
			k, err := keepRows(ctx, tx, t, columns, d)
			if err != nil {
				return nil, fmt.Errorf("keep %s of %s: %w", d.Category, t.Name, err)
			}
			if k.Rows > 0 {
				out = append(out, k)
			}
		}
	}
	return json.Marshal(out)
}

// of returns the columns of a table that say something of a category, and its key; none when it holds nothing of it.
func (t table) of(category string) []string {
	var out []string
	for _, c := range t.Columns {
		if c.Category == category && c.Class != "internal" && !c.Secret && c.Type != "bytea" {
			out = append(out, c.Name)
		}
	}
	if out == nil {
		return nil
	}
	for _, k := range t.Key {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// Purge erases a closed programme, from wherever an earlier run stopped: its keys first, so that whatever is encrypted is gone at
// once, then its files, then the rows of every table in the order of their foreign keys, at last the people who are members
// nowhere else and the history. It ends with a certificate, which the last Admins get by mail before the purge is over. While a
// legal hold stands nothing is erased; the programme stays closed.
func (s *Service) Purge(ctx context.Context, v id.ID) error {
	p, err := s.purgeOf(ctx, v)
	if err != nil || p == nil {
		return err
	}
	steps := []struct {
		name string
		do   func(context.Context, *purge) error
	}{{"keys", s.dropKeys}, {"files", s.dropFiles}, {"links", s.dropLinks}, {"rows", s.dropRows}, {"people", s.dropPeople}, {"certificate", s.certify}, {"mail", s.tellGone}, {"end", s.bury}}
	for _, step := range steps {
		if err := step.do(ctx, p); err != nil {
			return fmt.Errorf("purge %s: %s: %w", v, step.name, err)
		}
		if err := s.at("purge." + step.name); err != nil {
			return err
		}
	}
	s.ops.Log.Info("programme purged", "tenant", v)
	return nil
}

// purge is one run over a programme.
type purge struct {
	tenant    id.ID
	who       access.Actor // the operator: a tenant without keys has no log to write to
	departure Departure
	tables    []table // in the order in which they are emptied
}

// purgeOf returns nil when there is nothing to purge, or a hold stands.
func (s *Service) purgeOf(ctx context.Context, v id.ID) (*purge, error) {
	p := &purge{tenant: v, who: access.NewPlatform(v, "purge")}
	held, err := op.Read(ctx, s.ops, access.NewSystem(v, "purge"), ActPurge, func(tx *op.Tx) (int, error) {
		d, open, err := openDeparture(ctx, tx)
		if err != nil || !open || d.State != Purging {
			return -1, err
		}
		p.departure = d
		if p.tables, err = readTables(ctx, tx); err != nil {
			return 0, err
		}
		return holds(ctx, tx)
	})
	if err != nil || held < 0 {
		return nil, err
	}
	slices.Reverse(p.tables)
	if held > 0 {
		return nil, s.step(ctx, p, fmt.Sprintf("waits for %d legal holds", held))
	}
	return p, nil
}

func (s *Service) dropKeys(ctx context.Context, p *purge) error {
	if err := s.step(ctx, p, "keys"); err != nil {
		return err
	}
	if err := s.lastHead(ctx, p); err != nil {
		return err
	}
	return s.ops.Keys.Destroy(ctx, p.tenant)
}

// lastHead notes the signed head of the programme's audit log for the certificate, while the log is still whole. Whoever kept a
// checkpoint can prove with it that nothing was taken from the log before the end.
func (s *Service) lastHead(ctx context.Context, p *purge) error {
	if s.opts.Head == nil {
		return nil
	}
	head, err := s.opts.Head(ctx, p.tenant)
	if errs.Is(err, "checkpoint.not_found") {
		return nil // nothing was ever logged
	}
	if err != nil {
		return fmt.Errorf("head of the audit log: %w", err)
	}
	_, err = s.change(ctx, p, func(tx *op.Tx) (int64, error) { return 0, setTree(ctx, tx, head) })
	return err
}

func (s *Service) dropFiles(ctx context.Context, p *purge) error {
	if s.opts.DropFiles == nil {
		return nil
	}
	_, err := s.opts.DropFiles(ctx, p.tenant)
	return err
}

// dropLinks empties what goes in circles.
func (s *Service) dropLinks(ctx context.Context, p *purge) error {
	for _, t := range p.tables {
		for _, l := range t.Links {
			if !l.Deferrable || l.NotNull || stays[t.Name] != "" {
				continue
			}
			err := s.untilNone(ctx, p, t.Name, func(tx *op.Tx) (int64, error) { return unlink(ctx, tx, t.Name, l.Column, chunk) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) dropRows(ctx context.Context, p *purge) error {
	for _, t := range p.tables {
		if stays[t.Name] != "" {
			continue
		}
		err := s.untilNone(ctx, p, t.Name, func(tx *op.Tx) (int64, error) {
			n, err := deleteRows(ctx, tx, t.Name, chunk)
			if err == nil && n > 0 {
				err = countGone(ctx, tx, t.Name, n)
			}
			return n, err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	// The history of the programme's life; what the last steps write is dropped at the burial.
	return s.untilNone(ctx, p, "row_history", func(tx *op.Tx) (int64, error) {
		n, err := deleteRows(ctx, tx, "row_history", chunk)
		if err == nil && n > 0 {
			err = countGone(ctx, tx, "row_history", n)
		}
		if n <= 1 { // the counting itself leaves a line
			n = 0
		}
		return n, err
	})
}

func (s *Service) dropPeople(ctx context.Context, p *purge) error {
	return s.untilNone(ctx, p, "person", func(tx *op.Tx) (int64, error) {
		n, err := dropPersons(ctx, tx, chunk)
		if err == nil && n > 0 {
			err = countGone(ctx, tx, "person", n)
		}
		return n, err
	})
}

// untilNone runs fn in transactions of their own until it finds nothing to do.
func (s *Service) untilNone(ctx context.Context, p *purge, name string, fn func(tx *op.Tx) (int64, error)) error {
	for {
		n, err := s.change(ctx, p, fn)
		if err != nil || n == 0 {
			return err
		}
		if err := s.at("purge.chunk." + name); err != nil {
			return err
		}
	}
}

func (s *Service) step(ctx context.Context, p *purge, name string) error {
	_, err := s.change(ctx, p, func(tx *op.Tx) (int64, error) { return 0, setStep(ctx, tx, name) })
	return err
}

func (s *Service) change(ctx context.Context, p *purge, fn func(tx *op.Tx) (int64, error)) (int64, error) {
	return op.Write(ctx, s.ops, p.who, ActPurge, func(tx *op.Tx) (int64, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Unchanged() // the certificate is the record
		return fn(tx)
	})
}

// Certificate says what became of a programme.
type Certificate struct {
	What       string           `json:"what"`
	Tenant     id.ID            `json:"tenant"`
	AskedAt    time.Time        `json:"asked_at"`
	ClosedAt   time.Time        `json:"closed_at"`
	PurgedAt   time.Time        `json:"purged_at"`
	DueBy      time.Time        `json:"due_by"` // the term of the policy
	KeysGone   bool             `json:"data_keys_destroyed"`
	Deleted    map[string]int64 `json:"deleted_rows"` // by table
	Rows       int64            `json:"deleted_rows_in_all"`
	Kept       json.RawMessage  `json:"kept_by_law"`
	Head       json.RawMessage  `json:"audit_log_before"`
	Afterwards string           `json:"afterwards"`
}

// certificateTitle is the first line of a certificate.
const certificateTitle = "entente certificate of deletion 1"

func (s *Service) certify(ctx context.Context, p *purge) error {
	_, err := s.change(ctx, p, func(tx *op.Tx) (int64, error) {
		d, open, err := openDeparture(ctx, tx)
		if err != nil || !open || d.Certificate != "" {
			return 0, err
		}
		head, err := headOf(ctx, tx)
		if err != nil {
			return 0, err
		}
		c := Certificate{What: "The programme and everything it kept in this installation was erased.", Tenant: p.tenant, AskedAt: d.AskedAt, ClosedAt: *d.ClosedAt, PurgedAt: tx.Now,
			DueBy: *d.PurgeAfter, KeysGone: true, Kept: d.Kept, Head: head,
			Afterwards: "Backups made before are encrypted and run out as the policy says; what law keeps is restricted to the program itself and erased on its day."}
		if err := json.Unmarshal(d.Counts, &c.Deleted); err != nil {
			return 0, err
		}
		for _, n := range c.Deleted {
			c.Rows += n
		}
		text, err := json.MarshalIndent(c, "", "  ")
		if err != nil {
			return 0, err
		}
		signer, err := s.ops.Keys.Signer(ctx)
		if err != nil {
			return 0, err
		}
		signed, err := note.Sign(&note.Note{Text: certificateTitle + "\n" + string(text) + "\n"}, signer)
		if err != nil {
			return 0, err
		}
		return 0, setCertificate(ctx, tx, string(signed))
	})
	return err
}

// tellGone mails the certificate to the last Admins. A mail that cannot be delivered now is tried again with the purge, which
// is not over before.
func (s *Service) tellGone(ctx context.Context, p *purge) error {
	var told bool
	var to []address
	var text string
	_, err := s.change(ctx, p, func(tx *op.Tx) (_ int64, err error) {
		to, text, told, err = toTell(ctx, tx)
		return 0, err
	})
	if err != nil || told {
		return err
	}
	if s.opts.Deliver != nil {
		for _, a := range to {
			if err := s.opts.Deliver(ctx, Farewell{ID: a.Member, To: a.Email, Name: a.Name, Certificate: text}); err != nil {
				return err
			}
		}
	}
	_, err = s.change(ctx, p, func(tx *op.Tx) (int64, error) { return 0, setTold(ctx, tx) })
	return err
}

// Farewell is the last mail to an Admin of a programme that is gone. It is not logged: the log is gone.
type Farewell struct {
	ID          id.ID // the same for every attempt
	To, Name    string
	Certificate string
}

func (s *Service) bury(ctx context.Context, p *purge) error {
	_, err := s.change(ctx, p, func(tx *op.Tx) (int64, error) { return 0, buryTenant(ctx, tx) })
	return err
}

// CertificateOf returns the certificate of a programme that is gone, "" before. For the operator.
func (s *Service) CertificateOf(ctx context.Context, v id.ID) (string, error) {
	return op.Read(ctx, s.ops, access.NewOperator(v), ActPurge, func(tx *op.Tx) (string, error) { return certificateOf(ctx, tx) })
}

// DropKept erases what law kept of a programme that is gone, once its day is over, and returns how many records it were. A legal
// hold that stood at the end is asked again by nobody: a programme under hold is not purged.
func (s *Service) DropKept(ctx context.Context, v id.ID) (int64, error) {
	return op.Write(ctx, s.ops, access.NewPlatform(v, "what law kept"), ActPurge, func(tx *op.Tx) (int64, error) {
		if err := tx.Allow(access.Object{}); err != nil {
			return 0, err
		}
		tx.Unchanged()
		return dropKept(ctx, tx)
	})
}
