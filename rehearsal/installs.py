# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody did to the cluster before we came: objects made, operators installed at a version, things deleted.

Scenarios and twins ask for it; it's done through the API as a person would do it, so that OLM's and the operators' reactions are
their own. ``run/installs.json`` holds::

    {"definitions": [CustomResourceDefinition], "objects": [object],
     "operators": [{package, namespace, channel, catalog, csv, approval, group, labels, annotations, name, wait}],
     "remove": [{apiVersion, kind, namespace, name}]}

Operators with ``wait: false``, which needn't come about, are asked for once the others are there: who is first decides what OLM makes of a conflict.
An operator with a ``csv`` is installed at that version: of the InstallPlans only the one with it is approved. It counts as installed when
its plan is Complete and its Subscription says so: what is deleted before that, OLM makes again. A row of ``remove`` for an InstallPlan names
a ``csv`` that it holds, since plans are named by chance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rehearsal import bootstrap, olm
from rehearsal.errors import RehearsalError
from rehearsal.kube import Kube, KubeError

Obj = dict[str, Any]
KEYS = ("definitions", "objects", "operators", "remove")
OLM = "operators.coreos.com"
LOOK_SECONDS = 0.5
MANAGER = "kubectl"


def wanted(scenario: dict[str, Any], crd: Callable[[str], Obj]) -> dict[str, list[Obj]]:
    """The content of installs.json for a merged scenario. ``crd`` gives a definition by name or group/Kind."""
    found: dict[str, list[Obj]] = {key: list(scenario.get(key) or []) for key in KEYS}
    found["definitions"] = [crd(name) for name in scenario.get("definitions") or []]
    return found


def carry_out(kube: Kube, orders: dict[str, list[Obj]], seconds: float) -> list[str]:
    """Do all of it. Returns a line for each operator that isn't installed after ``seconds``: the caller decides what that means."""
    if orders["definitions"]:
        bootstrap.definitions(kube, orders["definitions"])
    for obj in orders["objects"]:
        put(kube, obj)
    awaited = [row for row in orders["operators"] if row.get("wait", True)]
    others = [row for row in orders["operators"] if not row.get("wait", True)]
    _ask_for(kube, awaited)
    late = _wait_installed(kube, awaited, seconds)
    _ask_for(kube, others)
    for row in orders["remove"]:
        _remove(kube, row, seconds)
    return late


def _ask_for(kube: Kube, rows: list[Obj]) -> None:
    for row in rows:
        for obj in subscription(row):
            _ensure(kube, obj)


def _remove(kube: Kube, row: Obj, seconds: float) -> None:
    if "csv" not in row:
        kube.delete(kube.path(row["apiVersion"], row["kind"], row.get("namespace"), row["name"]))
        return
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        plans = [plan for plan in _plans(kube, row["namespace"], row["csv"]) if _pending(kube, plan)]
        if plans:
            kube.delete(kube.path_of(plans[0]))
            return
        time.sleep(LOOK_SECONDS)


def put(kube: Kube, obj: Obj) -> None:
    """Apply an object with its status, by the manager that its labels name (Helm), else kubectl."""
    labels = obj["metadata"].get("labels") or {}
    manager = str(labels.get("app.kubernetes.io/managed-by") or MANAGER).lower()
    bootstrap.put(kube, obj, manager)


def subscription(row: Obj) -> list[Obj]:
    """Namespace, OperatorGroup (``group: null`` = none) and Subscription of an operator."""
    namespace = row["namespace"]
    objects: list[Obj] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}]
    group = row.get("group", {"targetNamespaces": [namespace]})
    if group is not None:
        meta = {"name": f"{namespace}-group", "namespace": namespace}
        objects.append({"apiVersion": f"{OLM}/v1", "kind": "OperatorGroup", "metadata": meta, "spec": group})
    spec = {
        "name": row["package"],
        "source": row.get("catalog", "redhat-operators"),
        "sourceNamespace": olm.MARKETPLACE,
        "installPlanApproval": row.get("approval", "Automatic"),
    }
    spec |= {key: row[given] for key, given in (("channel", "channel"), ("startingCSV", "csv")) if row.get(given)}
    meta = {"name": row.get("name", row["package"]), "namespace": namespace}
    meta |= {key: row[key] for key in ("labels", "annotations") if row.get(key)}
    return [*objects, {"apiVersion": f"{OLM}/v1alpha1", "kind": "Subscription", "metadata": meta, "spec": spec}]


def _ensure(kube: Kube, obj: Obj) -> None:
    """Apply it, but leave an OperatorGroup alone that the namespace has already: two of them are an error to OLM."""
    meta = obj["metadata"]
    if obj["kind"] == "Namespace" and kube.get(kube.path_of(obj)):
        return
    if obj["kind"] == "OperatorGroup" and kube.list(kube.path(obj["apiVersion"], obj["kind"], meta["namespace"])):
        return
    kube.apply(obj, manager=MANAGER)


def _wait_installed(kube: Kube, rows: list[Obj], seconds: float) -> list[str]:
    waiting = list(rows)
    end = time.monotonic() + seconds
    why: dict[str, str] = {}
    while waiting and time.monotonic() < end:
        for row in list(waiting):
            try:
                state = _step(kube, row)
            except KubeError as error:  # a busy start
                state = str(error)
            if state == "Succeeded":
                waiting.remove(row)
            why[row["package"]] = state
        if waiting:
            time.sleep(LOOK_SECONDS)
    return [f"{row['package']} ({row['namespace']}): {why[row['package']]}" for row in waiting]


def _step(kube: Kube, row: Obj) -> str:
    """Approve what is to be approved; returns the phase of the operator's CSV, or what there is instead."""
    namespace = row["namespace"]
    found = kube.get(kube.path(f"{OLM}/v1alpha1", "Subscription", namespace, row.get("name", row["package"])))
    status = (found or {}).get("status") or {}
    csv = row.get("csv") or status.get("installedCSV") or ""
    if row.get("csv"):
        _approve(kube, namespace, row["csv"])
    have = kube.get(kube.path(f"{OLM}/v1alpha1", "ClusterServiceVersion", namespace, csv)) if csv else None
    if have is None:
        return f"no ClusterServiceVersion yet, the Subscription says {status.get('state') or 'nothing'}"
    phase = str((have.get("status") or {}).get("phase") or "no phase yet")
    plans = _plans(kube, namespace, csv)
    done = not plans or any(_phase(plan) == "Complete" for plan in plans)
    if phase == "Succeeded" and not (done and status.get("installedCSV") == csv):
        return f"{csv} has succeeded, its InstallPlan or Subscription doesn't say so yet"
    return phase


def _plans(kube: Kube, namespace: str, csv: str) -> list[Obj]:
    """The InstallPlans that hold this CSV."""
    plans = kube.list(kube.path(f"{OLM}/v1alpha1", "InstallPlan", namespace))
    return [plan for plan in plans if csv in plan["spec"]["clusterServiceVersionNames"]]


def _pending(kube: Kube, plan: Obj) -> bool:
    """True once the Subscription says that the plan waits. OLM never misses one that is gone before: it hadn't finished its own writing."""
    namespace, name = plan["metadata"]["namespace"], plan["metadata"]["name"]
    told = [found.get("status") or {} for found in kube.list(kube.path(f"{OLM}/v1alpha1", "Subscription", namespace))]
    mine = [status for status in told if (status.get("installPlanRef") or {}).get("name") == name]
    return any(row["type"] == "InstallPlanPending" and row["status"] == "True" for status in mine for row in status.get("conditions") or [])


def _phase(plan: Obj) -> str:
    return str((plan.get("status") or {}).get("phase") or "")


def _approve(kube: Kube, namespace: str, csv: str) -> None:
    """As people do, once the plan waits for it. Approved while OLM still writes it, a plan is lost and OLM makes another (EnsureInstallPlanFailed)."""
    for plan in _plans(kube, namespace, csv):
        if _phase(plan) == "RequiresApproval" and not plan["spec"].get("approved"):
            kube.patch(kube.path_of(plan), {"spec": {"approved": True}})


def must_be_done(late: list[str]) -> None:
    """Raise RehearsalError when operators are missing."""
    if late:
        raise RehearsalError(
            "operators that the scenario or twin asks for aren't installed",
            "; ".join(late),
            "OLM didn't bring them in time",
            "See 'python -m rehearsal logs catalog-operator'; a row with 'wait: false' isn't waited for",
        )
