// Command sealmigrations records, before a release, the sum of every migration that is
// not recorded yet. From then on a test refuses any change of those files.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

const (
	migrations = "db/migrations"
	sums       = "internal/archtest/testdata/migrations.sum"
)

func main() {
	added, err := seal(migrations, sums)
	if err != nil {
		fmt.Fprintln(os.Stderr, "seal:", err)
		os.Exit(1)
	}
	fmt.Printf("%d migrations sealed\n", added)
}

// seal appends what is missing to the sum file; it changes no line that stands there.
func seal(dir, file string) (added int, err error) {
	list, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		return 0, err
	}
	slices.Sort(paths)
	for _, p := range paths {
		if bytes.Contains(list, []byte("  "+filepath.Base(p)+"\n")) {
			continue
		}
		content, err := os.ReadFile(p)
		if err != nil {
			return 0, err
		}
		list = fmt.Appendf(list, "%x  %s\n", sha256.Sum256(content), filepath.Base(p))
		added++
	}
	return added, os.WriteFile(file, list, 0o644)
}
