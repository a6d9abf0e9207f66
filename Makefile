# The front door. Each target sets up what it needs, says what it does, and can be called again at no cost.
SHELL := /bin/bash
PRESET ?= release
NINJA  ?= nice ninja

.PHONY: deb library all run test test-unit test-threads test-system test-load test-kill test-state test-autobahn fuzz bench bench-smoke install clean format tidy help

all: ## build build/release/fanatico, with what it needs
	@tools/setup.sh build
	@tools/build.sh $(PRESET)

run: all ## set up, build, start the development chain (ARGS="--block-time 1" passes options)
	@exec build/release/fanatico $(ARGS)

test: ## set up, build, pass every test; the same draws each time, others with SEED=random
	@tools/setup.sh build test
	@tools/test.sh all

test-unit: ## unit tests under ASan and UBSan
	@tools/setup.sh build unit
	@tools/test.sh unit

test-threads: ## what crosses threads, under TSan
	@tools/setup.sh build test
	@tools/test.sh threads

test-system: ## the real binary with real clients and peers
	@tools/setup.sh build test
	@tools/test.sh system

library: ## libfanatico in C alone (build/library), without the EVM leaf and Rust; runs its examples
	@tools/setup.sh build test
	@tools/test.sh library

test-load: all ## of make test, the two that load the machine: 2,000 clients half of them stalled; 200 of all kinds under reorgs
	@tools/setup.sh test
	@node --test --test-force-exit --test-reporter spec test/load/stalled.test.cjs test/load/checker.test.cjs

test-state: all ## CASES (200,000) random state tests and CHAINS (500) random chains against geth, from a random seed (SEED=… repeats)
	@tools/setup.sh test
	@SEED=$(or $(SEED),random) CASES=$${CASES:-200000} CHAINS=$${CHAINS:-500} node --test --test-reporter spec test/ethereum/differential.test.cjs test/ethereum/chains.test.cjs

test-kill: all ## 1,000 kills (KILLS=…) of a node under load, and as many of dev --datadir, at random moments (SEED=… repeats)
	@tools/setup.sh test
	@FANATICO_KILLS=$${KILLS:-1000} SEED=$(or $(SEED),random) node --test --test-force-exit --test-reporter spec test/store/kill.test.cjs

test-autobahn: all ## all 517 cases of the Autobahn WebSocket suite, into docs/CONFORMANCE.md
	@tools/setup.sh autobahn
	@test/autobahn/run.py build/release/ws_echo --all

fuzz: ## every fuzz target for SECONDS_EACH seconds (default 20) from a random seed, with what earlier runs kept
	@tools/setup.sh build unit
	@tools/fuzz.sh $${SECONDS_EACH:-20}

bench: all ## our server beside a bare sender, a constant HTTP server, anvil and geth: about eighteen minutes
	@bench/run.py $(ARGS)

bench-smoke: all ## the bench in its short form: that it works and sees no fault, not how fast
	@bench/run.py --smoke

sim: ## SEED=0x… replays a simulation and shrinks what fails; SEEDS=100000 runs so many new ones
	@tools/setup.sh build
	@tools/sim.sh "$(SEED)" "$(or $(SEEDS),1000)"

deb: all ## Debian packages into build/deb: the node with its service, the library, its headers
	@packaging/deb.sh

install: all ## install below PREFIX (default /usr/local)
	cmake --install build/release --prefix $${PREFIX:-/usr/local}

format: ## settle the layout of changed C files
	git diff --name-only HEAD -- '*.c' '*.h' | xargs -r clang-format -i

tidy: ## clang-tidy over the tree
	@tools/build.sh clang && git ls-files 'src/*.c' 'cmd/*.c' | xargs clang-tidy -p build/clang --quiet

clean: ## remove build/ (caches outside the tree stay)
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*##/\t/' | column -t -s "$$(printf '\t')"
