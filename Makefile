# Everything that people and CI do here. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
# Spark takes half a gigabyte, so it has an environment to itself.
SPARK := VENV=.venv.spark REQUIREMENTS="requirements.txt requirements-spark.txt"
ifneq ($(filter spark,$(ENGINE))$(filter train-spark,$(MAKECMDGOALS)),)
VENV ?= .venv.spark
REQUIREMENTS ?= requirements.txt requirements-spark.txt
endif
VENV ?= .venv
REQUIREMENTS ?= requirements.txt
export PATH := $(abspath $(VENV))/bin:$(PATH)

.PHONY: help repro compose packages pull test test-whole test-faults test-image test-spark _test-spark train-spark test-stack score serve dispatcher \
  migrate retrain-check challenger retrain replay demo lint format verify champion compare data-diff sweep \
  pr-report comment pull-request release promote rollback image image-size image-sbom publish-image deploy \
  secrets smoke rollout kubernetes mlflow track bench bench-quality _quality bench-serve bench-score bench-scale bench-drift \
  bench-image _environment _wrk _promtool lock figures clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | column -t -s "$$(printf '\t')"

# The mark names the content of the requirements and is written last, so an environment is whole and
# of this commit, or is made anew. pip installs uv, which takes a quarter of pip's time for the rest,
# and setuptools, which builds the one package that comes as source (antlr4-python3-runtime, for
# hydra) without fetching anything that has no hash here.
INSTALLED := $(VENV)/.installed-$(shell cat $(REQUIREMENTS) | sha256sum | cut -c1-16)
$(INSTALLED):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: $(PYTHON) is not there. Install Python 3.11, or name it: make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq python3.11-venv; else \
	  echo "error: Python's venv module is incomplete. Run: sudo apt-get install python3.11-venv" >&2; exit 1; fi
	@echo "Installing the environment; this takes a minute or two."
	$(PYTHON) -m venv --clear $(VENV)
	awk '/^[^ ]/ {p = /^(uv|setuptools)==/} p' requirements.txt > $(VENV)/first.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r $(VENV)/first.txt
	$(VENV)/bin/uv pip sync --quiet --require-hashes --no-build-isolation --compile-bytecode \
	  --python $(VENV)/bin/python $(REQUIREMENTS)
	touch $@

repro: $(INSTALLED) compose  ## rebuild the model, print how good it is
	@python -m commands.mend
	dvc repro
	@python -m commands.summary

pull: $(INSTALLED)  ## fetch outs that dvc.lock names and experiments, as far as others have pushed them
	@python -m commands.pull

compose: $(INSTALLED)  ## write params.yaml from conf/
	python -m commands.compose

packages:  ## install what tests, lint and workflows need of Debian (as root)
	.ci/packages

test: $(INSTALLED)  ## run all tests
	python -m pytest

lint: $(INSTALLED) _promtool  ## ruff, mypy, import-linter, params.yaml against conf/, deploy/
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=src:. lint-imports --no-cache
	python -m commands.compose --check
	python -m commands.figures --check
	zizmor --offline --quiet --strict-collection .github
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	promtool check config deploy/prometheus/prometheus.yml
	promtool test rules deploy/prometheus/tests/*.yml
	amtool check-config deploy/alertmanager/alertmanager.yml
	hadolint Dockerfile deploy/mlflow/Dockerfile deploy/spark/Dockerfile
	check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	python -m commands.kubernetes --check

_promtool:
	@command -v promtool >/dev/null && command -v amtool >/dev/null || { \
	  echo "error: promtool or amtool is not there. Run: sudo apt-get install prometheus prometheus-alertmanager" >&2; \
	  exit 1; }

format: $(INSTALLED)  ## let ruff mend and format
	ruff check --fix .
	ruff format .

test-image: $(INSTALLED)  ## build, lock down, run and stop the image (IMAGE_UNDER_TEST=… tests that one instead)
	python -m pytest -m image -n 0 tests/image

test-spark:  ## run the tests of Apache Spark, in an environment of its own, on two cores here
	@$(MAKE) $(SPARK) _test-spark

_test-spark: $(INSTALLED)
	python -m pytest -m spark -n 0

test-stack: $(INSTALLED)  ## start docker-compose.yml's stack, kill its parts under load, roll out a model
	python -m pytest -m stack -n 0 tests/stack

test-faults: $(INSTALLED)  ## run the tests that kill, starve and swamp real servers
	python -m pytest -m faults -n 0 tests/serve

test-whole: $(INSTALLED)  ## run the tests of whole loops: the README, a retraining, a pull request
	python -m pytest -m whole

score: $(INSTALLED)  ## score a table (INPUT=customers.parquet OUTPUT=scores.parquet MODEL=prod EXPLAIN=3 RESUME=1 ENGINE=spark)
	@exec python -m pipelines.score

train-spark: $(INSTALLED)  ## validate, clean, featurize, train on Spark (INPUT=history/ OUTPUT=trained ORDER=… WORKERS=2 FORCE=1)
	@exec python -m pipelines.train_spark

serve: $(INSTALLED)  ## serve a model (MODEL=models/churn PORT=8000)
	@exec python -m serve

dispatcher: $(INSTALLED)  ## let a drift alarm start a training at GitHub (GITHUB_REPOSITORY=owner/name)
	@exec python -m deploy.dispatcher

retrain-check: $(INSTALLED)  ## is it time to train again? Exits with 3 if so (MODEL=… FORCE=1)
	@exec python -m commands.retrain_check

challenger: $(INSTALLED)  ## train on the prediction log, hold it against the champion (FORCE=1 DATABASE_URL=…)
	@exec python -m commands.challenger

retrain: $(INSTALLED)  ## the same, and promote what wins (FORCE=1 DATABASE_URL=…)
	@exec python -m commands.retrain

replay: $(INSTALLED)  ## score logged predictions again, bit for bit (PREDICTION=… or SINCE=… N=…); 4 if not equal
	@exec python -m commands.replay

demo: $(INSTALLED)  ## play 60 days in two minutes: drift, alarm, a new model (MODEL=… DATABASE_URL=…)
	@exec python -m commands.demo

image: $(INSTALLED)  ## build the container image (MODEL=prod IMAGE=ghcr.io/owner/churn TARGET=batch); the tag is the version
	@exec python -m commands.image.build

publish-image: $(INSTALLED)  ## build the image, test that one, push it to the registry of its name (MODEL=… IMAGE=…)
	image=$$(python -m commands.image.build) && \
	  IMAGE_UNDER_TEST=$$image python -m pytest -m image -n 0 tests/image && docker push --quiet "$$image"

deploy: $(INSTALLED)  ## give a stage the image of a version (MODEL=v1.2.0 STAGE=staging IMAGE=ghcr.io/owner/churn)
	@exec python -m commands.deploy

image-size: $(INSTALLED)  ## what takes how much room in the image (IMAGE_UNDER_TEST=…, or it is built)
	@exec python -m commands.image.size

image-sbom: $(INSTALLED)  ## the list of everything in the image, CycloneDX (IMAGE_UNDER_TEST=…, or it is built)
	@exec python -m commands.image.sbom

secrets: $(INSTALLED)  ## write the passwords and keys of the stack that are missing, into secrets/
	@python -m commands.stack.secrets

smoke: $(INSTALLED)  ## send predictions and outcomes through the stack, and find them at its ends
	@python -m commands.stack.smoke

rollout: $(INSTALLED)  ## the stack's servers change over to CHURN_IMAGE, one after the other
	@python -m commands.stack.rollout

migrate: $(INSTALLED)  ## make or change the tables of the prediction log (DATABASE_URL=…)
	@python -m commands.migrate

verify: $(INSTALLED)  ## rebuild HEAD under other circumstances, compare every hash (ONLY="plain old-cpu")
	python -m commands.verify $(ONLY)

champion: $(INSTALLED)  ## the model against the one tagged churn#prod, on the same customers
	@python -m commands.champion

release: $(INSTALLED)  ## make this commit's model a version, by a git tag (VERSION=v1.2.0)
	@python -m commands.release

promote: $(INSTALLED)  ## check a version, give it a stage (VERSION=v1.2.0 STAGE=prod FORCE=1 REASON=…)
	@python -m commands.promote

rollback: $(INSTALLED)  ## give a stage the model that it had before (STAGE=prod)
	@python -m commands.rollback

compare: $(INSTALLED)  ## two commits or experiments: which is better, and is that sure? (A=HEAD B=…)
	@python -m commands.compare "$${A:-HEAD}" $${B:+"$$B"}

pr-report: $(INSTALLED)  ## what the working tree does to BASE's model, as a comment: reports/pull_request.md
	@python -m commands.pr_report "$${BASE:-main}"

comment: $(INSTALLED)  ## put that comment on its pull request (for workflows: HEAD=… HEAD_SHA=… REPORT=…)
	@python -m commands.comment

pull-request: $(INSTALLED)  ## open a pull request with the challenger that has won
	@python -m commands.pull_request

data-diff: $(INSTALLED)  ## the customers of two commits or experiments (A=HEAD B=…)
	@python -m commands.data_diff "$${A:-HEAD}" $${B:+"$$B"}

sweep: $(INSTALLED)  ## search for better parameters as one experiment (SEARCH=grid SET="search.folds=3")
	@python -m commands.sweep $(or $(SEARCH),grid) $(SET)

mlflow: $(INSTALLED)  ## open MLflow on 127.0.0.1:5000 (PORT=5001)
	@python -m commands.mlflow_ui $(PORT)

track: $(INSTALLED)  ## send to MLflow runs, versions and stages that it missed while it was away
	@python -m commands.track

bench: $(INSTALLED) _wrk  ## measure speed and memory, write reports/bench/
	python -m benchmarks.pipeline
	python -m benchmarks.search
	python -m benchmarks.log

bench-quality:  ## cross-validate the model beside others, write reports/bench/quality.json
	@$(MAKE) VENV=.venv.bench REQUIREMENTS="requirements.txt requirements-bench.txt" _quality

_quality: $(INSTALLED)
	python -m benchmarks.quality

# BentoML wants another OpenTelemetry than DVC, so it has an environment to itself.
BENTO := VENV=.venv.bench-bento REQUIREMENTS=requirements-bench-bento.txt

bench-serve: $(INSTALLED) _wrk  ## load the server beside others, write reports/bench/serve.json
	@$(MAKE) $(BENTO) _environment
	python -m benchmarks.serve

# Evidently wants an older pandas than we have.
EVIDENTLY := VENV=.venv.bench-evidently REQUIREMENTS=requirements-bench-evidently.txt

bench-score: $(INSTALLED)  ## score a table beside the trees alone and scikit-learn, write reports/bench/score.json
	python -m benchmarks.score

bench-scale: $(INSTALLED)  ## load, train and score up to 30 million rows (ONLY=train): reports/bench/scale.json
	@$(MAKE) $(SPARK) _environment
	python -m benchmarks.scale

bench-drift: $(INSTALLED)  ## plant shifts, see who finds them, write reports/bench/drift.json
	@$(MAKE) $(EVIDENTLY) _environment
	python -m benchmarks.drift

bench-image: $(INSTALLED)  ## how soon the container answers and ends, what it takes: reports/bench/image.json
	python -m benchmarks.image

_environment: $(INSTALLED)

_wrk:
	@command -v wrk >/dev/null || \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq wrk; else \
	  echo "error: wrk is not there. Run: sudo apt-get install wrk" >&2; exit 1; fi

LOCK := uv pip compile --quiet --generate-hashes --no-annotate --no-header --python-version 3.11

# Extras of uvicorn[standard], which litserve asks for: to reload code, for WebSockets, for files of
# settings. The server uses none of them.
UNUSED := $(addprefix --no-emit-package ,python-dotenv pyyaml watchfiles websockets)

# What Spark adds to requirements.txt, which is installed with it.
BEYOND = $$(sed -n 's/^\([^ ]*\)==.*/--no-emit-package \1/p' requirements.txt)

lock: $(INSTALLED)  ## compile the requirements from pyproject.toml
	$(LOCK) --extra dev pyproject.toml -o requirements.txt
	$(LOCK) --group serve --constraint requirements.txt $(UNUSED) -o requirements-serve.txt
	$(LOCK) --group batch --constraint requirements.txt -o requirements-batch.txt
	$(LOCK) --extra spark --constraint requirements.txt $(BEYOND) pyproject.toml -o requirements-spark.txt
	$(LOCK) --group mlflow --constraint requirements.txt -o deploy/mlflow/requirements.txt
	$(LOCK) --group image --constraint requirements.txt -o requirements-image.txt
	$(LOCK) --group bench --constraint requirements.txt -o requirements-bench.txt
	sed -n 's/^\([^ ]*==[^ ]*\) .*/\1/p' requirements.txt | grep -v '^opentelemetry-' > $(VENV)/same.txt
	$(LOCK) --group bench-bento --constraint $(VENV)/same.txt -o requirements-bench-bento.txt
	$(LOCK) --group bench-evidently -o requirements-bench-evidently.txt

figures: $(INSTALLED)  ## write the figures of README.md and deploy/clouds.md from what they come from
	python -m commands.figures

kubernetes: $(INSTALLED)  ## write what of deploy/kubernetes is made from deploy/prometheus, check all of it
	python -m commands.kubernetes

clean:  ## remove the environment and what the pipeline made (mlruns/ and predictions/ stay)
	rm -rf $(VENV) .venv.spark .venv.bench .venv.bench-bento .venv.bench-evidently data models reports/plots reports/trials.csv reports/*.html dvc_plots .dvc/cache .dvc/tmp
