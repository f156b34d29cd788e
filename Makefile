# Two commands do it all: `make book` and `make test`. Each sets up what it needs in .venv first.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

.PHONY: book test serve lab lint bench soak reproduce screenshots clean lock

book: .venv/.ready
	$(BIN)/python book/build.py

test: .venv/.ready
	@# two processes, a file at a time as tests/conftest.py orders them: one builds the book, the other runs what needs no
	@# page; benchmarks have `make bench`
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -p no:benchmark

serve: book
	@echo "http://localhost:$(PORT)/ shows the book; Ctrl-C ends it"
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory book/_build/html

lab: .venv/.ready
	@# a relative LLPP_DATA is meant from here, but kernels start in notebooks/
	[ -z "$$LLPP_DATA" ] || LLPP_DATA=$$(cd "$$LLPP_DATA" && pwd) || exit 1; $(BIN)/jupyter lab $(LAB_ARGS) notebooks

lint: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/.ready
	mkdir -p .benchmarks && rm -f .benchmarks/last.json
	$(BIN)/python -m pytest tests/benchmarks --benchmark-json=.benchmarks/last.json
	@# reached only where every benchmark passed
	$(BIN)/python -m llpp_core.performance .benchmarks/last.json book/results/performance.json

soak: .venv/.ready
	@# a tiny experiment killed by SIGKILL at 100 random moments, run again, compared with one that nobody killed
	$(BIN)/python tests/experiment/killing.py --soak 100

reproduce: .venv/.ready
	@# the paper's experiment on LSP and LSPET, in the folder that LLPP_DATA names; goes on where it was stopped
	$(BIN)/llpp reproduce --commit "$$(git rev-parse --short HEAD)" $(REPRODUCE_ARGS)

screenshots: book
	@# every page, light, dark and on a telephone, into book/_build/screenshots
	$(BIN)/python book/screenshots.py

clean:
	rm -rf .venv book/_build .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis out.ipynb

# Resolves the ranges of pyproject.toml anew into exact versions; torch stays where it is pinned below.
lock:
	rm -rf .lock-venv && $(PYTHON) -m venv .lock-venv
	.lock-venv/bin/pip install --quiet "torch==2.13.0" ".[book,dev]" "hatchling>=1.27" "editables>=0.5"
	.lock-venv/bin/pip freeze --exclude llpp-core | sed 's/^\(torch==[0-9.]*\)+.*/\1/' > requirements.lock
	rm -rf .lock-venv

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "wanted Python 3.11 or newer as $(PYTHON), got: $$($(PYTHON) --version 2>&1); name another with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "setting up .venv from requirements.lock: a minute or more, most of it torch"
	$(BIN)/pip install -qq --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
