# Targets are listed by `make help`. A comment behind ## is what it prints.
SHELL := /bin/bash
.DEFAULT_GOAL := help
GO ?= go
STATICCHECK = $(GO) tool -modfile=.ci/tools/go.mod staticcheck

.PHONY: help build check check-format check-tidy check-vet check-lint test demo bench soak browser screens fmt clean

help: ## list the targets
	@awk -F ': .*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/sigprobe and bin/fixtures/
	CGO_ENABLED=0 $(GO) build -o bin/sigprobe ./cmd/sigprobe
	CGO_ENABLED=0 $(GO) build -o bin/fixtures/ ./fixtures/daemons/...

check: check-format check-tidy check-vet check-lint ## formatting, go.mod, go vet, staticcheck

check-format: ## files that gofmt would change
	@files=$$(gofmt -l .) || exit; [ -z "$$files" ] || { echo "make fmt would change:"; echo "$$files"; exit 1; }

check-tidy: ## what go mod tidy would change
	$(GO) mod tidy -diff
	cd .ci/tools && $(GO) mod tidy -diff
	cd .ci/browser && $(GO) mod tidy -diff

check-vet: ## go vet
	$(GO) vet ./... ./.ci/test
	cd .ci/browser && $(GO) vet ./...

check-lint: ## staticcheck, at the version in .ci/tools/go.mod
	$(STATICCHECK) ./... ./.ci/test
	cd .ci/browser && $(GO) tool -modfile=../tools/go.mod staticcheck ./...

test: build ## all tests, with the race detector where there is a C compiler (TEST='-seed N' repeats an order)
	$(GO) run ./.ci/test $(TEST)

demo: build ## the shipped scenarios and two programs nobody here wrote, in under a minute
	CGO_ENABLED=0 $(GO) run ./scenarios/demo

bench: ## medians and ratios against the C floor and gexec (BENCH=--quick for a short look)
	$(GO) run ./harness/internal/bench $(BENCH)

soak: build ## the long campaigns: hours
	$(GO) run ./.ci/test -soak $(TEST)

browser: build ## the HTML report in Debian's Chromium, installed where that is permitted and skipped where not
	.ci/browser/run

screens: build ## take the pictures in docs/screens anew, with Chromium
	cd .ci/browser && $(GO) run ./screens -sigprobe ../../bin/sigprobe -out ../../docs/screens

fmt: ## format all Go files
	gofmt -w .

clean: ## remove what was built and recorded
	rm -rf bin out .sigprobe
