package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

var importLaws = []law{
	{"imports follow the tiers", tierLaw},
	{"modules stay behind their fence", fenceLaw},
}

// rooms in import order: each may import those before it, never those after it.
var rooms = []string{
	"access", "access/role", "datamap", "keyring", "audit", "event", "op", "audit/trail", "audit/seal", // tier 1
	"tenant", "file", "rekey", "mail", "identity", "policy", // tier 2
	"partner", "account", "deal", "commission", "billing", "content", // tier 3
	"webhook", "transfer", "journal", "notice", "document", "processor", "incident", "retention", "privacy", "archive", "benchmark", "trust",
}

// adapters turn a protocol's bytes into a verified claim; they see no SQL and no room.
var adapters = []string{"identity/password", "identity/totp", "identity/passkey", "identity/oidc", "identity/saml", "audit/verify"}

// doorKernel is what pages and API may use of the kernel: carrying values, not doing work.
var doorKernel = []string{"httpx", "errs", "id", "money", "page", "country", "sheet", "orgname"}

// kind is the sort of place a package is.
type kind string

const (
	kernel      kind = "kernel"
	room        kind = "room"
	adapter     kind = "protocol adapter"
	doorBase    kind = "door"
	uiPart      kind = "ui"
	webDoor     kind = "web door"
	apiDoor     kind = "API door"
	app         kind = "app"
	command     kind = "command"
	migrations  kind = "db"
	testSupport kind = "test support"
	tool        kind = "tool"
	unknown     kind = "unknown"
)

// place is where a package stands in the house.
type place struct {
	kind kind
	name string // path below internal/, or below the module for cmd and db
	rank int    // of the room it is or belongs to
}

func placeOf(dir string) place {
	rel, internal := strings.CutPrefix(dir, "internal/")
	is := func(k kind) place { return place{k, rel, -1} }
	switch {
	case under(dir, "db"):
		return is(migrations)
	case under(dir, "cmd"):
		return is(command)
	case under(dir, "bench"), under(dir, "internal/tools"):
		return is(tool)
	case !internal:
		return is(unknown)
	case under(rel, "browsertest"), under(rel, "isolation"), strings.HasSuffix(rel, "test"):
		return is(testSupport)
	case under(rel, "kernel"):
		return is(kernel)
	case rel == "door":
		return is(doorBase)
	case under(rel, "ui"):
		return is(uiPart)
	case under(rel, "app"):
		return is(app)
	case slices.Contains(adapters, rel):
		return is(adapter)
	}
	p := is(unknown)
	longest := ""
	for i, r := range rooms {
		if under(rel, r) && len(r) > len(longest) {
			longest, p.kind, p.rank = r, room, i
		}
	}
	switch {
	case p.kind == unknown || rel == longest:
	case rel == longest+"/"+path.Base(longest)+"web":
		p.kind = webDoor
	case rel == longest+"/"+path.Base(longest)+"api", rel == "identity/scim":
		p.kind = apiDoor
	}
	return p
}

// mayImport says no with the reason, or "" for yes.
func mayImport(from, to place) string {
	inKernel := strings.TrimPrefix(to.name, "kernel/")
	switch {
	case to.kind == unknown:
		return "the imported package has no place in the house"
	case from.kind == tool, from.kind == testSupport && from.name != "kernel/pg/pgtest":
		return ""
	case to.kind == testSupport:
		return "it is for tests only"
	case to.kind == tool, to.kind == command:
		return "nobody imports a program"
	case from.kind == app:
		return ""
	case from.kind == command:
		if to.kind == app || inKernel == "config" || inKernel == "logging" {
			return ""
		}
		return "a command parses and calls app; it imports app, kernel/config and kernel/logging only"
	case to.kind == migrations:
		if from.name == "kernel/pg/migrate" || from.name == "kernel/pg/pgtest" {
			return ""
		}
		return "only kernel/pg/migrate, its tests and app read the migrations"
	case from.kind == migrations:
		return "db holds files only"
	case from.kind == kernel, from.kind == testSupport:
		if to.kind == kernel {
			return ""
		}
		return "the kernel knows no business word"
	case from.kind == adapter:
		if to.kind == kernel && inKernel != "pg" && inKernel != "jobs" {
			return ""
		}
		return "a protocol adapter turns bytes into a claim: kernel only, no SQL, no jobs"
	case from.kind == room:
		return roomMayImport(from, to)
	default:
		return doorMayImport(from, to)
	}
}

func roomMayImport(from, to place) string {
	switch to.kind {
	case kernel:
		if to.name == "kernel/httpx" {
			return "a room does not know HTTP"
		}
		return ""
	case adapter:
		if under(to.name, rooms[from.rank]) || path.Dir(to.name) == path.Dir(rooms[from.rank]) && path.Dir(to.name) != "." {
			return ""
		}
		return "a protocol adapter belongs to its room"
	case room:
		if to.rank <= from.rank {
			return ""
		}
		return fmt.Sprintf("rooms look down only: %s comes after %s", rooms[to.rank], rooms[from.rank])
	}
	return fmt.Sprintf("a room does not know its callers (%s)", to.kind)
}

// doorMayImport covers tier 4: door, ui, web and API doors.
func doorMayImport(from, to place) string {
	real := from.kind == webDoor || from.kind == apiDoor
	switch {
	case to.kind == kernel && (from.kind == doorBase || slices.Contains(doorKernel, strings.TrimPrefix(to.name, "kernel/"))):
		return ""
	case to.kind == kernel:
		return "doors use of the kernel only " + strings.Join(doorKernel, ", ")
	case to.name == "access", to.kind == doorBase, to.kind == from.kind && to.kind == uiPart:
		return ""
	case to.kind == uiPart && from.kind == webDoor:
		return ""
	case to.kind == room && real && to.name != "op" && to.name != "event" && to.name != "datamap":
		return ""
	case to.kind == webDoor, to.kind == apiDoor:
		return "a door never opens another door"
	}
	return fmt.Sprintf("%s may not import %s %s", from.kind, to.kind, to.name)
}

func tierLaw(t *tree) []finding {
	var out []finding
	lost := map[string]bool{}
	for _, g := range t.gos {
		from := placeOf(g.dir)
		if from.kind == unknown && !lost[g.dir] {
			lost[g.dir] = true
			out = append(out, finding{g.path, 1, "package " + g.dir + " has no place in the house",
				"put it in a folder of the house, or give it a place in internal/archtest/imports_test.go (rooms, in import order) and say why in docs/decisions"})
		}
		if g.test || from.kind == unknown {
			continue
		}
		for _, im := range g.imports() {
			dir, ours := strings.CutPrefix(im.path, module+"/")
			if !ours {
				continue
			}
			if why := mayImport(from, placeOf(dir)); why != "" {
				out = append(out, finding{g.path, im.line, "imports " + dir + ": " + why,
					"call down, emit an event up (app/events.go), or move the shared part below both"})
			}
		}
	}
	return out
}

// fence keeps a module where a change of it would hurt in one place only.
type fence struct {
	module string
	inside []string // kinds, or paths below the module
	why    string
}

var fences = []fence{
	{"net/http", []string{"kernel", "protocol adapter", "door", "ui", "web door", "API door", "app", "command"}, "rooms do not know HTTP"},
	{"github.com/a-h/templ", []string{"ui", "web door", "app"}, "only pages are drawn"},
	{"github.com/alecthomas/kong", []string{"cmd", "internal/kernel/config"}, "only the command line parses flags"},
	{"github.com/danielgtaylor/huma", []string{"door", "API door", "app"}, "only the API speaks OpenAPI"},
	{"github.com/jackc/pgx", []string{"kernel", "room", "app"}, "doors never see the database"},
	{"github.com/jackc/pgx/v5/pgxpool", []string{"internal/kernel", "internal/op", "internal/app"}, "connections are handed out by op"},
	{"database/sql", []string{"internal/kernel"}, "pgx is the way to the database"},
	{"github.com/riverqueue", []string{"internal/kernel/jobs", "internal/kernel/pg"}, "jobs are wrapped in kernel/jobs; pg brings their tables up"},
	{"github.com/pressly/goose", []string{"internal/kernel/pg/migrate"}, "only migrate migrates"},
	{"github.com/wneessen/go-mail", []string{"internal/kernel/mailer"}, "mail leaves through kernel/mailer"},
	{"github.com/minio", []string{"internal/kernel/blob"}, "files are kept through kernel/blob"},
	{"github.com/tink-crypto", []string{"internal/kernel/crypt"}, "data is encrypted through kernel/crypt"},
	{"github.com/johannesboyne", nil, "it is the object store of tests"},
	{"github.com/emersion", nil, "it is the mail server of tests"},
	{"github.com/evanw/esbuild", []string{"internal/tools/assets"}, "assets are built before the program"},
	{"github.com/chromedp", []string{"internal/browsertest"}, "it drives the browser of tests"},
	{"github.com/google/go-cmp", nil, "it compares values in tests"},
	{"pgregory.net/rapid", nil, "it makes inputs for tests"},
	{"github.com/pelletier/go-toml", []string{"internal/datamap"}, "only policy profiles are TOML"},
	{"go.yaml.in/yaml", []string{"internal/datamap"}, "only policy profiles are YAML"},
	{"github.com/yuin/goldmark", []string{"internal/document"}, "documents render their Markdown"},
	{"testing", nil, "only tests test"},
}

func fenceLaw(t *tree) []finding {
	var out []finding
	for _, g := range t.gos {
		p := placeOf(g.dir)
		if g.test || p.kind == testSupport || p.kind == tool && !under(g.dir, "internal/tools") {
			continue
		}
		for _, im := range g.imports() {
			for _, f := range fences {
				outside := !slices.ContainsFunc(f.inside, func(in string) bool { return in == string(p.kind) || under(g.dir, in) })
				if under(im.path, f.module) && outside {
					out = append(out, finding{g.path, im.line, "imports " + im.path + ": " + f.why,
						"use the package that wraps it: " + strings.Join(append(f.inside, "tests"), ", ")})
				}
			}
		}
	}
	return out
}
