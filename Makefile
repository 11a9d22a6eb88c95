# Everything a contributor runs. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
PYTHON_STAMP := $(VENV)/.installed
NODE_STAMP := node_modules/.installed

CHAIN ?= anvil
NETWORK_anvil := ethereum:local:foundry
NETWORK_embedded := ethereum:local:test
NETWORK := $(NETWORK_$(CHAIN))

# States of past blocks that anvil keeps, in memory.
ANVIL_STATES := 512

SYSTEM_PATH := $(PATH)
# ape starts the first `vyper` and `anvil` on PATH: the project's own. With the venv activated, `ape` works without make.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Local targets keep ape's data in the checkout; `ape` without make uses its usual folder, where your accounts are.
export APE_DATA_FOLDER := $(CURDIR)/.cache/ape
# ape's own settings classes warn about themselves on every start.
export PYTHONWARNINGS := ignore:Field 'import_remapping' has an incomplete definition

# ape does not recompile the importers of an edited module: drop its cache when any source changed.
GUARD := $(PYTHON) -c 'from plimsoll import artifacts; artifacts.guard_ape_cache()'

FIGURES ?= --write
WORKERS ?= 2
PYTEST := $(PYTHON) -m pytest
FUZZ_PROFILE ?= ci
SIZE ?= ci
JOBS ?= $(WORKERS)
SEED ?= plimsoll
MINUTES ?= 0.5
ENGINE ?= processes

.PHONY: help setup compile demo console test gas differential coverage mutate figures fuzz fuzz-properties bench-fuzz setup-verify prove slither lint types sizes format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(PYTHON_STAMP) $(NODE_STAMP) ## Install everything into this folder (does nothing when nothing changed)

$(PYTHON_STAMP): requirements.lock pyproject.toml
	@if [ ! -x $(PYTHON) ]; then \
		for python in python3.12 python3.11 python3; do \
			if PATH="$(SYSTEM_PATH)" $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2> /dev/null; then \
				echo "creating $(VENV) with $$python"; PATH="$(SYSTEM_PATH)" $$python -m venv $(VENV); break; \
			fi; \
		done; \
	fi
	@[ -x $(PYTHON) ] || { echo "Plimsoll needs Python 3.11 or 3.12 (pyrevm has no wheels for others): install one" >&2; exit 1; }
	@echo "installing requirements.lock"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps $$(grep -E '^(setuptools|wheel)==' requirements.lock)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(NODE_STAMP): package.json package-lock.json .npmrc | $(PYTHON_STAMP)
	@npm=$$(PATH="$(SYSTEM_PATH)" command -v npm || echo $(VENV)/bin/npm); \
	echo "installing package-lock.json with $$npm"; \
	$$npm ci --ignore-scripts --loglevel=error
	@anvil=$$(ls node_modules/@foundry-rs/anvil-*/bin/anvil 2> /dev/null) \
		|| { echo "@foundry-rs/anvil has no binary for this machine" >&2; exit 1; }; \
	rm -f $(VENV)/bin/anvil; \
	printf '#!/bin/sh\n# Old states stay out of the home folder, where nobody would remove them.\nexec "%s" --prune-history %s "$$@"\n' \
		"$(CURDIR)/$$anvil" $(ANVIL_STATES) > $(VENV)/bin/anvil; \
	chmod +x $(VENV)/bin/anvil
	@touch $@

compile: setup ## Compile every contract with ape
	@$(GUARD)
	@ape compile

demo: setup ## Walk through the protocol on a fresh local chain (CHAIN=anvil or CHAIN=embedded)
	@[ -n "$(NETWORK)" ] || { echo "CHAIN is anvil or embedded, not $(CHAIN)" >&2; exit 1; }
	@ape run demo --network $(NETWORK)

console: setup ## Open `ape console` on a fresh local chain with the protocol loaded
	@$(GUARD)
	@ape console --network $(NETWORK)

test: setup ## Run the tests
	@$(PYTEST) tests -n $(WORKERS) --dist loadfile

gas: setup ## Measure every operation, print them beside the best peer, fail above the bounds
	@ape run gas $(GAS_FLAGS)

fuzz: setup ## Campaign of hostile machines over the whole protocol (MINUTES=n JOBS=k SEED=x ENGINE=processes|ray)
	@$(PYTHON) -m plimsoll.verify.campaign run --minutes $(MINUTES) --jobs $(JOBS) --seed $(SEED) --engine $(ENGINE)

fuzz-properties: setup ## Run the property tests with more examples (FUZZ_PROFILE=nightly for long ones)
	@HYPOTHESIS_PROFILE=$(FUZZ_PROFILE) $(PYTEST) tests -n $(WORKERS) --dist loadfile -m hypothesis

bench-fuzz: setup ## Measure how fast campaigns run: in process, on ape's py-evm, on anvil
	@$(PYTHON) -m plimsoll.verify.bench

setup-verify: setup ## Install what only campaigns on a cluster, proofs and static analysis need: Ray, z3, slither
	@echo "installing requirements-verify.lock"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-verify.lock

differential: setup ## Contract against model, formula by formula (SIZE=quick|ci|nightly JOBS=n SEED=text ONLY=name AGAIN=1)
	@$(PYTHON) -m plimsoll.verify.differential --size $(SIZE) --jobs $(JOBS) --seed $(SEED) \
		$(if $(ONLY),--only $(ONLY)) $(if $(AGAIN),--again)

coverage: setup ## Line and branch coverage of the Vyper sources, fail on a branch without a test or a reason
	@$(PYTHON) -m plimsoll.verify.coverage --workers $(WORKERS)

mutate: setup ## Change the Vyper sources and see whether a test notices (FILES=... SAMPLE=n KNOWN=1 AGAIN=1 BUDGET=seconds)
	@$(PYTHON) -m plimsoll.verify.mutation $(FILES) --jobs $(WORKERS) $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(KNOWN),--known) $(if $(AGAIN),--again) $(if $(BUDGET),--budget $(BUDGET))

prove: setup ## Prove the lemmas about the pure formulas with z3 (after make setup-verify; ONLY=word)
	@$(PYTHON) -m plimsoll.verify.proofs $(ONLY)

slither: setup ## Run slither over the contracts, fail on what tests/slither.toml does not judge (after make setup-verify)
	@$(PYTHON) -m plimsoll.verify.static --jobs $(WORKERS)

figures: setup ## Write the figures in README and docs/ again (after make gas)
	@$(PYTHON) -m plimsoll.report.example $(FIGURES)
	@$(PYTHON) -m plimsoll.report.size_and_gas $(FIGURES)
	@$(PYTHON) -m plimsoll.report.push_cost $(FIGURES)
	@$(PYTHON) -m plimsoll.report.attacks $(FIGURES)
	@$(PYTHON) -m plimsoll.report.risk_desk $(FIGURES)
	@$(PYTHON) -m plimsoll.report.crash $(FIGURES)

sizes: setup ## Print runtime sizes, fail above the EVM's limit
	@$(PYTHON) -m plimsoll.report.sizes

lint: setup ## Check the Python code's style
	@ruff check .

types: setup ## Check the Python code's types
	@mypy

format: setup ## Sort imports and fix what ruff can fix
	@ruff check --fix .

clean: ## Remove everything that was built or installed
	@rm -rf $(VENV) node_modules .build .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
