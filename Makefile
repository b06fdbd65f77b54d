# `make help` lists what can be made.
SHELL := bash
KAFKA ?= 4.1.1
BIN   := bin/onceproof
TOOL  := go tool -modfile=tools/go.mod

# A build says which it is, also where Go is told to record nothing (-buildvcs=false).
BUILDINFO := github.com/onceproof/onceproof/internal/buildinfo
VERSION   ?= $(shell { git describe --tags --match 'v[0-9]*' 2>/dev/null || TZ=UTC0 git show -s --abbrev=12 \
	--date=format-local:%Y%m%d%H%M%S --format=v0.0.0-%cd-%h 2>/dev/null; } && { git diff --quiet HEAD || echo +dirty; })
COMMIT    ?= $(shell git rev-parse HEAD 2>/dev/null)
LDFLAGS    = -X $(BUILDINFO).version=$(subst $() ,,$(VERSION)) -X $(BUILDINFO).commit=$(COMMIT)

# Rooms in which goroutines meet are tested under the race detector where there is
# a C compiler for it; one pass either way. The longest, ./faults, begins.
RACE       := $(if $(shell command -v gcc),-race)
MEETING    := /(faults|history|harness|internal/(cluster(/sidecar)?|conformance|network|plan|process|proxy)|worker/roles|clients/franz-go)$$$$
CONCURRENT  = ./faults $(shell go list ./... | grep -E '$(MEETING)' | grep -v '/faults$$')
OTHERS      = $(shell go list ./... | grep -vE '$(MEETING)')

.PHONY: help check snapshot release-check sources browser screenshot man demo build test lint vuln bench fuzz mutation false-alarms images clients compare bugs engine clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Rooms whose tests take seconds, and need neither engine nor other toolchain.
QUICK = . ./checker/internal/... ./internal/deduce ./guarantee/... ./history ./internal/archtest ./internal/buildinfo \
	./internal/host ./internal/lint/... ./internal/network ./internal/plan ./internal/scenario/... ./internal/trials ./worker/...

check: ## vet and the quick tests, in less than a minute
	go vet ./...
	go test $(QUICK)

demo: build ## the guide's recipe, then the configuration that holds; Go is all it needs
	@$(BIN) run guide-recipe exactly-once --backend embedded

build: ## the program, into bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/onceproof

test: lint build ## everything that this machine can run; with a Docker engine, real brokers too
	go test -timeout 20m $(OTHERS)
	go test -timeout 20m $(RACE) $(CONCURRENT)

# Linters and scanners are pinned in a module of their own, so that nothing of
# theirs is linked into the product.
lint: ## go vet, golangci-lint, and the workflows
	go vet ./...
	$(TOOL) golangci-lint run ./...
	go tool -modfile=tools/actionlint/go.mod actionlint

RELEASER := go tool -modfile=tools/release/go.mod goreleaser

snapshot: ## a release without publishing it, into dist/
	$(RELEASER) release --snapshot --clean --skip=publish,docker

release-check: ## the release recipe: its syntax, and one target of it
	$(RELEASER) check
	$(RELEASER) build --snapshot --clean --single-target --id onceproof
	dist/onceproof_*/onceproof version

# The vulnerability database is on the network. Where it cannot be reached, that is
# said in one line, and what did not run is not called passed.
vuln: ## known vulnerabilities of what we depend on
	@out=$$($(TOOL) govulncheck ./... 2>&1); code=$$?; \
	if grep -q 'fetching vulnerabilities' <<<"$$out"; then \
		echo 'govulncheck did not run: the vulnerability database cannot be reached from here (set GOVULNDB)'; \
	else echo "$$out"; exit $$code; fi

bench: ## every benchmark once
	go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./...

# Each fuzz target for a short while.
FUZZTIME ?= 20s
fuzz: ## each fuzz target for FUZZTIME (20s)
	@for pkg in ./history ./internal/scenario ./internal/proxy ./checker; do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
		done; \
	done

# The checker's mutation score: found and false alarms for each kind of anomaly.
CASES ?= 2000
false-alarms: ## runs what must hold with fresh seeds until stopped; keeps what was called broken, prints counts
	@checker/false-alarms

mutation: ## the checker's mutation score, over CASES (2000)
	go test -timeout 60m ./checker -run TestMutation -mutation.cases=$(CASES) -v
	go test -timeout 60m ./internal/models/jepsenkafka -jepsenkafka.cases=$(CASES) -v
	go test -timeout 60m ./internal/models/native -native.cases=$(CASES) -v

images: ## the local Kafka image of version KAFKA (4.1.1)
	images/kafka/build $(KAFKA)

# What the binary carries of the workers that are Go modules of their own.
sources: ## clients/modules.zip: what the binary carries of the Go workers
	go test . -run TestWorkerSources -update

# Each worker for which this machine has a toolchain; the last thing that the build
# of another said is why it is left out.
clients: ## each worker for which this machine has a toolchain, in place
	@for build in clients/*/build clients/@*/*/build; do \
		name=$${build#clients/}; name=$${name%/build}; \
		if said=$$($$build 2>&1); then echo "built     $$name"; \
		else echo "left out  $$name: $$(grep -v "complete log of this run" <<<"$$said" | tail -n 1)"; fi; \
	done

# Reports in a real browser; makes its own runs.
browser: ## the reports in a real browser
	.ci/browser

# The README's pictures, of a run made for them.
screenshot: build ## the README's pictures
	rm -rf build/shot && $(BIN) run guide-recipe --backend embedded --quiet --out build/shot
	reports/browser/screenshot build/shot/guide-recipe-*/report.html docs/img/report.png light
	reports/browser/screenshot build/shot/guide-recipe-*/report.html docs/img/report-dark.png dark

# A man page for each command.
man: build ## a man page for each command, into build/man
	$(BIN) man build/man/man1

# One table of all built workers over what the backend can do: some two hours a round.
# It goes on where it was left.
REPEAT    ?= 1
SCENARIOS ?= all
compare: build ## one table of all built workers; hours
	$(BIN) compare --backend docker --scenarios $(SCENARIOS) --repeat $(REPEAT) --seed 7 --out comparison --resume

# The corpus of real bugs: builds each version of a library that a scenario names and
# that is not built yet, then looks whether each bug is still seen, and its fix clean.
bugs: REPEAT = 5
bugs: build ## the corpus of real bugs: builds the versions that have them, and looks
	@grep -ho '[a-z-]*@v\?[0-9][0-9.]*' scenarios/bugs/*.yaml | sort -u | while IFS=@ read -r library version; do \
		[ -x clients/$$library/out/$$version/worker ] || { echo "clients/$$library/build $$version"; clients/$$library/build $$version || exit 1; }; \
	done
	$(BIN) run 'bugs/*' --control --repeat $(REPEAT)

engine: ## a Docker engine, on Debian as root
	.ci/engine

clean: ## remove what make made
	rm -rf bin build dist
