#!/usr/bin/env bash
# The build context of the execution environment, in build/context: collections as files, pinned packages, Containerfile. Needs no container engine.
#   podman build -f build/context/Containerfile -t REGISTRY/llmd/openshift_ee:VERSION build/context
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
mkdir -p build
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
ansible-galaxy collection build --output-path "$work" > /dev/null
mv "$work"/llmd-openshift-*.tar.gz build/llmd-openshift.tar.gz
# What is unpacked here came as a built collection: its folder is the archive's content.
tar -czf build/kubernetes-core.tar.gz --exclude=__pycache__ -C collections/ansible_collections/kubernetes/core .
ansible-builder create --file execution-environment.yml --context build/context --output-filename Containerfile
