# Needs Python 3.11 or later and make, nothing else. `make PYTHON=python3.12 …` takes another Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The app, the migrations and the measurements are checked as the core is.
CODE := convstore tests $(wildcard Home.py) $(sort $(dir $(wildcard pages/*.py db/*.py docs/*.py benchmarks/*.py)))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test check format docs bench lock

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install into .venv exactly what requirements.lock names

demo: $(INSTALLED) ## Start the app with demo data at http://127.0.0.1:8501
	$(BIN)/convstore demo

# Files in the order of their paths: the last ones are the quickest, so that no process is left alone with a long one.
test: $(INSTALLED) ## Run all tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(INSTALLED) ## Lint, check the format, the types and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict $(CODE)
	$(BIN)/lint-imports

format: $(INSTALLED) ## Format the code and put imports in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## Write the reference pages from the parser and the settings
	$(BIN)/python docs/reference.py

bench: $(INSTALLED) ## Run the measurements
	$(BIN)/python -m benchmarks

lock: $(INSTALLED) ## Choose dependencies anew, within the ranges of pyproject.toml
	$(BIN)/pip install -qq uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-emit-index-url --no-header --python-version 3.11 \
	  --extra dev --generate-hashes --output-file requirements.lock pyproject.toml

# The stamp makes every later call instant; a changed lock or project file installs again.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "convstore needs Python 3.11 or later; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 | head -n 1)." \
	       "Install a newer one and say where: make PYTHON=python3.12 …" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments." \
	       "On Debian and Ubuntu: apt-get install python3-venv (as root)." >&2; exit 2; }
	@echo "Installing into $(VENV); the first time takes a minute or two …"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@
