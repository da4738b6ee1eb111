#!/usr/bin/env bash
# Fails when writing the generated files anew changes any of them. They are left as
# written, so that committing them is all there is to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sums() {
	find . \( -name node_modules -o -name .git -o -path ./bin -o -path ./data \) -prune -o -type f \
		\( -name '*_templ.go' -o -name openapi.yaml -o -path ./db/schema.sql -o -path ./docs/permissions.md \) \
		-exec cksum {} + | sort -k 3
}

before=$(sums)
bash scripts/generate.sh
after=$(sums)
if [ "$before" != "$after" ]; then
	echo "check: these generated files were out of date and are new now; look at them and commit them:" >&2
	diff <(echo "$before") <(echo "$after") | sed -n 's/^[<>] [0-9]* [0-9]* /  /p' | sort -u >&2 || true
	exit 1
fi
