# Everything a newcomer, a developer and CI need. `make help` lists it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
STAMP := $(VENV)/.installed
# `make demo PORT=8600`, `make run PORT=8600`; without it, UNSNAG_PORT or 8501.
PORT ?=
COMPILE := $(BIN)/uv pip compile --quiet --no-header --no-emit-index-url --python-version 3.11
# What foreign programs run on never shares the server's environment.
SCENARIOS := tests/scenarios
SCENARIOS_VENV := .venv-scenarios
SCENARIOS_STAMP := $(SCENARIOS_VENV)/.installed
AIRFLOW_VENV := .venv-airflow
AIRFLOW_STAMP := $(AIRFLOW_VENV)/.installed
# A real S3 server for the tests of backups at an S3 address.
S3_SERVER := .venv-s3/rclone_api/bin/rclone
ACCESSIBILITY := tests/accessibility
AXE := $(ACCESSIBILITY)/node_modules/.package-lock.json
SCENARIOS_NODE := $(SCENARIOS)/node/node_modules/.package-lock.json
# On all cores, up to four. The tests of a file stay together: they share their fixtures.
ON_ALL_CORES := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: accessibility help install browser pictures demo run test coverage test-fast test-integration crash scenarios scenario-packages check wording advisories bench wheel lint format lock

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

install: $(STAMP) ## Make .venv with everything that is pinned: what runs, and what developers need

$(RUNTIME): requirements.txt pyproject.toml install.py
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) install.py --venv $(VENV) --project requirements.txt
	@touch $@

$(STAMP): $(RUNTIME) requirements-dev.txt
	@$(PYTHON) install.py --venv $(VENV) requirements-dev.txt
	@touch $@

browser:
	@sh tests/browser.sh

pictures: install browser ## Take the pictures of docs/operators.md again: walks through the demo in Chromium, 5 to 15 minutes
	$(BIN)/python -m tests.docs.pictures $(if $(PORT),--port $(PORT))

demo: $(RUNTIME) ## Start the dashboard with real example automations: http://127.0.0.1:8501, or PORT=
	@$(BIN)/python -m examples.demo $(if $(PORT),--port $(PORT))

run: $(RUNTIME) ## Start the dashboard without examples; PORT= chooses another port
	@$(BIN)/python app.py $(if $(PORT),--port $(PORT))

test: install browser ## Run all tests, the browser's included; not those of large data
	$(BIN)/python -m pytest $(ON_ALL_CORES) -m "not integration and not scenario"

coverage: install browser ## Run all tests and count what they reach, of which at least 80 % are asked for
	$(BIN)/python -m coverage run -m pytest -m "not integration and not scenario"
	$(BIN)/python -m coverage report

test-fast: install ## Run the tests that take less than a minute together
	$(BIN)/python -m pytest $(ON_ALL_CORES) -m "not browser and not fault and not slow and not integration and not scenario"

accessibility: install browser $(AXE) ## Run axe-core (WCAG 2.2 AA) in Chromium over every page, light and dark, wide and narrow
	$(BIN)/python -m pytest $(ACCESSIBILITY) -m integration

$(AXE): $(ACCESSIBILITY)/package.json $(ACCESSIBILITY)/package-lock.json
	@command -v npm >/dev/null || { echo "axe-core is installed with npm, which is not on the PATH." >&2; exit 1; }
	cd $(ACCESSIBILITY) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

test-integration: install $(AXE) $(S3_SERVER) ## Run the tests of large data and of a real S3 server: 2.2 million lines across a kill, some minutes
	$(BIN)/python -m pytest -m integration -s

$(S3_SERVER): tests/data/s3-server.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target .venv-s3 -r $<
	@chmod +x $@ && touch $@

crash: install ## Kill the server 200 times over ingest, acts, backup, purge and upgrade; KILLS= chooses how often
	$(BIN)/python -m tests.crash --kills $(or $(KILLS),200)

scenarios: install scenario-packages $(SCENARIOS_STAMP) $(AIRFLOW_STAMP) $(SCENARIOS_NODE) ## Run real foreign programs and compare what Unsnag states
	$(BIN)/python -m pytest $(SCENARIOS)

scenario-packages:
	@sh $(SCENARIOS)/packages.sh

$(SCENARIOS_STAMP): $(SCENARIOS)/requirements.txt
	@test -x $(SCENARIOS_VENV)/bin/python || $(PYTHON) -m venv $(SCENARIOS_VENV)
	$(SCENARIOS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $(SCENARIOS)/requirements.txt
	@touch $@

$(AIRFLOW_STAMP): $(SCENARIOS)/airflow.txt
	@test -x $(AIRFLOW_VENV)/bin/python || $(PYTHON) -m venv $(AIRFLOW_VENV)
	$(AIRFLOW_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $(SCENARIOS)/airflow.txt
	@touch $@

$(SCENARIOS_NODE): $(SCENARIOS)/node/package.json $(SCENARIOS)/node/package-lock.json | scenario-packages
	cd $(SCENARIOS)/node && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

check: install lint wording advisories ## Lint, wording, types, import contracts, advisories: exactly what CI runs before the tests
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy --python-version 3.10 -p unsnag
	$(BIN)/vermin --quiet --no-tips --violations --target=3.9- unsnag
	$(BIN)/lint-imports --no-cache

wording: install ## Look for misspellings, and for words that tests/docs/words.toml replaces
	$(BIN)/codespell
	$(BIN)/python tests/wording.py

advisories: install ## Ask the advisory database for known faults in what is pinned
	$(BIN)/python tests/advisories.py

lint: install ## Look for mistakes and for what is not formatted
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: install ## Format, and fix what can be fixed
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

wheel: $(RUNTIME) ## Build the client's wheel into dist/, for `pip install`
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/unsnag-*.whl

bench: install ## Measure speed and memory, as ratios in one run
	$(BIN)/python -m bench

lock: install ## Compile the requirements files again from pyproject.toml
	$(COMPILE) --group server --output-file requirements.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --output-file $(SCENARIOS)/requirements.txt $(SCENARIOS)/requirements.in
	$(COMPILE) --output-file $(SCENARIOS)/airflow.txt $(SCENARIOS)/airflow.in
