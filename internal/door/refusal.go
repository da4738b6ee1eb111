package door

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"entente.dev/internal/kernel/errs"
	"entente.dev/internal/kernel/httpx"
)

const (
	detailUnknown   = "The request names something that does not exist here; see errors."
	detailInvalid   = "Some fields need another look."
	msgUnknownQuery = "There is no such query parameter here; remove it or check its spelling."
	msgRequired     = "Fill this in."

	// More than a caller can use; a flood of made-up names is not sent back whole.
	maxFields    = 200
	maxFieldName = 200
)

// huma keeps its texts and its error type in package variables, made to be replaced
// before the first registration. Ours read "code|message"; %.0v swallows an argument
// that is of no use to a caller.
func init() {
	huma.ValidateStrictCasing = true
	huma.ErrorFormatter = plainNumbers
	huma.NewError = func(status int, msg string, list ...error) huma.StatusError {
		return refusal("", status, msg, list)
	}
	huma.NewErrorWithContext = func(c huma.Context, status int, msg string, list ...error) huma.StatusError {
		if call, ok := c.Context().Value(callKey{}).(*call); ok && len(list) > 0 {
			list = append(list, call.refused...)
		}
		return refusal(httpx.RequestID(c.Context()), status, msg, list)
	}

	validation.MsgUnexpectedProperty = "field.unknown|There is no such field; remove it or check its spelling."
	validation.MsgExpectedRFC3339DateTime = "field.time|Give date and time with zone, such as 2026-03-28T23:30:00Z."
	validation.MsgExpectedRFC1123DateTime = "field.time|Give date and time as HTTP writes it, such as Sat, 28 Mar 2026 23:30:00 GMT."
	validation.MsgExpectedRFC3339Date = "field.date|Give a date that exists, as year-month-day, such as 2026-03-28."
	validation.MsgExpectedRFC3339Time = "field.time|Give a time, such as 23:30:00."
	validation.MsgExpectedRFC5322Email = "field.email|Give one e-mail address, such as name@example.com.%.0v"
	validation.MsgExpectedRFC5890Hostname = "field.host|Give a host name, such as example.com."
	validation.MsgExpectedRFC2673IPv4 = "field.ip|Give an IPv4 address."
	validation.MsgExpectedRFC2373IPv6 = "field.ip|Give an IPv6 address."
	validation.MsgExpectedRFCIPAddr = "field.ip|Give an IP address."
	validation.MsgExpectedRFC3986URI = "field.url|Give an address, such as https://example.com/.%.0v"
	validation.MsgExpectedRFC4122UUID = "field.id|Give an id as this API returned it: a UUID.%.0v"
	validation.MsgExpectedRFC6570URITemplate = "field.url|Give a URI template."
	validation.MsgExpectedRFC6901JSONPointer = "field.pattern|Give a JSON pointer."
	validation.MsgExpectedRFC6901RelativeJSONPointer = "field.pattern|Give a relative JSON pointer."
	validation.MsgExpectedRegexp = "field.pattern|Give a regular expression.%.0v"
	validation.MsgExpectedMatchAtLeastOneSchema = "field.invalid|This value has none of the forms accepted here."
	validation.MsgExpectedMatchExactlyOneSchema = "field.invalid|This value has none of the forms accepted here."
	validation.MsgExpectedNotMatchSchema = "field.invalid|This value is not accepted here."
	validation.MsgExpectedPropertyNameInObject = "field.required|" + msgRequired
	validation.MsgExpectedBoolean = "field.type|Send true or false."
	validation.MsgExpectedDuration = "field.duration|Give a duration, such as 90s.%.0v"
	validation.MsgExpectedNumber = "field.type|Send a number, without quotes."
	validation.MsgExpectedInteger = "field.type|Send a whole number, without quotes."
	validation.MsgExpectedString = "field.type|Send text, in quotes."
	validation.MsgExpectedBase64String = "field.base64|Send bytes in base64."
	validation.MsgExpectedArray = "field.type|Send a list, in [ ]."
	validation.MsgExpectedObject = "field.type|Send an object, in { }."
	validation.MsgExpectedArrayItemsUnique = "field.repeated|Give each value once."
	validation.MsgExpectedOneOf = "field.choice|Use one of: %s."
	validation.MsgExpectedMinimumNumber = "field.too_small|Give %v or more."
	validation.MsgExpectedExclusiveMinimumNumber = "field.too_small|Give more than %v."
	validation.MsgExpectedMaximumNumber = "field.too_large|Give %v or less."
	validation.MsgExpectedExclusiveMaximumNumber = "field.too_large|Give less than %v."
	validation.MsgExpectedNumberBeMultipleOf = "field.multiple|Give a multiple of %v."
	validation.MsgExpectedMinLength = "field.too_short|Use at least %d characters."
	validation.MsgExpectedMaxLength = "field.too_long|Use at most %d characters."
	validation.MsgExpectedBePattern = "field.pattern|Give %s."
	validation.MsgExpectedMatchPattern = "field.pattern|Use this form: %s"
	validation.MsgExpectedMinItems = "field.too_few|Give at least %d."
	validation.MsgExpectedMaxItems = "field.too_many|Give at most %d."
	validation.MsgExpectedMinProperties = "field.too_few|Give at least %d."
	validation.MsgExpectedMaxProperties = "field.too_many|Give at most %d."
	validation.MsgExpectedRequiredProperty = "field.required|" + msgRequired + "|%s"
	validation.MsgExpectedDependentRequiredProperty = "field.required|" + msgRequired + "|%s%.0s"
}

// plainNumbers formats like fmt.Sprintf, but a limit of a million is not 1e+06.
func plainNumbers(format string, args ...any) string {
	for i, a := range args {
		if f, ok := a.(float64); ok {
			args[i] = strconv.FormatFloat(f, 'f', -1, 64)
		}
	}
	return fmt.Sprintf(format, args...)
}

// parameterTexts are huma's fixed texts about parameters, by their beginning.
var parameterTexts = []struct{ begins, code, msg string }{
	{"unknown query parameter", "query.unknown", msgUnknownQuery},
	{"required ", "field.required", msgRequired},
	{"invalid integer", "field.type", "Give a whole number."},
	{"invalid float", "field.type", "Give a number."},
	{"invalid boolean", "field.type", "Give true or false."},
	{"invalid date/time", "field.time", "Give date and time with zone, such as 2026-03-28T23:30:00Z."},
	{"invalid value", "field.invalid", "This value has the wrong form."},
}

// decodeError carries what DecodeJSON found through huma, which keeps only an error's text.
type decodeError struct{ e *errs.Error }

const decodeMark = "\x01"

func (d decodeError) Error() string {
	name, code := "", d.e.Code
	if len(d.e.Fields) > 0 {
		name, code = d.e.Fields[0].Name, d.e.Fields[0].Code
	}
	msg := d.e.Msg
	if len(d.e.Fields) > 0 {
		msg = d.e.Fields[0].Msg
	}
	return decodeMark + code + "|" + msg + decodeMark + name
}

// refusal turns what huma found wrong into a problem with every field at once: 404 for
// an id in the path that no object can have, 400 for what is unknown or unreadable, 422
// for values.
func refusal(requestID string, status int, msg string, list []error) *httpx.Problem {
	p := &httpx.Problem{Type: "about:blank", Status: status, Code: "invalid", Detail: detailInvalid, RequestID: requestID}
	seen := map[string]bool{}
	for _, err := range list {
		var d huma.ErrorDetailer
		if !errors.As(err, &d) {
			continue
		}
		detail := d.ErrorDetail()
		if strings.HasPrefix(detail.Location, "path.") {
			p.Status, p.Code, p.Detail, p.Errors = http.StatusNotFound, "not_found", "There is nothing at this address.", nil
			p.Title = http.StatusText(p.Status)
			return p
		}
		f := fieldOf(detail)
		if strings.HasPrefix(f.Code, "json.") {
			// What cannot be read has no values to speak of.
			p.Status, p.Title, p.Code, p.Detail, p.Errors = http.StatusBadRequest, http.StatusText(http.StatusBadRequest), f.Code, f.Msg, nil
			if f.Name != "" {
				p.Errors = []errs.Field{f}
			}
			return p
		}
		if malformed(f.Code) && p.Status != http.StatusBadRequest || malformed(f.Code) && p.Code == "invalid" {
			p.Status, p.Code, p.Detail = http.StatusBadRequest, f.Code, detailUnknown
			if !strings.HasSuffix(f.Code, ".unknown") {
				p.Detail = f.Msg
			}
		}
		if f.Name == "" && f.Code == "field.type" {
			p.Code, p.Detail = "body.type", "The body as a whole has the wrong form. "+f.Msg
		}
		f.Name = strings.ToValidUTF8(f.Name[:min(len(f.Name), maxFieldName)], "?")
		if !seen[f.Name] && f.Name != "" && len(seen) < maxFields {
			seen[f.Name] = true
			p.Errors = append(p.Errors, f)
		}
	}
	switch {
	case len(list) > 0:
	case status == http.StatusBadRequest:
		p.Code, p.Detail = "body.required", "Send a JSON body."
	case status == http.StatusRequestEntityTooLarge:
		p.Code, p.Detail = "body.too_large", "The request is larger than what is accepted here."
	case status != 0:
		p.Code, p.Detail = "internal", errs.Of(errors.New(msg)).Msg
	}
	sortFields(p.Errors)
	p.Title = http.StatusText(p.Status)
	return p
}

// Refused is what a huma.Resolver returns for fields that the room would refuse: nothing. They are told along with what the
// schema refuses; where that refuses nothing, the room itself tells them, and what it finds by looking things up as well.
func Refused(c huma.Context, fields []errs.Field) []error {
	call := c.Context().Value(callKey{}).(*call)
	for _, f := range fields {
		call.refused = append(call.refused, &huma.ErrorDetail{Location: "body." + f.Name, Message: f.Code + "|" + f.Msg, Value: struct{}{}})
	}
	return nil
}

func sortFields(f []errs.Field) {
	slices.SortStableFunc(f, func(a, b errs.Field) int { return strings.Compare(a.Name, b.Name) })
}

// malformed reports whether a field's code means that the request cannot be read as
// asked, rather than that a value is refused.
func malformed(code string) bool {
	switch code {
	case "field.unknown", "query.unknown", "number.range", "text.characters":
		return true
	}
	return strings.HasPrefix(code, "json.")
}

// fieldOf names the field of one finding as the caller wrote it: account.domain.
func fieldOf(d *huma.ErrorDetail) errs.Field {
	where, name, _ := strings.Cut(d.Location, ".")
	if where != "body" && where != "query" && where != "header" {
		name = d.Location
	}
	text, decoded := strings.CutPrefix(d.Message, decodeMark)
	code, msg, coded := strings.Cut(text, "|")
	if !coded {
		for _, t := range parameterTexts {
			if strings.HasPrefix(text, t.begins) {
				return errs.Field{Name: name, Code: t.code, Msg: t.msg}
			}
		}
		return errs.Field{Name: name, Code: "field.invalid", Msg: "This value is not accepted here."}
	}
	if decoded {
		msg, name, _ = strings.Cut(msg, decodeMark)
	} else if child, ok := strings.CutPrefix(msg, msgRequired+"|"); ok {
		msg, name = msgRequired, strings.TrimPrefix(name+"."+child, ".")
	}
	empty := d.Value == nil && code == "field.type" || d.Value == "" && code == "field.too_short"
	if empty && !decoded {
		code, msg = "field.required", msgRequired
	}
	return errs.Field{Name: name, Code: code, Msg: msg}
}
