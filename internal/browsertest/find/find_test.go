package find

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func program(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSearch(t *testing.T) {
	dir := t.TempDir()
	bin, root := filepath.Join(dir, "bin"), filepath.Join(dir, "root")
	t.Setenv("PATH", bin)

	if _, err := search("", []string{root}); err == nil || !strings.Contains(err.Error(), Env) {
		t.Errorf("nothing installed: got %v, want the way out", err)
	}
	app := program(t, filepath.Join(root, places[0]))
	if got, err := search("", []string{"", root}); got != app {
		t.Errorf("macOS application: got %q, %v", got, err)
	}
	chrome := program(t, filepath.Join(bin, "google-chrome"))
	if got, _ := search("", []string{root}); got != chrome {
		t.Errorf("PATH comes before applications: got %q", got)
	}
	chromium := program(t, filepath.Join(bin, "chromium"))
	if got, _ := search("", []string{root}); got != chromium {
		t.Errorf("chromium comes first: got %q", got)
	}
	if got, _ := search(chrome, nil); got != chrome {
		t.Errorf("the chosen one wins: got %q", got)
	}
	if _, err := search(filepath.Join(dir, "gone"), []string{root}); err == nil {
		t.Error("a chosen browser that is missing must not be replaced by another")
	}
}
