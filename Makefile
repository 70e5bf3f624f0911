# make run · test · check · faults · bench · lock · messages: what a person types.
PYTHON ?= python3
BIN := .venv/bin

.venv/.installed: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

.PHONY: run test check faults bench lock messages
run: .venv/.installed
	LAB_DEMO=1 exec $(BIN)/python app.py

test: .venv/.installed
	$(BIN)/python -m pytest -n auto --dist loadfile

check: .venv/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy lab app.py
	$(BIN)/lint-imports

faults: .venv/.installed
	$(BIN)/python -m pytest tests/faults

bench: .venv/.installed
	$(BIN)/python -m tests.bench

lock: .venv/.installed
	$(BIN)/pip-compile --quiet --extra dev --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --upgrade -o requirements.lock pyproject.toml

messages: .venv/.installed
	mkdir -p lab/translations
	$(BIN)/pybabel extract -F pyproject.toml -k N_ -k _l -k lazy_gettext -k "ngettext:1,2" -o lab/translations/messages.pot .
