package archtest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var fileLaws = []law{
	{"released migrations never change", migrationLaw},
	{"generated files say so", generatedLaw},
}

const (
	migrationDir = "db/migrations"
	sumFile      = "internal/archtest/testdata/migrations.sum"
)

var (
	migrationName = regexp.MustCompile(`^(\d{4})_[a-z0-9]+(_[a-z0-9]+)*\.sql$`)
	release       = regexp.MustCompile(`(?m)^## \[\d+\.\d+\.\d+\]`)
)

// migrationLaw: a migration listed with its sum is released and stays as it is; a new one
// comes after all of them.
func migrationLaw(t *tree) []finding {
	var out []finding
	sealed := map[string]string{}
	last := ""
	lines := bufio.NewScanner(bytes.NewReader(t.read(sumFile)))
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		sum, name, _ := strings.Cut(text, "  ")
		sealed[name] = sum
		last = max(last, name)
		if !t.has(path.Join(migrationDir, name)) {
			out = append(out, finding{sumFile, n, name + " was released and is gone", "put it back; undo what it did in a new migration"})
		}
	}
	numbers := map[string]string{}
	for _, p := range t.files {
		if path.Dir(p) != migrationDir || path.Ext(p) != ".sql" {
			continue
		}
		name := path.Base(p)
		m := migrationName.FindStringSubmatch(name)
		if m == nil {
			out = append(out, finding{p, 1, "is not named like a migration", "call it NNNN_room_what.sql"})
			continue
		}
		if other := numbers[m[1]]; other != "" {
			out = append(out, finding{p, 1, "has the number of " + other, "take the next free number"})
		}
		numbers[m[1]] = name
		sum := fmt.Sprintf("%x", sha256.Sum256(t.read(p)))
		switch want, ok := sealed[name]; {
		case ok && want != sum:
			out = append(out, finding{p, 1, "was released and has changed", "put it back and write a new migration"})
		case !ok && name < last:
			out = append(out, finding{p, 1, "comes before the released " + last, "give it a number after it: installations have passed this point"})
		}
	}
	if release.Match(t.read("CHANGELOG.md")) && len(sealed) == 0 && len(numbers) > 0 {
		out = append(out, finding{sumFile, 1, "a version is released and no migration is sealed", "run make seal-migrations"})
	}
	return out
}

// goldens are the generated files besides *_templ.go.
var goldens = []string{"openapi.yaml", "docs/openapi.yaml", "db/schema.sql", "docs/permissions.md"}

func generatedLaw(t *tree) []finding {
	var out []finding
	for _, p := range t.files {
		page, isPage := strings.CutSuffix(p, "_templ.go")
		golden := isPage || slices.Contains(goldens, p)
		marked := marker.Match(head(t.read(p)))
		switch {
		case golden && !marked:
			out = append(out, finding{p, 1, "is generated and does not say so", "let its generator write 'Code generated … DO NOT EDIT.' in the first line"})
		case marked && !golden && path.Dir(p) != "internal/archtest":
			out = append(out, finding{p, 1, "says it is generated, and make check does not compare it", "add it to goldens in internal/archtest/files_test.go and to scripts/check-generated.sh"})
		}
		if isPage && !t.has(page+".templ") {
			out = append(out, finding{p, 1, "has no " + path.Base(page) + ".templ", "delete it"})
		}
		if source, ok := strings.CutSuffix(p, ".templ"); ok && !t.has(source+"_templ.go") {
			out = append(out, finding{p, 1, "is not generated", "run make generate and commit the result"})
		}
	}
	return out
}
