# The project's doors. Each target does all the set-up it needs; see README.md for the same without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: demo test test-all test-hub lab bench lint wheels build book pictures setup system system-browser system-database system-hub clean help

help:
	@echo "make demo      build the course, grade a sample class in the sandbox, print the gradebook, write feedback"
	@echo "make test      the everyday suite; make test-all: the long gates too; make test-hub: a JupyterHub"
	@echo "make lab       open your own copy of the notebooks (my-course/) in JupyterLab"
	@echo "make book      the course as a site of pages, in book/; make pictures: those of the README, light and dark"
	@echo "make bench     measure the grader against stock nbgrader; make lint: style and types; make build: all notebooks"

demo: $(READY) system
	$(BIN)/autograder demo

test: $(READY) system system-browser system-database
	$(PYTEST) -m "not slow" tests

test-all: $(READY) system system-browser system-database system-hub
	$(PYTEST) tests

test-hub: $(READY) system system-browser system-hub
	$(BIN)/python -m pytest -m hub tests/e2e/test_hub.py

lab: $(READY)
	@test -d my-course || $(BIN)/course start my-course
	cd my-course && ../$(BIN)/course lab

bench: $(READY) system
	$(BIN)/python -m tests.bench

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy

wheels: $(READY)
	$(BIN)/python tools/wheels.py dist

build: $(READY)
	$(BIN)/autograder build

book: $(READY)
	$(BIN)/autograder build
	$(BIN)/python -m tools.book --to book

pictures: $(READY) system system-browser
	$(BIN)/python -m tools.pictures docs/pictures

setup: $(READY) system

# Debian splits venv from python3; root can mend that, others are told.
$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); } || \
	  { rm -rf $(VENV); $(PYTHON) -m pip install --user -q virtualenv && $(PYTHON) -m virtualenv -q $(VENV); } || \
	  { echo "no virtual environment could be made: install python3-venv, then run make again"; exit 1; }
	@echo "installing torch, JupyterLab, nbgrader and the course into $(VENV): a few minutes the first time"
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev,dask,postgres,export,book]"
	@touch $(READY)

system:
	@sh tools/system-packages bubblewrap bwrap "grading in a sandbox (other people's code is refused without it)"

system-browser:
	@sh tools/system-packages chromium chromium "the browser tests (they are skipped, and say so)"

system-database:
	@sh tools/system-packages postgresql pg_ctlcluster "the test of a gradebook on PostgreSQL (it is skipped, and says so)"

# a hub for the tests: the package, and its proxy, which is JavaScript
system-hub: $(READY)
	@sh tools/system-packages npm npm "the tests on a JupyterHub (they are skipped, and say so)"
	@$(BIN)/python -c "import jupyterhub" 2>/dev/null || $(BIN)/python -m pip install -q -c constraints.txt -e ".[hub]"
	@test -d .hub/node_modules/configurable-http-proxy || ! command -v npm >/dev/null || \
	  npm install --silent --no-audit --no-fund --prefix .hub configurable-http-proxy@5.1 || \
	  echo "configurable-http-proxy could not be installed: the tests on a JupyterHub are skipped"

clean:
	rm -rf demo .autograder report book .book
