# Everything below needs Python 3.11 or newer and make; the rest is installed into .venv.
# Another Python: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Read the pins once, from one place, for every installation.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PINS := pyproject.toml constraints.txt
# What makes and checks the documentation lies beside it, in docs/tools/.
DOCS := PYTHONPATH=docs $(BIN)/python -m tools
# Worker processes of the tests.
JOBS ?= 2
# What else is installed for them; where PyTorch has no build: make test EXTRAS=dev,docs,dask
EXTRAS ?= dev,docs,torch,dask

.PHONY: help train test gpu coverage lint format docs clean

help:
	@echo "make train   train on the spoken letters of ISOLET and say where the plots are"
	@echo "make test    run the whole test suite"
	@echo "make gpu     check and time everything on a GPU, and write runs/gpu/report.md"
	@echo "make coverage  run it and say which lines it runs"
	@echo "make lint    check style, format and types"
	@echo "make format  mend style and format"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove .venv and the tools' caches; runs/ is kept"

train: $(VENV)/base.stamp
	$(BIN)/isolet-nn train isolet

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(JOBS)

gpu: $(VENV)/dev.stamp
	PYTHONPATH=.:tests $(BIN)/python -m gpu.measure --out runs/gpu

coverage: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(JOBS) --cov=isolet_nn --cov-report=term:skip-covered

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin
	$(BIN)/mypy --platform win32 isolet_nn
	$(DOCS).generated --check
	$(DOCS).site

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(DOCS).generated

docs: $(VENV)/dev.stamp
	$(DOCS).site

# One environment in two stages: training does not need PyTorch, a large download, but the tests do.
$(VENV)/base.stamp: $(VENV)/python.stamp $(PINS)
	@echo "Installing isolet-nn into $(VENV) ..."
	@$(INSTALL) -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/base.stamp
	@echo "Installing $(EXTRAS) into $(VENV) ..."
	@$(INSTALL) -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "isolet-nn needs Python 3.11 or newer, which $(PYTHON) is not." >&2; \
	  echo "Name another one, for instance: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "$(PYTHON) cannot make a virtual environment; its package may be called python3-venv." >&2; exit 1; }
	@touch $@

clean:
	rm -rf $(VENV) .cache site .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage*
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
