package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// breach is a small tree that breaks one law at one place.
type breach struct {
	law   string
	files map[string]string
	want  string // path:line of the only finding, "" when the tree keeps the law
}

const depPage = "# D\n\n## Go modules\n\n| module | reason |\n|---|---|\n%s\n## npm packages\n\n| package | reason |\n|---|---|\n%s"

func goDoc(pkg, rest string) string {
	return "// Package " + pkg + " is.\npackage " + pkg + "\n" + rest
}

func file(path, content string) map[string]string { return map[string]string{path: content} }

func imports(dir, pkg string) breach {
	return breach{law: "imports follow the tiers", files: file(dir+"/a.go", goDoc("a", `import _ "entente.dev/`+pkg+`"`)), want: dir + "/a.go:3"}
}

func keeps(b breach) breach { b.want = ""; return b }

func fenced(dir, pkg string) breach {
	return breach{law: "modules stay behind their fence", files: file(dir+"/a.go", goDoc("a", `import _ "`+pkg+`"`)), want: dir + "/a.go:3"}
}

func sqlIn(path, body string) breach {
	return breach{law: "only store files run SQL", files: file(path, goDoc("a", body)), want: path + ":3"}
}

func call(path, pkg, expr string) breach {
	return breach{law: "some calls only where listed", files: file(path, goDoc("a", "import \""+pkg+"\"\nvar _ = "+expr)), want: path + ":4"}
}

func unused(body, want string) breach {
	return breach{law: "nothing exported stands unused", files: file("internal/deal/a.go", goDoc("deal", body)), want: want}
}

func templ(markup string) breach {
	return breach{law: "pages fetch nothing from strangers and hold no inline code", files: file("internal/ui/a.templ", "package ui\ntempl A() {\n"+markup+"\n}"), want: "internal/ui/a.templ:3"}
}

func migration(files map[string]string, want string) breach {
	return breach{law: "released migrations never change", files: files, want: want}
}

func modules(mod, rows, code, want string) breach {
	return breach{law: "every module earns its place", want: want, files: map[string]string{"go.mod": "module entente.dev\n" + mod, dependencyPage: fmt.Sprintf(depPage, rows, ""), "internal/kernel/a/a.go": goDoc("a", code)}}
}

func npm(manifest, rows, lock, want string) breach {
	return breach{law: "every npm package earns its place", want: want, files: map[string]string{"package.json": manifest, dependencyPage: fmt.Sprintf(depPage, "", rows), "package-lock.json": lock}}
}

func TestLawsSeeBreaches(t *testing.T) {
	seen := map[string]bool{}
	for i, b := range slices.Concat(importBreaches, codeBreaches, fileBreaches) {
		t.Run(fmt.Sprintf("%d %s", i, b.law), func(t *testing.T) {
			fsys := fstest.MapFS{}
			for p, content := range b.files {
				fsys[p] = &fstest.MapFile{Data: []byte(content)}
			}
			tr, err := loadTree(fsys)
			if err != nil {
				t.Fatal(err)
			}
			n := slices.IndexFunc(laws, func(l law) bool { return l.name == b.law })
			if n < 0 {
				t.Fatalf("no such law: %s", b.law)
			}
			found := laws[n].check(tr)
			var got []string
			for _, f := range found {
				got = append(got, fmt.Sprintf("%s:%d", f.path, f.line))
				if f.msg == "" || f.fix == "" {
					t.Errorf("no way out in %v", f)
				}
			}
			if strings.Join(got, " ") != b.want {
				t.Errorf("got %v, want a finding at %q\nin %v", found, b.want, b.files)
			}
		})
		seen[b.law] = seen[b.law] || b.want != ""
	}
	for _, l := range laws {
		if !seen[l.name] {
			t.Errorf("law %q has no tree that breaks it", l.name)
		}
	}
	if len(seen) != len(laws) {
		t.Errorf("laws shown: %v", slices.Sorted(maps.Keys(seen)))
	}
}

var importBreaches = []breach{
	imports("internal/kernel/pg", "internal/access"),
	imports("internal/kernel/pg", "db"),
	keeps(imports("internal/kernel/pg/migrate", "db")),
	imports("internal/access", "internal/op"),
	imports("internal/deal", "internal/commission"),
	keeps(imports("internal/commission", "internal/deal")),
	imports("internal/deal", "internal/kernel/httpx"),
	imports("internal/deal", "internal/deal/dealweb"),
	imports("internal/deal", "internal/ui"),
	imports("internal/deal", "internal/kernel/pg/pgtest"),
	imports("internal/deal", "internal/tools/assets"),
	imports("internal/access/role", "internal/identity"),
	keeps(imports("internal/identity", "internal/access/role")),
	keeps(imports("internal/identity", "internal/identity/password")),
	imports("internal/deal", "internal/identity/password"),
	imports("internal/identity/password", "internal/kernel/pg"),
	imports("internal/deal/dealweb", "internal/op"),
	imports("internal/deal/dealweb", "internal/kernel/pg"),
	imports("internal/deal/dealweb", "internal/partner/partnerweb"),
	keeps(imports("internal/deal/dealweb", "internal/ui")),
	keeps(imports("internal/deal/dealweb", "internal/trust")),
	imports("internal/deal/dealapi", "internal/ui"),
	imports("internal/ui", "internal/deal"),
	keeps(imports("internal/ui", "internal/door")),
	imports("internal/door", "internal/ui"),
	imports("internal/door", "internal/deal"),
	imports("cmd/entente", "internal/deal"),
	keeps(imports("cmd/entente", "internal/app")),
	imports("internal/app", "cmd/entente"),
	keeps(imports("internal/app", "internal/op")),
	imports("internal/deal", "internal/nowhere"),
	{"imports follow the tiers", file("internal/nowhere/a.go", goDoc("a", "")), "internal/nowhere/a.go:1"},
	keeps(breach{law: "imports follow the tiers", files: file("internal/deal/a_test.go", "package deal\nimport _ \"entente.dev/internal/kernel/pg/pgtest\"")}),

	fenced("internal/deal", "net/http"),
	fenced("internal/deal", "net/http/httputil"),
	fenced("internal/deal", "github.com/a-h/templ"),
	fenced("internal/deal/dealweb", "github.com/jackc/pgx/v5"),
	fenced("internal/deal", "github.com/jackc/pgx/v5/pgxpool"),
	keeps(fenced("internal/deal", "github.com/jackc/pgx/v5")),
	fenced("internal/app", "github.com/alecthomas/kong"),
	fenced("internal/deal", "github.com/riverqueue/river"),
	fenced("internal/kernel/id", "github.com/google/go-cmp/cmp"),
	keeps(fenced("internal/kernel/pg/pgtest", "testing")),
}
