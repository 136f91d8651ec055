# `make help` lists the targets. Every go.mod in the tree is a module of its
# own; targets that say "each module" find them, so a new one needs no line here.

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0
GOTESTSUM     := gotest.tools/gotestsum@v1.13.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0
BENCHSTAT     := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

FUZZTIME ?= 10s
BENCH    ?= .
NEW      ?= bench.txt
OLD      ?= bench.old.txt
COUNT    ?= 1
URL      ?=
DURATION ?= 10m
SEED     ?= 0
DIR      ?=
FILES    ?=
SAMPLE   ?= 0

SHELL := /bin/bash

MODULES := $(sort $(patsubst %/,%,$(dir $(shell find . -name go.mod \
	-not -path '*/.*/*' -not -path '*/testdata/*'))))

# Each module is judged by its own go.mod, as it is for those who use it.
export GOWORK := off

# $(call each,COMMAND) runs COMMAND in every module, goes on past a failure,
# and fails in the end with the list of what failed.
define each
@failed=; \
for module in $(MODULES); do \
	printf '== %s: %s\n' "$$module" '$(1)'; \
	(cd "$$module" && $(1)) || failed="$$failed $$module"; \
done; \
if [ -n "$$failed" ]; then echo "FAILED in:$$failed" >&2; exit 1; fi
endef

# $(call install,PACKAGES,HINT) installs Debian packages where root can, and
# otherwise says how to get them. Not being able to is no failure here: tests
# that need Tarantool skip, and go names what else is missing.
define install
if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	echo "missing: $(1). Get it by: $(2)"; \
else \
	echo "installing $(1)"; \
	{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $(1) >/dev/null; } \
		|| echo "missing: $(1), and apt-get cannot install it"; \
fi
endef

.PHONY: help test soak mutate release-test lint fmt bench bench-compare microbench fuzz cover pictures demo vuln gorelease release prepare servers lint-fmt lint-tidy lint-builds lint-code

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# gotestsum runs go test, and ends with what was skipped and why, so that a log
# says what was not tested for want of a server.
TEST := go run $(GOTESTSUM) --format pkgname-and-test-fails --format-hide-empty-pkg --

# Where reports of the race detector are kept until a module fails: of tests in
# parallel, they may stand in the output of one that passes, which is not shown.
RACES := $(shell mktemp -u)

test: servers ## vet and test each module, with the race detector, on every Tarantool there is
	$(call each,go vet ./... && CGO_ENABLED=1 GORACE=log_path=$(RACES) $(TEST) -race -count=1 -timeout 10m ./... || { cat $(RACES).* 2>/dev/null; rm -f $(RACES).*; false; })
	@echo '== without the race detector, which allocates: allocations are counted'
	$(TEST) -count=1 -timeout 10m -run 'Alloc' . ./internal/session
	@if [ "$$(go env GOHOSTOS GOHOSTARCH | paste -sd/)" = linux/amd64 ]; then \
		echo '== with 32 bits'; \
		CGO_ENABLED=0 GOARCH=386 go vet ./... && CGO_ENABLED=0 GOARCH=386 go test -count=1 -timeout 10m ./types ./schema ./internal/mp ./internal/wire ./internal/session; \
	fi

# Some seconds of it are part of make test.
soak: servers ## put every server under load and faults: DURATION=10m SEED=n
	go test -count=1 -v -timeout 0 -run TestSoak ./internal/soaktest -soak.duration=$(DURATION) -soak.seed=$(SEED)

mutate: ## list what the tests of a package miss: DIR=internal/mp FILES=skip.go,nest.go SAMPLE=100 SEED=n MUTATEFLAGS="-mutate.numbers=7,9"
	go test -count=1 -v -timeout 0 -run TestMutations ./internal/mutationtest -mutate.dir=$(DIR) -mutate.files=$(FILES) -mutate.sample=$(SAMPLE) -mutate.seed=$(SEED) $(MUTATEFLAGS)

release-test: ## prove a release of all modules, those with large dependencies too, and the comparison of APIs
	cd release && go test -count=1 -timeout 20m -run 'TestRelease|TestCompare' . -release.all

# What the tests need beside Go: a C compiler for the race detector, a Tarantool.
prepare:
	@command -v gcc >/dev/null || { $(call install,gcc libc6-dev,apt-get install gcc libc6-dev); }
	@command -v tarantool >/dev/null || { $(call install,tarantool,apt-get install tarantool (or https://www.tarantool.io/en/download)); }

# The line that tells a log's reader what the tests ran against: the tarantool
# on PATH and those in TARANTOOL, each once.
servers: prepare
	@line=; seen=; IFS=:; \
	for server in "$$(command -v tarantool)" $$TARANTOOL; do \
		[ -n "$$server" ] || continue; \
		server=$$(readlink -f "$$server" || echo "$$server"); \
		case ":$$seen:" in *":$$server:"*) continue ;; esac; \
		seen="$$seen:$$server"; \
		version=$$("$$server" --version 2>/dev/null | head -n 1); \
		line="$$line, $$server ($${version:-does not run})"; \
	done; \
	line="$${line#, }"; \
	echo "Tarantool servers: $${line:-none, so tests that need one are skipped}"

lint: lint-fmt lint-tidy lint-builds lint-code ## check format, go.mod files, builds and code of each module (make -k lint: all of it)

lint-fmt:
	@echo "== gofumpt -l ."; \
	files=$$(go run $(GOFUMPT) -l .) || exit 1; \
	if [ -n "$$files" ]; then echo "not formatted (make fmt):" >&2; echo "$$files" >&2; exit 1; fi

lint-tidy:
	$(call each,go mod tidy -diff)

# The connector is for other systems as well, though tests run on Linux only.
lint-builds:
	@for system in windows/amd64 darwin/arm64 plan9/amd64 linux/386; do \
		echo "== build for $$system"; \
		GOOS=$${system%/*} GOARCH=$${system#*/} go build ./... || exit 1; \
	done

lint-code:
	$(call each,go run $(GOLANGCI_LINT) run ./...)

fmt: ## format the code of every module and tidy its go.mod
	@go run $(GOFUMPT) -l -w .
	$(call each,go mod tidy)

bench: servers ## measure side by side with the limit of the wire, into NEW=file: BENCHFLAGS="-cases select -callers 16", see bench/README.md
	cd bench && go run . -benchfmt "$(abspath $(NEW))" $(BENCHFLAGS)

bench-compare: ## compare two runs of make bench: OLD=file NEW=file
	go run $(BENCHSTAT) "$(OLD)" "$(NEW)"

microbench: ## run the Go benchmarks of each module: BENCH=regexp COUNT=n
	$(call each,go test -run "^$$" -bench "$(BENCH)" -benchmem -count $(COUNT) ./...)

fuzz: ## run every fuzz target of the tree for FUZZTIME=10s each
	@failed=; \
	while IFS=: read -r file target; do \
		dir=$$(dirname "$$file"); \
		echo "== $$dir: $$target for $(FUZZTIME)"; \
		(cd "$$dir" && go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) . </dev/null) \
			|| failed="$$failed $$dir:$$target"; \
	done < <(grep -rEo --include='*_test.go' --exclude-dir='.?*' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/func //' | sort); \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed" >&2; exit 1; fi

cover: ## write cover.out in each module and print the total
	$(call each,go test -count=1 -timeout 10m -coverpkg=./... -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1)

pictures: ## draw the pictures of docs/telemetry.md from real runs (needs prometheus on PATH)
	cd otel && go test -count=1 -run TestPicture . -picture "$(abspath docs/pictures/trace.svg)"
	cd prometheus && go test -count=1 -run TestPicture . -picture "$(abspath docs/pictures/dashboard.svg)"

demo: ## show the connector at work: URL=tarantool://user:pass@host:3301, or a server of its own
	@cd cmd/tnt && go run . demo $(URL)

vuln: ## look for known vulnerabilities in what each module uses
	$(call each,go run $(GOVULNCHECK) ./...)

gorelease: ## compare the API of each published module with its last version
	@last=$$(git -c versionsort.suffix=- tag --list 'v[0-9]*' --sort=-version:refname | head -n 1); \
	if [ -z "$$last" ]; then echo "nothing is released yet: there is no API to compare with"; exit 0; fi; \
	cd release && go run . -compare "$$last"

release: ## show what a release would do, and prove it: VERSION=v0.1.0, and TAG=-tag to make the tags
	cd release && go run . -version "$(VERSION)" $(TAG)
