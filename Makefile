# Everything is here: `make run` tries the product, `make test` checks it.
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE ?= $(shell TZ=UTC0 git show -s --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)

# These two decide what the compiler makes, so every target and every script of .ci sets them alike:
# what one has compiled, the others find in Go's cache. -trimpath leaves the folder out of it, so
# worktrees, releases and the image share the cache too. Flags of the linker compile nothing.
export CGO_ENABLED = 0
export GOFLAGS := $(strip $(GOFLAGS) $(if $(findstring -trimpath,$(GOFLAGS)),,-trimpath))

.PHONY: run build test race lint generate migration explorer crawlers bench bench-events bench-live bench-statistics \
	bench-import bench-audience bench-sending referee fuzz release

## run: the server with demo data and the explorer, on SQLite
run: build
	./campaignql serve --demo --database sqlite:campaignql-demo.db

## build: one static binary; says first how much there is to compile
LDFLAGS = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
build:
	@n=$$($(GO) build -n -o campaignql ./cmd/campaignql 2>&1 | grep -c '/compile'); test "$$n" -lt 20 || \
		echo "Compiling $$n packages; all 500 take about three minutes on two cores, once."
	$(GO) build -ldflags '$(LDFLAGS)' -o campaignql ./cmd/campaignql

## test: everything on SQLite and on a real MySQL-protocol server (MariaDB, installed from Debian's
## packages where it is missing and may be)
test:
	@.ci/test ./...

## race: the same under the race detector, which needs a C compiler, with smaller samples; PACKAGES for some of it
PACKAGES ?= ./...
race:
	@CGO_ENABLED=1 .ci/test -race -short $(PACKAGES)

## lint: vet, staticcheck, formatting
lint:
	@files=$$(gofmt -l cmd graph internal ent/schema); \
		test -z "$$files" || { echo "run gofmt -w on these: $$files"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

## generate: the Ent client, the GraphQL executors of the product and of its test, and the page about the commands
generate:
	$(GO) generate ./ent ./internal/schedule
	$(GO) run ./graph/executor/generate
	$(GO) run ./graph/executor/generate graph/executor/testschema
	$(GO) generate ./internal/command

## migration: the next versioned migration, NAME=what_changes MYSQL=mysql://… (an empty database)
migration:
	$(GO) run ./internal/store/diffmigrations -name '$(NAME)' -mysql '$(MYSQL)'

## explorer: bundle the explorer page anew (needs Node 20)
explorer:
	cd internal/explorer/web && npm ci --no-audit --no-fund && npm run build

## crawlers: the patterns by which machines are known, from the version of crawler-user-agents that
## internal/event/crawlers/package.json names (needs Node 20)
crawlers:
	cd internal/event/crawlers && npm ci --no-audit --no-fund --loglevel=error && npm run --silent write && rm -r node_modules

## bench: requests per second beside a hand-written handler, cold start, memory
bench:
	$(GO) run ./internal/bench

## bench-events: events recorded a second, in batches of 1, 100 and 5,000, beside the fastest insert of the same rows
bench-events:
	$(GO) run ./internal/bench/events

## bench-live: 500 subscriptions while events are recorded: memory, CPU, latency, and the same beside
## readers that never read (about a minute)
bench-live:
	$(GO) run ./internal/bench/live

## bench-statistics: full statistics of a page of 50 campaigns with 10,000 and with 10,000,000 events stored
bench-statistics:
	$(GO) run ./internal/bench/statistics

## bench-import: rows a second and peak memory of `campaignql import subscribers` with 1,000,000 rows
bench-import:
	$(GO) run ./internal/bench/importing

## bench-audience: counts of audiences among 1,000,000 people beside the best statement written by hand
bench-audience:
	$(GO) run ./internal/bench/audience

## bench-sending: messages a second of a campaign to 30,000 people, processor time and statements a message
bench-sending:
	$(GO) run ./internal/bench/sending

## referee: random campaigns, sent by servers that are killed KILLS times (50) on each engine, compared person by person
KILLS ?= 50
referee:
	@CAMPAIGNQL_TEST_KILLS=$(KILLS) .ci/test -timeout 3h -run '^TestSendingIsWhatARefereeSays$$' -count 1 -v ./cmd/campaignql

## fuzz: every fuzz target, FUZZTIME each (10m)
FUZZTIME ?= 10m
fuzz:
	for target in FuzzDecode FuzzBrackets FuzzXML; do \
		$(GO) test ./internal/command -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; \
	done
	$(GO) test ./internal/translate -run '^$$' -fuzz '^FuzzTranslate$$' -fuzztime $(FUZZTIME)
	$(GO) test ./internal/audience/rules -run '^$$' -fuzz '^FuzzParseRules$$' -fuzztime $(FUZZTIME)
	$(GO) test ./internal/people/address -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME)
	for target in FuzzMessage FuzzTags; do \
		$(GO) test ./internal/message -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x || exit 1; \
	done
	$(GO) test ./internal/mailer -run '^$$' -fuzz '^FuzzReplies$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 10x
	$(GO) test ./internal/tracking -run '^$$' -fuzz '^FuzzToken$$' -fuzztime $(FUZZTIME)
	for target in FuzzBeginning FuzzReport; do \
		$(GO) test ./internal/importer -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; \
	done

## release: archives for Linux, macOS and Windows with checksums, of the commit that is checked out, in dist/
release:
	@.ci/release
