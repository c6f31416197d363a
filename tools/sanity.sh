#!/usr/bin/env bash
# ansible-test needs the collection at .../ansible_collections/llmd/openshift as real files: a throw-away mirror serves it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
root="$PWD"
mirror="$root/.cache/ansible-test/ansible_collections/llmd/openshift"
rm -rf "$mirror"
mkdir -p "$mirror" "$root/.cache/home/.ansible/test/cache" "$root/.cache/ansible-test/ansible_collections/kubernetes"
git ls-files -co --exclude-standard | grep -vE '^(collections|rehearsal|tools|tests/(unit|integration|bench))/' |
  while read -r f; do if [ -f "$f" ]; then echo "$f"; fi; done | tar -cf - -T - | tar -xf - -C "$mirror"
ln -sfn "$root/collections/ansible_collections/kubernetes/core" "$root/.cache/ansible-test/ansible_collections/kubernetes/core"
# ansible-test downloads a pip bootstrap that a closed network refuses; ensurepip does the same job.
for version in 23_1_2 24_2 25_2; do
  printf 'import ensurepip\nensurepip.bootstrap(default_pip=True)\n' > "$root/.cache/home/.ansible/test/cache/get_pip_$version.py"
done
cd "$mirror"
git init -q . && git add -A
python_version="$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
HOME="$root/.cache/home" ansible-test sanity --local --python "$python_version" --color no "$@"
