package privacy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente.dev/internal/op"
	"entente.dev/internal/tenant"
)

// certify writes and signs what was done with a request. It says nothing of the subject but a salted hash of how they were named, so
// that whoever knows the address (and the certificate) can show that it is theirs.
func (s *Service) certify(ctx context.Context, tx *op.Tx, r *Request) (Certified, error) {
	set, err := tenant.SettingsIn(ctx, tx)
	if err != nil {
		return Certified{}, err
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	subject := r.Email
	if subject == "" {
		subject = r.Subject().String()
	}
	sum := sha256.Sum256(append(slices.Clone(salt), []byte(strings.ToLower(subject))...))
	var b strings.Builder
	line := func(k, v string) { fmt.Fprintf(&b, "%s: %s\n", k, v) }
	b.WriteString("Certificate of a person's request\n")
	line("Programme", set.Name)
	line("Request", fmt.Sprintf("%d (%s)", r.Number, r.ID))
	line("Kind", r.Kind.Words())
	line("Received", r.ReceivedAt.Format(time.RFC3339))
	line("Done", tx.Now.Format(time.RFC3339))
	line("Identity checked", r.IdentityHow)
	if r.ApprovedAt != nil {
		line("Approved", r.ApprovedAt.Format(time.RFC3339)+", "+r.ApprovedHow)
	}
	line("Subject", "sha256:"+hex.EncodeToString(sum[:])+" salt:"+hex.EncodeToString(salt))
	tables := make([]string, 0, len(r.Progress.Counts))
	for t := range r.Progress.Counts {
		tables = append(tables, t)
	}
	slices.Sort(tables)
	for _, t := range tables {
		line("Changed or deleted in "+t, fmt.Sprint(r.Progress.Counts[t]))
	}
	for _, l := range r.Plan.Lines {
		if l.What == Keep {
			line("Kept in "+l.Table, fmt.Sprintf("%d, %s %s", l.Rows, strings.Join(strings.Fields(l.Reason), " "), until(l.Until)))
		}
	}
	if s.opts.TreeHead != nil {
		if head, err := s.opts.TreeHead(ctx, tx.Who.Tenant); err == nil && head != "" {
			line("Log", head)
		}
	}
	signer, err := s.ops.Keys.Signer(ctx)
	if err != nil {
		return Certified{}, err
	}
	signed, err := note.Sign(&note.Note{Text: b.String()}, signer)
	return Certified{Text: b.String(), Note: string(signed)}, err
}

func until(day string) string {
	if day == "" {
		return "(until further notice)"
	}
	return "(until " + day + ")"
}
