# Two commands are enough on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := infra/requirements.lock
READY := $(VENV)/.ready
WORKSPACE ?= demo
SOURCE ?=
export SCALEMAI_SERVICES ?= $(CURDIR)/.services
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A round starts many processes: none should compile the engine anew.
unexport PYTHONDONTWRITEBYTECODE
# Files stay together, and so do all that look at the same round: tests/conftest.py.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --no-loadscope-reorder --durations 15
SERVICES_TESTS ?= tests/services

.PHONY: help install demo test test-slow check format clean services services-test services-stop

help: ## Show what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

install: $(READY) ## Create .venv and install the locked dependencies

$(READY): $(LOCK) pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies (about two minutes)"
	$(BIN)/python -m pip install --quiet --requirement $(LOCK)
	@# The client that tests drive the queue with; what its server needs stays out.
	$(BIN)/python -m pip install --quiet --no-deps monailabel==0.8.5
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## Two EM rounds on phantom patients, or one on WORKSPACE=... SOURCE=...
ifeq ($(SOURCE),)
	$(BIN)/scalemai demo $(WORKSPACE)
else
	$(BIN)/scalemai ingest $(WORKSPACE) $(SOURCE)
	$(BIN)/scalemai round $(WORKSPACE) --settings deployments/settings/tryout.yaml --review skip
	$(BIN)/scalemai status $(WORKSPACE)
endif

test: $(READY) ## Run the tests, in two processes
	$(PYTEST) -m "not slow"

test-slow: $(READY) ## Run the tests that take minutes each: clusters, kills, label quality, real scans
	$(PYTEST) -m slow

services: $(READY) ## Start object store, PostgreSQL, Prefect, MLflow and Dask, and wait for them
	$(BIN)/python infra/services start

services-test: $(READY) ## Run the integration tests against the services
	@test -e $(SCALEMAI_SERVICES)/services.env || { echo "no services run: make services"; exit 1; }
	source $(SCALEMAI_SERVICES)/services.env && OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs $(SERVICES_TESTS)

services-stop: $(READY) ## Stop what `make services` started; its data stays
	$(BIN)/python infra/services stop

check: $(READY) ## Lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright --warnings

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment and the demo's workspace
	rm -rf $(VENV) demo
