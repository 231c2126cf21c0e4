# Everything a person or the CI does with this project. `make help` lists it.

PYTHON ?= python3
PORT ?= 8000
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long check format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## .venv with everything, so that .venv/bin/cloudmgr and .venv/bin/simulator exist

# Done again only when the dependencies change: the sources are installed editable. A .venv
# without pip (an interrupted set-up, a Debian without python3-venv) is made again in place.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) cannot make a .venv; on Debian install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) (once; a few minutes on a slow line)" >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: setup ## play one month of the reference city, print it, keep serving at http://127.0.0.1:8000
	@$(BIN)/simulator month --data var/run --port $(PORT)

# One process more than two cores have: many tests wait for processes that they start.
test: setup ## the tests, without those marked long
	@$(BIN)/python -m pytest -n 3 -m "not long" $(PYTEST_ARGS)

# The long tests, and every property test again with many more examples; seeds are fixed.
test-long: setup ## the full bounds
	@$(BIN)/python -m pytest -n 3 -m "long or hypothesis" --hypothesis-profile=long $(PYTEST_ARGS)

check: setup ## format, lint, types and imports, in seconds
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup ## let ruff format and mend what it can
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .

bench: setup ## the benchmarks
	@$(BIN)/python -m benchmarks

clean: ## remove caches and what was built; keeps .venv and var
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
