# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin, made from a must-gather folder of another rehearsal, shows the same nodes, versions and operators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli
from tests.integration.rehearsal.looks import SUBSCRIPTIONS, approve, plan_of, subscribe, wait_for

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

CLUSTER = {
    "core/nodes": "nodes", "config.openshift.io/clusterversions": "clusterversions", "config.openshift.io/clusteroperators": "clusteroperators",
    "config.openshift.io/infrastructures": "infrastructures", "config.openshift.io/networks": "networks.config.openshift.io",
    "machineconfiguration.openshift.io/machineconfigpools": "machineconfigpools", "storage.k8s.io/storageclasses": "storageclasses",
}  # fmt: skip
NAMESPACED = {
    "operators.coreos.com/subscriptions": SUBSCRIPTIONS, "operators.coreos.com/operatorgroups": "operatorgroups",
    "operators.coreos.com/clusterserviceversions": "csv", "nfd.k8s-sigs.io/nodefeatures": "nodefeatures",
}  # fmt: skip


def gather(one: Any, folder: Path) -> Path:
    """What `oc adm must-gather` would write of these kinds."""
    root = folder / "must-gather.local.1" / "quay-io-image-sha256-0"
    for place, kind in CLUSTER.items():
        for obj in one.get(kind)["items"]:
            _write(one, root / "cluster-scoped-resources" / place, kind, obj)
    for place, kind in NAMESPACED.items():
        for obj in one.get(kind, "-A")["items"]:
            _write(one, root / "namespaces" / obj["metadata"]["namespace"] / place, kind, obj)
    return folder


def _write(one: Any, folder: Path, kind: str, obj: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    meta = obj["metadata"]
    where = ("-n", meta["namespace"]) if "namespace" in meta else ()
    text = one.kubectl("get", kind, meta["name"], *where, "-o", "yaml", "--show-managed-fields")
    (folder / f"{meta['name']}.yaml").write_text("---\n" + text, encoding="utf-8")


def looks(one: Any) -> dict[str, Any]:
    """What has to be the same."""
    nodes = {}
    for node in one.get("nodes")["items"]:
        status = node["status"]
        roles = sorted(key for key in node["metadata"]["labels"] if key.startswith("node-role.kubernetes.io/"))
        extra = {key: value for key, value in status["allocatable"].items() if key != "ephemeral-storage"}
        nodes[node["metadata"]["name"]] = (roles, extra, status["nodeInfo"]["kubeletVersion"], status["nodeInfo"]["kernelVersion"])
    version = one.get("clusterversion", "version")
    csvs = {csv["metadata"]["name"] for csv in one.get("csv", "-n", "openshift-nfd")["items"] if csv["status"].get("reason") != "Copied"}
    pools = {p["metadata"]["name"]: (p["spec"].get("paused", False), p["spec"]["nodeSelector"]) for p in one.get("machineconfigpools")["items"]}
    storage = {s["metadata"]["name"]: s["provisioner"] for s in one.get("storageclasses")["items"]}
    return {"nodes": nodes, "version": [(row["version"], row["state"]) for row in version["status"]["history"]], "channel": version["spec"]["channel"],
            "operators": csvs, "parts": sorted(o["metadata"]["name"] for o in one.get("clusteroperators")["items"]), "pools": pools, "storage": storage, "network": one.get("networks.config.openshift.io", "cluster")["spec"]}


def test_a_twin_resembles_its_original(new_rehearsal: Callable[..., Any], tmp_path: Path) -> None:
    one = new_rehearsal("--profile", "h200-roce", "--openshift", "4.19", "--speed", "20")
    one.kubectl("label", "node", "gpu-1", "rack=b")
    wanted = "nfd.4.19.0-202510150935"
    subscribe(one, "openshift-nfd", "nfd", "stable", starting=wanted, approval="Manual", group={"targetNamespaces": ["openshift-nfd"]})
    wait_for(lambda: plan_of(one, "openshift-nfd", wanted))
    approve(one, "openshift-nfd", wanted)
    wait_for(lambda: one.get("csv", wanted, "-n", "openshift-nfd")["status"].get("phase") == "Succeeded", 240)
    one.kubectl("apply", "-f", "-", stdin=(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: csi.example.com\n---\n"
        "apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfigPool\nmetadata: {name: gpu}\nspec:\n  paused: true\n"
        "  nodeSelector: {matchLabels: {node-role.kubernetes.io/gpu: ''}}\n"
        "  machineConfigSelector: {matchExpressions: [{key: machineconfiguration.openshift.io/role, operator: In, values: [worker, gpu]}]}\n"))
    folder, original = gather(one, tmp_path), looks(one)
    assert rehearsal_cli("down", "--name", one.name).returncode == 0

    twin = new_rehearsal("--from", "must-gather", str(folder), "--speed", "20")
    assert looks(twin) == original
    assert twin.get("node", "gpu-1")["metadata"]["labels"]["rack"] == "b"
    assert twin.get(SUBSCRIPTIONS, "nfd", "-n", "openshift-nfd")["spec"]["installPlanApproval"] == "Manual"
    told = "\n".join(twin.status["twin"]["left_out"])
    assert "made up" in told and "workloads" in told
    assert twin.status["twin"]["carried"]["operators"] == [f"nfd {wanted}"]
