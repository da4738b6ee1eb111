package httpx

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"entente.dev/internal/kernel/errs"
)

// MaxJSONDepth is how deep objects and arrays may nest in a body; MaxJSONValues how many
// members and elements it may hold, because each costs many times its bytes in memory.
const (
	MaxJSONDepth  = 64
	MaxJSONValues = 20_000
)

// omitempty keeps the meaning it has in encoding/json; all else is the stricter version 2.
// An answer with a broken character is better than none, a request with one is refused.
var (
	jsonOptions   = json.JoinOptions(jsonv1.OmitEmptyWithLegacySemantics(true))
	encodeOptions = json.JoinOptions(jsonOptions, jsontext.AllowInvalidUTF8(true))
)

// EncodeJSON writes v as one line of JSON. nil slices are written as [].
func EncodeJSON(w io.Writer, v any) error {
	if err := json.MarshalWrite(w, v, encodeOptions); err != nil {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}

// DecodeJSON reads data strictly into v. Malformed for what is not JSON, for a name
// given twice ("json.duplicate"), nesting beyond MaxJSONDepth ("json.depth"), more
// than MaxJSONValues ("json.too_many"), a number
// no machine can hold ("number.range") or a NUL character ("text.characters"); Invalid,
// naming the field, for a value that does not fit its Go type.
func DecodeJSON(data []byte, v any) error {
	depth, values := jsonSize(data)
	if values > MaxJSONValues {
		return errs.New(errs.Malformed, "json.too_many", "The JSON holds more than %d values.", MaxJSONValues)
	}
	if depth > MaxJSONDepth {
		return errs.New(errs.Malformed, "json.depth", "The JSON nests deeper than %d levels.", MaxJSONDepth)
	}
	if err := json.Unmarshal(data, v, jsonOptions); err != nil {
		_, tree := v.(*any)
		return jsonError(err, tree)
	}
	if tree, ok := v.(*any); ok && bytes.Contains(data, []byte(`\u0000`)) {
		if name, found := findNUL(*tree, ""); found {
			return jsonField(errs.Malformed, name, "text.characters", "Remove the NUL character: it cannot be stored.")
		}
	}
	return nil
}

// jsonSize counts nesting and values without parsing: brackets and commas outside of
// strings.
func jsonSize(data []byte) (deepest, values int) {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
	}
	return deepest, values
}

func jsonField(kind errs.Kind, name, code, msg string) *errs.Error {
	e := &errs.Error{Kind: kind, Code: code, Msg: msg}
	if kind == errs.Invalid {
		e.Code, e.Msg = "invalid", "Some fields need another look."
	}
	if name != "" {
		e.Fields = []errs.Field{{Name: name, Code: code, Msg: msg}}
	}
	return e
}

// jsonError describes what DecodeJSON met. A tree takes any value, so all that fails there
// is a number beyond float64.
func jsonError(err error, tree bool) error {
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return jsonField(errs.Malformed, DottedName(string(syn.JSONPointer)), "json.duplicate", "This name is given twice; send it once.")
		}
		return errs.New(errs.Malformed, "json.malformed", "The body is not valid JSON: it goes wrong near byte %d.", syn.ByteOffset)
	}
	var sem *json.SemanticError
	if !errors.As(err, &sem) {
		return &errs.Error{Kind: errs.Malformed, Code: "json.malformed", Msg: "The body cannot be read as JSON.", Err: err}
	}
	name := DottedName(string(sem.JSONPointer))
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return jsonField(errs.Malformed, name, "field.unknown", "There is no such field; remove it or check its spelling.")
	case tree:
		return jsonField(errs.Malformed, name, "number.range", "This number is too large to be read.")
	}
	return jsonField(errs.Invalid, name, "field.type", wantedType(sem.GoType))
}

func wantedType(t reflect.Type) string {
	if t != nil {
		switch t.Kind() {
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
			reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			return "Send a whole number, written without point or exponent, that fits " + strings.TrimPrefix(t.Kind().String(), "u") + "."
		case reflect.Float32, reflect.Float64:
			return "Send a number."
		case reflect.Bool:
			return "Send true or false."
		case reflect.String:
			return "Send text."
		}
	}
	return "This value has the wrong form."
}

// findNUL returns the dotted name of a text that holds a NUL, which PostgreSQL refuses.
func findNUL(v any, at string) (string, bool) {
	switch v := v.(type) {
	case string:
		return at, strings.IndexByte(v, 0) >= 0
	case []any:
		for _, e := range v {
			if name, found := findNUL(e, at); found {
				return name, true
			}
		}
	case map[string]any:
		for k, e := range v {
			name := strings.TrimPrefix(at+"."+k, ".")
			if strings.IndexByte(k, 0) >= 0 {
				return at, true
			}
			if name, found := findNUL(e, name); found {
				return name, true
			}
		}
	}
	return "", false
}
