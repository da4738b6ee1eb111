package verify

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is the signed head of a log: a C2SP checkpoint (https://c2sp.org/tlog-checkpoint) with one extension line that
// says when it was signed.
type Checkpoint struct {
	Origin string // "entente/INSTALLATION/TENANT", or "entente/INSTALLATION" for the installation's own log
	Size   int64
	Root   tlog.Hash
	At     time.Time
}

// Text returns the body that is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\ntime %s\n", c.Origin, c.Size, c.Root, c.At.UTC().Format(time.RFC3339))
}

// ParseCheckpoint reads a body. It checks no signature; OpenCheckpoint does.
func ParseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || len(text) > 4096 || lines[len(lines)-1] != "" {
		return c, errors.New("this is no checkpoint")
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, errors.New("this is no checkpoint: its second line is not a size")
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return c, errors.New("this is no checkpoint: its third line is not a hash")
	}
	for _, l := range lines[3:] {
		if at, ok := strings.CutPrefix(l, "time "); ok {
			if c.At, err = time.Parse(time.RFC3339, at); err != nil {
				return c, errors.New("this is no checkpoint: its time cannot be read")
			}
		}
	}
	return c, nil
}

// OpenCheckpoint reads a signed checkpoint and checks its signature with a verifier key as note.NewVerifier reads it.
func OpenCheckpoint(signed []byte, verifier string) (Checkpoint, error) {
	v, err := note.NewVerifier(verifier)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the key %q cannot be read: %w", verifier, err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint is not signed with the key %s: %w", v.Name(), err)
	}
	return ParseCheckpoint(n.Text)
}

// LooksLikeCheckpoint is an error for what is no checkpoint at all, whoever may have signed it.
func LooksLikeCheckpoint(signed []byte) error {
	_, err := note.Open(signed, note.VerifierList())
	var unknown *note.UnverifiedNoteError
	if !errors.As(err, &unknown) {
		return fmt.Errorf("this is no signed checkpoint: %w", err)
	}
	_, err = ParseCheckpoint(unknown.Note.Text)
	return err
}

// LooksLikeKey is an error for what is no verifier key at all.
func LooksLikeKey(key string) error {
	_, err := note.NewVerifier(key)
	return err
}

// SignCheckpoint returns c as a signed note.
func SignCheckpoint(c Checkpoint, signer note.Signer) (string, error) {
	b, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	return string(b), err
}

// CheckProof reports whether an entry stands in the tree of a checkpoint at e.Seq.
func CheckProof(e Entry, c Checkpoint, proof []tlog.Hash) error {
	return tlog.CheckRecord(proof, c.Size, c.Root, e.Seq, e.Hash())
}
