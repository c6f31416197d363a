# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ClusterVersion and ClusterOperators: what release runs, since when, and whether it's being replaced."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.seeds.common import Object, condition, make, release_image, stamp

CAPABILITIES = [
    "Build", "CSISnapshot", "CloudControllerManager", "CloudCredential", "Console", "DeploymentConfig", "ImageRegistry", "Ingress",
    "Insights", "MachineAPI", "NodeTuning", "OperatorLifecycleManager", "OperatorLifecycleManagerV1", "Storage", "baremetal",
    "marketplace", "openshift-samples",
]  # fmt: skip


def objects(
    openshift: Mapping[str, Any], scenario: Mapping[str, Any], moment: datetime, cluster_id: str
) -> list[Object]:
    """ClusterVersion ``version`` and one ClusterOperator per operator of the release."""
    upgrade = _upgrade(openshift, scenario)
    return [
        _cluster_version(openshift, upgrade, moment, cluster_id),
        *(_operator(name, openshift["version"], moment, openshift, upgrade) for name in openshift["cluster_operators"]),
    ]


def _upgrade(openshift: Mapping[str, Any], scenario: Mapping[str, Any]) -> Object | None:
    """The update that goes on: {to, percent, hours_ago, updated, waiting_on}; the release's own, else the scenario's to the next z."""
    wanted = scenario.get("cluster-upgrading")
    if openshift.get("upgrade"):
        return dict(openshift["upgrade"])
    if not wanted:
        return None
    updates = openshift.get("available_updates", [])
    if not updates:
        raise RehearsalError(
            "Scenario 'cluster-upgrading' needs a release to go to",
            f"openshift {openshift['version']}",
            "its file lists no available_updates",
            "Choose another --openshift",
            code=BAD_INPUT,
        )
    busy = {"operator": "machine-config", "reason": "", "message": f"Working towards {updates[0]}"}
    return {"to": updates[0], "percent": wanted.get("percent", 62), "hours_ago": 0.4, "updated": [], "waiting_on": [busy]}


def _release(version: str, channel: str) -> Object:
    minor = version.rsplit(".", 1)[0]
    channels = sorted({channel, f"candidate-{minor}", f"fast-{minor}", f"stable-{minor}"})
    return {"version": version, "image": release_image(version), "channels": channels}


def _cluster_version(openshift: Mapping[str, Any], upgrade: Object | None, moment: datetime, cluster_id: str) -> Object:
    version, channel = openshift["version"], openshift["channel"]
    history = [_history(row, moment) for row in openshift["history"]]
    if upgrade:
        row = {"version": upgrade["to"], "state": "Partial", "hours_ago": upgrade["hours_ago"]}
        history.insert(0, _history(row, moment))
    return make(
        "config.openshift.io/v1", "ClusterVersion", "version",
        spec={"channel": channel, "clusterID": cluster_id},
        status={
            "desired": _release(upgrade["to"] if upgrade else version, channel),
            "history": history,
            "observedGeneration": 2,
            "versionHash": base64.urlsafe_b64encode(hashlib.sha256(version.encode()).digest()[:8]).decode(),
            "availableUpdates": [] if upgrade else [_release(update, channel) for update in openshift.get("available_updates", [])],
            "capabilities": {"enabledCapabilities": CAPABILITIES, "knownCapabilities": CAPABILITIES},
            "conditions": _conditions(version, upgrade, moment),
        },
    )  # fmt: skip


def _history(row: Mapping[str, Any], moment: datetime) -> Object:
    took = row.get("took_minutes", 60) / 60
    entry: Object = {
        "version": row["version"],
        "state": row["state"],
        "image": release_image(row["version"]),
        "startedTime": stamp(moment, row["hours_ago"]),
        "completionTime": None,
        "verified": True,
    }
    if row["state"] == "Completed":
        entry["completionTime"] = stamp(moment, max(0.0, row["hours_ago"] - took))
    return entry


def _conditions(version: str, upgrade: Object | None, moment: datetime) -> list[Object]:
    since = stamp(moment, upgrade["hours_ago"] if upgrade else 299)
    rows = [
        condition("Available", True, since, "", f"Done applying {version}"),
        condition("Failing", False, since, ""),
        condition("RetrievedUpdates", True, since, ""),
        condition(
            "ReleaseAccepted",
            True,
            since,
            "PayloadLoaded",
            f'Payload loaded version="{upgrade["to"] if upgrade else version}"',
        ),
        condition("ImplicitlyEnabledCapabilities", False, since, "AsExpected", "Capabilities match configured spec"),
    ]
    if upgrade:
        done = upgrade["percent"] * 9
        waiting = ", ".join(row["operator"] for row in upgrade["waiting_on"])
        text = f"Working towards {upgrade['to']}: {done} of 900 done ({upgrade['percent']}% complete), waiting on {waiting}"
        return [*rows, condition("Progressing", True, since, "ClusterOperatorUpdating", text)]
    return [*rows, condition("Progressing", False, since, "", f"Cluster version is {version}")]


def _operator(
    name: str, version: str, moment: datetime, openshift: Mapping[str, Any], upgrade: Object | None
) -> Object:
    since = stamp(moment, 298)
    busy = next((row for row in upgrade["waiting_on"] if row["operator"] == name), None) if upgrade else None
    done = upgrade is not None and name in upgrade["updated"]
    moved = stamp(moment, upgrade["hours_ago"] / 2) if upgrade and (done or busy) else since
    return make(
        "config.openshift.io/v1", "ClusterOperator", name,
        spec={},
        status={
            "versions": [{"name": "operator", "version": upgrade["to"] if upgrade and done else version}],
            "extension": None,
            "conditions": [
                condition("Available", True, since),
                condition("Progressing", bool(busy), moved, busy["reason"] if busy else "AsExpected", busy["message"] if busy else ""),
                condition("Degraded", False, since),
                condition("Upgradeable", True, since),
            ],
        },
    )  # fmt: skip
