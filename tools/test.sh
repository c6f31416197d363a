#!/usr/bin/env bash
# Every test. The Go parts of the rehearsal are built (or found in the cache) while lint and unit tests run.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
mkdir -p .cache
started=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }

python -m rehearsal build > .cache/build.log 2>&1 &
build=$!
trap 'kill "$build" 2>/dev/null || true' EXIT

step lint && tools/lint.sh
step unit && pytest -q tests/unit -n 2
step sanity && tools/sanity.sh
step "parts of the rehearsal" && { wait "$build" || { cat .cache/build.log >&2; exit 1; }; } && tail -n 1 .cache/build.log
# The default scenario, beside the integration tests; `make molecule` goes through the other paths on the same cluster, too.
molecule test > .cache/molecule.log 2>&1 &
scenario=$!
trap 'kill "$scenario" 2>/dev/null && molecule destroy >> .cache/molecule.log 2>&1 || true' EXIT
# Three at a time (two cores; a third of the time a test waits), a file (and its rehearsals) each; the longest first. Tests marked wide are more of the same: `make integration` runs them.
step integration && pytest -q -m "not wide" -n 3 --dist loadfile --no-loadscope-reorder --durations=15 tests/integration/site tests/integration/rehearsal tests/integration/collection tests/integration/assess tests/integration/operate
step molecule && { wait "$scenario" || { cat .cache/molecule.log >&2; exit 1; }; } && tail -n 3 .cache/molecule.log
trap - EXIT
step done
