package httpx

import (
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/id"
)

// maxFormFields bounds the work of one form; formMemory is how much of uploaded files
// is kept in memory.
const (
	maxFormFields = 2000
	maxNamed      = 50 // unknown fields are named in a message, so many at most
	formMemory    = 1 << 20
)

// Form is a submitted form: typed values for the use case, and what was typed and what
// is wrong with it for drawing the form again. It is also the way to draw a form for the
// first time (NewForm). Names that begin with "_" belong to the doors and are ignored.
type Form struct {
	values url.Values
	files  map[string][]*multipart.FileHeader
	known  map[string]bool
	fields []errs.Field
}

// NewForm returns a form that was not submitted, with values to show, such as those of
// the record that is edited.
func NewForm(values map[string]string) *Form {
	f := &Form{values: url.Values{}, known: map[string]bool{}}
	for name, v := range values {
		f.values.Set(name, v)
	}
	return f
}

// PathID returns the id in the request's path as the pattern "{id}" caught it. NotFound for the kind of object when it is none.
func PathID(r *http.Request, what string) (id.ID, error) {
	v, ok := id.Parse(r.PathValue("id"))
	if !ok {
		return v, errs.Missing(what)
	}
	return v, nil
}

// ParseForm reads the body of a form; the query is not part of it. TooLarge
// "body.too_large" beyond the limit (see LimitBody), Malformed for anything that is not
// a form. Files are kept on disk beyond 1 MiB; remove them with Close.
func ParseForm(_ http.ResponseWriter, r *http.Request) (*Form, error) {
	f := NewForm(nil)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // no kind on failure
	var err error
	switch {
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(formMemory)
		if r.MultipartForm != nil {
			f.values, f.files = r.MultipartForm.Value, r.MultipartForm.File
		}
	case kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
		f.values = r.PostForm
	case r.ContentLength == 0:
		return f, nil
	default:
		return nil, errs.New(errs.Malformed, "form.type", "This is not a form as the page sends it.")
	}
	if err != nil {
		e := errs.Of(bodyError(err))
		if e.Kind == errs.Malformed {
			e.Code, e.Msg = "form.malformed", "The form could not be read."
		}
		return nil, e
	}
	if len(f.values) > maxFormFields {
		return nil, errs.New(errs.Malformed, "form.too_many", "The form has too many fields.")
	}
	return f, nil
}

// Close removes files that were uploaded with the form.
func (f *Form) Close(r *http.Request) {
	if r.MultipartForm != nil {
		_ = r.MultipartForm.RemoveAll() // the system's temporary files are swept anyway
	}
}

// Value returns what was typed, for drawing the form again.
func (f *Form) Value(name string) string { return f.values.Get(name) }

// Checked reports whether value is among the values of a box or choice, for drawing.
func (f *Form) Checked(name, value string) bool { return slices.Contains(f.values[name], value) }

// Set replaces what will be drawn for a name.
func (f *Form) Set(name, value string) { f.values.Set(name, value) }

// Refuse records what is wrong with a field and the way out.
func (f *Form) Refuse(name, code, msg string) {
	f.fields = append(f.fields, errs.Field{Name: name, Code: code, Msg: msg})
}

// Absorb takes over the fields of a use case's refusal, so that the form can be drawn
// again with its messages. It reports false for any other error: return that one.
// It also takes what Err returned, so that one branch draws the form again.
func (f *Form) Absorb(err error) bool {
	if !errs.IsKind(err, errs.Invalid) {
		return false
	}
	e := errs.Of(err)
	for _, field := range e.Fields {
		if !slices.Contains(f.fields, field) { // f.Err() comes back here too
			f.fields = append(f.fields, field)
		}
	}
	if len(e.Fields) == 0 {
		f.Refuse("", e.Code, e.Msg)
	}
	return true
}

// Also takes over what the use case would refuse, once the form itself holds something unreadable and the use case is not going to
// run: so everything is said at once. Fields that have a message keep it.
func (f *Form) Also(refused []errs.Field) {
	if len(f.fields) == 0 {
		return
	}
	for _, field := range refused {
		if f.Problem(field.Name) == "" {
			f.fields = append(f.fields, field)
		}
	}
}

// Problem returns the message beside a field, "" when nothing is wrong with it. The
// name "" holds what concerns the whole form.
func (f *Form) Problem(name string) string {
	for _, e := range f.fields {
		if e.Name == name {
			return e.Msg
		}
	}
	return ""
}

// Fields returns everything that is wrong, in the order it was found.
func (f *Form) Fields() []errs.Field { return f.fields }

// Err ends the reading of a form, after every known field was asked for. Malformed
// "form.unknown" naming fields nobody asked for, else Invalid with all refused fields,
// else nil.
func (f *Form) Err() error {
	var unknown []errs.Field
	for name := range f.values {
		if !f.known[name] && !strings.HasPrefix(name, "_") {
			unknown = append(unknown, errs.Field{Name: name, Code: "field.unknown", Msg: "This form has no such field."})
		}
	}
	if len(unknown) > 0 {
		slices.SortFunc(unknown, func(a, b errs.Field) int { return strings.Compare(a.Name, b.Name) })
		names := make([]string, 0, maxNamed)
		for _, f := range unknown[:min(len(unknown), maxNamed)] {
			names = append(names, f.Name)
		}
		return &errs.Error{Kind: errs.Malformed, Code: "form.unknown", Msg: "The form holds fields that the page does not have: " + strings.Join(names, ", ") + ". Load the page again and fill it in anew.", Fields: unknown}
	}
	return errs.Refused(f.fields)
}

// Text returns a value without surrounding space and with single line breaks; control
// characters other than tab and line break are refused.
func (f *Form) Text(name string) string {
	f.known[name] = true
	raw := f.values.Get(name)
	if len(f.values[name]) > 1 {
		f.Refuse(name, "field.repeated", "Give one value.")
	}
	text := strings.TrimSpace(lineBreaks.Replace(raw))
	bad := func(c rune) bool { return c != '\n' && c != '\t' && errs.Unseen(c) }
	if !utf8.ValidString(text) || strings.ContainsFunc(text, bad) {
		f.Refuse(name, "text.characters", "Remove the characters that cannot be shown.")
		return ""
	}
	return text
}

// Secret returns a value exactly as typed, such as a password.
func (f *Form) Secret(name string) string {
	f.known[name] = true
	return f.values.Get(name)
}

// Need is Text for a field that may not be empty.
func (f *Form) Need(name string) string {
	text := f.Text(name)
	if text == "" && f.Problem(name) == "" {
		f.Refuse(name, "field.required", "Fill this in.")
	}
	return text
}

// List returns every value of a repeated field, such as a group of boxes.
func (f *Form) List(name string) []string {
	f.known[name] = true
	return f.values[name]
}

// Choice is Text for one of the given values; an empty value is returned as it is.
func (f *Form) Choice(name string, of ...string) string {
	text := f.Text(name)
	if text != "" && !slices.Contains(of, text) {
		f.Refuse(name, "field.choice", "Choose one of the values offered.")
		return ""
	}
	return text
}

// Int returns a whole number, 0 for an empty field.
func (f *Form) Int(name string) int64 {
	text := f.Text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f.Refuse(name, "field.integer", "Give a whole number.")
	}
	return n
}

// Bool reports whether a box is ticked.
func (f *Form) Bool(name string) bool {
	switch f.Text(name) {
	case "":
		return false
	case "on", "true", "1", "yes":
		return true
	case "off", "false", "0", "no":
		return false
	}
	f.Refuse(name, "field.boolean", "Tick the box or leave it.")
	return false
}

// ID returns an id, id.Nil for an empty field.
func (f *Form) ID(name string) id.ID {
	text := f.Text(name)
	if text == "" {
		return id.Nil
	}
	v, ok := id.Parse(text)
	if !ok {
		f.Refuse(name, "field.id", "Choose one of the values offered.")
	}
	return v
}

// Date returns a calendar day (YYYY-MM-DD) at midnight UTC, the zero time for an empty field.
func (f *Form) Date(name string) time.Time {
	text := f.Text(name)
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		f.Refuse(name, "field.date", "Give a date that exists, as year-month-day.")
	}
	return day
}

// Version returns the version of the record the form was drawn from, from the hidden
// field "version"; 0 without it.
func (f *Form) Version() int {
	n := f.Int("version")
	if n < 0 || n > 1<<31-1 {
		f.Refuse("version", "field.integer", "Load the page again.")
		return 0
	}
	return int(n)
}

// File opens an uploaded file; ok is false when none was chosen.
func (f *Form) File(name string) (file multipart.File, header *multipart.FileHeader, ok bool) {
	f.known[name] = true
	if len(f.files[name]) == 0 || f.files[name][0].Size == 0 {
		return nil, nil, false
	}
	header = f.files[name][0]
	file, err := header.Open()
	if err != nil {
		f.Refuse(name, "file.unreadable", "The file could not be read. Choose it again.")
		return nil, nil, false
	}
	return file, header, true
}
