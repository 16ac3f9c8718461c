# Tocsin: `make help` lists what can be made.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
BUS ?= embedded
PYTEST_ARGS ?=

.PHONY: help
help: ## List these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment: hashes are checked, nothing is resolved anew.
$(VENV)/bin/python:
	@sh tools/make-venv.sh $(VENV)

$(VENV)/.product: requirements.lock | $(VENV)/bin/python
	@echo "installing what Tocsin needs …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "installing what Tocsin and its tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.product

# The `tocsin` command of this checkout.
$(VENV)/bin/tocsin: | $(VENV)/bin/python
	@printf "#!/bin/sh\nPYTHONPATH='%s' exec '%s' -m services.cli \"\$$@\"\n" "$(CURDIR)" "$(abspath $(BIN))/python" > $@
	@chmod +x $@

.PHONY: run
run: $(VENV)/bin/tocsin $(if $(filter kafka,$(BUS)),$(VENV)/.dev,$(VENV)/.product) ## Run Tocsin on this machine (BUS=kafka: on a local Apache Kafka)
	@TOCSIN_BUS=$(BUS) exec $(BIN)/python -m services

.PHONY: demo
demo: $(VENV)/.product ## Play one P1 from the alarm to the RCA in about three minutes
	@exec $(BIN)/python -m services demo

.PHONY: test
test: $(VENV)/.dev browser programs ## Run every test: unit, contract, integration, stories, faults, browser
	@sh tools/run-tests.sh $(BIN)/python $(PYTEST_ARGS)

.PHONY: check
check: $(VENV)/.dev ## Lint, format, types, import contracts, generated documents
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m libs.common.events.catalogue --check

.PHONY: docs
docs: $(VENV)/.dev ## Generate what is generated under docs/ anew
	@$(BIN)/python -m libs.common.events.catalogue
	@$(BIN)/python -m libs.common.docs
	@$(BIN)/python -m services.intake.sources.pages

.PHONY: format
format: $(VENV)/.dev ## Format the code and mend what can be mended
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

.PHONY: bench
bench: $(VENV)/.dev ## Measure, and write docs/benchmarks.md
	@$(BIN)/python -m tests.bench

.PHONY: cases
cases: $(VENV)/.dev ## Run the field's behaviour cases (TOCSIN_CASES names their file) and count them by area
	@$(BIN)/python -m tests.cases

.PHONY: lock
lock: $(VENV)/.dev ## Resolve the newest versions into the lock files
	@sh tools/lock.sh $(BIN)/uv

.PHONY: browser
browser: $(VENV)/.dev
	@sh tools/find-browser.sh $(BIN)/python

.PHONY: programs
programs:
	@sh tools/find-programs.sh

.PHONY: clean
clean: ## Remove the environment and caches (never data)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
