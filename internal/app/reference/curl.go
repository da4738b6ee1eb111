package reference

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/door"
)

// curl returns a command that runs as it stands where $ENTENTE_KEY holds an API key. An id in the path is taken from the
// list the record stands in.
func (d document) curl(method, path string, op *huma.Operation, params []param) string {
	var lines []string
	target := path
	key := ` \` + "\n" + `  -H "Authorization: Bearer $ENTENTE_KEY"`
	if op.Security == nil {
		key = ""
	}
	if before, after, found := strings.Cut(path, "/{"); found {
		name, rest, _ := strings.Cut(after, "}")
		target = before + "/$ID" + strings.ReplaceAll(strings.ReplaceAll(rest, "{", "$"), "}", "")
		lines = append(lines, d.firstID(before, name, key))
	}
	command := "curl -sS"
	if method != "GET" {
		command += " -X " + method
	}
	if hasParam(params, "query", "limit") {
		target += "?limit=5"
	} else if q := d.neededQuery(op); q != "" {
		target += "?" + q
	}
	command += ` "` + d.origin + door.Prefix + target + `"` + key
	if op.RequestBody != nil {
		command += d.data(op.RequestBody)
	} else if method == "POST" {
		command += ` -d ''`
	}
	return strings.Join(append(lines, command), "\n")
}

// firstID sets $ID to the id of the list's first record, where there is a list.
func (d document) firstID(list, name, key string) string {
	item := d.api.Paths[list]
	if item == nil || item.Get == nil {
		return "ID=… # the record's " + name
	}
	return `ID=$(curl -sS "` + d.origin + door.Prefix + list + `?limit=1"` + strings.ReplaceAll(key, " \\\n ", "") + ` | sed 's/^{"items":\[{"id":"\([^"]*\)".*/\1/')`
}

func hasParam(params []param, in, name string) bool {
	return slices.ContainsFunc(params, func(p param) bool { return p.in == in && p.name == name })
}

// neededQuery gives the required query parameters their examples.
func (d document) neededQuery(op *huma.Operation) string {
	var out []string
	for _, p := range op.Parameters {
		if p.In == "query" && p.Required {
			value, _ := json.Marshal(d.example(p.Schema, 0))
			out = append(out, p.Name+"="+strings.Trim(string(value), `"`))
		}
	}
	return strings.Join(out, "&")
}

// data is the body of an example: what is needed, and whatever has an example of its own.
func (d document) data(body *huma.RequestBody) string {
	if media := body.Content["application/json"]; media != nil {
		raw, err := json.Marshal(d.example(media.Schema, 0))
		if err != nil {
			return ""
		}
		return " \\\n  -H 'Content-Type: application/json' \\\n  -d '" + strings.ReplaceAll(string(raw), "'", `'\''`) + "'"
	}
	if media := body.Content["multipart/form-data"]; media != nil {
		var out strings.Builder
		s := d.resolve(media.Schema)
		for _, name := range order(s) {
			v := d.resolve(s.Properties[name])
			switch {
			case v.Format == "binary" || v.ContentEncoding != "":
				out.WriteString(" \\\n  -F '" + name + "=@deals.csv'")
			case slices.Contains(s.Required, name) || len(v.Examples) > 0:
				raw, _ := json.Marshal(d.example(v, 0))
				out.WriteString(" \\\n  -F '" + name + "=" + strings.Trim(string(raw), `"`) + "'")
			}
		}
		return out.String()
	}
	return ""
}

// example returns a value that a schema accepts.
func (d document) example(s *huma.Schema, depth int) any {
	s = d.resolve(s)
	switch {
	case s == nil:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case "object":
		return d.exampleObject(s, depth)
	case "array":
		if s.MinItems == nil || *s.MinItems == 0 || depth > deepest {
			return []any{}
		}
		return []any{d.example(s.Items, depth+1)}
	case "integer", "number":
		if s.Minimum != nil && *s.Minimum > 0 {
			return *s.Minimum
		}
		return 1
	case "boolean":
		return true
	}
	switch s.Format {
	case "uuid":
		return "01890a5d-ac96-774b-bcce-b302099a8057"
	case "date":
		return "2027-03-31"
	case "date-time":
		return "2027-03-31T12:00:00Z"
	case "email":
		return "ada@north.example"
	}
	return "text"
}

// ordered keeps an example's fields in the order of the reference, which a map would not.
type ordered struct {
	names  []string
	values []any
}

// MarshalJSON implements json.Marshaler.
func (o ordered) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, name := range o.names {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o.values[i])
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

func (d document) exampleObject(s *huma.Schema, depth int) ordered {
	var o ordered
	if depth > deepest {
		return o
	}
	for _, name := range order(s) {
		v := s.Properties[name]
		resolved := d.resolve(v)
		if resolved == nil || !slices.Contains(s.Required, name) && len(v.Examples) == 0 && len(resolved.Examples) == 0 {
			continue
		}
		value := d.example(v, depth+1)
		if len(v.Examples) > 0 {
			value = v.Examples[0]
		}
		o.names, o.values = append(o.names, name), append(o.values, value)
	}
	return o
}
