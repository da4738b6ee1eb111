package archtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

var dependencyLaws = []law{
	{"every module earns its place", moduleLaw},
	{"every npm package earns its place", npmLaw},
}

const dependencyPage = "docs/dependencies.md"

// row is one dependency of the page: | `name` | reason |
type row struct {
	name string
	line int
}

var tableRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|\n]*)\\|")

// dependencyRows returns the rows below a heading of the page.
func dependencyRows(t *tree, heading string) (rows []row, out []finding) {
	src := t.read(dependencyPage)
	start := bytes.Index(src, []byte("\n## "+heading+"\n"))
	if start < 0 {
		return nil, []finding{{dependencyPage, 1, "no heading ## " + heading, "put it back, with its table"}}
	}
	end := len(src)
	if i := bytes.Index(src[start+4:], []byte("\n## ")); i >= 0 {
		end = start + 4 + i
	}
	for _, m := range tableRow.FindAllSubmatchIndex(src[start:end], -1) {
		r := row{string(src[start+m[2] : start+m[3]]), lineOf(src, start+m[2])}
		if reason := strings.TrimSpace(string(src[start+m[4] : start+m[5]])); len(reason) < 15 {
			out = append(out, finding{dependencyPage, r.line, r.name + " has no reason", "say what it does for us that we should not write ourselves"})
		}
		rows = append(rows, r)
	}
	return rows, out
}

func moduleLaw(t *tree) []finding {
	if !t.has("go.mod") {
		return nil
	}
	mod, err := modfile.Parse("go.mod", t.read("go.mod"), nil)
	if err != nil {
		return []finding{{"go.mod", 1, err.Error(), "mend it"}}
	}
	used, out := usedModules(t, mod)
	rows, more := dependencyRows(t, "Go modules")
	out = append(out, more...)
	tidy := true
	for _, r := range mod.Require {
		_, direct := used[r.Mod.Path]
		tidy = tidy && direct != r.Indirect
		if direct && !slices.ContainsFunc(rows, func(x row) bool { return x.name == r.Mod.Path }) {
			out = append(out, finding{used[r.Mod.Path].path, used[r.Mod.Path].line, r.Mod.Path + " is not in " + dependencyPage,
				"add its row with the reason it earns its place, or do without it"})
		}
	}
	for _, x := range rows {
		i := slices.IndexFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == x.name })
		// While go.mod is not tidy (make check says so), a module may wait for its first use.
		if i < 0 || tidy && mod.Require[i].Indirect {
			out = append(out, finding{dependencyPage, x.line, x.name + " is used nowhere", "drop its row"})
		}
	}
	return out
}

// usedModules returns, for each module that our code or a tool line uses, one place that does.
func usedModules(t *tree, mod *modfile.File) (map[string]finding, []finding) {
	used := map[string]finding{}
	var out []finding
	use := func(pkg, file string, line int) {
		if !strings.Contains(strings.Split(pkg, "/")[0], ".") || under(pkg, module) {
			return
		}
		best := ""
		for _, r := range mod.Require {
			if under(pkg, r.Mod.Path) && len(r.Mod.Path) > len(best) {
				best = r.Mod.Path
			}
		}
		if best == "" {
			out = append(out, finding{file, line, pkg + " is of no module in go.mod", "go get it at a released version"})
		} else if _, ok := used[best]; !ok {
			used[best] = finding{path: file, line: line}
		}
	}
	for _, g := range t.gos {
		for _, im := range g.imports() {
			use(im.path, g.path, im.line)
		}
	}
	for _, tool := range mod.Tool {
		use(tool.Path, "go.mod", tool.Syntax.Start.Line)
	}
	return used, out
}

func npmLaw(t *tree) []finding {
	if !t.has("package.json") {
		return nil
	}
	var manifest map[string]json.RawMessage
	if err := json.Unmarshal(t.read("package.json"), &manifest); err != nil {
		return []finding{{"package.json", 1, err.Error(), "mend it"}}
	}
	rows, out := dependencyRows(t, "npm packages")
	matched := map[string]bool{}
	for _, group := range []string{"dependencies", "devDependencies", "optionalDependencies"} {
		packages := map[string]string{}
		if raw := manifest[group]; raw != nil && json.Unmarshal(raw, &packages) != nil {
			out = append(out, finding{"package.json", 1, group + " is not a map of versions", "mend it"})
		}
		for name, version := range packages {
			i := slices.IndexFunc(rows, func(x row) bool { ok, _ := path.Match(x.name, name); return ok })
			if i < 0 {
				out = append(out, finding{"package.json", 1, name + " is not in " + dependencyPage, "add its row with the reason it earns its place, or do without it"})
			} else {
				matched[rows[i].name] = true
			}
			if strings.Trim(version, "0123456789.") != "" && !exactVersion.MatchString(version) {
				out = append(out, finding{"package.json", 1, fmt.Sprintf("%s asks for %q", name, version), "name one exact version"})
			}
		}
	}
	for _, x := range rows {
		if !matched[x.name] {
			out = append(out, finding{dependencyPage, x.line, x.name + " is not in package.json", "drop its row"})
		}
	}
	lock := t.read("package-lock.json")
	if i := bytes.Index(lock, []byte(`"resolved":`)); i >= 0 {
		out = append(out, finding{"package-lock.json", lineOf(lock, i), "names a registry host", "keep .npmrc's omit-lockfile-registry-resolved and write the lock anew with npm install --package-lock-only"})
	}
	return out
}

var exactVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(-[\w.]+)?$`)
