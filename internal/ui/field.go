package ui

import (
	"strconv"

	"entente.dev/internal/kernel/httpx"
	"github.com/a-h/templ"
)

// FieldOf returns a text field that shows what form holds under name and what is wrong
// with it. form may be nil. Refine the field with its methods and draw it with Input,
// Select, Textarea, Checkbox, Radios or Upload.
func FieldOf(form *httpx.Form, name, label string) Field {
	f := Field{Name: name, Label: label, Type: "text"}
	if form != nil {
		f.Value, f.Error, f.refused = form.Value(name), form.Problem(name), len(form.Fields()) > 0
	}
	return f
}

// Option is one choice of a select or of radios.
type Option struct {
	Value, Label string
	Hint         string // shown under a radio's label
}

// Options returns options whose values are their labels.
func Options(labels ...string) []Option {
	out := make([]Option, len(labels))
	for i, l := range labels {
		out[i] = Option{Value: l, Label: l}
	}
	return out
}

// Field is one labelled input.
type Field struct {
	Name, Label, Type, Value string
	Help, Error              string
	Placeholder              string
	Choices                  []Option
	Before, After            string // fixed text in front of or behind the input
	Rows                     int
	Required, Disabled       bool
	Attrs                    templ.Attributes
	group                    string
	refused                  bool // the form was sent and something in it is wrong
}

// Req marks the field as required.
func (f Field) Req() Field { f.Required = true; return f }

// Hint sets the help text under the field.
func (f Field) Hint(text string) Field { f.Help = text; return f }

// As sets the input's type: "email", "password", "number", "date", "url", "tel", "search".
func (f Field) As(typ string) Field { f.Type = typ; return f }

// Or sets the value shown when the form holds none and has not been refused.
func (f Field) Or(value string) Field {
	if f.Value == "" && !f.refused {
		f.Value = value
	}
	return f
}

// Place sets the placeholder, an example and never the label.
func (f Field) Place(text string) Field { f.Placeholder = text; return f }

// Auto sets the autocomplete token, such as "current-password".
func (f Field) Auto(token string) Field { return f.With("autocomplete", token) }

// Focus puts the cursor here when the page opens.
func (f Field) Focus() Field { return f.With("autofocus", true) }

// Off shows the field but lets nobody change it.
func (f Field) Off() Field { f.Disabled = true; return f }

// Opts sets the choices of a select or of radios.
func (f Field) Opts(opts ...Option) Field { f.Choices = opts; return f }

// Max sets the longest text accepted.
func (f Field) Max(n int) Field { return f.With("maxlength", strconv.Itoa(n)) }

// Range sets the smallest and largest number or date accepted; "" leaves a side open.
func (f Field) Range(minimum, maximum string) Field {
	if minimum != "" {
		f = f.With("min", minimum)
	}
	if maximum != "" {
		f = f.With("max", maximum)
	}
	return f
}

// Around sets fixed text in front of and behind the input, such as "https://".
func (f Field) Around(before, after string) Field { f.Before, f.After = before, after; return f }

// Lines sets the height of a textarea.
func (f Field) Lines(n int) Field { f.Rows = n; return f }

// With sets any other attribute; value is a string or a bool.
func (f Field) With(name string, value any) Field {
	attrs := templ.Attributes{name: value}
	for k, v := range f.Attrs {
		if k != name {
			attrs[k] = v
		}
	}
	f.Attrs = attrs
	return f
}

// In sets the field apart from one of the same name in another form of the page: its id
// becomes "f-group-name" instead of "f-name".
func (f Field) In(group string) Field { f.group = group; return f }

func (f Field) id() string {
	if f.group != "" {
		return "f-" + f.group + "-" + f.Name
	}
	return "f-" + f.Name
}

// describedBy lists the ids of help and error for assistive technology.
func (f Field) describedBy() string {
	switch {
	case f.Error != "" && f.Help != "":
		return f.id() + "-error " + f.id() + "-help"
	case f.Error != "":
		return f.id() + "-error"
	case f.Help != "":
		return f.id() + "-help"
	}
	return ""
}

// aria returns the attributes every kind of input shares.
func (f Field) aria() templ.Attributes {
	a := templ.Attributes{}
	for k, v := range f.Attrs {
		a[k] = v
	}
	if d := f.describedBy(); d != "" {
		a["aria-describedby"] = d
	}
	if f.Error != "" {
		a["aria-invalid"] = "true"
	}
	return a
}

func (f Field) rows() string {
	if f.Rows == 0 {
		return "3"
	}
	return strconv.Itoa(f.Rows)
}

func (f Field) checked() bool { return f.Value != "" && f.Value != "false" && f.Value != "0" }
