.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KEEP ?=

.PHONY: help setup lock check format test test-registry demo demo-stop bench clean

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Make .venv with every locked package (the other targets do it by themselves)

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed and $(PYTHON) is older: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 2; }
	@echo "setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing: install it (Debian: apt-get install python3-venv)"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt || \
		{ echo "The packages could not be installed. Is the package index reachable?"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: ## Lock the packages anew, with hashes and without an index address
	@$(PYTHON) -m venv .local/lock && .local/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@for file in requirements.txt:registry requirements-dev.txt:dev; do \
		.local/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-strip-extras pyproject.toml --extra "$${file#*:}" --output-file "$${file%:*}" || exit 2; done

check: setup ## Formatting, lint, types, import rules, schema compatibility
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/qbo-bridge schemas check

format: setup ## Put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup ## Unit, contract, integration and acceptance tests on real Kafka and PostgreSQL
	@test -n "$$KAFKA_BOOTSTRAP_SERVERS" || $(BIN)/python -m deploy.local fetch
	$(BIN)/pytest -n 2 -m "not registry" --ignore=tests/benchmarks

test-registry: setup ## The schemas against a real schema registry (a large download the first time)
	@$(BIN)/python -m deploy.local fetch-registry
	$(BIN)/pytest -m registry tests/contract tests/integration

demo: setup ## The whole product on this machine, with real Kafka and PostgreSQL (KEEP=1 leaves it running)
	@$(BIN)/python -m deploy.local.demo $(if $(KEEP),--keep)

demo-stop: setup ## End what `make demo KEEP=1` left running
	@$(BIN)/python -m deploy.local down

bench: setup ## Measure: ingest, writes a second, added delay, memory
	@$(BIN)/python -m tests.benchmarks

clean: ## Remove the environment, caches and local data
	rm -rf $(VENV) .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
