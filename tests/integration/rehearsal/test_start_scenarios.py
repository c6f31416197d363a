# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that isn't well when one comes to it: an update under way, a kubelet that has stopped, operators that don't start or twice, no default storage.

Written from OpenShift's documentation ("Understanding OpenShift updates", "Working with nodes", "Troubleshooting Operator issues", LVM Storage) and
Kubernetes' (node conditions, PersistentVolumeClaim). Plain kubectl, nothing of the collection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.looks import SUBSCRIPTIONS, apply, condition, subscribe, wait_for

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

START = ("cluster-upgrading", "node-not-ready", "no-default-storageclass", "csv-fails", "subscription-twice")
LVMS, CERT_MANAGER = "openshift-lvm-storage", "cert-manager-operator"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    name = f"ill-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    scenarios = [word for scenario in START for word in ("--scenario", scenario)]
    yield start(name, "--profile", "cpu-only", "--openshift", "4.20", "--speed", "10", *scenarios)
    rehearsal_cli("down", "--name", name)


def test_an_update_is_under_way(one: Any) -> None:
    version = one.get("clusterversion", "version")
    target = version["status"]["desired"]["version"]
    newest = version["status"]["history"][0]
    assert (newest["version"], newest["state"], newest["completionTime"]) == (target, "Partial", None)
    told = condition(version, "Progressing")
    assert (told["status"], condition(version, "Available")["status"]) == ("True", "True")
    assert f"Working towards {target}:" in told["message"] and "waiting on machine-config" in told["message"]
    busy = one.get("clusteroperator", "machine-config")
    assert condition(busy, "Progressing")["status"] == "True" and condition(busy, "Degraded")["status"] == "False"
    assert busy["status"]["versions"][0]["version"] != target, "not updated yet"


def test_a_node_whose_kubelet_has_stopped(one: Any) -> None:
    nodes = one.get("nodes")["items"]
    silent = [node for node in nodes if condition(node, "Ready")["status"] != "True"]
    assert len(silent) == 1 and "node-role.kubernetes.io/worker" in silent[0]["metadata"]["labels"]
    ready = condition(silent[0], "Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    taints = {(taint["key"], taint["effect"]) for taint in silent[0]["spec"]["taints"]}
    assert {("node.kubernetes.io/unreachable", effect) for effect in ("NoSchedule", "NoExecute")} <= taints


def test_an_operator_whose_image_cannot_be_pulled_fails_its_csv(one: Any) -> None:
    subscribe(one, CERT_MANAGER, "openshift-cert-manager-operator", "stable-v1", group={})
    failed = wait_for(lambda: next((c for c in one.get("csv", "-n", CERT_MANAGER)["items"] if c.get("status", {}).get("phase") == "Failed"), None), 180)
    assert failed["status"]["reason"] == "InstallCheckFailed"
    assert "exceeded its progress deadline" in failed["status"]["message"]
    waiting = one.get("pods", "-n", CERT_MANAGER)["items"][0]["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] in ("ErrImagePull", "ImagePullBackOff")


def test_two_teams_have_subscribed_to_the_same_operator(one: Any) -> None:
    """OLM minds neither the second Subscription nor the second installation: each is for a namespace of its own."""
    subs = {(sub["metadata"]["namespace"], sub["spec"]["name"]) for sub in one.get(SUBSCRIPTIONS, "-A")["items"]}
    assert {("openshift-nfd", "nfd"), ("nfd-of-another-team", "nfd")} <= subs


    def phases(namespace: str) -> list[str]:
        """Of those installed there; operators for all namespaces have a copy in each."""
        found = one.get("csv", "-n", namespace)["items"]
        return [csv["status"]["phase"] for csv in found if "olm.copiedFrom" not in csv["metadata"].get("labels", {})]

    for namespace in ("openshift-nfd", "nfd-of-another-team"):
        wait_for(lambda namespace=namespace: phases(namespace) == ["Succeeded"], 180)


def test_a_claim_without_a_class_stays_pending_where_no_class_is_the_default(one: Any) -> None:
    subscribe(one, LVMS, "lvms-operator", "stable-4.20", group={"targetNamespaces": [LVMS]})
    wait_for(lambda: "lvmclusters" in one.kubectl("api-resources", "--api-group=lvm.topolvm.io", "-o", "name"), 180)
    device_class = {"name": "disks", "fstype": "xfs", "default": True}
    lvm = {"apiVersion": "lvm.topolvm.io/v1alpha1", "kind": "LVMCluster", "metadata": {"name": "lvmcluster", "namespace": LVMS},
           "spec": {"storage": {"deviceClasses": [device_class]}}}
    wait_for(lambda: apply(one, lvm) is None, 90)  # the operator's webhook answers once its pod is ready
    made = wait_for(lambda: one.get("storageclass", "lvms-disks"), 120)
    assert "storageclass.kubernetes.io/is-default-class" not in (made["metadata"].get("annotations") or {})
    apply(one, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "default"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    told = wait_for(lambda: [e for e in one.get("events", "-n", "default")["items"] if e["involvedObject"]["name"] == "data"], 60)
    assert "no persistent volumes available for this claim and no storage class is set" in told[0]["message"]
    assert one.get("pvc", "data")["status"]["phase"] == "Pending"
