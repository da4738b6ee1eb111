#!/usr/bin/env bash
# Writes every generated file anew, in the order they need each other: page templates,
# then `go generate` directives, then golden files, which the tests named …Golden write
# when ENTENTE_UPDATE=1 (and otherwise compare).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go=${GO:-go}

"$go" tool templ generate -log-level error
"$go" generate ./...

golden=$(grep -rlE --include='*_test.go' '^func Test[A-Za-z0-9_]*Golden' internal cmd db 2>/dev/null |
	while IFS= read -r file; do echo "./$(dirname "$file")"; done | sort -u || true)
if [ -n "$golden" ]; then
	# Package paths of this module hold no spaces.
	# shellcheck disable=SC2086
	out=$(ENTENTE_UPDATE=1 "$go" test -count=1 -run Golden $golden 2>&1) || { echo "$out" >&2; exit 1; }
fi
