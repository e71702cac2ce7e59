# Every target works in a fresh clone with Python 3.11 or newer and nothing else installed.
# The first call of a target builds .venv from a lock file; later calls find it ready.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.run-ready
ALL_READY := $(VENV)/.all-ready
DATA ?= ../shared/data
WORKERS ?= 2
LOCK := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-find-links --no-emit-index-url --custom-compile-command "make lock" pyproject.toml

.PHONY: help run test check docs backtests adopt year bench lock wheelhouse wheelhouse-try browser clean drill

help: ## Say what each target does
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

run: $(RUN_READY) ## Install what it takes, then start the demo and its board
	@exec $(BIN)/lineside demo $(ARGS)

test: $(ALL_READY) browser ## Install everything, then run every test
	@echo "== test: running the tests"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(ALL_READY) ## Format, lint, types and floors
	@echo "== check: format";  $(BIN)/ruff format --check .
	@echo "== check: lint";    $(BIN)/ruff check .
	@echo "== check: types";   $(BIN)/mypy
	@echo "== check: floors";  $(BIN)/lint-imports

docs: $(ALL_READY) ## Build the documentation, strictly
	@echo "== docs: building docs/_build/html"
	@$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

drill: $(ALL_READY) ## Break things at length (as root: power cuts too): make drill [KILLS=1000] [CUTS=200] [INPUTS=10000000] [HOURS=24]
	@echo "== drill: power cuts and failing disks need root, XFS tools and strace (Debian: xfsprogs strace nftables iproute2 faketime)"
	@$(BIN)/python -m pytest --drill -m "drill or system" tests/faults tests/system \
	  $(foreach count,KILLS CUTS INPUTS HOURS,$(if $($(count)),--$(shell echo $(count) | tr A-Z a-z) $($(count)))) $(ARGS)

backtests: $(ALL_READY) ## Replay the four public data sets: make backtests OUT=DIR [DATA=DIR]
	@test -n "$(OUT)" || { echo "usage: make backtests OUT=DIR [DATA=DIR]"; exit 2; }
	@$(BIN)/python benchmarks/backtests.py --out "$(OUT)" --data "$(DATA)"

adopt: $(ALL_READY) ## Adopt three prototypes made from the public data sets: make adopt OUT=DIR [DATA=DIR]
	@test -n "$(OUT)" || { echo "usage: make adopt OUT=DIR [DATA=DIR]"; exit 2; }
	@$(BIN)/python benchmarks/adopt.py --out "$(OUT)" --data "$(DATA)"

year: $(ALL_READY) ## Run the simulated cell through a year, beside plain boosting, and with events: make year OUT=DIR [SEEDS=3]
	@test -n "$(OUT)" || { echo "usage: make year OUT=DIR [SEEDS=3]"; exit 2; }
	@$(BIN)/python benchmarks/year.py --out "$(OUT)" --seeds "$(or $(SEEDS),3)"
	@$(BIN)/python benchmarks/year_events.py --out "$(OUT)" --seeds "$(or $(SEEDS),3)"

bench: $(ALL_READY) ## Measure Lineside beside its peers and limits: make bench OUT=DIR [ONLY=PREFIX]
	@test -n "$(OUT)" || { echo "usage: make bench OUT=DIR [ONLY=PREFIX]"; exit 2; }
	@$(BIN)/python benchmarks/bench.py --out "$(OUT)" $(if $(ONLY),--only "$(ONLY)")

lock: ## Renew the lock files (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv (https://docs.astral.sh/uv/); nothing else does"; exit 2; }
	$(LOCK) --all-extras --output-file requirements.lock
	$(LOCK) --extra demo --extra build --constraint requirements.lock --output-file requirements-run.lock
	$(LOCK) --constraint requirements.lock --output-file requirements-gateway.lock

wheelhouse: $(ALL_READY) ## All wheels of a gateway, to install offline: make wheelhouse [MACHINE=aarch64] [OUT=DIR]
	@tools/wheelhouse "$(or $(OUT),dist/wheelhouse-$(or $(MACHINE),$(shell uname -m)))" $(MACHINE)

wheelhouse-try: $(ALL_READY) ## Make a wheelhouse, install a gateway from it without a network, and judge a stream
	@tools/wheelhouse dist/wheelhouse-try
	@LINESIDE_WHEELHOUSE=dist/wheelhouse-try $(BIN)/python -m pytest tests/packaging/test_offline_install.py $(ARGS)

clean: ## Remove what the other targets made
	rm -rf $(VENV) docs/_build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis benchmarks/.peers

# The browser tests use a Chromium that is there, or fetch one into .venv; without either they do not run, and say so.
browser: $(ALL_READY)
	@$(BIN)/python tests/find_browser.py --fetch || true

$(BIN)/python:
	@tools/make-venv $(VENV)

# What is installed for everything serves the demo too.
$(RUN_READY): requirements-run.lock pyproject.toml | $(BIN)/python
	@test $(ALL_READY) -nt requirements.lock -a $(ALL_READY) -nt pyproject.toml || tools/install requirements-run.lock
	@touch $@

$(ALL_READY): requirements.lock pyproject.toml | $(BIN)/python
	@tools/install requirements.lock
	@touch $@
