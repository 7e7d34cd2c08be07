# One command for each chore; continuous integration calls the same. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help venv demo pictures smoke test rxdb soak guards bench check style types imports rooted locked fix openapi lock

# The first Python that is new enough. `make PYTHON=... venv` takes another.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.14,$(shell \
	$(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
# Whoever starts many processes does not want each to compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# Whom the machine trusts, uv trusts, as pip does: a city's network may read TLS by a certificate of
# its own.
export UV_SYSTEM_CERTS ?= 1
BIN := .venv/bin
RUN := $(BIN)/python
# A private PostgreSQL and Valkey around one command; DATABASE_URL and REDIS_URL name others.
ENGINES := $(RUN) -m apps.core.engines run --fast --
# For what loads the settings and connects to nothing.
UNCONNECTED := CAREFIELD_ENV=test DATABASE_URL=postgresql://nobody@127.0.0.1/none REDIS_URL=redis://127.0.0.1
RANDOM_KEY := $$($(RUN) -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')
PRODUCTION := CAREFIELD_ENV=production ALLOWED_HOSTS=carefield.example \
	SECRET_KEY=$(RANDOM_KEY)$(RANDOM_KEY) FIELD_KEYS=k1:$(RANDOM_KEY) INDEX_KEY=$(RANDOM_KEY)

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1	/p' Makefile

venv: .venv/.synced ## the virtual environment with the locked dependencies

.venv/.synced: requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed."; exit 1; }
	@echo "Installing the locked dependencies into .venv: the first time this takes a minute" >&2
	@test -x $(RUN) || $(PYTHON) -m venv .venv
	@$(BIN)/uv --version >/dev/null 2>&1 || \
		$(RUN) -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ;]*\).*/\1/p' requirements/dev.txt)"
	@$(BIN)/uv pip sync --quiet --python $(RUN) --require-hashes --compile-bytecode requirements/dev.txt
	@touch $@

demo: venv ## everything started, and a shift played: watch calls reach tablets
	@$(RUN) -m apps.simulator demo $(ARGS)

pictures: venv ## the README's pictures, of a demo that is played for them (needs Chromium)
	@$(RUN) -m apps.simulator demo --once --picture docs/pictures/demo.svg --gallery docs/pictures

smoke: venv ## the demo unattended, with faults; one JSON line, exit 0 when nothing went wrong
	@$(RUN) -m apps.simulator smoke $(ARGS)

test: venv rxdb ## the whole suite (ARGS="-k word" for a part)
	@$(RUN) -m pytest -n logical --maxprocesses 8 --dist worksteal $(ARGS)

soak: venv ## random days of tablets for ten minutes (SOAK_SECONDS, SEED): nothing lost, all agree
	@$(RUN) -m pytest -q tests/oracle/soak.py --show-capture=no --tb=short $(ARGS)

guards: venv rxdb ## each guarantee without its guard: its tests must fail (ARGS=G1 for a part)
	@$(RUN) -m tests.guards $(ARGS)

# A client of somebody else's, for the tests. They skip what needs it where it cannot be had.
rxdb: tests/rxdb/node_modules/.package-lock.json

tests/rxdb/node_modules/.package-lock.json: tests/rxdb/package-lock.json
	@if ! command -v npm >/dev/null; then echo "No Node here: RxDB will not be tried."; \
	elif ! (cd tests/rxdb && npm ci --ignore-scripts --no-audit --no-fund --silent --fetch-retries=1 >/dev/null 2>&1); then \
		echo "RxDB cannot be installed: it will not be tried."; fi

bench: venv ## the figures of the README, each beside its floor
	@$(RUN) -m bench $(ARGS)

check: venv style types imports locked ## everything that is checked without running the tests
	@$(ENGINES) $(MAKE) --no-print-directory rooted

style:
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types:
	@$(UNCONNECTED) $(BIN)/mypy

imports:
	@$(BIN)/lint-imports --no-cache

locked:
	@$(RUN) -m tests.architecture.locked

# What needs a database: migrations complete and safe, the API's description, production's settings.
rooted: export LOG_LEVEL := WARNING
rooted:
	@$(RUN) manage.py makemigrations --check --dry-run
	@$(RUN) manage.py lintmigrations --no-cache --warnings-as-errors --exclude-apps axes --quiet ok ignore
	@$(RUN) manage.py spectacular --validate --fail-on-warn --file .venv/openapi.yaml
	@diff -u docs/openapi.yaml .venv/openapi.yaml || { echo "It is out of date: make openapi"; exit 1; }
	@$(PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING

fix: venv ## style mended where a machine can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

openapi: venv ## docs/openapi.yaml written anew from the code
	@mkdir -p docs
	@$(ENGINES) $(RUN) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

lock: venv ## requirements/*.txt from *.in (ARGS=--upgrade for newer versions)
	@for name in base dev; do \
		$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
			requirements/$$name.in -o requirements/$$name.txt $(ARGS) || exit 1; \
	done
