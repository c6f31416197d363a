# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report document (data/schema/report.json): everything that the renderers need, and nothing secret."""

from __future__ import annotations

from typing import Any

from . import journal

SCHEMA = "https://llmd.openshift/schema/report/1"


def build(
    host: str,
    mode: str,
    written: str,
    events: list[dict[str, Any]],
    declared: dict[str, Any],
    snapshot: dict[str, Any],
    assessment: dict[str, Any],
    plan: dict[str, Any],
    proof: dict[str, Any],
    failure: dict[str, Any] | None,
    diagnosis: dict[str, Any] | None = None,
    measured: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Report of one run on one cluster. Each fact may be empty when the run stopped before its stage.

    :param mode: ``run`` or ``check``; :param written: ISO 8601 UTC.
    """
    run = journal.last_run(events)
    return {
        "schema": SCHEMA,
        "written": written,
        "host": host,
        "mode": mode,
        "outcome": _outcome(run, proof, failure, diagnosis or {}),
        "cluster": {
            "name": (snapshot.get("cluster") or {}).get("name") or host,
            "id": (snapshot.get("cluster") or {}).get("id"),
            "openshift": (snapshot.get("openshift") or {}).get("version"),
        },
        "facts": _facts(declared, snapshot),
        "release": declared.get("release"),
        "path": declared.get("path"),
        "best_release": assessment.get("best_release"),
        "best_releases": assessment.get("best_releases") or {},
        "paths": _paths(assessment, declared.get("release")),
        "releases": _releases(assessment),
        "findings": [_finding(item) for item in [*(assessment.get("findings") or []), *_measured_findings(measured)]],
        "nodes": [_node(node) for node in snapshot.get("nodes") or []],
        "unreadable": snapshot.get("unreadable") or [],
        "plan": plan,
        "proof": proof,
        "diagnosis": diagnosis or {},
        "measured": {name: {key: check.get(key) for key in ("status", "matrix", "numbers")} for name, check in (measured or {}).items() if check},
        "stages": journal.stages(run),
        "failure": failure,
    }


def _measured_findings(measured: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What was measured (fabric, drives) is found like everything else."""
    return [item for check in (measured or {}).values() for item in (check or {}).get("findings") or []]


def _facts(declared: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, Any]:
    """Where the facts come from and of when they are."""
    offline = [
        f"{word} {declared[key]}"
        for key, word in (("must_gather", "must-gather"), ("snapshot", "snapshot"))
        if declared.get(key)
    ]
    return {"from": offline[0] if offline else "the cluster", "read_at": snapshot.get("read_at")}


def _outcome(
    run: list[dict[str, Any]], proof: dict[str, Any], failure: dict[str, Any] | None, diagnosis: dict[str, Any]
) -> str:
    """``failed``, ``diagnosed`` (a likely cause was found), ``proven``, ``not proven``, ``removed``, or ``read only`` for other runs without a verify stage."""
    if failure:
        return "failed"
    if diagnosis.get("cause"):
        return "diagnosed"
    if proof:
        return "proven" if proof.get("status") == "proven" else "not proven"
    if any(event["stage"] == "teardown" for event in run):
        return "removed"
    return "read only" if run else "nothing done"


def _paths(assessment: dict[str, Any], release: str | None) -> dict[str, Any]:
    return {
        verdict["path"]: {
            "verdict": verdict.get("verdict"),
            "tier": verdict.get("tier"),
            "reasons": verdict.get("reasons") or [],
            "because": verdict.get("finding_ids") or [],
            "unverified": verdict.get("unverified") or [],
            "nearest_yes": verdict.get("nearest_yes") or [],
            "override": verdict.get("override"),
        }
        for verdict in assessment.get("verdicts") or []
        if verdict.get("release") == release
    }


def _releases(assessment: dict[str, Any]) -> dict[str, Any]:
    releases: dict[str, Any] = {}
    for verdict in assessment.get("verdicts") or []:
        cell = {"verdict": verdict.get("verdict"), "tier": verdict.get("tier")}
        releases.setdefault(verdict.get("release"), {})[verdict["path"]] = cell
    return releases


def _finding(item: dict[str, Any]) -> dict[str, Any]:
    keys = ("id", "status", "deciding", "blocking", "path", "subject", "observed", "expected", "remedy", "source")
    return {key: item.get(key) for key in keys}


def _node(node: dict[str, Any]) -> dict[str, Any]:
    accelerators = node.get("accelerators") or {}
    nics = node.get("nics")
    return {
        "name": node.get("name"),
        "roles": node.get("roles") or [],
        "ready": node.get("ready"),
        "schedulable": node.get("schedulable"),
        "gpu": accelerators.get("model") or accelerators.get("product"),
        "gpu_count": accelerators.get("count"),
        "gpu_source": accelerators.get("source"),
        "allocatable": node.get("allocatable") or {},
        "nics": None if nics is None else len(nics),
        "rdma_capable": node.get("rdma_capable"),
        "nvme": (node.get("nvme") or {}).get("count"),
        "cpu": node.get("cpu"),
        "memory_gib": None if node.get("memory_bytes") is None else round(node["memory_bytes"] / 2**30),
        "kernel": node.get("kernel"),
    }
