package errs

import "strings"

// nouns are kinds of record that people call something else than code does.
var nouns = map[string]string{"member": "person", "tenant": "programme", "saved_view": "view", "api_key": "API key", "deal_note": "note", "import_run": "import",
	"mail": "e-mail", "stored_file": "file", "policy_version": "data policy", "processor": "sub-processor", "retention_run": "run of retention"}

// Noun returns what people call a kind of record that is named as in a table or a code, such as "import_run".
func Noun(kind string) string {
	if n, ok := nouns[kind]; ok {
		return n
	}
	return strings.ReplaceAll(kind, "_", " ")
}
