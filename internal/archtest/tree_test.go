package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "entente.dev"

// finding is one breach of a law.
type finding struct {
	path string
	line int
	msg  string // what is wrong
	fix  string // the way out
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s\n\tway out: %s", f.path, f.line, f.msg, f.fix)
}

// law finds the breaches of one agreement in a tree.
type law struct {
	name  string
	check func(*tree) []finding
}

// tree is the source as the laws see it: no dependencies, no build results.
type tree struct {
	fsys  fs.FS
	files []string // every file, slash paths from the root
	gos   []*goFile
}

type goFile struct {
	path, dir string
	test      bool // _test.go
	generated bool
	lines     int
	fset      *token.FileSet
	ast       *ast.File
}

// goImport is one import of a file.
type goImport struct {
	path string
	line int
}

var marker = regexp.MustCompile(`(?m)^.{0,5}Code generated .*DO NOT EDIT\.`)

// skipped are directories that are not ours or not source.
var skipped = []string{".git", "node_modules", "bin", "data", "bench/out", "internal/ui/dist"}

func loadTree(fsys fs.FS) (*tree, error) {
	t := &tree{fsys: fsys}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(skipped, p) || d.Name() == "node_modules"):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		t.files = append(t.files, p)
		if path.Ext(p) != ".go" || strings.Contains(p, "testdata/") {
			return nil
		}
		src, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		g := &goFile{path: p, dir: path.Dir(p), test: strings.HasSuffix(p, "_test.go"), fset: token.NewFileSet(),
			generated: marker.Match(head(src)), lines: bytes.Count(src, []byte("\n"))}
		if g.ast, err = parser.ParseFile(g.fset, p, src, parser.ParseComments); err != nil {
			return err
		}
		t.gos = append(t.gos, g)
		return nil
	})
	return t, err
}

// head is the part of a file in which a generator's marker must stand.
func head(src []byte) []byte { return src[:min(len(src), 400)] }

func (t *tree) has(p string) bool { return slices.Contains(t.files, p) }

// read returns a file's content, nil when it does not exist.
func (t *tree) read(p string) []byte {
	b, err := fs.ReadFile(t.fsys, p)
	if err != nil {
		return nil
	}
	return b
}

// production returns the hand-written files that are part of the program or its tools.
func (t *tree) production() []*goFile {
	return slices.DeleteFunc(slices.Clone(t.gos), func(g *goFile) bool { return g.test || g.generated })
}

func (g *goFile) at(n ast.Node) int { return g.fset.Position(n.Pos()).Line }

func (g *goFile) find(n ast.Node, fix, format string, args ...any) finding {
	return finding{g.path, g.at(n), fmt.Sprintf(format, args...), fix}
}

func (g *goFile) imports() []goImport {
	var out []goImport
	for _, s := range g.ast.Imports {
		p, _ := strconv.Unquote(s.Path.Value)
		out = append(out, goImport{p, g.at(s)})
	}
	return out
}

// names returns the import path behind each package name used in the file.
func (g *goFile) names() map[string]string {
	out := map[string]string{}
	for _, s := range g.ast.Imports {
		p, _ := strconv.Unquote(s.Path.Value)
		name := path.Base(p)
		if s.Name != nil {
			name = s.Name.Name
		}
		out[name] = p
	}
	return out
}

// lineOf returns the line of the byte at offset i.
func lineOf(src []byte, i int) int { return 1 + bytes.Count(src[:i], []byte("\n")) }

// under reports whether dir is root or below it.
func under(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

func repository(t *testing.T) *tree {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	tr, err := loadTree(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

var laws = slices.Concat(importLaws, sqlLaws, callLaws, shapeLaws, dependencyLaws, fileLaws, templLaws, unusedLaws)

func TestLaws(t *testing.T) {
	tr := repository(t)
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			for _, f := range l.check(tr) {
				t.Error(f)
			}
		})
	}
}
