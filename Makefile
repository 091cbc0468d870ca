# Baton: set up, build, run, test, measure, ship. `make` alone lists the goals.
SHELL := /bin/bash
.DEFAULT_GOAL := help

SWIFT ?= $(shell command -v swift || echo /opt/swift/usr/bin/swift)
BATON_SUITES ?= $(abspath $(CURDIR)/../shared/suites)
BATON_BENCH ?= $(abspath $(CURDIR)/../shared/bench)
export BATON_SUITES BATON_BENCH

# What the build links against; the run-time libraries come with them.
PACKAGES := libunbound-dev libidn2-dev libisal-dev libssl-dev libsqlite3-dev dns-root-data pkg-config
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
VERSION := $(shell sed -n 's/^## \[\?\([0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -1)
RELEASE := .build/release/baton
# Exclusive access to memory is checked at run time by tests and fuzz targets; releases and `simulate` are built without.
RELEASE_FLAGS := -c release --static-swift-stdlib -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked

PREFIX ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=

.PHONY: help setup build release run test conformance simulate planted fuzz interoperation bench install deb docs clean

help: ## This list.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

setup: ## Install the Debian packages that the build needs, where they are missing.
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then echo "installing:" $$missing; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

build: setup ## Build for development.
	@$(SWIFT) build --product baton

release: setup ## Build what is shipped and measured: optimised, Swift runtime linked in.
	@$(SWIFT) build $(RELEASE_FLAGS) --product baton

run: build ## Run Baton with the quick-start configuration in ./run, on high ports, mailing nobody.
	@exec .build/debug/baton quickstart --directory run

test: setup ## Build and pass the tests, and live through SEEDS simulated histories.
	@$(SWIFT) build --build-tests 2>&1 | grep -v '^\[' || true
	@SWIFT_DETERMINISTIC_HASHING=1 $(SWIFT) test --skip-build
	@$(MAKE) --no-print-directory simulate

# The tests that read those suites.
CONFORMANCE := SuiteTests|AddressConformanceTests|ReceivedReportTests|ProxyHeaderTests|DateTimeParsingTests
conformance: setup ## Run the third-party suites found at BATON_SUITES.
	@test -d "$(BATON_SUITES)" || { echo "no conformance data at $(BATON_SUITES): set BATON_SUITES to its folder" >&2; exit 1; }
	@$(SWIFT) test --filter '$(CONFORMANCE)'

SEEDS ?= 200
JOBS ?= $(shell nproc)
simulate: setup ## Live through SEEDS simulated histories (a number, or FIRST-LAST); SEED=n replays one.
	@$(SWIFT) build --package-path Simulation -c release --product simulate 2>&1 | grep -E 'error|warning: unre|^Build' || true
	@Simulation/.build/release/simulate $(if $(SEED),--seed $(SEED) --trace,--seeds $(SEEDS) --jobs $(JOBS))

planted: setup ## Plant bugs in the sources, one at a time, and see which tests notice (an hour).
	@Tests/PlantedBugs/run.py

SECONDS_EACH ?= 60
fuzz: setup ## Fuzz each target for SECONDS_EACH.
	@Fuzz/run.sh $(SECONDS_EACH)

interoperation: build ## Try Baton against swaks, curl, msmtp, Postfix, Dovecot; what is absent is skipped.
	@Tests/Interoperation/run.sh

bench: release ## Measure Baton beside Postfix with the harness at BATON_BENCH.
	@test -x "$(BATON_BENCH)/bench.py" || { echo "no benchmark harness at $(BATON_BENCH): set BATON_BENCH to its folder" >&2; exit 1; }
	@Benchmarks/run.sh

install: ## Install the release binary, unit and example configuration (DESTDIR, PREFIX, SYSCONFDIR).
	@test -x $(RELEASE) || { echo "build it first: make release" >&2; exit 1; }
	install -D -m 0755 -s $(RELEASE) $(DESTDIR)$(PREFIX)/sbin/baton
	install -d $(DESTDIR)$(PREFIX)/share/baton
	ln -sf ../sbin/baton $(DESTDIR)$(PREFIX)/share/baton/sendmail
	install -D -m 0644 packaging/systemd/baton.service $(DESTDIR)/lib/systemd/system/baton.service
	install -D -m 0644 packaging/sysusers.d/baton.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/baton.conf
	install -D -m 0644 packaging/tmpfiles.d/baton.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/baton.conf
	install -D -m 0640 examples/baton.yaml $(DESTDIR)$(SYSCONFDIR)/baton/baton.yaml.example
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
	$(RELEASE) --generate-completion-script bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/baton
	$(RELEASE) --generate-completion-script zsh > $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_baton

deb: release ## Build the Debian package.
	@packaging/debian/build.sh "$(VERSION)"

clean: ## Remove what was built.
	rm -rf .build build run
