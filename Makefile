# Everything a newcomer, a developer and CI need. `make help` lists it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What foreign programs run on never shares the server's environment.
SCENARIOS := tests/scenarios
SCENARIOS_VENV := .venv-scenarios
SCENARIOS_STAMP := $(SCENARIOS_VENV)/.installed
SCENARIOS_NODE := $(SCENARIOS)/node/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help install browser demo run test test-fast test-integration scenarios scenario-packages check advisories bench lint format lock

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

install: $(STAMP) ## Make .venv with everything pinned in requirements.txt

$(STAMP): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; name it with PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

browser:
	@sh tests/browser.sh

demo: install ## Start the dashboard with real example automations: http://127.0.0.1:8501
	$(BIN)/python -m examples.demo

run: install ## Start the dashboard without examples
	$(BIN)/python app.py

test: install browser ## Run all tests, the browser's included; not those of large data
	$(BIN)/python -m coverage run -m pytest -m "not integration and not scenario"
	$(BIN)/python -m coverage report

test-fast: install ## Run the tests that take less than a minute together
	$(BIN)/python -m pytest -m "not browser and not fault and not slow and not integration and not scenario"

test-integration: install ## Run the tests of large data: 2.2 million lines across a kill, some minutes
	$(BIN)/python -m pytest -m integration -s

scenarios: install scenario-packages $(SCENARIOS_STAMP) $(SCENARIOS_NODE) ## Run real foreign programs and compare what Unsnag states
	$(BIN)/python -m pytest $(SCENARIOS)

scenario-packages:
	@sh $(SCENARIOS)/packages.sh

$(SCENARIOS_STAMP): $(SCENARIOS)/requirements.txt
	@test -x $(SCENARIOS_VENV)/bin/python || $(PYTHON) -m venv $(SCENARIOS_VENV)
	$(SCENARIOS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $(SCENARIOS)/requirements.txt
	@touch $@

$(SCENARIOS_NODE): $(SCENARIOS)/node/package.json $(SCENARIOS)/node/package-lock.json | scenario-packages
	cd $(SCENARIOS)/node && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

check: install lint advisories ## Lint, types, import contracts, advisories: exactly what CI runs before the tests
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-cache

advisories: install ## Ask the advisory database for known faults in what is pinned
	$(BIN)/python tests/advisories.py

lint: install ## Look for mistakes and for what is not formatted
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: install ## Format and mend what can be mended
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

bench: install ## Measure speed and memory, as ratios in one run
	$(BIN)/python -m bench

lock: install ## Compile requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --no-header --no-emit-index-url --python-version 3.11 --group server --group dev --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --no-header --no-emit-index-url --python-version 3.11 --output-file $(SCENARIOS)/requirements.txt $(SCENARIOS)/requirements.in
