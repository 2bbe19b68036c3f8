SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTEST_ARGS ?=
# Test files go to as many processes; each starts servers of its own and takes up to 2 GB.
JOBS ?= 2

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## install into .venv, nothing else
	@scripts/install.sh

demo: ## install, start everything, ingest samples/, ask three questions, stay up (ONCE=1: exit after the answers)
	@scripts/install.sh
	@.venv/bin/beleg demo $(if $(ONCE),--once)

test: ## install what is missing, run all tests that this machine can run, say what was skipped and why
	@scripts/install.sh dev
	@.venv/bin/python -m pytest -ra -n $(JOBS) --dist loadfile $(PYTEST_ARGS)

check: ## style and types
	@scripts/install.sh dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

ner: ## train a trial pipeline for names and addresses on invented texts, into .ner
	@scripts/install.sh dev
	.venv/bin/python -m training

lock: ## resolve the dependencies anew
	@scripts/lock.sh

clean: ## remove the environment and the demo's state
	rm -rf .venv .beleg

.PHONY: help install demo test check ner lock clean
