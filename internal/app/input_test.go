package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente.dev/internal/kernel/config"
)

// What a command beside a server prints and mails leads to where that server is reached.
func TestCommandsKnowWhereTheServerIs(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if got := servedAt(data); got != "" {
		t.Errorf("before the first start: %q", got)
	}
	a := &App{Config: config.Config{Data: data, Addr: "127.0.0.1:9321"}}
	if err := a.noteOrigin(); err != nil {
		t.Fatal(err)
	}
	if got := servedAt(data); got != "http://localhost:9321" {
		t.Errorf("beside the server: %q", got)
	}
}

// A file that is too long is refused: its beginning may well be a whole file that says something else.
func TestLongFilesAreRefusedNotCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text+strings.Repeat(" ", maxInput-len(text))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	profile := long("own.toml", "name = \"own\"\ntitle = \"Own\"\nbased_on = \"default\"\n")
	_, read := ReadProfile(profile)
	_, validated := ValidateProfile(profile)
	_, mapped := readMapping(long("map.json", "{}"))
	_, kept := readKept(long("checkpoint", "a\n1\nb\n\n"))
	for what, err := range map[string]error{"ReadProfile": read, "ValidateProfile": validated, "readMapping": mapped, "readKept": kept} {
		if err == nil || !strings.Contains(err.Error(), "longer than") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
