#!/usr/bin/python
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_access
short_description: Prove which cluster this is, that the rights suffice, and lock it
version_added: "1.0.0"
description:
  - Compares the cluster that the connection options lead to with the declared identity, and refuses any other.
  - Refuses as well when a C(K8S_AUTH_*) variable of the environment would lead kubernetes.core's modules elsewhere.
  - Checks the rights that the stages of the run need, and prints what is missing as a ready ClusterRole.
  - Takes, renews and frees the cluster's lock, a Lease, so that two runs can't change one cluster at once.
author: llmd.openshift contributors (@llmd-openshift)
extends_documentation_fragment:
  - llmd.openshift.cluster
options:
  state:
    description:
      - V(guarded) checks identity and rights; changes nothing.
      - V(locked) checks as V(guarded) does and takes the lock, or renews it when the run has it already. In check mode
        it only looks.
      - V(unlocked) frees the lock if this run holds it.
    type: str
    choices: [guarded, locked, unlocked]
    default: guarded
  cluster_id:
    description: Declared cluster id (C(spec.clusterID) of the ClusterVersion).
    type: str
  api_url:
    description: Declared API URL (C(status.apiServerURL) of the Infrastructure).
    type: str
  stages:
    description: Stages of the run, as in C(data/rbac.yml), whose rights are checked.
    type: list
    elements: str
    default: []
  namespaces:
    description:
      - Real names of the namespaces that the rights call C(@name).
      - C(service) is filled in from C(llmd_declared.namespace) when it isn't given; so is C(model_credentials_secret), a name of a Secret.
    type: dict
    default: {}
  rbac:
    description: The rights of each stage, as in the collection's C(data/rbac.yml), from which they are filled in.
    type: dict
  holder:
    description:
      - Name of the run that holds the lock.
      - Filled in with user, host and process id of ansible-playbook, which are the same in all tasks of a run.
    type: str
  process:
    description:
      - Process id and start time of the run (C(pid:start)), so that a dead run's lock is free at once on the same machine.
      - Filled in. When that process has ended meanwhile, the lock isn't taken.
    type: str
  takeover:
    description: Take the lock away from another run.
    type: bool
    default: false
  lease_seconds:
    description:
      - How long the lock is held without renewal.
      - The default is OpenShift's own figure for leases, which survives a minute without API.
    type: int
    default: 137
attributes:
  check_mode:
    description: Checks everything, takes and frees no lock.
    support: full
  diff_mode:
    description: The lock is the run's own bookkeeping; there is no difference to show.
    support: none
notes:
  - Taking and freeing the lock isn't reported as a change, since it belongs to the run and not to the cluster's desired
    state. Making its namespace is a change.
"""

EXAMPLES = r"""
- name: Is this the right cluster, and may we install operators on it?
  llmd.openshift.cluster_access:
    kubeconfig: "{{ llmd_kubeconfig }}"
    cluster_id: 8bc3c2f7-4d0e-4b6c-9d5b-0a3f5b1c7e11
    stages: [discover, operators]

- name: Take the lock
  llmd.openshift.cluster_access:
    kubeconfig: "{{ llmd_kubeconfig }}"
    cluster_id: 8bc3c2f7-4d0e-4b6c-9d5b-0a3f5b1c7e11
    state: locked
  register: access_lock

- name: Free it
  llmd.openshift.cluster_access:
    kubeconfig: "{{ llmd_kubeconfig }}"
    state: unlocked
    holder: "{{ access_lock.lock.holder }}"
"""

RETURN = r"""
cluster:
  description: The cluster as it describes itself, and the URL that was used.
  returned: success, unless O(state=unlocked)
  type: dict
  sample: {id: 8bc3c2f7-4d0e-4b6c-9d5b-0a3f5b1c7e11, api_url: "https://api.one.example.com:6443", name: one-x7k2p,
           connected_to: "https://api.one.example.com:6443"}
user:
  description: The name under which the cluster knows us; V(null) when it doesn't tell.
  returned: success, unless O(state=unlocked)
  type: str
  sample: system:serviceaccount:automation:llmd
rights:
  description: How many rights were checked, and those that are missing.
  returned: when O(stages) is given
  type: dict
  sample: {checked: 61, missing: ["patch installplans.operators.coreos.com"]}
cluster_role:
  description: Objects (YAML) that grant exactly what is missing.
  returned: when rights are missing
  type: str
  sample: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n..."
lock:
  description:
    - What was done with the lock. In check mode, what would be.
    - C(action) is V(acquired), V(renewed), V(taken_over), V(released) or V(none).
  returned: unless O(state=guarded)
  type: dict
  sample: {action: acquired, holder: "me@host:4711", previous: null, expires: "2026-11-24T10:02:17.000000Z"}
error:
  description: What failed, where, why, and what to do.
  returned: failure
  type: dict
  sample: {kind: WrongCluster, what: This is another cluster than the inventory names, where: "https://127.0.0.1:6443",
           why: "the inventory declares the cluster id a, the cluster says b", todo: Correct the connection options,
           details: {declared: a, found: b}}
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.llmd.openshift.plugins.module_utils._access import (
    ask,
    environment,
    identity,
    lease,
    lock,
    process,
    rights,
)
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._shell import run

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["guarded", "locked", "unlocked"], "default": "guarded"},
    "cluster_id": {"type": "str"},
    "api_url": {"type": "str"},
    "stages": {"type": "list", "elements": "str", "default": []},
    "namespaces": {"type": "dict", "default": {}},
    "rbac": {"type": "dict"},
    "holder": {"type": "str"},
    "process": {"type": "str"},
    "takeover": {"type": "bool", "default": False},
    "lease_seconds": {"type": "int", "default": lease.DURATION_SECONDS},
}


def work(module: AnsibleModule, cluster: Cluster) -> dict[str, Any]:
    """Guards, then locks or frees."""
    params = module.params
    if params["state"] == "unlocked":
        freed = {"action": "none", "holder": params["holder"], "previous": None, "expires": None}
        return {"changed": False, "lock": freed if module.check_mode else lock.release(cluster, _me(params))}
    result = _guard(module, cluster)
    if params["state"] == "locked":
        made = lock.ensure_namespace(cluster, module.check_mode)
        taken = lock.acquire(cluster, _me(params), params["takeover"], module.check_mode, params["lease_seconds"])
        return {**result, "changed": made, "lock": taken}
    return {**result, "changed": False}


def _guard(module: AnsibleModule, cluster: Cluster) -> dict[str, Any]:
    params = module.params
    environment.refuse_winning(os.environ, params)
    if params["validate_certs"] is False:
        module.warn(
            f"The certificate of {cluster.url} isn't checked (validate_certs: false): anybody on the way can read along."
        )
    found = ask.identity(cluster)
    identity.guard(found, params["cluster_id"], params["api_url"], cluster.url)
    name = ask.user(cluster)
    result: dict[str, Any] = {"cluster": {**found, "connected_to": cluster.url}, "user": name}
    if params["stages"]:
        needs = rights.needed(params["rbac"] or {}, params["stages"], params["namespaces"])
        lacking = ask.missing(cluster, needs)
        result["rights"] = {"checked": len(needs), "missing": [str(need) for need in lacking]}
        if lacking:
            _refuse(module, cluster, lacking, name, result)
    return result


def _refuse(
    module: AnsibleModule, cluster: Cluster, lacking: list[rights.Need], name: str | None, result: dict[str, Any]
) -> None:
    import yaml  # only a refusal needs it

    text = yaml.safe_dump_all(rights.roles_for(lacking, name), sort_keys=False)
    error = rights.MissingRights(
        "Rights are missing",
        f"user {name or 'unknown'} on {cluster.url}",
        "; ".join(str(need) for need in lacking),
        f"Have a cluster admin apply this, then run again:\n{text}",
    )
    module.fail_json(msg=str(error), error=error.as_dict(), cluster_role=text, **result)


def _me(params: dict[str, Any]) -> lease.Holder:
    me = lease.Holder(params["holder"], process.machine() if params["process"] else "", params["process"] or "")
    if process.alive(me.process, me.machine) is False:
        raise lease.Locked(
            "The run that wanted the lock has ended",
            f"Lease {lease.NAMESPACE}/{lease.NAME}",
            f"process {me.process} of {me.name} isn't there any more",
            "Nothing was changed. Run again.",
        )
    return me


def main() -> None:
    """Entry point of the module."""
    run(work, SPEC, required_if=[("state", "locked", ["holder"]), ("state", "unlocked", ["holder"])])


if __name__ == "__main__":
    main()
