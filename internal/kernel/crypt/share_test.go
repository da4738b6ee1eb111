package crypt

import (
	"bytes"
	"testing"
)

// The field is that of AES: FIPS 197, 4.2 and 4.2.1.
func TestField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want byte }{{0x57, 0x83, 0xc1}, {0x57, 0x13, 0xfe}, {0x57, 0x02, 0xae}, {0x57, 0x10, 0x07}, {0, 9, 0}, {1, 9, 9}} {
		if got := mul(c.a, c.b); got != c.want || mul(c.b, c.a) != got {
			t.Errorf("%02x·%02x = %02x, want %02x", c.a, c.b, got, c.want)
		}
	}
	for a := 1; a < 256; a++ {
		if mul(byte(a), inverse(byte(a))) != 1 {
			t.Errorf("1/%02x is wrong", a)
		}
	}
}

// A vector worked by hand: 42 + 5x has 47 at 1, 32 at 2, 37 at 3 (over GF(256): 0x2a+0x05x).
func TestCombineVector(t *testing.T) {
	t.Parallel()
	at := func(x byte) byte { return 0x2a ^ mul(0x05, x) }
	if at(1) != 0x2f || at(2) != 0x20 || at(3) != 0x25 {
		t.Fatalf("%02x %02x %02x", at(1), at(2), at(3))
	}
	for _, p := range [][]byte{{1, 2}, {1, 3}, {2, 3}, {1, 2, 3}} {
		values := make([][]byte, len(p))
		for i, x := range p {
			values[i] = []byte{at(x)}
		}
		if got := combineBytes(p, values); got[0] != 0x2a {
			t.Errorf("places %v give %02x", p, got[0])
		}
	}
}

// One share alone tells nothing: for every secret byte, each value of the share is as likely as any other.
func TestOneShareTellsNothing(t *testing.T) {
	t.Parallel()
	const rounds = 256 * 400
	for _, secret := range []byte{0, 1, 0xff} {
		var seen [256]int
		shares := splitBytes(bytes.Repeat([]byte{secret}, rounds), 3, 2)
		for _, v := range shares[1] {
			seen[v]++
		}
		chi := 0.0
		for _, n := range seen {
			chi += float64((n-400)*(n-400)) / 400
		}
		if chi > 350 { // 255 degrees of freedom: beyond that once in 30,000 runs
			t.Errorf("the shares of %02x are not even: chi² %.0f", secret, chi)
		}
	}
}
