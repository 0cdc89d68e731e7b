# Go alone is enough for build, demo and test. What test cannot run then, it names
# at its end.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# deploy/ is tested against real servers, in steps of its own.
UNIT = $$(go list ./... | grep -v '/deploy')
DEPLOY = $$(go list ./deploy/... | grep -v '/deploy/endtoend')
SKIPPED := .cache/skipped
STATICCHECK = go tool -modfile=deploy/tools/go.mod staticcheck
BENCH ?= .
N ?= 10000
SEED ?= 1

.PHONY: help
help: ## Show this list
	@printf 'sunsetwatch: which partner still pulls data after the sunset of a feature?\n\n'
	@printf 'Start here:  make demo     see the story, no server needed\n'
	@printf '             make test     everything that CI runs\n\n'
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: build
build: ## Build bin/sunsetwatch
	go build -trimpath -o bin/sunsetwatch ./cmd/sunsetwatch

.PHONY: demo
demo: ## Tell the story of the demo, and serve its findings until Ctrl-C
	go run ./cmd/sunsetwatch demo

# A step of test, with the time that it took.
step = @printf '\n== %s\n' '$(1)'; SECONDS=0; $(MAKE) $(1); printf '== %s: %d s\n' '$(1)' $$SECONDS

.PHONY: test
test: ## Test everything: lint, unit, race, short fuzz, rules and routes, end to end (20 min at most)
	$(call step,components-if-possible)
	$(call step,vet)
	$(call step,lint)
	$(call step,test-unit)
	$(call step,test-stories)
	$(call step,test-race)
	$(call step,fuzz-short)
	$(call step,test-deploy)
	$(call step,test-e2e)
	@printf '\n'; cat $(SKIPPED)/* 2>/dev/null || echo 'tested: everything'

.PHONY: test-unit
test-unit: ## Test the packages alone, the stories in fewer ways (3 min at most)
	go test $$(go list ./... | grep -v -e '/deploy' -e '/cmd/internal/scenario$$')
	go test -short ./cmd/internal/scenario
	go -C bench/replay test .

.PHONY: test-stories
test-stories: ## Tell the stories in every way and format, and hold random cases against the model
	go test -timeout 15m ./cmd/internal/scenario

.PHONY: test-race
test-race: ## The same with the race detector, without the longest; needs a C compiler
	@mkdir -p $(SKIPPED); rm -f $(SKIPPED)/race
	@if [[ $$(go env CGO_ENABLED) == 1 ]]; then \
		echo go test -race -short; \
		go test -race -short $(UNIT); \
	elif [[ $${CI:-} == true ]]; then \
		echo 'the race detector needs a C compiler: install gcc' >&2; exit 1; \
	else \
		echo 'not tested with the race detector: it needs a C compiler, such as gcc' | tee $(SKIPPED)/race; \
	fi

.PHONY: test-deploy
test-deploy: ## Test rules, routes, dashboards and examples with promtool, amtool and the real servers
	go test -timeout 5m $(DEPLOY)

.PHONY: test-e2e
test-e2e: ## Test from a real Kafka to a notification, and the kills
	go test -count=1 -timeout 18m -parallel 6 ./deploy/endtoend/...

# A failure shows the case as files, shrunk; SEED=n begins with the case of a seed.
.PHONY: model
model: ## Hold judgements of N=10000 random cases against the slow, obvious model
	go test ./cmd/internal/scenario -run '^TestModel' -count=1 -timeout 60m -v -args -cases $(N) -seed $(SEED)

.PHONY: vet
vet: ## go vet
	go vet ./...
	go -C bench/replay vet .

.PHONY: lint
lint: ## gofmt and staticcheck
	@unformatted=$$(git ls-files -z --cached --others --exclude-standard -- '*.go' | xargs -0 ls 2>/dev/null | xargs gofmt -l); \
	if [[ -n $$unformatted ]]; then printf 'not formatted, run gofmt -w:\n%s\n' "$$unformatted" >&2; exit 1; fi
	$(STATICCHECK) -checks=inherit,ST1000 ./...
	cd bench/replay && go tool -modfile=../../deploy/tools/go.mod staticcheck -checks=inherit,ST1000 .

.PHONY: fuzz-short
fuzz-short: ## Fuzz each target for five seconds
	deploy/tools/fuzz 5s

.PHONY: fuzz-long
fuzz-long: ## Fuzz each target for five minutes, and print its executions
	deploy/tools/fuzz 5m

.PHONY: fuzz-oracle
fuzz-oracle: ## Fuzz for 30 seconds what is held against encoding/json/v2
	deploy/tools/fuzz 30s oracle

.PHONY: bench
bench: ## Run the benchmarks of the packages; BENCH=name for some
	go test -run '^$$' -bench '$(BENCH)' -benchmem $$(go list ./... | grep -v -e '/deploy' -e '/bench$$')

.PHONY: bench-live
bench-live: ## Measure the whole live path against a bare reader (5 min)
	go test -run '^$$' -bench '^BenchmarkLive$$' -benchtime 1x -timeout 30m ./bench -shape hour
	go test -run '^$$' -bench '^BenchmarkLive$$' -benchtime 1x -timeout 30m ./bench

.PHONY: bench-memory
bench-memory: ## Measure memory after a million events and after five million (2 min)
	go test -run '^$$' -bench '^BenchmarkMemory$$' -benchtime 1x -timeout 30m ./bench

DUCKDB = .cache/duckdb/bin/python
REPLAY ?=
.PHONY: bench-replay
bench-replay: build ## Compare replay with DuckDB, 5 million events (30 min); REPLAY='-events 400000' for flags; needs Python
	@[[ -x $(DUCKDB) ]] || { python3 -m venv .cache/duckdb && .cache/duckdb/bin/pip install --quiet 'duckdb>=2.0.0'; }
	go -C bench/replay run . -write ../2026-11-26-replay.md $(REPLAY)

.PHONY: generate
generate: ## Write the generated files again: alert rules and dashboards
	go generate ./...

.PHONY: components
components: ## Fetch the real Kafka, Prometheus, Alertmanager, DuckDB and Chromium for the tests into .cache
	deploy/components/fetch

# The tests that need a component skip themselves when it cannot be had.
.PHONY: components-if-possible
components-if-possible:
	@deploy/components/fetch || [[ $${CI:-} != true ]]

.PHONY: clean
clean: ## Remove what was built and fetched
	rm -rf bin .cache
