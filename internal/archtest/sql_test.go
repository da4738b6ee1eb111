package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var sqlLaws = []law{{"only store files run SQL", sqlLaw}}

// statement matches a string that is an SQL statement; prose begins with a capital.
var statement = regexp.MustCompile(`(?s)^\s*(?:--[^\n]*\n\s*)*(?:` +
	`(?:select|SELECT)\s.*\s(?:from|FROM)\s|(?:select|SELECT)\s+[\w.]+\(|` +
	`(?i:insert\s+into\s|update\s+\S+\s+(?:as\s+\w+\s+|\w+\s+)?set\s|delete\s+from\s|merge\s+into\s|with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\)\s*)?as\s+(?:(?:not\s+)?materialized\s+)?\(|` +
	`truncate\s+(?:table\s)?\w+|(?:create|alter|drop)\s+(?:table|index|unique|role|policy|function|trigger|view|schema|type|database)\s|lock\s+table\s|set\s+(?:local|role)\s))`)

var sqlMethods = []string{"Query", "QueryRow", "Exec", "SendBatch", "CopyFrom"}

// mayRunSQL are places that are the way to the database itself.
func mayRunSQL(p place) bool {
	return p.kind == kernel || p.kind == testSupport || p.kind == tool || p.kind == migrations || p.name == "op"
}

func sqlLaw(t *tree) []finding {
	var out []finding
	for _, g := range t.production() {
		p := placeOf(g.dir)
		if mayRunSQL(p) {
			continue
		}
		store := (p.kind == room || p.kind == app) && strings.HasPrefix(path.Base(g.path), "store")
		constants := sqlConstants(g.ast)
		packages, reads := g.names(), readsParameters(g.ast)
		ast.Inspect(g.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				text, _ := strconv.Unquote(n.Value)
				if n.Kind != token.STRING || !statement.MatchString(text) {
					return true
				}
				if !store {
					out = append(out, g.find(n, "move it into a store*.go of the room, as a constant sqlSomething", "SQL outside a store file"))
				} else if !constants[n] {
					out = append(out, g.find(n, "make it a package constant sqlSomething, so that the law that prepares every constant sees it", "SQL that is not a package constant"))
				}
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || store || len(n.Args) == 0 || !slices.Contains(sqlMethods, sel.Sel.Name) {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && (packages[x.Name] != "" || reads[x.Name]) {
					return true // a function of a package, or a use case that names what it reads
				}
				out = append(out, g.find(n, "put the statement behind a function in a store*.go of the room", "%s outside a store file", sel.Sel.Name))
			}
			return true
		})
	}
	return out
}

// sqlConstants returns the string literals that stand in package constants named sql….
func sqlConstants(f *ast.File) map[*ast.BasicLit]bool {
	out := map[*ast.BasicLit]bool{}
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		for _, s := range decl.Specs {
			spec := s.(*ast.ValueSpec)
			if !strings.HasPrefix(strings.ToLower(spec.Names[0].Name), "sql") {
				continue
			}
			ast.Inspect(spec, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok {
					out[lit] = true
				}
				return true
			})
		}
	}
	return out
}

// readsParameters returns the names of parameters of type *op.Reads: a use case may hand
// the store's constants to op.Batch itself.
func readsParameters(f *ast.File) map[string]bool {
	out := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		star, ok := field.Type.(*ast.StarExpr)
		if !ok {
			return true
		}
		if sel, ok := star.X.(*ast.SelectorExpr); ok && sel.Sel.Name == "Reads" {
			for _, name := range field.Names {
				out[name.Name] = true
			}
		}
		return true
	})
	return out
}
