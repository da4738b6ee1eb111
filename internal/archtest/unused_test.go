package archtest

import (
	"go/ast"
	"strings"
)

var unusedLaws = []law{{"nothing exported stands unused", unusedLaw}}

// forTests are exported names that only tests use, each with its reason.
var forTests = map[string]string{
	"internal/access/role.Markdown":  "writes docs/permissions.md, a golden file",
	"internal/archive.LeftOutTables": "lets the isolation suite see that every table is archived or left out with a reason",
	"internal/kernel/id.Must":        "reads the fixed ids of tests",
	"internal/ui.NavKeys":            "lets a test see that every entry of the navigation has a permission",
}

// unusedLaw finds a function, type, constant or variable that no file of the program names, and a use case (a method of a Service)
// that none calls: it is of no use, or somebody forgot to wire it. It goes by names: it may miss one, and is never wrong about one.
func unusedLaw(t *tree) []finding {
	used := map[string]bool{}
	for _, g := range t.gos {
		if !g.test {
			uses(g, used)
		}
	}
	var out []finding
	for _, g := range t.production() {
		if placeOf(g.dir).kind == testSupport {
			continue
		}
		for id, key := range exports(g) {
			if name := g.dir + "." + id.Name; !used[key] && forTests[name] == "" {
				out = append(out, g.find(id, "wire it or delete it; what only tests need stands with its reason in internal/archtest/unused_test.go", "nothing uses %s", name))
			}
		}
	}
	return out
}

// uses adds what a file names: "dir.Name" of its own package and of others of ours, ".Name" of whatever stands behind a dot.
func uses(g *goFile, used map[string]bool) {
	packages, declared := g.names(), map[*ast.Ident]bool{}
	ast.Inspect(g.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			declared[n.Name] = true
		case *ast.TypeSpec:
			declared[n.Name] = true
		case *ast.ValueSpec:
			for _, id := range n.Names {
				declared[id] = true
			}
		case *ast.SelectorExpr:
			declared[n.Sel] = true
			used["."+n.Sel.Name] = true
			if x, ok := n.X.(*ast.Ident); ok {
				used[strings.TrimPrefix(packages[x.Name], module+"/")+"."+n.Sel.Name] = true
			}
		case *ast.Ident:
			if !declared[n] {
				used[g.dir+"."+n.Name] = true
			}
		}
		return true
	})
}

// exports returns what a file declares for others, each with the key that a use of it has.
func exports(g *goFile) map[*ast.Ident]string {
	out := map[*ast.Ident]string{}
	add := func(id *ast.Ident, of string) {
		if id.IsExported() {
			out[id] = of + "." + id.Name
		}
	}
	for _, d := range g.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name, g.dir)
			} else if star, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok {
				if id, ok := star.X.(*ast.Ident); ok && id.Name == "Service" {
					add(d.Name, "")
				}
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					add(s.Name, g.dir)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						add(id, g.dir)
					}
				}
			}
		}
	}
	return out
}
