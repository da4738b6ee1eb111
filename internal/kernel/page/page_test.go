package page

import (
	"math"
	"strings"
	"testing"
	"time"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

func TestLimit(t *testing.T) {
	for in, want := range map[int]int{-1: 50, 0: 50, 1: 1, 50: 50, 200: 200, 201: 200, math.MaxInt: 200} {
		if got := Limit(in); got != want {
			t.Errorf("Limit(%d) = %d, want %d", in, got, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	s := NewSigner([]byte("secret"))
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_123_000, time.UTC)
	key := id.New()
	for _, n := range []int64{0, -1, math.MinInt64, math.MaxInt64} {
		for _, text := range []string{"", "Ärger & Söhne", "a\x00b", strings.Repeat("x", 3000)} {
			for _, when := range []time.Time{at, {}, time.Unix(0, 0).UTC()} {
				c, err := s.Decode(s.Encode("t1", "-amount", n, text, when, key, [16]byte(key)), "t1", "-amount")
				if err != nil {
					t.Fatal(err)
				}
				var gotN int64
				var gotText string
				var gotWhen time.Time
				var gotKey id.ID
				var gotRaw [16]byte
				if err := c.Scan(&gotN, &gotText, &gotWhen, &gotKey, &gotRaw); err != nil {
					t.Fatal(err)
				}
				if gotN != n || gotText != text || !gotWhen.Equal(when) || gotWhen.IsZero() != when.IsZero() || gotKey != key || gotRaw != key {
					t.Errorf("got %d %q %v %v, want %d %q %v %v", gotN, gotText, gotWhen, gotKey, n, text, when, key)
				}
			}
		}
	}
}

func wantBad(t *testing.T, what string, err error) {
	t.Helper()
	e := errs.Of(err)
	if e == nil || e.Kind != errs.Malformed || e.Code != "cursor.bad" || len(e.Fields) != 1 || e.Fields[0].Name != "cursor" {
		t.Errorf("%s: %v, want cursor.bad", what, err)
	}
}

// A list goes on where its cursor says, and at its beginning without one; what was read beyond a page tells that there is another.
func TestResumeAndCut(t *testing.T) {
	s := NewSigner([]byte("secret"))
	next := func(last int64) string { return s.Encode("t1", "no", last) }
	items, cursor := Cut([]int64{1, 2, 3}, 2, next)
	if len(items) != 2 || cursor == "" {
		t.Fatalf("%v %q", items, cursor)
	}
	if rest, end := Cut([]int64{3, 4}, 2, next); len(rest) != 2 || end != "" {
		t.Errorf("a full last page: %v %q", rest, end)
	}
	at := int64(-1)
	if err := s.Resume("", "t1", "no", &at); err != nil || at != -1 {
		t.Errorf("without a cursor: %d, %v", at, err)
	}
	if err := s.Resume(cursor, "t1", "no", &at); err != nil || at != 2 {
		t.Errorf("behind the first page: %d, %v", at, err)
	}
	if err := s.Resume(cursor, "t2", "no", &at); !errs.Is(err, "cursor.bad") {
		t.Errorf("another tenant's cursor: %v", err)
	}
}

func TestTampering(t *testing.T) {
	s := NewSigner([]byte("secret"))
	token := s.Encode("tenant-a", "-amount", 5, "x", id.New())
	for i := range len(token) {
		for _, c := range []byte("A_z\n=") {
			if token[i] == c {
				continue
			}
			_, err := s.Decode(token[:i]+string(c)+token[i+1:], "tenant-a", "-amount")
			wantBad(t, "changed character", err)
		}
		_, err := s.Decode(token[:i], "tenant-a", "-amount")
		wantBad(t, "cut short", err)
	}
	for what, decode := range map[string]func() (Cursor, error){
		"other tenant":  func() (Cursor, error) { return s.Decode(token, "tenant-b", "-amount") },
		"other sort":    func() (Cursor, error) { return s.Decode(token, "tenant-a", "amount") },
		"moved border":  func() (Cursor, error) { return s.Decode(token, "tenant-a-", "amount") },
		"other key":     func() (Cursor, error) { return NewSigner([]byte("Secret")).Decode(token, "tenant-a", "-amount") },
		"line break":    func() (Cursor, error) { return s.Decode(token+"\n", "tenant-a", "-amount") },
		"twice":         func() (Cursor, error) { return s.Decode(token+token, "tenant-a", "-amount") },
		"endless token": func() (Cursor, error) { return s.Decode(strings.Repeat("A", 1<<20), "tenant-a", "-amount") },
	} {
		_, err := decode()
		wantBad(t, what, err)
	}
}

func TestScanTypes(t *testing.T) {
	s := NewSigner([]byte("secret"))
	c, err := s.Decode(s.Encode("t", "s", int64(1), "x"), "t", "s")
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	var text string
	var when time.Time
	var key id.ID
	for what, dst := range map[string][]any{
		"too few": {&n}, "too many": {&n, &text, &n}, "none": {}, "swapped": {&text, &n},
		"time": {&when, &text}, "id": {&n, &key}, "unknown type": {&n, new(float64)},
	} {
		wantBad(t, what, c.Scan(dst...))
	}
	if err := c.Scan(&n, &text); err != nil || n != 1 || text != "x" {
		t.Errorf("Scan = %d %q %v", n, text, err)
	}
}

func TestEncodeRefusesOtherTypes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a float was encoded")
		}
	}()
	NewSigner(nil).Encode("t", "s", 1.5)
}

func FuzzDecode(f *testing.F) {
	s := NewSigner([]byte("secret"))
	token := s.Encode("t", "s", 5, "x")
	f.Add(token, []byte("i\x02s\x01x"))
	f.Add("", []byte("s\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, in string, payload []byte) {
		if _, err := s.Decode(in, "t", "s"); err == nil && in != token {
			t.Errorf("accepted %q", in)
		}
		var n int64
		var text string
		var when time.Time
		var key id.ID
		for _, dst := range [][]any{{&n}, {&text}, {&when}, {&key}, {&n, &text}, {&text, &when, &key}} {
			_ = Cursor{rest: payload}.Scan(dst...)
		}
	})
}
