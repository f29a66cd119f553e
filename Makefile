# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
MAKEFLAGS += --no-print-directory
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help run test tools fmt lint unit interop bench fuzz compiler

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: compiler ## build a release binary and serve at http://localhost:8080 on ./signet-data
	cargo build --release -p signet
	exec $(TARGET)/release/signet serve

# One line after the other, whatever -j says: each step builds on what the one before has compiled.
test: ## install what is missing and run every check and every test
	$(MAKE) tools
	$(MAKE) lint
	$(MAKE) unit
	$(MAKE) interop

tools: ## install what the tests need: PostgreSQL, Node.js, Chromium, npm and pip packages
	scripts/install-test-tools

fmt: ## format the Rust sources
	cargo fmt --all

lint: ## formatting, clippy and documentation, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps

unit: ## the Rust tests, on SQLite and on PostgreSQL
	cargo test --workspace

interop: export SIGNET_BIN := $(abspath $(TARGET)/debug/signet)
interop: ## real relying parties in Node.js, a browser and Python against the real binary
	cargo build -p signet
	npm test --prefix interop --silent
	interop/.venv/bin/python -m pytest -p no:cacheprovider interop/python

bench: compiler ## measure a release binary over loopback; ARGS='--help' tells the options
	cargo build --release -p signet -p signet-bench
	$(TARGET)/release/signet-bench --binary $(TARGET)/release/signet $(ARGS)

fuzz: compiler ## look for inputs that break a parser, SECONDS=60 for each; TARGETS='jwt scope' names some
	fuzz/run $(or $(SECONDS),60) $(TARGETS)

compiler:
	@command -v cc >/dev/null || scripts/install-packages build-essential
