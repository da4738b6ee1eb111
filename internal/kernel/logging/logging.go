// Package logging makes the program's logger: structured, one line per event, and
// without secrets.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Hidden is what stands in the log instead of a secret.
const Hidden = "[hidden]"

// Secret is a text that no log line and no formatted text shows.
type Secret string

// LogValue hides the text from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(Hidden) }

// String hides the text from fmt.
func (Secret) String() string { return Hidden }

// GoString hides the text from %#v.
func (Secret) GoString() string { return Hidden }

// New returns a logger that writes to w. format is "text" or "json"; level is "debug",
// "info", "warn" or "error". Line breaks within values are escaped, so that one event
// is one line, and attributes whose key names a secret are hidden.
func New(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q is not one of debug, info, warn, error", level)
	}
	o := &slog.HandlerOptions{Level: l, ReplaceAttr: hide}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, fmt.Errorf("log format %q is not text or json", format)
}

var secretWords = [...]string{"password", "secret", "token", "authorization", "cookie", "api_key", "apikey", "private_key", "dsn", "database_url"}

func hide(_ []string, a slog.Attr) slog.Attr {
	// The keys of every request line; passing them quickly matters.
	switch a.Key {
	case slog.TimeKey, slog.LevelKey, slog.MessageKey, "method", "route", "status", "bytes", "ms", "request_id", "ip", "error":
		return a
	}
	key := strings.ToLower(a.Key)
	for _, w := range secretWords {
		if strings.Contains(key, w) {
			return slog.String(a.Key, Hidden)
		}
	}
	return a
}
