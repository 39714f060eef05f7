# make run    start the server and its workers; prints the URL
# make test   run the tests
# make check  format, lint, types, import floors, pins
# make bench  print the benchmark tables
# make pins   pin the requirements anew after a change in pyproject.toml

VENV := .venv
BIN := $(VENV)/bin
# Why a program of that name isn't enough: it may be another version, a shim that leads
# nowhere, or a Debian python3 without venv.
FITS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c '$(FITS)' >/dev/null 2>&1 && echo "$$p" && break; done)

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--no-emit-index-url --custom-compile-command "make pins" pyproject.toml

# Compiled once for all, else the first run of each model would wait for its kernel.
KERNELS := numerics.normal_scores domains.price.kernel.prices \
	$(addprefix domains.market.,latent_class.kernel nonnegative.kernel \
	choice.logit_kernel choice.mixed_kernel choice.enumeration_kernel bayesian.kernels \
	patterns.tridiagonal)
WARM := import importlib, sys; \
	[importlib.import_module(f"flask_api.{name}").warm() for name in sys.argv[1:]]

.PHONY: run test check bench pins pins-fresh clean

run: $(VENV)/.runtime
	@$(BIN)/python start_backend.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --timeout 300 $(TESTS)

check: $(VENV)/.dev pins-fresh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/flake8 .
	$(BIN)/black --check --diff --quiet .
	$(BIN)/mypy .
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	@for file in benchmarks/bench_*.py; do \
		echo "== $$file"; PYTHONPATH=. $(BIN)/python "$$file" || exit 1; done

pins: $(BIN)/uv
	$(COMPILE) -o requirements.txt
	$(COMPILE) --extra dev -c requirements.txt -o requirements-dev.txt

# Compiling over a copy keeps each pin that still fits: only pyproject.toml can differ.
pins-fresh: $(VENV)/.dev
	@mkdir -p $(VENV)/pins && cp requirements.txt requirements-dev.txt $(VENV)/pins
	@$(COMPILE) -o $(VENV)/pins/requirements.txt
	@$(COMPILE) --extra dev -c requirements.txt -o $(VENV)/pins/requirements-dev.txt
	@diff -u requirements.txt $(VENV)/pins/requirements.txt && \
	 diff -u requirements-dev.txt $(VENV)/pins/requirements-dev.txt || \
	 { echo "the pins don't fit pyproject.toml: run 'make pins'"; exit 1; }

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Model Zone needs Python 3.11, 3.12 or 3.13 with its \
	venv module (Debian: apt-get install python3-venv); or name one: make PYTHON=..."; \
	exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -c '$(WARM)' $(KERNELS)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(BIN)/uv: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
