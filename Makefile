# `make demo` shows the whole product on a virtual OpenShift; `make test` runs every test. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint sanity unit rehearsal-parts integration molecule bench docs clean

PROFILE ?= h200-roce
OPENSHIFT ?= 4.20
NAME ?= demo
RELEASE ?= 3.3
LLMD_PATH ?= inference_scheduling
VENV := .venv/bin
export PATH := $(CURDIR)/$(VENV):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Compiled Python is kept, whatever the environment says, but not beside the sources: hundreds of short Python processes start in a run.
export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/pycache
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: ## .venv with pinned packages, kubernetes.core
	@tools/setup.sh

demo: setup ## the main job on a virtual OpenShift: bare nodes to a proven service; leaves the cluster up
	@PROFILE=$(PROFILE) OPENSHIFT=$(OPENSHIFT) NAME=$(NAME) RELEASE=$(RELEASE) LLMD_PATH=$(LLMD_PATH) tools/demo.sh

test: setup ## all tests: lint, sanity, unit, integration (rehearsal), molecule
	@tools/test.sh

lint: setup ## ruff, mypy, yamllint, ansible-lint (production, offline), changelog, docs
	@tools/lint.sh

sanity: setup ## ansible-test sanity on a mirror of the tree
	@tools/sanity.sh

unit: setup ## unit tests (no cluster)
	@$(VENV)/pytest -q tests/unit -n 2

rehearsal-parts: setup ## build (or find) the Go programs of the rehearsal
	@$(VENV)/python -m rehearsal build

integration: setup rehearsal-parts ## all tests on a rehearsal, those too that `make test` leaves out (hardware, releases, OLM's states); AREA=rehearsal/test_mco.py for one
	@$(VENV)/pytest -q -n 2 --dist loadfile tests/integration/$(AREA)

molecule: setup rehearsal-parts ## molecule: a rehearsal goes through all four paths (`make test`: one of them, twice)
	@$(VENV)/molecule test --all

bench: setup rehearsal-parts ## ratios and budgets, printed
	@$(VENV)/python -m tests.bench

docs: setup ## generated files (support matrix, options, rules; the pattern's)
	@$(VENV)/python tools/docs.py
	@$(VENV)/python tools/aap.py

clean: ## remove what make made in this folder (not the caches of the user)
	@rm -rf .venv .cache .ansible .mypy_cache .ruff_cache .pytest_cache .hypothesis reports build tests/output collections/ansible_collections/kubernetes
