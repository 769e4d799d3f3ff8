# Everything a newcomer needs. `make demo` (or `make test`) does its own set-up.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup system google demo test drills spark lint benchmark lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
UV = $(BIN)/uv
GOOGLE := .cache/google
COMPILE := --quiet --universal --python-version 3.11 --no-annotate --no-header pyproject.toml requirements.in
EXTRAS := curate nsfw gate heic codes ocr captions evaluate synthesis train align adapt serve demo test develop
# tests of one file share what they made; files with slow ones come first (tests/conftest.py)
BESIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder
INPUT ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

setup: system .venv/.installed ## make .venv, install the pinned requirements, name missing system packages
	@$(BIN)/python -m compileall -q captioning curation infer synthesis taxonomy train

system:
	@.ci/system_packages

.venv/.requirements: requirements.lock requirements-models.lock
	@.ci/environment "$(PYTHON)"
	@touch $@

# --no-build-isolation: the build tools are pinned in requirements.lock like everything else
.venv/.installed: .venv/.requirements pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Google's client adds a third to the memory and start-up of every Beam process, so that it lies
# beside .venv and only the tests of Dataflow see it.
google: $(GOOGLE)/.installed

$(GOOGLE)/.installed: requirements-google.lock .venv/.requirements
	@echo "setup: installing Google's client into $(GOOGLE), for the tests of Dataflow"
	@rm -rf $(GOOGLE)
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --target $(GOOGLE) --requirement $<
	@touch $@

demo: setup ## raw images to a trained model, under demo/ (INPUT=dir takes your own images)
	@$(if $(INPUT),,.ci/stamps)
	@$(BIN)/python -m examples.demo $(if $(INPUT),--input "$(INPUT)")

# The tests of Spark run where Java, Spark and Beam's job server are here or can be fetched.
test: setup google ## all tests
	@$(BIN)/python -m benchmarks.cluster.parts --limit 120 || echo "the tests of Spark will be skipped"
	@$(BIN)/pytest $(BESIDE) --ignore tests/curation/runners/test_dataflow.py
	@PYTHONPATH=$(GOOGLE) $(BIN)/pytest tests/curation/runners/test_dataflow.py tests/curation/runners/test_preflight.py

drills: setup google ## the long tests that `make test` leaves out
	@$(BIN)/pytest -m drill --timeout 3600
	@$(BIN)/pytest $(BESIDE) --hypothesis-profile searching \
	    $$(grep -rl --include='test_*.py' 'from hypothesis' tests)

spark: setup ## fetch Spark and Beam's job server into .cache/spark, for its tests and benchmark
	@$(BIN)/python -m benchmarks.cluster.parts

lint: setup ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

benchmark: setup ## every figure of the README, each beside its baseline
	@failed=0; for file in benchmarks/[a-z]*.py; do echo "== $$file"; \
	    $(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" || failed=1; done; exit $$failed

lock: setup ## compile pyproject.toml and requirements.in into the locks and NOTICE (keeps pins that still fit)
	@mkdir -p .cache; sort requirements.lock requirements-google.lock > .cache/all.lock
	@$(UV) pip compile $(COMPILE) --all-extras --output-file .cache/all.lock
	@$(UV) pip compile $(COMPILE) $(EXTRAS:%=--extra %) --constraint .cache/all.lock \
	    --output-file requirements.lock
	@awk 'NR == FNR { known[$$1]; next } !($$1 in known)' requirements.lock .cache/all.lock \
	    > requirements-google.lock
	@$(UV) pip compile --quiet --python-version 3.11 --no-annotate --no-header --no-deps --generate-hashes \
	    --output-file requirements-models.lock requirements-models.in
	@$(BIN)/python .ci/notice.py

clean: ## remove what the targets above made, and nothing else
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
