# Everything that people and CI do here. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV ?= .venv
export PATH := $(abspath $(VENV))/bin:$(PATH)

.PHONY: help repro compose test lint format verify bench lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | column -t -s "$$(printf '\t')"

# Made whole or not at all: the marker is written last, and pip checks every hash. uv, itself
# installed under its hash from requirements.txt, installs the rest in a quarter of pip's time.
$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "error: Python's venv module is incomplete. Run: apt-get install python3.11-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	awk '/^uv==/ {p=1; print; next} /^[^ ]/ {p=0} p' requirements.txt > $(VENV)/uv.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt
	$(VENV)/bin/uv pip sync --quiet --require-hashes --compile-bytecode --python $(VENV)/bin/python requirements.txt
	touch $@

repro: $(VENV)/.installed compose  ## rebuild the model, print how good it is
	dvc repro
	python -m commands.summary

compose: $(VENV)/.installed  ## write params.yaml from conf/
	python -m commands.compose

test: $(VENV)/.installed  ## run all tests
	python -m pytest

lint: $(VENV)/.installed  ## ruff, mypy, import-linter, params.yaml against conf/
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=src:. lint-imports
	python -m commands.compose --check

format: $(VENV)/.installed  ## let ruff mend and format
	ruff check --fix .
	ruff format .

verify: $(VENV)/.installed  ## rebuild HEAD under other circumstances, compare every hash (ONLY="plain old-cpu")
	python -m commands.verify $(ONLY)

bench: $(VENV)/.installed  ## measure speed and memory, write reports/bench/
	python -m benchmarks.pipeline

lock: $(VENV)/.installed  ## compile requirements.txt from pyproject.toml
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	  --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.txt

clean:  ## remove the environment and everything that the pipeline made
	rm -rf $(VENV) data models reports/plots reports/*.html .dvc/cache .dvc/tmp
