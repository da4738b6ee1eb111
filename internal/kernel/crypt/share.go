package crypt

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Shares by Shamir over GF(256) with the polynomial of AES (x^8+x^4+x^3+x+1): each byte of the key is the value at 0 of a random
// polynomial of degree need-1, a share its value at another place. Fewer shares than needed tell nothing at all.
//
// A share is one line: entente-share:1:KEK:NEED:PLACE:BASE64:CHECKSUM. KEK is the id of the key, so that shares of two keys are not
// mixed and the result is proved; CHECKSUM is of all before it, so that a slip of the pen is told.
const shareMark = "entente-share:1"

// mul multiplies in GF(256) without a branch or table that depends on secrets.
func mul(a, b byte) (p byte) {
	for range 8 {
		p ^= -(b & 1) & a
		a = a<<1 ^ -(a>>7)&0x1b
		b >>= 1
	}
	return p
}

// inverse returns a^254, which is 1/a.
func inverse(a byte) byte {
	out := byte(1)
	for range 254 {
		out = mul(out, a)
	}
	return out
}

// splitBytes returns n shares of secret, of which need restore it; share i is the value at place i+1.
func splitBytes(secret []byte, n, need int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = make([]byte, len(secret))
	}
	factors := make([]byte, need)
	for at, b := range secret {
		_, _ = rand.Read(factors) // never fails
		factors[0] = b
		for i := range out {
			x, y := byte(i+1), byte(0)
			for k := need - 1; k >= 0; k-- { // Horner
				y = mul(y, x) ^ factors[k]
			}
			out[i][at] = y
		}
	}
	return out
}

// combineBytes returns the value at 0 of the polynomials through the given shares.
func combineBytes(places []byte, shares [][]byte) []byte {
	out := make([]byte, len(shares[0]))
	for i, x := range places {
		weight := byte(1)
		for j, other := range places {
			if i != j {
				weight = mul(weight, mul(other, inverse(other^x)))
			}
		}
		for at, y := range shares[i] {
			out[at] ^= mul(y, weight)
		}
	}
	return out
}

// Split returns n lines, each a share of a raw KEK; any need of them restore it.
func Split(raw []byte, n, need int) ([]string, error) {
	if need < 2 || n < need || n > 255 {
		return nil, fmt.Errorf("%d shares of which %d are needed: take at least 2 needed, and at most 255 in all", n, need)
	}
	kek, err := NewLocal(raw)
	if err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i, s := range splitBytes(raw, n, need) {
		body := fmt.Sprintf("%s:%s:%d:%d:%s", shareMark, strings.TrimPrefix(kek.ID(), "local:"), need, i+1, base64.RawURLEncoding.EncodeToString(s))
		out[i] = body + ":" + checksum(body)
	}
	return out, nil
}

func checksum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}

type share struct {
	kek   string
	need  int
	place byte
	value []byte
}

func parseShare(text string) (s share, err error) {
	text = strings.TrimSpace(text)
	i := strings.LastIndexByte(text, ':')
	if !strings.HasPrefix(text, shareMark+":") || i < 0 {
		return s, errors.New("this is no share of a key: it does not begin with " + shareMark)
	}
	if checksum(text[:i]) != text[i+1:] {
		return s, errors.New("the checksum of this share is wrong: a character was lost or changed")
	}
	parts := strings.Split(text[:i], ":")
	if len(parts) != 6 {
		return s, errors.New("this share has another form than this program writes")
	}
	place, perr := strconv.ParseUint(parts[4], 10, 8)
	s.kek, s.place = "local:"+parts[2], byte(place)
	s.need, err = strconv.Atoi(parts[3])
	value, verr := base64.RawURLEncoding.DecodeString(parts[5])
	if err = errors.Join(err, perr, verr); err != nil || place == 0 || len(value) != KeySize || s.need < 2 {
		return s, errors.New("this share has another form than this program writes")
	}
	s.value = value
	return s, nil
}

// Combine restores a raw KEK from shares and proves that it is the one they were made of. The error says which share is wrong, or
// how many are missing.
func Combine(texts []string) ([]byte, error) {
	var places []byte
	var values [][]byte
	var first share
	for i, text := range texts {
		s, err := parseShare(text)
		if err != nil {
			return nil, fmt.Errorf("share %d: %w", i+1, err)
		}
		if i == 0 {
			first = s
		}
		if s.kek != first.kek || s.need != first.need {
			return nil, fmt.Errorf("share %d is of the key %s, the first one of %s", i+1, s.kek, first.kek)
		}
		for _, p := range places {
			if p == s.place {
				return nil, fmt.Errorf("share %d was given twice", i+1)
			}
		}
		places, values = append(places, s.place), append(values, s.value)
	}
	if len(places) == 0 || len(places) < first.need {
		return nil, fmt.Errorf("%d shares were given and %d are needed", len(places), max(first.need, 2))
	}
	raw := combineBytes(places[:first.need], values[:first.need])
	kek, err := NewLocal(raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(kek.ID()), []byte(first.kek)) != 1 {
		return nil, errors.New("these shares do not make the key they name: one of them was altered together with its checksum")
	}
	return raw, nil
}

// ReadRaw returns the 32 bytes that a KEK file holds.
func ReadRaw(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", err)
	}
	return decodeFile(path, b)
}

// WriteRaw writes a raw KEK as the file that ReadFile reads, whole or not at all. fs.ErrExist when the file is there already.
func WriteRaw(path string, raw []byte) error {
	return writeOnce(path, []byte(base64.StdEncoding.EncodeToString(raw)+"\n"))
}
