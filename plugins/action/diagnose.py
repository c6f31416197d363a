# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.diagnose: from client to GPU, the likely cause (see plugins/modules/diagnose.py)."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._assess.nodes import candidates
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._diagnose import bundle, collect, derived, judge
from ansible_collections.llmd.openshift.plugins.module_utils._diagnose.blank import Blanker
from ansible_collections.llmd.openshift.plugins.module_utils._kube.connection import secrets_in
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure


class ActionModule(ClusterAction):
    """Reads only; the same in check mode, but for the bundle's file."""

    SPEC = {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "declared": {"type": "dict", "default": {}},
        "snapshot": {"type": "dict", "required": True},
        "proof": {"type": "dict", "default": {}},
        "bundle": {"type": "path"},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """``diagnosis``, its ``summary`` and, when asked for, the bundle's path and manifest."""
        try:
            modes = files.load(files.ROOT / "diagnosis.yml", "diagnosis")["modes"]
            rows = facts().operators
        except DataError as error:
            return failure(str(error))
        blank = Blanker([args.get("api_key") or "", args.get("password") or "", *secrets_in(args["kubeconfig"])])
        snapshot = args["snapshot"]
        evidence = collect.read(self.connect(args), args["namespace"], args["name"], _namespaces(rows, snapshot), blank)  # type: ignore[arg-type]
        nodes = candidates(snapshot, args["declared"]).names
        whole = {**evidence, **derived.derive(snapshot, nodes), "snapshot": blank(snapshot), "proof": blank(args["proof"])}
        diagnosis = judge.judge(whole, modes, nodes, sorted(rows))
        subject = f"LLMInferenceService {args['namespace']}/{args['name']}"
        result: dict[str, Any] = {"changed": False, "diagnosis": diagnosis, "summary": judge.lines(diagnosis), "msg": judge.summary(diagnosis, subject)}
        for line in result["summary"]:
            self.show(task_vars.get("inventory_hostname", ""), line)
        if args["bundle"] and not self._task.check_mode:
            result.update(_write(args["bundle"], whole, diagnosis, blank))
        return result


def _namespaces(rows: Any, snapshot: dict[str, Any]) -> dict[str, str]:
    """package -> where its operator is, or would be."""
    found = {package: str(row["namespace"]) for package, row in rows.items()}
    return {**found, **{one["package"]: one["namespace"] for one in snapshot.get("operators") or [] if one.get("package") in found}}


def _write(path: str, evidence: dict[str, Any], diagnosis: dict[str, Any], blank: Blanker) -> dict[str, Any]:
    """The bundle on the controller: written beside its place, then moved there, readable for its owner alone."""
    target = Path(path)
    made = bundle.pack(evidence, diagnosis, blank.count, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made.data)
        scratch.replace(target)
    except OSError as error:
        return failure(f"Can't write the bundle - on {target} - {error.strerror or error} - Choose another path with llmd_bundle.")
    return {"bundle": str(target), "manifest": made.manifest}
