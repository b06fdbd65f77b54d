# make demo   the guide's recipe, then the configuration that holds; Go is all it needs
# make test   everything that this machine can run; with a Docker engine, real brokers too
SHELL := bash
KAFKA ?= 4.1.1
BIN := bin/onceproof
GOTEST := go test -timeout 20m

.PHONY: demo build test lint race bench fuzz mutation images clients engine clean

demo: build
	@$(BIN) run guide-recipe exactly-once --backend embedded

build:
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/onceproof

test: lint build
	$(GOTEST) ./...

# Linters and scanners are pinned tools of their own module, so that nothing of
# theirs is linked into the product.
lint:
	go vet ./...
	go tool -modfile=tools/go.mod golangci-lint run ./...

# The vulnerability database is on the network; where it cannot be reached that is
# said in one line, and what did not run is not called passed.
vuln:
	@out=$$(go tool -modfile=tools/go.mod govulncheck ./... 2>&1); code=$$?; \
	if grep -q 'fetching vulnerabilities' <<<"$$out"; then \
		echo 'govulncheck did not run: the vulnerability database cannot be reached from here (set GOVULNDB)'; \
	else echo "$$out"; exit $$code; fi

race:
	$(GOTEST) -race -short ./history ./checker/... ./harness/... ./faults ./scenarios ./reports ./clients/franz-go

bench:
	go test -run '^$$' -bench . -benchtime 1x ./...

images:
	images/kafka/build $(KAFKA)

engine:
	.ci/engine

clean:
	rm -rf bin
