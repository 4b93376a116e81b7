# make demo    set up, build, and go from a real Envoy to a bill; flags of `waybill demo` in DEMO="--keep …"
# make test    set up, build, run the tests
# make check   lint the format, then the tests
# make fmt     format the sources
# make fuzz    fuzz the readers of the wire, 300 s each, two at a time; FUZZ="60 statsd" for less
# make screenshots   pictures of the reports in .build/screenshots, to be looked at (needs chromium)
# make bench   measure speed in a release build; one part of it by BENCH="metrics-service"
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.PHONY: setup build demo test check lint fmt fuzz screenshots bench

# Generated code is left as its generator writes it.
SWIFT_FILES = Package.swift $$(find Sources Tests Benchmarks -name '*.swift' -not -path 'Sources/EnvoyAPI/*')
ENVOY := $(CURDIR)/.build/envoy-venv/bin/envoy

setup:
	@scripts/setup

build: setup
	swift build --product waybill

demo: build
	@WAYBILL_ENVOY="$${WAYBILL_ENVOY:-$(ENVOY)}" .build/debug/waybill demo --reports .build/demo-reports $(DEMO)

test: setup
	@scripts/setup-focus-validator
	swift build --build-tests
	WAYBILL_ENVOY="$${WAYBILL_ENVOY:-$(ENVOY)}" swift test --skip-build --disable-xctest --no-parallel

check: lint test

lint:
	@echo "lint: swift format" >&2
	@swift format lint --strict $(SWIFT_FILES)

fmt:
	swift format format --in-place $(SWIFT_FILES)

screenshots:
	@scripts/screenshots

fuzz:
	scripts/fuzz $(or $(FUZZ),300)

bench: setup
	swift build -c release --product waybill
	swift build -c release --product Benchmarks
	.build/release/Benchmarks $(BENCH)
