# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
MAKEFLAGS += --no-print-directory
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help run test tools fmt lint unit interop bench bench-full pages pages-smoke crash crash-smoke simulate fuzz compiler
KILLS ?= 10000

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: compiler ## build a release binary and serve at http://localhost:8080 on ./signet-data
	cargo build --release -p signet
	exec $(TARGET)/release/signet serve

# One line after the other, whatever -j says: each step builds on what the one before has compiled.
test: ## install what is missing and run every check and every test
	$(MAKE) tools
	$(MAKE) lint
	$(MAKE) unit
	$(MAKE) crash-smoke
	$(MAKE) pages-smoke
	$(MAKE) interop

tools: ## install what the tests need: PostgreSQL, Node.js, Chromium, Go, Java, npm and pip packages
	scripts/install-test-tools

fmt: ## format the Rust sources
	cargo fmt --all

lint: ## formatting, clippy and documentation, warnings denied
	cargo fmt --all --check
	cargo fmt --manifest-path interop/rust/Cargo.toml --check
	cargo fmt --manifest-path examples/resource-servers/rust/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps

unit: ## the Rust tests, on SQLite and on PostgreSQL
	cargo test --workspace

interop: SAMPLES := examples/resource-servers
interop: export SIGNET_BIN := $(abspath $(TARGET)/debug/signet)
interop: ## real relying parties and resource servers in five languages, a browser and Apache against the real binary
	cargo build -p signet
	cargo build --locked --manifest-path interop/rust/Cargo.toml --target-dir interop/rust/target
	GOTOOLCHAIN=auto go build -C interop/go -buildvcs=false -o target/notes .
	mvn --batch-mode --quiet --strict-checksums --file interop/java/pom.xml package
	cargo build --locked --manifest-path $(SAMPLES)/rust/Cargo.toml --target-dir $(SAMPLES)/rust/target
	GOTOOLCHAIN=auto go build -C $(SAMPLES)/go -buildvcs=false -o target/orders .
	mvn --batch-mode --quiet --strict-checksums --file $(SAMPLES)/java/pom.xml package
	npm test --prefix interop --silent
	interop/.venv/bin/python -m pytest -p no:cacheprovider interop/python

simulate: ## the stateful core under a million random schedules, or for MINUTES=…; SIGNET_SIM_SEED=… replays
	SIGNET_SIM_RUNS=$(or $(SIGNET_SIM_RUNS),$(if $(MINUTES),,1000000)) SIGNET_SIM_MINUTES=$(MINUTES) \
		cargo test --release -p signet-web --lib simulation::holds -- --nocapture

bench: compiler ## measure a release binary on SQLite and PostgreSQL; ARGS='--help' tells the options
	cargo build --release -p signet -p signet-bench
	$(TARGET)/release/signet-bench --binary $(TARGET)/release/signet --engine both $(SIZES) $(ARGS)

bench-full: SIZES = --users 1,1000,1000000 --accounts 1,100,100000 --json $(TARGET)/bench.json --markdown docs/performance.md
bench-full: bench ## the same with up to 1,000,000 users and 100,000 accounts; needs 10 GB, writes docs/performance.md

pages: compiler ## measure every page of the console at 10,000 applications and 1,000,000 users; needs 12 GB, writes docs/console-performance.md
	cargo build --release -p signet -p signet-bench
	$(TARGET)/release/signet-bench pages --binary $(TARGET)/release/signet --engine both --json $(TARGET)/pages.json \
		--markdown docs/console-performance.md $(ARGS)

pages-smoke: ## visit every page of the console of a debug binary in a small pool, on each engine
	cargo build -p signet -p signet-bench
	$(TARGET)/debug/signet-bench pages --binary $(TARGET)/debug/signet --engine both --applications 200 --users 2000 \
		--records 5000 --visits 3 > $(TARGET)/pages-smoke.txt

crash: compiler ## kill a release binary KILLS times on each engine; the report is target/crash-report.md
	cargo build --release -p signet -p signet-crash
	$(TARGET)/release/signet-crash --binary $(TARGET)/release/signet --kills $(KILLS) --report $(TARGET)/crash-report.md $(ARGS)

crash-smoke: ## kill a debug binary 100 times on each engine
	cargo build -p signet -p signet-crash
	$(TARGET)/debug/signet-crash --binary $(TARGET)/debug/signet --report $(TARGET)/crash-smoke.md

fuzz: compiler ## look for inputs that break a parser, SECONDS=60 for each; TARGETS='jwt scope' names some
	fuzz/run $(or $(SECONDS),60) $(TARGETS)

compiler:
	@command -v cc >/dev/null || scripts/install-packages build-essential
