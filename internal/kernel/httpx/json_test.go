package httpx_test

import (
	"encoding/json"
	"strings"
	"testing"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
)

func TestDecodeJSON(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for body, code := range map[string]string{
		`{"a":{"b":[1,2]}}`:     "",
		deep(64):                "",
		deep(65):                "json.depth",
		`"` + deep(100) + `"`:   "",
		`"\"` + deep(100) + `"`: "",
		`"\\",` + deep(100):     "json.depth",
		"[" + strings.Repeat("1,", 20_000) + "1]":  "",
		"[" + strings.Repeat("1,", 20_001) + "1]":  "json.too_many",
		`["` + strings.Repeat("1,", 30_000) + `"]`: "",
		`{"a":1,"a":2}`:             "json.duplicate",
		`{"a":1,"\u0061":2}`:        "json.duplicate",
		`{"a":1e400}`:               "number.range",
		`{"a":"\u0000"}`:            "text.characters",
		`{"a":"\\u0000"}`:           "",
		`{"a":[{"b":"x\u0000"}]}`:   "text.characters",
		`{"\u0000":1}`:              "text.characters",
		`{"a":`:                     "json.malformed",
		`{} {}`:                     "json.malformed",
		`NaN`:                       "json.malformed",
		"{\"a\":\"\xc0\"}":          "json.malformed",
		`{"a":"\ud800"}`:            "json.malformed",
		"":                          "json.malformed",
		strings.Repeat(`{"a":`, 99): "json.depth",
	} {
		var v any
		err := httpx.DecodeJSON([]byte(body), &v)
		if code == "" && err != nil || code != "" && (!errs.Is(err, code) || !errs.IsKind(err, errs.Malformed)) {
			t.Errorf("%.60s: %v, want %q", body, err, code)
		}
	}
}

func TestDottedName(t *testing.T) {
	for pointer, want := range map[string]string{"": "", "/a": "a", "/account/domain": "account.domain", "/items/3/name": "items[3].name", "/a~1b/c~0d": "a/b.c~d"} {
		if got := httpx.DottedName(pointer); got != want {
			t.Errorf("%s: %s, want %s", pointer, got, want)
		}
	}
}

// FuzzDecodeJSON holds the strict decoder to never accept what the plain one refuses,
// and never to fail in another way than by an errs.Error of the caller's making.
func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x",null,{"b":true}]}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		err := httpx.DecodeJSON(data, &v)
		if err == nil && !json.Valid(data) {
			t.Errorf("accepted %q", data)
		}
		if err != nil && errs.Of(err).Kind != errs.Malformed {
			t.Errorf("%q: %v", data, err)
		}
	})
}
