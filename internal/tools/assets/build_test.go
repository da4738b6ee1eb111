package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBuild bundles the real sources: all script together stays under 120 KB packed, no
// file asks for anything from another origin, and a second build changes nothing.
func TestBuild(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	dest := t.TempDir()
	if err := os.WriteFile(filepath.Join(dest, "old-1234.js"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Build(root, dest, io.Discard); err != nil {
		t.Fatal(err)
	}
	var manifest map[string]string
	raw, err := os.ReadFile(filepath.Join(dest, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	var script int64
	foreign := regexp.MustCompile(`(?:url\(|@import|\bsrc=|href=)\s*["']?(?:https?:)?//`)
	for plain, hashed := range manifest {
		body, err := os.ReadFile(filepath.Join(dest, hashed))
		if err != nil {
			t.Fatal(err)
		}
		if foreign.Match(body) {
			t.Errorf("%s asks for a foreign file", plain)
		}
		info, err := os.Stat(filepath.Join(dest, hashed+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(plain) == ".js" && strings.HasPrefix(plain, "app") {
			script += info.Size()
		}
		if plain == "app.js" && strings.Contains(string(body), "sourceMappingURL") {
			t.Error("the script names a source map that is not served")
		}
	}
	if script == 0 || script > 120<<10 {
		t.Errorf("%d bytes of packed script", script)
	}
	if _, err := os.Stat(filepath.Join(dest, "old-1234.js")); !os.IsNotExist(err) {
		t.Error("files of an earlier build stay")
	}
	if err := Build(root, dest, io.Discard); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(filepath.Join(dest, "manifest.json")); string(again) != string(raw) {
		t.Error("a second build gives other files")
	}
}
