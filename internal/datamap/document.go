package datamap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v3"
)

// Problem is one thing that is wrong with a profile file.
type Problem struct {
	File  string `json:"file"`
	Line  int    `json:"line"`  // from 1; 0 when it is about the file as a whole
	Field string `json:"field"` // such as retention.server-log.period, "" for the file
	Msg   string `json:"message"`
}

// String writes "file:line: field: message".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Field != "" {
		b.WriteString(": " + p.Field)
	}
	return b.String() + ": " + p.Msg
}

// Problems is everything that is wrong with a profile file, in the order of its lines.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// value is one value of a document, whichever language it was written in.
type value struct {
	line   int
	kind   string // text, number, true or false, list, nothing, table
	text   string
	fields []*field
	closed bool // a table that was written in one piece, or under a header of its own
}

type field struct {
	key  string
	line int
	*value
}

func (v *value) get(key string) *field {
	for _, f := range v.fields {
		if f.key == key {
			return f
		}
	}
	return nil
}

const (
	kindText, kindTable = "text", "table"
	maxDepth            = 10
	maxProfileFile      = 256 << 10
)

// reader reads a document and collects what is wrong with it.
type reader struct {
	file     string
	problems Problems
}

func (r *reader) add(line int, field, msg string, args ...any) {
	if len(r.problems) < 200 {
		r.problems = append(r.problems, Problem{r.file, line, field, fmt.Sprintf(msg, args...)})
	}
}

// read returns the document as a table; nil when it cannot be read at all.
func (r *reader) read(data []byte) *value {
	if len(data) > maxProfileFile {
		r.add(0, "", "the file has more than %d KiB; a profile has a few", maxProfileFile>>10)
		return nil
	}
	switch strings.ToLower(path.Ext(r.file)) {
	case ".yaml", ".yml", ".json":
		return r.readYAML(data)
	}
	return r.readTOML(data)
}

func (r *reader) readYAML(data []byte) *value {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil || len(doc.Content) != 1 {
		line, msg := 1, "the file is empty"
		if err != nil && !errors.Is(err, io.EOF) {
			msg = strings.TrimPrefix(err.Error(), "yaml: ")
			if n, _ := fmt.Sscanf(msg, "line %d: ", &line); n == 1 {
				_, msg, _ = strings.Cut(msg, ": ")
			}
		}
		r.add(line, "", "this is not YAML: %s", msg)
		return nil
	}
	var more yaml.Node
	if dec.Decode(&more) == nil {
		r.add(more.Line, "", "the file holds more than one document; a profile is one")
	}
	return r.yamlValue(doc.Content[0], "", 0)
}

func (r *reader) yamlValue(n *yaml.Node, at string, depth int) *value {
	v := &value{line: n.Line, kind: "list", text: n.Value}
	switch n.Kind {
	case yaml.ScalarNode:
		v.kind = map[string]string{"!!str": kindText, "!!bool": "true or false", "!!null": "nothing"}[n.ShortTag()]
		if v.kind == "" {
			v.kind = "number"
		}
	case yaml.AliasNode:
		r.add(n.Line, at, "write the value itself; a profile takes no aliases")
		return &value{line: n.Line, kind: "nothing"}
	case yaml.MappingNode:
		v.kind = kindTable
		if depth > maxDepth {
			r.add(n.Line, at, "is nested too deeply")
			return v
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, name := n.Content[i], join(at, n.Content[i].Value)
			sub := r.yamlValue(n.Content[i+1], name, depth+1)
			if first := v.get(key.Value); first != nil {
				r.add(key.Line, name, "stands here a second time; the first is on line %d", first.line)
				continue
			}
			v.fields = append(v.fields, &field{key.Value, key.Line, sub})
		}
	}
	return v
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func (r *reader) readTOML(data []byte) *value {
	p := &unstable.Parser{}
	p.Reset(data)
	root := &value{line: 1, kind: kindTable}
	table, at := root, ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, at = r.header(p, root, e)
		case unstable.KeyValue:
			r.keyValue(p, table, at, e, 0)
		}
	}
	if err := p.Error(); err != nil {
		line := 0
		var bad *unstable.ParserError
		if errors.As(err, &bad) && len(bad.Highlight) > 0 {
			line = p.Shape(p.Range(bad.Highlight)).Start.Line
		}
		r.add(line, "", "this is not TOML: %s", strings.TrimPrefix(err.Error(), "toml: "))
		return nil
	}
	return root
}

// header opens the table that a [header] names. What cannot be opened is read into a table that nobody looks at.
func (r *reader) header(p *unstable.Parser, root *value, e *unstable.Node) (*value, string) {
	keys, line := keysOf(p, e)
	at := strings.Join(keys, ".")
	t := root
	for i, key := range keys {
		f := t.get(key)
		if f == nil {
			f = &field{key, line, &value{line: line, kind: kindTable}}
			t.fields = append(t.fields, f)
		}
		if f.kind != kindTable || i == len(keys)-1 && f.closed {
			r.add(line, at, "stands here a second time; the first is on line %d", f.line)
			return &value{kind: kindTable}, at
		}
		t = f.value
	}
	if e.Kind == unstable.ArrayTable {
		r.add(line, at, "write [%s] with single brackets", at)
	}
	t.closed = true
	return t, at
}

func (r *reader) keyValue(p *unstable.Parser, t *value, at string, e *unstable.Node, depth int) {
	keys, line := keysOf(p, e)
	for i, key := range keys {
		at = join(at, key)
		f := t.get(key)
		if i == len(keys)-1 {
			if f != nil {
				r.add(line, at, "stands here a second time; the first is on line %d", f.line)
				return
			}
			t.fields = append(t.fields, &field{key, line, r.tomlValue(p, e.Value(), at, line, depth+1)})
			return
		}
		if f == nil {
			f = &field{key, line, &value{line: line, kind: kindTable}}
			t.fields = append(t.fields, f)
		}
		if f.kind != kindTable || f.closed && depth > 0 {
			r.add(line, at, "stands here a second time; the first is on line %d", f.line)
			return
		}
		t = f.value
	}
}

func (r *reader) tomlValue(p *unstable.Parser, n *unstable.Node, at string, line, depth int) *value {
	v := &value{line: line, kind: "number", text: string(n.Data)}
	switch n.Kind {
	case unstable.String:
		v.kind = kindText
	case unstable.Bool:
		v.kind = "true or false"
	case unstable.Array:
		v.kind = "list"
	case unstable.InlineTable:
		v.kind, v.closed = kindTable, true
		if depth > maxDepth {
			r.add(line, at, "is nested too deeply")
			return v
		}
		for it := n.Children(); it.Next(); {
			r.keyValue(p, v, at, it.Node(), depth)
		}
	}
	return v
}

// keysOf returns the parts of a dotted key and its line.
func keysOf(p *unstable.Parser, e *unstable.Node) (keys []string, line int) {
	for it := e.Key(); it.Next(); {
		k := it.Node()
		if line == 0 {
			line = p.Shape(k.Raw).Start.Line
		}
		keys = append(keys, string(k.Data))
	}
	return keys, line
}
