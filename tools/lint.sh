#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
ruff check .
ruff format --check --quiet . || { echo "ruff format: run 'ruff format .'" >&2; exit 1; }
mypy
yamllint --strict .
ansible-lint --offline -q
antsibull-changelog lint
python tools/docs.py --check
echo "lint: clean"
