# What there is to do: make help. Only Go and make are needed.

GO       ?= go
FUZZTIME ?= 1m
TESTFLAGS ?=
SEEDS    ?= 10
# All scenarios take more than an hour: name some, or leave out -scenarios.
BENCHFLAGS ?= -scenarios loopback

# Pinned, so that a new release breaks no build. It is run from its own module:
# what it needs is not in go.mod.
GOLANGCI = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help build demo test race fuzz e2e matrix bench lint cross cover check

help: ## say what there is
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | sort | expand -t 12

build: ## build ./chunkcp
	$(GO) build -o chunkcp .

demo: build ## fetch 256 MiB from three servers on this machine, and kill one in the middle
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	echo 'making 256 MiB of random data' && \
	head -c 268435456 /dev/urandom >"$$dir/data.bin" && \
	CHUNKCP=./chunkcp KILL=1 e2e/loopback.sh "$$dir/data.bin" 8

test: lint ## gofmt, go vet, the linter and all tests
	$(GO) test -count=1 -timeout 10m $(TESTFLAGS) ./...

race: ## all tests with the race detector, in the programs that they run too
	$(GO) test -count=1 -race -timeout 20m ./...

fuzz: ## each fuzz target for FUZZTIME (1m)
	@grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file" | while read -r target; do \
			echo "$$file: $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$(dirname "$$file")" </dev/null || exit 1; \
		done || exit 1; \
	done

e2e: ## the tests of the whole program, one line for each
	$(GO) test -count=1 -v -timeout 10m ./e2e/...

matrix: ## whole fetches over many paths in virtual time, with SEEDS seeds (10) each
	$(GO) test -count=1 -timeout 1h -run TestMatrix -v ./peer -matrix $(SEEDS)

bench: ## Go benchmarks, and chunkcp beside other tools (BENCHFLAGS chooses; see e2e/bench)
	$(GO) test -run '^$$' -bench . -benchmem ./...
	cd e2e/bench && $(GO) run . $(BENCHFLAGS)

lint: ## gofmt, go vet, golangci-lint
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "gofmt -w these: $$files"; exit 1; fi
	$(GO) vet ./...
	@if $(GOLANGCI) version >/dev/null 2>&1; then \
		echo 'golangci-lint run'; $(GOLANGCI) run ./...; \
	else echo 'golangci-lint skipped: it could not be fetched'; fi

cross: ## build and vet for macOS and Windows
	@for os in darwin windows; do \
		echo "$$os"; GOOS=$$os $(GO) build -o /dev/null . && GOOS=$$os $(GO) vet ./... || exit 1; \
	done

cover: ## what share of each function the tests run
	@profile=$$(mktemp) && trap 'rm -f "$$profile"' EXIT && \
	$(GO) test -short -coverpkg=./... -coverprofile "$$profile" ./... && \
	$(GO) tool cover -func "$$profile"

check: test race cross fuzz bench demo ## all of it
