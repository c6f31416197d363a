# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that tests of the nodes' side share: kubectl apply, wait, install by OLM, break and repair."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal import data
from tests.integration.conftest import rehearsal_cli, start

Object = dict[str, Any]
MCO = "machineconfiguration.openshift.io"


def one_cluster(request: pytest.FixtureRequest, name: str, *args: str) -> Iterator[Any]:
    """A cluster for a module's tests, taken down afterwards; a developer's own when REHEARSAL_KUBECONFIG names one."""
    if os.environ.get("REHEARSAL_KUBECONFIG"):
        yield request.getfixturevalue("rehearsal")
        return
    yield start(name, *args)
    rehearsal_cli("down", "--name", name)


def apply(cluster: Any, *objects: Object, check: bool = True) -> str:
    """Server-side apply; the text of a refusal when *check* is off."""
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return str(cluster.kubectl("apply", "--server-side", "--force-conflicts", "--validate=false", "-f", "-", stdin=body, check=check))


def until(what: str, look: Callable[[], Any], seconds: float = 120, pause: float = 1.0) -> Any:
    """The first true answer of *look*; fails with its last answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s (last answer: {answer!r})"
        time.sleep(pause)


def install(cluster: Any, *rows: tuple[str, str, str, str, bool]) -> None:
    """Operators by OLM; a row: namespace, package, channel, catalog, whether its OperatorGroup names its own namespace."""
    for namespace, package, channel, catalog, own in rows:
        meta = {"name": package, "namespace": namespace}
        spec = {"channel": channel, "name": package, "source": catalog, "sourceNamespace": "openshift-marketplace"}
        group = {"targetNamespaces": [namespace]} if own else {}
        apply(
            cluster,
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            {"apiVersion": "operators.coreos.com/v1", "kind": "OperatorGroup", "metadata": meta, "spec": group},
            {"apiVersion": "operators.coreos.com/v1alpha1", "kind": "Subscription", "metadata": meta, "spec": spec},
        )
    for namespace, package, *_ in rows:

        def succeeded(namespace: str = namespace, package: str = package) -> bool:
            sub = cluster.get("subscription.operators.coreos.com", package, "-n", namespace)
            installed = (sub.get("status") or {}).get("installedCSV")
            phases = {item["metadata"]["name"]: (item.get("status") or {}).get("phase") for item in cluster.get("csv", "-n", namespace)["items"]}
            return bool(installed) and phases.get(installed) == "Succeeded"

        until(f"CSV of {package}", succeeded, 240)


def break_(cluster: Any, *scenarios: str) -> None:
    """Make the running rehearsal have exactly these scenarios; none repairs everything."""
    path = Path(cluster.state) / "run" / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["scenario"] = data.load(settings["profile"]["name"], settings["openshift"]["version"], scenarios)["scenario"]
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(settings), encoding="utf-8")
    fresh.replace(path)


def node(cluster: Any, name: str) -> Object:
    return dict(cluster.get("node", name))


def labels(cluster: Any, name: str) -> dict[str, str]:
    return dict(node(cluster, name)["metadata"]["labels"])


def allocatable(cluster: Any, name: str, resource: str) -> str | None:
    value = node(cluster, name)["status"]["allocatable"].get(resource)
    return None if value is None else str(value)


def conditions(obj: Object) -> dict[str, Object]:
    return {item["type"]: item for item in (obj.get("status") or {}).get("conditions") or []}


def events(cluster: Any, reason: str, namespace: str = "default") -> list[Object]:
    return [item for item in cluster.get("events", "-n", namespace)["items"] if item["reason"] == reason]


def counters(cluster: Any) -> dict[str, dict[str, int]]:
    """Reboots and drains of each node so far."""
    path = Path(cluster.state) / "run" / "counters.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {"drains": {}, "reboots": {}}


def pool(cluster: Any, name: str) -> dict[str, Object]:
    return conditions(cluster.get("machineconfigpool", name))


def updated(cluster: Any, name: str) -> bool:
    """True when the pool has done all that its present content asks for."""
    found = cluster.get("machineconfigpool", name)
    told, status = conditions(found), found.get("status") or {}
    same = (found["spec"].get("configuration") or {}).get("name") == (status.get("configuration") or {}).get("name")
    return bool(told) and told["Updated"]["status"] == "True" and same and status.get("observedGeneration") == found["metadata"]["generation"]


def machine_config(name: str, role: str, files: dict[str, str] | None = None, **spec: Any) -> Object:
    """A MachineConfig; `files`: path -> data URL."""
    ignition: Object = {"ignition": {"version": "3.2.0"}}
    if files:
        rows = [{"path": path, "mode": 420, "overwrite": True, "contents": {"source": text}} for path, text in files.items()]
        ignition["storage"] = {"files": rows}
    meta = {"name": name, "labels": {f"{MCO}/role": role}}
    return {"apiVersion": f"{MCO}/v1", "kind": "MachineConfig", "metadata": meta, "spec": {"config": ignition, **spec}}
