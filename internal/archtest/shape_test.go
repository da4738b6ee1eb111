package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

var shapeLaws = []law{
	{"one package comment each", packageCommentLaw},
	{"packages are named for what they are", packageNameLaw},
	{"files and functions stay small", sizeLaw},
	{"nothing is left for later", leftoverLaw},
}

// Hard limits; 400 and 60 are what we aim at.
const maxFile, maxFunction = 500, 80

func packageCommentLaw(t *tree) []finding {
	type pkg struct {
		first *goFile
		docs  []*goFile
	}
	packages := map[string]*pkg{}
	var dirs []string
	for _, g := range t.production() {
		p := packages[g.dir]
		if p == nil {
			p = &pkg{first: g}
			packages[g.dir] = p
			dirs = append(dirs, g.dir)
		}
		if g.ast.Doc != nil {
			p.docs = append(p.docs, g)
		}
	}
	var out []finding
	for _, dir := range dirs {
		p := packages[dir]
		if len(p.docs) == 0 {
			out = append(out, finding{p.first.path, 1, "package " + dir + " has no package comment", "say in one sentence what it is for, in doc.go or its main file"})
			continue
		}
		for _, extra := range p.docs[1:] {
			out = append(out, extra.find(extra.ast.Doc, "keep one of the two", "second package comment; the first is in %s", p.docs[0].path))
		}
		name := p.first.ast.Name.Name
		want := "Package " + name + " "
		if name == "main" {
			want = "Command " + path.Base(dir) + " "
		}
		if !strings.HasPrefix(p.docs[0].ast.Doc.Text(), want) {
			out = append(out, p.docs[0].find(p.docs[0].ast.Doc, "begin with it, as go doc expects", "package comment does not begin with %q", want))
		}
	}
	return out
}

var emptyNames = []string{"util", "utils", "common", "base", "model", "models", "helper", "helpers", "misc", "lib"}

func packageNameLaw(t *tree) []finding {
	var out []finding
	for _, g := range t.gos {
		name := strings.TrimSuffix(g.ast.Name.Name, "_test")
		if slices.Contains(emptyNames, name) || slices.Contains(emptyNames, path.Base(g.dir)) {
			out = append(out, g.find(g.ast.Name, "name it for the thing it holds, or move its parts to where they are used", "package %s says nothing", name))
		}
	}
	return out
}

func sizeLaw(t *tree) []finding {
	var out []finding
	tooLong := func(p string, lines int) {
		if lines > maxFile {
			out = append(out, finding{p, lines, fmt.Sprintf("%d lines, more than %d", lines, maxFile), "split it by what its parts are about"})
		}
	}
	for _, p := range t.files {
		if ext := path.Ext(p); ext == ".templ" || (ext == ".js" || ext == ".css") && under(p, "internal/ui") {
			tooLong(p, bytes.Count(t.read(p), []byte("\n")))
		}
	}
	for _, g := range t.gos {
		if g.generated {
			continue
		}
		tooLong(g.path, g.lines)
		for _, d := range g.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := g.fset.Position(f.End()).Line - g.at(f.Name) + 1; n > maxFunction {
				out = append(out, g.find(f.Name, "give its steps names", "%s has %d lines, more than %d", f.Name.Name, n, maxFunction))
			}
		}
	}
	return out
}

// The words are put together here so that this file does not break its own law.
var leftover = regexp.MustCompile(`\b(` + "TO" + `DO|FIX` + `ME)\b|\b[tbf]\.` + `Skip(Now|f)?\(`)

var textFiles = []string{".go", ".templ", ".sql", ".js", ".css", ".md", ".sh", ".yaml", ".yml", ".json", ".mod"}

func leftoverLaw(t *tree) []finding {
	var out []finding
	for _, p := range t.files {
		if !slices.Contains(textFiles, path.Ext(p)) && path.Base(p) != "Makefile" && p != ".ci/run" {
			continue
		}
		src := t.read(p)
		for _, m := range leftover.FindAllIndex(src, -1) {
			out = append(out, finding{p, lineOf(src, m[0]), fmt.Sprintf("%q", src[m[0]:m[1]]), "do it now or open an issue; a test that cannot run must fail and say why"})
		}
	}
	return out
}
