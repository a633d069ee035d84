# Everything a developer or CI does stands here; `make help` lists it.

# Tool versions: the only place they are written.
GOLANGCI_LINT_VERSION := v2.15.0

# Debian packages that tests talk to or are built with. A test that misses one
# names it and skips; with VIGILANCE_REQUIRE_PEERS=1 it fails.
APT_PACKAGES := supervisor python3 exim4-daemon-light gcc libc6-dev procps iproute2 ansible chromium prometheus prometheus-alertmanager shellcheck mandoc
# What the benchmark sets beside the daemons, and no test needs.
BENCH_PACKAGES := supervisor python3 gcc libc6-dev s6

# The systems every package must compile and vet for.
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 freebsd/amd64

# The tag drops urfave/cli's man page generator, which no binary here uses.
TAGS  := urfave_cli_no_docs
TOOLS := $(CURDIR)/.tools
LINT  := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)

# Tests wait for processes more than they compute, so twice as many packages as
# there are processors are tested at one time. checks has vetted them before.
GO_TEST := go test -race -count=1 -vet=off -tags $(TAGS) -p $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))

# What breaks things keeps the machine busy, so it is tested by itself.
CHAOS_PKG := github.com/vigilance-go/vigilance/test/chaos

# Peers can be required where they can be installed; elsewhere their tests skip.
REQUIRE_PEERS := $(if $(shell command -v apt-get),1,)

.DEFAULT_GOAL := help
.PHONY: help build run test test-long chaos soak fuzz fuzz-short test-alerts-loss bench bench-short bench-page docs-images lint clean deps bench-deps checks gofmt vet cross

include packaging/install.mk

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build every command into bin/
	$(GO_BUILD) -o bin/ ./cmd/...

run: build ## Start supervisord on examples/quickstart: a crash becomes a mail
	CGO_ENABLED=0 go build -trimpath -o bin/ ./examples/mailcatcher
	@mkdir -p run
	exec bin/supervisord -n -c examples/quickstart/supervisord.conf

test: deps checks ## Install what the tests need; check, cross-compile and test everything
	VIGILANCE_REQUIRE_PEERS=$(REQUIRE_PEERS) $(GO_TEST) -timeout 8m $(filter-out $(CHAOS_PKG),$(shell go list ./...))
	VIGILANCE_REQUIRE_PEERS=$(REQUIRE_PEERS) $(GO_TEST) -timeout 8m $(CHAOS_PKG)
	test/fuzz 200x

test-long: deps ## The same tests with many more rounds (about half an hour)
	VIGILANCE_REQUIRE_PEERS=$(REQUIRE_PEERS) VIGILANCE_LONG=1 VIGILANCE_FUZZ_DOCS=30000 \
		$(GO_TEST) -timeout 40m ./...

# What the chaos tests are told, as in make chaos CHAOS='-duration 1h -seed 7'.
CHAOS ?= -duration 15m
SOAK  ?= 2h

chaos: ## Break what can be broken around a running supervisord, about ten minutes, and count losses
	go test -count=1 -timeout 4h -v -tags $(TAGS) ./test/chaos $(CHAOS)

soak: ## Do all of that at once for two hours (SOAK=10m for less), with docs/images/soak.svg
	go test -count=1 -timeout 24h -v -tags $(TAGS) -run TestSoak ./test/chaos -soak $(SOAK) -soak-out $(CURDIR)/docs/images

# How many times 2,000 crashes and 100 kills make test-alerts-loss takes.
TIMES ?= 1

test-alerts-loss: ## Show that no alert is lost: 2,000 crashes, 100 kills (TIMES=10 for more), every kind of failure
	VIGILANCE_LONG=$(TIMES) go test -count=1 -timeout 4h -v -tags $(TAGS) -run TestEveryCrashIsInOneMessage ./cmd/webhookalert

# How long make fuzz gives each target.
FUZZ_TIME ?= 2m

fuzz: ## Give each fuzz target two minutes (FUZZ_TIME=10m for more), and print how much it tried
	test/fuzz $(FUZZ_TIME)

fuzz-short: ## Give each fuzz target 200 inputs, as make test does: about a second each
	test/fuzz 200x

checks: gofmt lint cross

bench: bench-deps ## Measure beside Debian's supervisord, about fifteen minutes; writes docs/benchmarks.md
	go run ./bench -o docs/benchmarks.md -readme README.md

bench-short: bench-deps ## The same in a minute or two, to the terminal alone
	go run ./bench -short

bench-page: ## Write docs/benchmarks.md again from the last run's data, measuring nothing
	go run ./bench -from docs/benchmarks.json -o docs/benchmarks.md -readme README.md

docs-images: deps ## Make the pictures of messages in docs/tools anew, from what the tools send
	go run ./docs/internal/pictures

lint: $(LINT) ## Run golangci-lint with the rules of .golangci.yml
	$(LINT) run --build-tags $(TAGS) ./...

clean: ## Remove what build, run and the tools have left in the checkout
	rm -rf bin dist run .tools

deps:
	@test/install-packages $(APT_PACKAGES)

bench-deps:
	@test/install-packages $(BENCH_PACKAGES)

gofmt:
	@unformatted=$$(git ls-files -z -c -o --exclude-standard '*.go' | xargs -0 -r gofmt -l); \
	if [ -n "$$unformatted" ]; then \
		echo "not formatted by gofmt:" $$unformatted >&2; exit 1; \
	fi

vet:
	go vet -tags $(TAGS) ./...

cross:
	@set -e; for platform in $(PLATFORMS); do \
		echo "building and vetting for $$platform"; \
		export CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
		go build -tags $(TAGS) ./...; \
		go vet -tags $(TAGS) ./...; \
	done

# The version is part of the file's name, so that a new one is built when it changes.
$(LINT):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@
