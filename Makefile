# Everything a developer or CI runs. Needs Python 3.11 or newer and make; `PYTHON=python3.12 make test` picks another.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SPEC ?= specs/two_layer.yaml
WORKERS ?= auto
PYTEST = -m pytest -q --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Stamps: what each environment was last made from. The stamp comes last: a set-up that was interrupted is repeated.
RUNS := $(VENV)/.runs
READY := $(VENV)/.ready
BROWSER := tests/browser/node_modules/.ready
LOWEST := .venv-lowest/.ready
PEERS := .venv-peers/.ready

.DEFAULT_GOAL := help
.PHONY: help run test test-lowest test-peers test-browser test-latex lint bench fuzz docs golden clean

help: ## what the targets do
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1	/p' Makefile

# What running needs, and no more. The package is compiled once, here: where PYTHONDONTWRITEBYTECODE is set, as in most
# containers, Python would compile it anew on every run.
$(RUNS): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "backprop needs Python 3.11 or newer; set PYTHON=...")'
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -m compileall -q backprop_cli
	@touch $(RUNS)

$(READY): $(RUNS)
	@echo "adding what tests and tools need to $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

$(LOWEST): pyproject.toml .ci/lowest.py
	@echo "setting up .venv-lowest (once)"
	@$(PYTHON) -m venv .venv-lowest
	@$(PYTHON) .ci/lowest.py > .venv-lowest/constraints.txt
	@.venv-lowest/bin/python -m pip install --quiet --editable '.[test]' --constraint .venv-lowest/constraints.txt
	@touch $(LOWEST)

$(PEERS): pyproject.toml
	@echo "setting up .venv-peers (once; PyTorch and JAX are large)"
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --editable '.[test,peers]'
	@touch $(PEERS)

# Debian's chromium, where there is none, and npm's driver and accessibility rules.
$(BROWSER): tests/browser/package.json
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	{ apt-get update -qq && apt-get install -y -qq chromium >/dev/null; }
	@cd tests/browser && npm install --no-audit --no-fund --no-package-lock --silent
	@touch $(BROWSER)

run: $(RUNS) ## the main job on a shipped spec; SPEC=... for another
	@$(BIN)/backprop run $(SPEC)

# TeX and the browser have targets of their own, which install them. What was edited is compiled for the processes that
# the tests start.
WITHOUT_TOOLS := -m "not fuzz and not latex and not browser"
test: $(READY) ## lint, types, then every test (the docs are executed too); WORKERS=1 for one process
	@$(BIN)/python -m compileall -q backprop_cli
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/python $(PYTEST) $(WITHOUT_TOOLS) || status=1; \
	exit $$status

# Types, imports and the wheel know nothing of versions: `make test` is enough for them.
OF_ANY_VERSION := tests/packaging tests/test_annotations.py tests/test_architecture.py
test-lowest: $(LOWEST) ## the tests on the lowest versions that pyproject.toml allows
	@.venv-lowest/bin/python $(PYTEST) $(WITHOUT_TOOLS) $(OF_ANY_VERSION:%=--ignore=%)

test-peers: $(PEERS) ## what is compared with PyTorch and JAX
	@.venv-peers/bin/python $(PYTEST) -m "peers and not fuzz"

test-browser: $(READY) $(BROWSER) ## the pages of --format html, in a real browser
	@$(BIN)/python $(PYTEST) -m "browser and not fuzz"

test-latex: $(READY) ## the LaTeX of every shipped spec, compiled, its boxes measured
	@command -v pdflatex >/dev/null || \
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends texlive-latex-base >/dev/null; }
	@$(BIN)/python $(PYTEST) -m "latex and not fuzz"

lint: $(READY) ## ruff and mypy alone
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(READY) ## times as ratios, against PyTorch where it is installed in .venv
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python bench/bench.py

fuzz: $(PEERS) ## the long random sweeps, beside PyTorch too; FUZZ_EXAMPLES=100000 for longer ones
	@.venv-peers/bin/python -m pytest -q -m fuzz

docs: $(READY) ## run every transcript of README and docs/ again, in place
	@$(BIN)/python docs/transcripts.py --write

golden: $(READY) ## accept the formulas that the specs print today; then read the difference
	@$(BIN)/python -m tests.specs.golden
	@git diff --stat -- tests/data

clean: ## remove the environments and all caches
	@rm -rf .venv .venv-lowest .venv-peers tests/browser/node_modules build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
