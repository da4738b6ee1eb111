package reference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"entente.dev/internal/door"
)

// deepest is how far nested objects are told field by field.
const deepest = 4

// document reads an OpenAPI document.
type document struct {
	api    *huma.OpenAPI
	origin string
}

// roomsOf returns every operation of the document, by the room it is tagged with.
func roomsOf(api *huma.OpenAPI, origin string) []room {
	d := document{api, origin}
	at := map[string]int{}
	var rooms []room
	for path, item := range api.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "PUT": item.Put, "DELETE": item.Delete} {
			if op == nil || op.Hidden {
				continue
			}
			key, _, _ := strings.Cut(op.OperationID, ".")
			if len(op.Tags) > 0 {
				key = op.Tags[0]
			}
			if _, known := at[key]; !known {
				at[key] = len(rooms)
				title, _ := titleOf(key)
				rooms = append(rooms, room{key: key, title: title})
			}
			rooms[at[key]].operations = append(rooms[at[key]].operations, d.operation(method, path, op))
		}
	}
	for i := range rooms {
		rooms[i].types = d.types(rooms[i])
	}
	sortRooms(rooms)
	return rooms
}

func (d document) operation(method, path string, op *huma.Operation) operation {
	out := operation{id: op.OperationID, method: method, path: path, summary: op.Summary}
	out.permission, _ = op.Extensions["x-permission"].(string)
	for text := range strings.SplitSeq(op.Description, "\n\n") {
		if text = strings.TrimSpace(text); text != "" && !strings.HasPrefix(text, "Permission: ") {
			out.description = append(out.description, strings.ReplaceAll(text, "`", ""))
		}
	}
	for _, p := range op.Parameters {
		kind, limits := d.kind(p.Schema)
		out.params = append(out.params, param{name: p.Name, in: p.In, kind: kind, doc: p.Description, required: p.Required, limits: limits})
	}
	slices.SortStableFunc(out.params, func(a, b param) int { return rank(a.in) - rank(b.in) })
	if op.RequestBody != nil {
		for _, name := range sorted(op.RequestBody.Content) {
			out.bodyType = name
			out.body = d.fields(op.RequestBody.Content[name].Schema, "", 0)
		}
	}
	for _, status := range sorted(op.Responses) {
		out.answers = append(out.answers, d.answer(status, op.Responses[status]))
	}
	out.curl = d.curl(method, path, op, out.params)
	return out
}

func rank(in string) int { return slices.Index([]string{"path", "query", "header"}, in) }

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (d document) answer(status string, r *huma.Response) answer {
	a := answer{status: status, says: r.Description}
	if status == "default" {
		a.status, a.says = "4xx, 5xx", "A problem document: code says what, errors names the fields."
	}
	for _, name := range sorted(r.Content) {
		a.kind = name
		if s := r.Content[name].Schema; status != "default" && s != nil && s.Ref != "" {
			a.of = s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		}
	}
	return a
}

// types are what the operations of a room answer, by name.
func (d document) types(rm room) []kindOf {
	var out []kindOf
	for _, o := range rm.operations {
		for _, a := range o.answers {
			if a.of == "" || slices.ContainsFunc(out, func(k kindOf) bool { return k.name == a.of }) {
				continue
			}
			out = append(out, kindOf{a.of, d.fields(d.api.Components.Schemas.SchemaFromRef("#/components/schemas/"+a.of), "", 0)})
		}
	}
	slices.SortFunc(out, func(a, b kindOf) int { return strings.Compare(a.name, b.name) })
	return out
}

// resolve follows a reference to its schema.
func (d document) resolve(s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = d.api.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// fields tells an object field by field, nested ones by dotted names: those that are needed first, in the order of the code.
func (d document) fields(s *huma.Schema, prefix string, depth int) []field {
	s = d.resolve(s)
	if s == nil || depth > deepest {
		return nil
	}
	if s.Type == "array" {
		return d.fields(s.Items, strings.TrimSuffix(prefix, ".")+"[].", depth+1)
	}
	var out []field
	for _, name := range order(s) {
		v := s.Properties[name]
		kind, limits := d.kind(v)
		out = append(out, field{name: prefix + name, kind: kind, doc: doc(v, d.resolve(v)), required: slices.Contains(s.Required, name), limits: limits})
		inner := d.resolve(v)
		if inner != nil && inner.Type == "array" {
			if el := d.resolve(inner.Items); el != nil && len(el.Properties) > 0 {
				out = append(out, d.fields(el, prefix+name+"[].", depth+1)...)
			}
		} else if inner != nil && len(inner.Properties) > 0 {
			out = append(out, d.fields(inner, prefix+name+".", depth+1)...)
		}
	}
	return out
}

// order names the properties: the required ones as the document lists them, then the others by name.
func order(s *huma.Schema) []string {
	out := slices.Clone(s.Required)
	for _, name := range sorted(s.Properties) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return slices.DeleteFunc(out, func(name string) bool { return s.Properties[name] == nil })
}

func doc(v, resolved *huma.Schema) string {
	if v.Description != "" || resolved == nil {
		return v.Description
	}
	return resolved.Description
}

// kind says a schema's type in words, and what limits its values.
func (d document) kind(s *huma.Schema) (kind string, limits []string) {
	s = d.resolve(s)
	if s == nil {
		return "anything", nil
	}
	kind = s.Type
	switch {
	case s.Type == "array":
		inner, _ := d.kind(s.Items)
		return "list of " + inner, bounds(s.MinItems, s.MaxItems, "entries")
	case s.Format == "uuid":
		kind = "id"
	case s.Format == "date-time":
		kind = "time"
	case s.Format == "date" || s.Format == "email" || s.Format == "binary":
		kind = s.Format
	case s.Type == "string":
		kind = "text"
	case s.Type == "integer":
		kind = "whole number"
	case s.Type == "boolean":
		kind = "true or false"
	case s.Type == "":
		kind = "anything"
	}
	return kind, d.limits(s)
}

func (d document) limits(s *huma.Schema) []string {
	var out []string
	if len(s.Enum) > 0 {
		values := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			values[i] = fmt.Sprint(v)
		}
		out = append(out, "one of "+strings.Join(values, ", "))
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		out = append(out, number(*s.Minimum)+" to "+number(*s.Maximum))
	case s.Minimum != nil && *s.Minimum != 0:
		out = append(out, "at least "+number(*s.Minimum))
	case s.Maximum != nil:
		out = append(out, "at most "+number(*s.Maximum))
	}
	out = append(out, bounds(s.MinLength, s.MaxLength, "characters")...)
	if s.PatternDescription != "" {
		out = append(out, s.PatternDescription)
	}
	if s.Default != nil && fmt.Sprint(s.Default) != "" {
		out = append(out, "default "+fmt.Sprint(s.Default))
	}
	return out
}

// number writes a limit with a comma between thousands.
func number(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if f != float64(int64(f)) {
		return s
	}
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func bounds(least, most *int, of string) []string {
	switch {
	case least != nil && most != nil && *least > 0:
		return []string{fmt.Sprintf("%d to %d %s", *least, *most, of)}
	case most != nil:
		return []string{fmt.Sprintf("at most %d %s", *most, of)}
	case least != nil && *least > 0:
		return []string{fmt.Sprintf("at least %d %s", *least, of)}
	}
	return nil
}

// prefixed is the whole path of an operation.
func prefixed(path string) string { return door.Prefix + path }
