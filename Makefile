# Two commands do everything: `make demo` and `make test`. Both install first, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install demo test test-slow check docs docs-serve bench golden clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hpo_gym needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/hpo-gym demo

# One process runs a file, so that what its tests share (a Ray cluster, the built guide) begins once.
test: install
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The user's guide, into build/site. The variable silences an advertisement of the theme's authors.
docs docs-serve: export NO_MKDOCS_2_WARNING = 1

docs: install
	$(BIN)/python -m mkdocs build --strict --quiet

docs-serve: install
	$(BIN)/python -m mkdocs serve

bench: install
	$(BIN)/python -m benchmarks

golden: install
	$(BIN)/python -m tests.golden

clean:
	rm -rf $(VENV) demo-report
