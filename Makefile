# `make help` lists the targets. `make demo` and `make test` each do all the
# set-up there is: nothing else has to be called before them.

CARGO ?= cargo
export PATH := $(PATH):$(HOME)/.cargo/bin

# Absolute, because cargo runs tests and build scripts in the folder of their package.
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
COMPONENTS := $(TARGET)/components
WITH_COMPONENTS = WASMIME_COMPONENT=$(COMPONENTS)/wasmime-accelerator.wasm WASMIME_COMPONENTS=$(COMPONENTS)

# Of the whole workspace even where one program is wanted: what they share is then
# compiled with the same features, and once.
BUILD = $(CARGO) build --workspace --locked

# How long each fuzz target runs, in seconds.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS = mime cms filter

# By name: else the unit tests of every crate are compiled as benches, too.
BENCHES = speed keyring load

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench soak deb fuzz peers components toolchain

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: toolchain components ## two organisations send each other mail; every step is shown
	$(WITH_COMPONENTS) $(BUILD) --bin wasmime
	@$(TARGET)/debug/wasmime demo

test: toolchain peers components ## all tests, with every peer that can be had
	$(WITH_COMPONENTS) $(CARGO) test --workspace --locked

lint: toolchain components ## formatting, clippy, documentation; warnings are errors
	$(CARGO) fmt --all --check
	$(WITH_COMPONENTS) $(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(WITH_COMPONENTS) RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked
	@if command -v c++ >/dev/null; then \
	  $(CARGO) check --manifest-path fuzz/Cargo.toml --locked --target-dir $(TARGET); \
	else echo "skipped: the fuzz targets, which need a C++ compiler"; fi

bench: toolchain components ## into docs/performance.md beside OpenSSL; 10,000 messages through Postfix (WASMIME_BENCH_MESSAGES)
	$(WITH_COMPONENTS) $(CARGO) bench --workspace --locked --features host-test/openssl $(addprefix --bench ,$(BENCHES))

soak: toolchain peers components ## 10,000 messages through replicas that are killed at random
	WASMIME_REPLICA_MESSAGES=10000 $(WITH_COMPONENTS) $(CARGO) test --workspace --locked --test servers -- \
	  replicas_killed_at_random_lose_nothing_and_double_nothing --nocapture

deb: toolchain components ## a Debian package, in target/debian; needs cargo-deb
	@command -v cargo-deb >/dev/null || { echo "deb: install cargo-deb (cargo install --locked cargo-deb)" >&2; exit 1; }
	$(WITH_COMPONENTS) $(BUILD) --release --bin wasmime
	@rm -rf $(TARGET)/release/manual
	$(TARGET)/release/wasmime manual $(TARGET)/release/manual
	@gzip -9n $(TARGET)/release/manual/*
	@mkdir -p $(TARGET)/release/completion
	$(TARGET)/release/wasmime completion bash > $(TARGET)/release/completion/wasmime
	$(TARGET)/release/wasmime completion zsh > $(TARGET)/release/completion/_wasmime
	$(TARGET)/release/wasmime completion fish > $(TARGET)/release/completion/wasmime.fish
	$(CARGO) deb --no-build --package gateway

fuzz: toolchain ## every fuzz target for FUZZ_SECONDS (60); needs nightly Rust and cargo-fuzz
	@tools/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

peers: ## install the other implementations that tests talk to (Debian packages)
	@tools/peers
	@CARGO=$(CARGO) tools/openssl $(TARGET)/openssl
	@tools/mail-servers $(TARGET)/mail-servers

components: toolchain ## build every variant of the component, with checksums, into target/components
	$(BUILD) --bin components
	CARGO=$(CARGO) $(TARGET)/debug/components --output $(COMPONENTS)

toolchain: ## install the Rust of rust-toolchain.toml, if it is missing
	@tools/toolchain
