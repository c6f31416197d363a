#!/usr/bin/env bash
# Makes .venv with pinned, hash-checked packages, and puts kubernetes.core beside our own collection.
# kubernetes.core is taken from PyPI's `ansible` package, so that one registry serves it all (docs/adr/0002).
set -euo pipefail
cd "$(dirname "$0")/.."

ANSIBLE_WHEEL_VERSION=14.5.0
ANSIBLE_WHEEL_SHA256=245623ccc2d31d0f6f4bdb63168d550cad305fb032cc43d96e8f61ce8ab0ba84
CACHE="${LLMD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/llmd-openshift}"

find_python() {
  local candidate
  # The newest first: the newest ansible-core wants Python 3.12 or later.
  for candidate in ${PYTHON:-} python3.13 "$HOME"/.pyenv/versions/3.13.*/bin/python python3.12 "$HOME"/.pyenv/versions/3.12.*/bin/python \
    python3.11 "$HOME"/.pyenv/versions/3.11.*/bin/python python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1; then
      echo "$candidate"
      return 0
    fi
  done
  echo "set-up: no Python 3.11 or newer with the venv module was found (tried PYTHON, python3.13, python3.12, python3.11, python3)." >&2
  echo "        Install one (Fedora/RHEL: dnf install python3.12; Debian/Ubuntu: apt install python3 python3-venv) or set PYTHON=/path/to/python." >&2
  return 1
}

stamp=".venv/.stamp-$(cat requirements/dev.txt tools/setup.sh | sha256sum | cut -c1-16)"
if [ ! -e "$stamp" ]; then
  python="$(find_python)"
  echo "set-up: virtual environment with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
  touch "$stamp"
fi

core=collections/ansible_collections/kubernetes/core
if ! grep -qs "\"name\": \"core\"" "$core/MANIFEST.json"; then
  echo "set-up: kubernetes.core from PyPI's ansible $ANSIBLE_WHEEL_VERSION"
  wheel="$CACHE/wheels/ansible-$ANSIBLE_WHEEL_VERSION-py3-none-any.whl"
  if ! echo "$ANSIBLE_WHEEL_SHA256  $wheel" | sha256sum --check --status 2>/dev/null; then
    mkdir -p "$CACHE/wheels"
    .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
      --python-version 3.13 --dest "$CACHE/wheels" "ansible==$ANSIBLE_WHEEL_VERSION"
    echo "$ANSIBLE_WHEEL_SHA256  $wheel" | sha256sum --check --status || {
      echo "set-up: $wheel does not have the expected checksum; remove it and run again." >&2
      exit 1
    }
  fi
  .venv/bin/python - "$wheel" <<'PY'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.startswith("ansible_collections/kubernetes/core/"):
            wheel.extract(name, "collections")
PY
fi
