# Entente. `make help` lists the targets; every one may be repeated and run with -j.

SHELL := /bin/bash
.DEFAULT_GOAL := help

GO ?= go
NPM ?= npm
CGO_ENABLED ?= 0
export CGO_ENABLED
export GOFLAGS := -buildvcs=false $(filter-out -buildvcs=%,$(GOFLAGS))

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)
COMMIT := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# The time of the commit, not of the build: the same source gives the same program.
BUILD_TIME := $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo unknown)
CONFIG := entente.dev/internal/kernel/config
LDFLAGS := -s -w -X $(CONFIG).version=$(VERSION) -X $(CONFIG).commit=$(COMMIT) -X $(CONFIG).buildTime=$(BUILD_TIME)

# What `make run`, `make bench` and `make test` hand on: make run ARGS="--addr 127.0.0.1:9000".
ARGS ?=
TESTS ?= ./...

.PHONY: help run build check test bench clean generate assets browser seal-migrations \
	check-format check-tidy check-generated check-vet check-static

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: build ## build everything and serve at http://localhost:8080
	@exec bin/entente serve $(ARGS)

build: assets ## build bin/entente, one static program with its assets inside
	@mkdir -p bin
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/entente ./cmd/entente

check: check-format check-tidy check-generated check-vet check-static ## format, modules, generated files, vet, static analysis
	@echo "check: all well"

test: assets browser ## install what the tests need and run them all
	@$(GO) run ./internal/tools/withdb $(GO) test -p 2 -timeout 20m $(ARGS) $(TESTS)

bench: build ## measure over HTTP; the result is JSON in bench/out
	@$(GO) run ./bench $(ARGS)

clean: ## remove what was built and installed; the data directory stays
	@rm -rf bin bench/out node_modules
	@find internal/ui/dist -mindepth 1 ! -name .keep -exec rm -rf {} + 2>/dev/null || true

generate: assets ## write the generated files anew: *_templ.go, openapi.yaml, db/schema.sql, docs/permissions.md
	@GO='$(GO)' bash scripts/generate.sh

seal-migrations: ## before a release: record the migrations that must never change again
	@$(GO) run ./internal/tools/sealmigrations

# The stamp is a copy of the lock file that node_modules was installed from.
node_modules/.installed: package-lock.json
	@cmp -s package-lock.json $@ || { \
		command -v $(NPM) >/dev/null || { echo "make: npm is missing; install Node.js 20 or newer" >&2; exit 1; }; \
		$(NPM) ci --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null; }
	@cp package-lock.json $@

assets: node_modules/.installed
	@$(GO) run ./internal/tools/assets >/dev/null

browser:
	@$(GO) run ./internal/tools/browser

check-format:
	@out=$$(find . \( -name node_modules -o -name .git -o -path ./data \) -prune -o -name '*.go' -exec "$$($(GO) env GOROOT)/bin/gofmt" -l {} +); \
		[ -z "$$out" ] || { printf 'check: not formatted; run gofmt -w on\n%s\n' "$$out" >&2; exit 1; }

check-tidy:
	@$(GO) mod tidy -diff || { echo "check: go.mod or go.sum is out of step; run go mod tidy" >&2; exit 1; }

check-generated: assets
	@GO='$(GO)' bash scripts/check-generated.sh

# These read what check-generated may have just written.
check-vet: check-generated
	@$(GO) vet ./...

check-static: check-generated
	@$(GO) tool staticcheck ./...
