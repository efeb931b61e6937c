# Needs Python 3.11 or newer and make. Everything goes into .venv and var.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test check bench mutate lock clean

demo: .venv/.run
	@$(BIN)/netid keys init --client platform_demo-forum --client platform_demo-game --client platform_demo-parcels
	@$(BIN)/netid demo $(ARGS)

test: .venv/.dev
	.ci/setup
	$(BIN)/pytest -n $(or $(WORKERS),2) --dist loadfile $(ARGS)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	$(BIN)/python -m tests.bench.run $(ARGS)
	$(BIN)/python -m tests.bench.realms
	$(BIN)/python -m tests.bench.credentials

# Changes the gate and the rules of disclosure in every small way there is: what no test notices is listed.
mutate: .venv/.dev
	rm -rf mutants
	nice -n 10 $(BIN)/mutmut run --max-children 1
	@survived=$$($(BIN)/mutmut results); echo "$$survived"; test -z "$$survived"

# After a change of the dependencies in pyproject.toml; uv is needed for this alone.
lock:
	uv pip compile pyproject.toml $(LOCK) -o requirements/run.txt
	uv pip compile pyproject.toml --group dev $(LOCK) -o requirements/dev.txt
LOCK = --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --upgrade --group build

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "NetID needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "on Debian, install python3-venv"; exit 1; }

.venv/.run: .venv/bin/python requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/bin/python requirements/dev.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ .venv/.run

clean:
	rm -rf .venv var build mutants *.egg-info
