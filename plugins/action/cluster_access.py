# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.cluster_access: the right cluster, enough rights, the lock (see plugins/modules/cluster_access.py).

The name of the run belongs to ansible-playbook, whose process all workers come from: the lock is the whole run's.
"""

from __future__ import annotations

import os
from typing import Any

import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._access import (
    ask,
    environment,
    identity,
    lease,
    lock,
    process,
    rights,
    whoami,
)
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure


class ActionModule(ClusterAction):
    """Guards, then locks or frees."""

    SPEC = {
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

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """What was found and done; missing rights come with the role that grants them."""
        try:
            args = _filled(args, task_vars)
            cluster = self.connect(args)
            if args["state"] == "unlocked":
                return self._unlocked(cluster, args)
            return self._guarded(cluster, args)
        except DataError as error:
            return failure(str(error))
        except _Lacking as lacking:
            return {**failure(str(lacking.error), lacking.error, cluster_role=lacking.role), **lacking.found}

    def _unlocked(self, cluster: Cluster, args: dict[str, Any]) -> dict[str, Any]:
        freed = {"action": "none", "holder": args["holder"], "previous": None, "expires": None}
        return {"changed": False, "lock": freed if self._task.check_mode else lock.release(cluster, _me(args))}

    def _guarded(self, cluster: Cluster, args: dict[str, Any]) -> dict[str, Any]:
        check = bool(self._task.check_mode)
        result = {"changed": False, **_guard(cluster, args, self._environment())}
        if args["validate_certs"] is False:
            text = f"The certificate of {cluster.url} isn't checked (validate_certs: false): anybody on the way can read along."
            result["warnings"] = [text]
        if args["state"] == "locked":
            taken = lock.acquire(cluster, _me(args), args["takeover"], check, args["lease_seconds"])
            result = {**result, "changed": taken.pop("made_namespace"), "lock": taken}
        return result

    def _environment(self) -> dict[str, str]:
        """The variables that kubernetes.core's modules would see: the controller's, and the task's own on top."""
        own: dict[str, Any] = {}
        self._compute_environment_string(own)
        return {**os.environ, **{name: str(value) for name, value in own.items()}}


class _Lacking(Exception):
    """Rights are missing: the error, the objects that grant them (YAML), and what else was found."""

    def __init__(self, error: rights.MissingRights, role: str, found: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.error, self.role, self.found = error, role, found


def _filled(args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the table of rights, the declared names and the run's own name, where the task doesn't give them."""
    filled = dict(args)
    if args["stages"]:
        filled["rbac"] = args["rbac"] or files.load(files.ROOT / "rbac.yml", "rbac")
        filled["namespaces"] = {**_declared_names(task_vars.get("llmd_declared") or {}), **args["namespaces"]}
    filled["holder"] = args["holder"] or whoami.holder_name()
    if args["state"] == "locked" and filled["holder"] == whoami.holder_name():
        filled["process"] = args["process"] or process.describe(whoami.run_pid())
    return filled


def _declared_names(declared: dict[str, Any]) -> dict[str, str]:
    """What data/rbac.yml calls `@service` and `@model_credentials_secret`."""
    names = {"service": declared.get("namespace") or "llmd"}
    if declared.get("model_credentials_secret"):
        names["model_credentials_secret"] = declared["model_credentials_secret"]
    return names


def _guard(cluster: Cluster, args: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    environment.refuse_winning(variables, args)
    found = ask.identity(cluster)
    identity.guard(found, args["cluster_id"], args["api_url"], cluster.url)
    name = ask.user(cluster)
    result: dict[str, Any] = {"cluster": {**found, "connected_to": cluster.url}, "user": name}
    if args["stages"]:
        needs = rights.needed(args["rbac"] or {}, args["stages"], args["namespaces"])
        lacking = ask.missing(cluster, needs)
        result["rights"] = {"checked": len(needs), "missing": [str(need) for need in lacking]}
        if lacking:
            raise _refused(cluster, lacking, name, result)
    return result


def _refused(cluster: Cluster, lacking: list[rights.Need], name: str | None, found: dict[str, Any]) -> _Lacking:
    text = yaml.safe_dump_all(rights.roles_for(lacking, name), sort_keys=False)
    error = rights.MissingRights(
        "Rights are missing",
        f"user {name or 'unknown'} on {cluster.url}",
        "; ".join(str(need) for need in lacking),
        f"Have a cluster admin apply this, then run again:\n{text}",
    )
    return _Lacking(error, text, found)


def _me(args: dict[str, Any]) -> lease.Holder:
    me = lease.Holder(args["holder"], process.machine() if args["process"] else "", args["process"] or "")
    if process.alive(me.process, me.machine) is False:
        raise lease.Locked(
            "The run that wanted the lock has ended",
            f"Lease {lease.NAMESPACE}/{lease.NAME}",
            f"process {me.process} of {me.name} isn't there any more",
            "Nothing was changed. Run again.",
        )
    return me
