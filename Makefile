# Everything a newcomer types. `make serve` and `make test` set up what they need by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install serve test check fix bench soak stubs models clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s '	'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "stubtail needs Python 3.11 or newer; name one with `make PYTHON=/path/to/python3.11 ...`")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

install: $(STAMP) ## set up .venv with everything

serve: $(STAMP) ## serve the shipped models on port 8500 (ARGS="--port 9000" for more)
	$(BIN)/stubtail serve --models exported_models $(ARGS)

test: $(STAMP) ## run all tests (ARGS="-k name" for some)
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP) ## format, lint, types, stale stubs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python proto/generate.py --check
	$(BIN)/python proto/lint.py

fix: $(STAMP) ## mend what can be mended by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python proto/lint.py --fix

stubs: $(STAMP) ## regenerate the protobuf stubs
	$(BIN)/python proto/generate.py

models: $(STAMP) ## train and export every model again
	$(BIN)/python -m training

bench: $(STAMP) ## measure this machine: micro and floor comparison
	$(BIN)/python -m benchmarks

soak: $(STAMP) ## the long tests
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

clean: ## forget the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .cache
