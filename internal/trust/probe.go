package trust

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entente.dev/internal/kernel/id"
)

// Result is what one probe found, or what an attestation says.
type Result string

// The results of probes and attestations, as they are stored; readers are told Word.
const (
	Kept       Result = "kept"
	Failing    Result = "failing"
	Unseen     Result = "unseen"      // software cannot see it; somebody may attest it
	NotOffered Result = "not-offered" // the mechanism is not here
	Attested   Result = "attested"
	Withdrawn  Result = "withdrawn" // of an attestation
)

// Word is how the result is told everywhere: in the words of Status. What software cannot see is not offered by the probe alone; an
// attestation makes it attested.
func (r Result) Word() string {
	if r == Unseen || r == NotOffered {
		return string(StatusNotOffered)
	}
	return string(r)
}

// MarshalText writes the result as Word.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.Word()), nil }

// Finding is what a probe found.
type Finding struct {
	Result  Result
	Checked string // what was looked at, for everybody to read
	Items   int    // how many things were looked at
	Detail  string // what is wrong, or why software cannot see it; officers read it
}

// probe tries one promise. It leaves nothing behind.
type probe func(ctx context.Context, e *Env, tenant id.ID) Finding

func kept(items int, format string, args ...any) Finding {
	return Finding{Result: Kept, Items: items, Checked: fmt.Sprintf(format, args...)}
}

// absent is the finding where the mechanism is not here, with the reason, for everybody to read.
func absent(format string, args ...any) Finding {
	return Finding{Result: NotOffered, Checked: fmt.Sprintf(format, args...)}
}

func unseen(checked, why string) Finding {
	return Finding{Result: Unseen, Checked: checked, Detail: why}
}

// verdict is kept when nothing is wrong, else failing with what is wrong.
func verdict(items int, wrong []string, format string, args ...any) Finding {
	f := kept(items, format, args...)
	if len(wrong) > 0 {
		f.Result, f.Detail = Failing, list(wrong)
	}
	return f
}

// broken is the finding of a probe that could not do its work: nobody may take that for kept.
func broken(err error, format string, args ...any) Finding {
	return Finding{Result: Failing, Checked: fmt.Sprintf(format, args...), Detail: "The probe could not finish: " + err.Error()}
}

// outward says how many kinds of connections leave the program.
func outward(n int) string {
	switch n {
	case 0:
		return "no connections out"
	case 1:
		return "1 kind of connection out"
	}
	return fmt.Sprintf("%d kinds of connections out", n)
}

// list writes at most ten of what is wrong.
func list(wrong []string) string {
	const most = 10
	rest := ""
	if len(wrong) > most {
		rest = fmt.Sprintf("; and %d more", len(wrong)-most)
		wrong = wrong[:most]
	}
	return strings.Join(wrong, "; ") + rest
}

// probeLimit is how long one probe may take.
const probeLimit = 45 * time.Second

// run tries one promise within its time and turns a panic into a finding.
func (p Promise) run(ctx context.Context, e *Env, tenant id.ID) (f Finding) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			f = broken(fmt.Errorf("it stopped with %v", v), "%s", p.Check)
		}
		if f.Result == Kept && ctx.Err() != nil {
			f = broken(errors.New("it took too long"), "%s", p.Check)
		}
		f.Checked, f.Detail = clip(f.Checked, 1000), clip(f.Detail, 4000)
	}()
	if p.Missing != "" {
		return absent("%s", p.Missing)
	}
	if own := e.More[p.ID]; own != nil {
		return own(ctx, tenant)
	}
	if p.probe == nil {
		return absent("The part of the program that keeps this promise is not in this installation.")
	}
	return p.probe(ctx, e, tenant)
}

func clip(s string, most int) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most-1]) + "…"
}
