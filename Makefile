# Everything a developer or CI runs. Needs Python 3.11 or newer and make; `PYTHON=python3.12 make test` picks another.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPEC ?= specs/two_layer.yaml
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test lint bench fuzz docs golden clean

help: ## what the targets do
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1	/p' Makefile

# The environment is made once, and again when the dependencies change. The stamp comes last: a set-up that was
# interrupted is repeated.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "backprop needs Python 3.11 or newer; set PYTHON=...")'
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

run: $(READY) ## the main job on a shipped spec; SPEC=... for another
	@$(BIN)/backprop run $(SPEC)

test: $(READY) ## lint, types, then every test (the docs are executed too)
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/python -m pytest -q || status=1; \
	exit $$status

lint: $(READY) ## ruff and mypy alone
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(READY) ## times as ratios, against PyTorch where it is installed in .venv
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python bench/bench.py

fuzz: $(READY) ## the long random sweeps; FUZZ_EXAMPLES=100000 for longer ones
	@$(BIN)/python -m pytest -q -m fuzz

docs: $(READY) ## run every transcript of README and docs/ again, in place
	@$(BIN)/python docs/transcripts.py --write

golden: $(READY) ## accept the formulas that the specs print today; then read the difference
	@$(BIN)/python tests/specs/golden.py
	@git diff --stat -- tests/data/specs_formulas.json

clean: ## remove the environment and all caches
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
