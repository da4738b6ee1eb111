package isolation

import (
	"errors"
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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente.dev/internal/kernel/pg"
	"entente.dev/internal/kernel/pg/pgtest"
)

// statement is one SQL constant of the program.
type statement struct{ name, sql string }

var verb = regexp.MustCompile(`%(\[\d+\])?[sdvq]`)

// templates are constants with format verbs and what to fill in. Each line is one of the ways in which the program does.
var templates = map[string][]any{
	"rekey.sqlCountOld":       {"mail", "mail_id", "text_sealed"},
	"rekey.sqlReadOld":        {"mail", "mail_id", "text_sealed"},
	"rekey.sqlUses":           {"mail", "mail_id", "text_sealed"},
	"rekey.sqlWrite":          {"mail", "mail_id", "text_sealed"},
	"account.sqlList":         {"tenant_id = $1 and name_norm like $2", "name_norm, account_id", 3},
	"account.sqlListContacts": {"c.tenant_id = $1 and c.account_id = $2", "c.name, c.contact_id", 3},
	"archive.sqlRows":         {"deal", "true", "t.tenant_id, t.deal_id"},
	"archive.sqlKeep":         {"partner", "t.created_at", "partner"},
	"archive.sqlCount":        {"deal", "true"},
	"partner.sqlList":         {"tenant_id = $1 and status = $2", "name_norm, partner_id", 3},
	"audit/trail.sqlList":     {"tenant_id = $1 and starts_with(action, $2)", 3},
	"deal.sqlList":            {"tenant_id = $1 and state = $2", "created_at desc, deal_id desc", 3, "d.created_at desc, d.deal_id desc"},
	"deal.sqlEach":            {"tenant_id = $1", "created_at desc, deal_id desc"},
	"deal.sqlBoard":           {"and partner_id = $2"},
	"privacy.sqlScan":         {"deal_id::text", "'title', to_jsonb(title)", "app.deal", "title ~* $2", " and deal_id > $3", "deal_id", 5},
	"privacy.sqlUpdateRow":    {"app.deal", "title = $3", "deal_id = $2"},
	"privacy.sqlDeleteRow":    {"app.contact", "contact_id = $2"},
	"trust.sqlCiphers":        {"audit_entry", "payload", "entry_id", "at"},
	"trust.sqlTryRead":        {"deal"},
	"trust.sqlTryUnbound":     {"deal"},
	"trust.sqlTryUpdate":      {"deal"},
	"trust.sqlTryDelete":      {"deal"},
	"trust.sqlTryInsert":      {"deal"},
	"trust.sqlTryNeighbour":   {"deal"},
	"deal.sqlPipeline":        {"and owner_id = $2"},
}

// named are pgx's named arguments, which become numbered ones before a statement is sent.
var named = regexp.MustCompile(`@([a-z][a-z_]*)`)

func numbered(sql string) string {
	seen := map[string]int{}
	return named.ReplaceAllStringFunc(sql, func(name string) string {
		if seen[name] == 0 {
			seen[name] = len(seen) + 1
		}
		return "$" + strconv.Itoa(seen[name])
	})
}

// readStatements returns every string constant called sql… or SQL… in the packages below internal, as it is after adding up.
func readStatements(t *testing.T) []statement {
	t.Helper()
	root := filepath.Join("..")
	packages := map[string][]*ast.File{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil || strings.HasPrefix(dir, "tools") || strings.HasSuffix(dir, "test") {
			return err
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, src, 0)
		packages[filepath.ToSlash(dir)] = append(packages[filepath.ToSlash(dir)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []statement
	for dir, files := range packages {
		constants := map[string]ast.Expr{}
		for _, f := range files {
			for _, d := range f.Decls {
				if decl, ok := d.(*ast.GenDecl); ok && decl.Tok == token.CONST {
					for _, s := range decl.Specs {
						spec := s.(*ast.ValueSpec)
						for i, name := range spec.Names {
							if i < len(spec.Values) {
								constants[name.Name] = spec.Values[i]
							}
						}
					}
				}
			}
		}
		for name := range constants {
			if !strings.HasPrefix(strings.ToLower(name), "sql") {
				continue
			}
			sql, err := evaluate(constants, constants[name])
			if err != nil {
				t.Errorf("%s.%s: %v", dir, name, err)
				continue
			}
			out = append(out, statement{path.Clean(dir) + "." + name, sql})
		}
	}
	slices.SortFunc(out, func(a, b statement) int { return strings.Compare(a.name, b.name) })
	return out
}

// evaluate adds up the strings of a constant expression.
func evaluate(constants map[string]ast.Expr, e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.Ident:
		if v, ok := constants[e.Name]; ok {
			return evaluate(constants, v)
		}
	case *ast.ParenExpr:
		return evaluate(constants, e.X)
	case *ast.BinaryExpr:
		x, err := evaluate(constants, e.X)
		if err != nil {
			return "", err
		}
		y, err := evaluate(constants, e.Y)
		return x + y, err
	}
	return "", fmt.Errorf("is not made of string constants of its package only (%T)", e)
}

// Every SQL constant prepares against the schema, and some role of the program may run it as it stands.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx := t.Context()
	var conns []*pgx.Conn
	for _, r := range []pg.Role{pg.Staff, pg.Worker, pg.Partner, pg.Public, pg.Platform, pg.Jobs} {
		conn, err := db.Pool(r).Acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		conns = append(conns, conn.Conn())
	}
	used := map[string]bool{}
	for _, s := range readStatements(t) {
		if fill, ok := templates[s.name]; ok {
			used[s.name] = true
			s.sql = fmt.Sprintf(s.sql, fill...)
		} else if verb.MatchString(s.sql) {
			t.Errorf("%s has format verbs: say in templates (internal/isolation/statements_test.go) what the program fills in", s.name)
			continue
		}
		var refusals []error
		for _, conn := range conns {
			err := runnable(t, conn, numbered(s.sql))
			if err == nil {
				refusals = nil
				break
			}
			refusals = append(refusals, err)
			var syntax *pgconn.PgError
			if errors.As(err, &syntax) && syntax.Code != "42501" && conn != conns[len(conns)-1] && conn != conns[0] {
				break // a mistake for the tenant's roles; the queue's tables are another role's
			}
		}
		if refusals != nil {
			t.Errorf("%s: %v\n%s", s.name, errors.Join(refusals...), s.sql)
		}
	}
	for name := range templates {
		if !used[name] {
			t.Errorf("templates lists %s, which is not there", name)
		}
	}
}

// runnable prepares sql and has its plan made and its rights checked, without running it.
func runnable(t *testing.T, conn *pgx.Conn, sql string) error {
	t.Helper()
	ctx := t.Context()
	if _, err := conn.Exec(ctx, `set plan_cache_mode = force_generic_plan`); err != nil {
		t.Fatal(err)
	}
	d, err := conn.Prepare(ctx, "law", sql)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Deallocate(ctx, "law") }()
	args := ""
	if n := len(d.ParamOIDs); n > 0 {
		args = "(null" + strings.Repeat(", null", n-1) + ")"
	}
	_, err = conn.PgConn().Exec(ctx, `explain execute law`+args).ReadAll()
	return err
}
