package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// The command lines that others script against: each is taken as it is written in the guide, prints one JSON document and nothing
// else, and takes a programme by its short name or its id. What is refused names the flag and what it may be.
func TestScriptedCommands(t *testing.T) {
	t.Parallel()
	dir := seeded(t)
	out := filepath.Join(t.TempDir(), "out")
	list := func(args string) []map[string]any {
		t.Helper()
		code, text, errOut := do(t, strings.Fields(args+" --data "+dir+" --json")...)
		var v []map[string]any
		if err := json.Unmarshal([]byte(text), &v); code != 0 || err != nil {
			t.Fatalf("%s: exit code %d, %v\n%s%s", args, code, err, text, errOut)
		}
		return v
	}
	tenant := list("tenant list")[0]["id"].(string)
	if n := len(list("policy list")); n != 6 {
		t.Errorf("%d profiles", n)
	}
	for _, name := range []string{"acme", tenant} {
		for _, args := range []string{
			"policy show --tenant " + name,
			"retention run --tenant " + name,
			"retention simulate --until 2090-01-01 --tenant " + name,
			"audit checkpoint --tenant " + name,
			"audit export --tenant " + name + " --out " + out + ".audit --force",
			"subject find --tenant " + name + " --email ada@person.test",
			"subject export --tenant " + name + " --email ada@person.test --out " + out + ".subject --force",
			"subject erase --tenant " + name + " --email ada@person.test",
			"tenant export --tenant " + name + " --out " + out + ".tenant --force",
		} {
			answer(t, strings.Fields(args+" --data "+dir+" --json")...)
		}
		list("policy apply --profile codific --tenant " + name)
		list("keys rotate --tenant " + name)
		list("audit verify --live --tenant " + name)
	}
	// A file that is there is not lost by a slip.
	for _, args := range []string{"audit export --tenant acme --out " + out + ".audit", "subject export --tenant acme --email ada@person.test --out " + out + ".subject", "tenant export --tenant acme --out " + out + ".tenant"} {
		fields := strings.Fields(args + " --data " + dir + " --json")
		if code, text, errOut := do(t, fields...); code != 1 || text != "" || !strings.Contains(errOut, "--force") {
			t.Errorf("%s over a file: exit code %d, %q %q", args, code, text, errOut)
		}
	}
	if v := answer(t, "policy", "show", "--data", dir, "--json"); v["profile"] != "codific" {
		t.Errorf("the only programme's policy: %v", v["profile"])
	}
	kept := file(t, answer(t, "audit", "checkpoint", "--data", dir, "--json")["checkpoint"].(string))
	answer(t, "audit", "export", "--out", out+".only", "--data", dir, "--json")
	answer(t, "audit", "export", "--to", "2001-01-01", "--out", out+".part", "--data", dir, "--json")
	junk := file(t, "no checkpoint")
	for args, want := range map[string]string{ // a slip of whoever types is no tampering
		"audit verify " + out + ".only --checkpoint " + junk:                    "--checkpoint",
		"audit verify " + out + ".only --checkpoint " + junk + ".not":           "--checkpoint",
		"audit verify " + out + ".only --key entente/x":                         "--key",
		"audit verify " + out + ".part --checkpoint " + kept:                    "export it again with --checkpoint",
		"audit verify --live --tenant acme --checkpoint " + junk:                "--checkpoint",
		"audit export --from 2026-02-02 --to 2026-01-01 --out " + out + ".none": "--to",
	} {
		code, text, errOut := do(t, strings.Fields(args+" --data "+dir+" --json")...)
		if code != 1 || text != "" || !strings.Contains(errOut, want) || strings.Contains(errOut, "tampered") {
			t.Errorf("%s: exit code %d, %q %q", args, code, text, errOut)
		}
	}
	profile := filepath.Join(t.TempDir(), "mine.toml")
	for _, args := range []string{
		"policy show --tenant nobody", "policy apply --profile partro --tenant nobody", "retention run --tenant nobody",
		"retention simulate --tenant nobody", "audit checkpoint --tenant nobody", "audit export --tenant nobody",
		"subject find --tenant nobody --email ada@person.test", "tenant export --tenant nobody --out " + out, "tenant delete --tenant nobody --reason r",
	} {
		code, text, errOut := do(t, strings.Fields(args+" --data "+dir+" --json")...)
		if code != 1 || text != "" || !strings.Contains(errOut, "--tenant nobody") || !strings.Contains(errOut, "acme") {
			t.Errorf("%s: exit code %d, %q %q", args, code, text, errOut)
		}
	}
	if code, _, errOut := do(t, "policy", "validate", profile, "--data", dir, "--json"); code != 1 || !strings.Contains(errOut, profile) {
		t.Errorf("a profile that is not there: exit code %d, %q", code, errOut)
	}
}

// A programme that moved is well in its new installation: its log goes on there, whole, under that one's signature.
func TestMovedProgrammeIsWell(t *testing.T) {
	t.Parallel()
	from := seeded(t)
	to := filepath.Join(shortDir(t), "data")
	answer(t, "admin", "bootstrap", "--data", to, "--slug", "other", "--name", "Other", "--email", "o@other.test", "--password-file", file(t, "seven quiet otters paddle north"), "--json")
	path := filepath.Join(t.TempDir(), "acme.zip")
	answer(t, "audit", "checkpoint", "--tenant", "acme", "--data", from, "--json")
	key := answer(t, "tenant", "export", "--tenant", "acme", "--out", path, "--data", from, "--json")["verifier"].(string)
	answer(t, "tenant", "import", path, "--slug", "moved", "--trust-key", key, "--data", to, "--json")
	for range 2 {
		if v := answer(t, "trust", "check", "--promise", "P-19", "--data", to, "--json"); v["ok"] != true {
			t.Errorf("the log of a programme that came: %v", v["promises"])
		}
		list := strings.Fields("policy apply --profile partro --tenant moved --data " + to)
		if code, _, errOut := do(t, list...); code != 0 {
			t.Fatal(errOut)
		}
	}
	if code, out, errOut := do(t, "audit", "verify", "--live", "--tenant", "moved", "--data", to); code != 0 {
		t.Errorf("%s%s", out, errOut)
	}
	// Once it is purged, what is about all programmes goes on without it, and deleting it again says the same.
	gone := answer(t, "tenant", "delete", "--tenant", "moved", "--reason", "over", "--now", "--data", to, "--json")
	again := answer(t, "tenant", "delete", "--tenant", gone["tenant_id"].(string), "--reason", "over", "--now", "--data", to, "--json")
	if gone["status"] != "purged" || again["status"] != "purged" || again["certificate"] != gone["certificate"] {
		t.Errorf("deleted twice: %v, %v", gone, again)
	}
	for _, args := range []string{"audit verify --live", "policy apply --profile codific", "retention run", "trust check"} {
		if code, out, errOut := do(t, strings.Fields(args+" --data "+to)...); code != 0 {
			t.Errorf("%s beside a purged programme: exit code %d\n%s%s", args, code, out, errOut)
		}
	}
}
