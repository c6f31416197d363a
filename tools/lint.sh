#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
ruff check .
mypy
yamllint --strict .
ansible-lint --offline -q
antsibull-changelog lint
python tools/docs.py --check
python tools/aap.py --check
echo "lint: clean"
