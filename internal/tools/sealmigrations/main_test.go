package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSealOnlyAppends(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sum := filepath.Join(dir, "sum")
	write("sum", "# head\n")
	write("0001_a.sql", "a")
	for want, name := range []string{"0002_b.sql", "0001_a.sql"} {
		write(name, name) // the second time round, a sealed file is changed
		added, err := seal(dir, sum)
		if err != nil || added != 2-2*want {
			t.Fatalf("round %d: added %d, %v", want, added, err)
		}
	}
	got, err := os.ReadFile(sum)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(got)), "\n")
	if len(lines) != 3 || lines[0] != "# head" || !strings.HasSuffix(lines[1], "  0001_a.sql") || !strings.HasPrefix(lines[1], "ca978112ca1bbdca") {
		t.Errorf("got\n%s", got)
	}
}
