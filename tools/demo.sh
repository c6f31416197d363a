#!/usr/bin/env bash
# The main job on the rehearsal; leaves the virtual cluster up and says how to go on.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

python -m rehearsal up --name "$NAME" --profile "$PROFILE" --openshift "$OPENSHIFT"
rc=0
run="ansible-playbook site.yml -i inventories/rehearsal -e rehearsal_name=$NAME -e llmd_release=$RELEASE -e llmd_path=$LLMD_PATH"
$run || rc=$?
kubeconfig="$(python -m rehearsal status --name "$NAME" --json | python -c 'import json,sys; print(json.load(sys.stdin)["kubeconfig"])')"
cat <<TEXT

The virtual cluster "$NAME" is still up.
  report       reports/rehearsal/report.html   (also report.json, junit.xml)
  look around  export KUBECONFIG=$kubeconfig; .venv/bin/kubectl get nodes,llminferenceservices -A
  run again    .venv/bin/$run   (expect changed=0)
  remove it    .venv/bin/python -m rehearsal down --name $NAME
TEXT
exit "$rc"
