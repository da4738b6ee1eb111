package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// Secret is a value that no log line, error or JSON document shows.
type Secret string

// Reveal returns the value itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns "(set)" or "".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// GoString is String, so that %#v hides the value too.
func (s Secret) GoString() string { return s.String() }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, for encoding/json and others.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// maxSecret bounds a secret file, so that naming the wrong file is told and not swallowed.
const maxSecret = 64 << 10

// readSecret returns the content of a secret file without its last line break. The
// error never holds the content.
func readSecret(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxSecret)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", errors.New(path + " is empty")
	}
	return Secret(s), nil
}

var shownDSN = regexp.MustCompile(`\b(host|port|dbname|user|sslmode)\s*=\s*([^'\s]+)`)

// redactDSN returns what may be shown of a database address: where it leads and as whom.
func redactDSN(s Secret) string {
	if s == "" {
		return ""
	}
	if isPostgresURL(s.Reveal()) {
		u, err := url.Parse(s.Reveal())
		if err != nil {
			return s.String()
		}
		out := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
		if name := u.User.Username(); name != "" {
			out.User = url.User(name)
		}
		if mode := u.Query().Get("sslmode"); mode != "" {
			out.RawQuery = url.Values{"sslmode": {mode}}.Encode()
		}
		return out.String()
	}
	var parts []string
	for _, m := range shownDSN.FindAllStringSubmatch(quotedValue.ReplaceAllString(s.Reveal(), "="), -1) {
		parts = append(parts, m[1]+"="+m[2])
	}
	if len(parts) == 0 {
		return s.String()
	}
	return strings.Join(parts, " ")
}

// quotedValue is a quoted value of a keyword/value address; it may hold anything, so
// nothing inside it is looked at.
var quotedValue = regexp.MustCompile(`=\s*'(?:[^'\\]|\\.)*'`)

func isPostgresURL(s string) bool {
	return strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://")
}
