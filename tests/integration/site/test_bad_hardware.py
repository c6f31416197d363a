# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, policies and GPUs that aren't as expected: each is named with its repair, before harm, and what is others' stays as it is.

The tests of this file share one cluster and follow one another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from play import Result, Site

from tests.integration.collection.plays import play
from tests.integration.conftest import rehearsal_cli, start
from tests.integration.rehearsal.looks import SUBSCRIPTIONS, subscribe
from tests.integration.rehearsal.steps import allocatable, apply, break_, labels, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
NVIDIA = "nvidia-gpu-operator"
STAGES = ["access", "discover", "assess", "plan", "features", "operators", "nodes", "accelerators"]
NFD = {
    "apiVersion": "nfd.openshift.io/v1", "kind": "NodeFeatureDiscovery", "metadata": {"name": "team-nfd", "namespace": "openshift-nfd"},
    "spec": {"workerConfig": {"configData": 'sources: {pci: {deviceClassWhitelist: ["02", "03", "12", "0108"], deviceLabelFields: ["vendor"]}}\n'}},
}  # fmt: skip


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    name = f"odd-{tmp_path_factory.getbasetemp().name}"[-32:].strip("-")
    one = start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10", "--scenario", "operator-by-helm")
    yield Site(one, tmp_path_factory.mktemp("reports"))
    rehearsal_cli("down", "--name", name)


def run(site: Site, **more: Any) -> Result:
    return site.run(**{"llmd_stages": STAGES, **more})


def policy(name: str, **spec: Any) -> dict[str, Any]:
    parts = ("driver", "toolkit", "devicePlugin", "dcgm", "dcgmExporter", "gfd", "migManager", "nodeStatusExporter")
    body = {"operator": {"defaultRuntime": "crio"}, "daemonsets": {}, **{part: {"enabled": True} for part in parts}, **spec}
    return {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy", "metadata": {"name": name}, "spec": body}


def gpus_awaited(site: Site, folder: Path) -> dict[str, Any]:
    """The wait of the role serving, for the GPUs alone."""
    target = {"api_version": "nvidia.com/v1", "kind": "ClusterPolicy", "name": "gpu-cluster-policy", "with": {"nodes": {"gpu-0": 8, "gpu-1": 8}, "namespace": NVIDIA}}
    return play(folder, site.rehearsal, {"llmd.openshift.wait_for": {"objects": [target], "timeout_seconds": 150}})[0]


def restart(site: Site, selector: str) -> None:
    site.rehearsal.kubectl("delete", "pods", "-n", NVIDIA, "-l", selector, "--wait=false")


def test_a_gpu_operator_by_helm_is_not_installed_twice(odd: Site) -> None:
    """On a cluster whose feature discovery somebody else has made already, so that nothing at all needs to be installed to see it."""
    subscribe(odd.rehearsal, "openshift-nfd", "nfd", "stable", group={"targetNamespaces": ["openshift-nfd"]})
    # Argo CD made it: it's left to Argo CD.
    odd.rehearsal.kubectl("annotate", SUBSCRIPTIONS, "nfd", "-n", "openshift-nfd", "argocd.argoproj.io/tracking-id=cluster:operators.coreos.com/Subscription:openshift-nfd/nfd")
    until("NFD's kind is served", lambda: "applied" in apply(odd.rehearsal, NFD, check=False), 180)
    until("labels", lambda: "feature.node.kubernetes.io/pci-10de.present" in labels(odd.rehearsal, "gpu-1"))
    refused = run(odd)
    assert refused.rc != 0 and "Helm runs it already" in refused.message and "gpu-operator/gpu-operator (chart gpu-operator-v25.10.1)" in refused.message
    assert "Nothing was changed" in refused.message
    assert [one["spec"]["name"] for one in odd.rehearsal.get(SUBSCRIPTIONS, "-A")["items"]] == ["nfd"]
    odd.rehearsal.kubectl("delete", "namespace", "gpu-operator", "--wait=false")
    until("the release is gone", lambda: "NotFound" in odd.rehearsal.kubectl("get", "deployment", "gpu-operator", "-n", "gpu-operator", check=False), 60)


def test_a_feature_discovery_of_others_by_another_name_is_used(odd: Site) -> None:
    done = run(odd)
    assert done.rc == 0, done.output[-3000:]
    found = [one["metadata"]["name"] for one in odd.rehearsal.get("nodefeaturediscoveries", "-A")["items"]]
    groups = [one["metadata"]["name"] for one in odd.rehearsal.get("operatorgroups", "-n", "openshift-nfd")["items"]]
    assert found == ["team-nfd"] and groups == ["nfd-group"]
    (nfd,) = [one for one in json.loads((odd.folder / "rehearsal" / "plan.json").read_text())["operators"] if one["package"] == "nfd"]
    assert (nfd["action"], nfd["managed_by"]) == ("adopt", "argocd"), nfd


def test_two_subscriptions_of_one_operator_stop_before_any_write(odd: Site) -> None:
    subscribe(odd.rehearsal, "another-team", "nfd", "stable", approval="Manual", group={"targetNamespaces": ["another-team"]})
    refused = run(odd)
    assert refused.rc != 0 and "there are 2 Subscriptions: another-team/nfd, openshift-nfd/nfd" in refused.message and "Remove all but one" in refused.message
    odd.rehearsal.kubectl("delete", SUBSCRIPTIONS, "nfd", "-n", "another-team")


def test_seven_of_eight_gpus(odd: Site, tmp_path: Path) -> None:
    assert not gpus_awaited(odd, tmp_path)["failed"]
    break_(odd.rehearsal, "seven-of-eight-gpus")
    restart(odd, "app=nvidia-device-plugin-daemonset")
    until("seven", lambda: allocatable(odd.rehearsal, "gpu-1", "nvidia.com/gpu") == "7")
    done = gpus_awaited(odd, tmp_path)
    assert done["failed"] and done["failure"]["reason"] == "TooFewGpus", done
    assert "Node gpu-1" in done["msg"] and "7 allocatable, 8 expected" in done["msg"] and "Xid" in done["msg"]
    break_(odd.rehearsal)
    restart(odd, "app=nvidia-device-plugin-daemonset")
    until("eight", lambda: allocatable(odd.rehearsal, "gpu-1", "nvidia.com/gpu") == "8")


def test_a_mig_layout_that_was_set_up_half_way(odd: Site, tmp_path: Path) -> None:
    break_(odd.rehearsal, "mig-half-done")
    odd.rehearsal.kubectl("label", "node", "gpu-1", "nvidia.com/mig.config=all-7g.141gb", "--overwrite")
    until("failed", lambda: labels(odd.rehearsal, "gpu-1").get("nvidia.com/mig.config.state") == "failed")
    done = gpus_awaited(odd, tmp_path)
    assert done["failed"] and done["failure"]["reason"] == "MigFailed" and "Node gpu-1" in done["msg"] and "all-disabled" in done["msg"], done
    refused = run(odd)
    assert refused.rc != 0 and "gpu-1" in refused.message and "mig" in refused.message.lower(), refused.message
    break_(odd.rehearsal)
    odd.rehearsal.kubectl("label", "node", "gpu-1", "nvidia.com/mig.config=all-disabled", "--overwrite")
    until("eight", lambda: allocatable(odd.rehearsal, "gpu-1", "nvidia.com/gpu") == "8")


@pytest.mark.parametrize(("why", "words", "repair"), [("nouveau", "nouveau holds the GPUs", "modprobe.blacklist=nouveau"), ("secure-boot", "Secure Boot refuses", "Switch Secure Boot off")])
def test_a_driver_that_crashes_says_why(odd: Site, tmp_path: Path, why: str, words: str, repair: str) -> None:
    break_(odd.rehearsal, "driver-crash-loop")
    settings = odd.rehearsal.state / "run" / "settings.json"
    data = json.loads(settings.read_text())
    data["scenario"]["driver-crash-loop"]["why"] = why
    settings.write_text(json.dumps(data))
    pods = odd.rehearsal.get("pods", "-n", NVIDIA, "-l", "app.kubernetes.io/component=nvidia-driver")["items"]
    (pod,) = [one["metadata"]["name"] for one in pods if one["spec"].get("nodeName") == "gpu-1"]
    odd.rehearsal.kubectl("delete", "pod", pod, "-n", NVIDIA, "--wait=false")
    until("no GPUs", lambda: allocatable(odd.rehearsal, "gpu-1", "nvidia.com/gpu") in (None, "0"))
    done = gpus_awaited(odd, tmp_path)
    assert done["failed"] and "gpu-1" in done["msg"] and words in done["msg"] and repair in done["msg"], done["msg"]
    break_(odd.rehearsal)
    until("eight", lambda: allocatable(odd.rehearsal, "gpu-1", "nvidia.com/gpu") == "8", 180)


def test_a_second_policy_stops_before_any_write(odd: Site) -> None:
    apply(odd.rehearsal, policy("second"))
    until("ignored", lambda: (odd.rehearsal.get("clusterpolicy", "second").get("status") or {}).get("state") == "ignored")
    refused = run(odd)
    assert refused.rc != 0 and "second" in refused.message and "gpu-cluster-policy" in refused.message and "Remove all but one" in refused.message
    odd.rehearsal.kubectl("delete", "clusterpolicy", "second")


def test_a_policy_of_others_with_other_values_is_told_and_left_alone(odd: Site) -> None:
    odd.rehearsal.kubectl("delete", "clusterpolicy", "gpu-cluster-policy")
    apply(odd.rehearsal, policy("theirs", devicePlugin={"enabled": False}))
    refused = run(odd)
    assert refused.rc != 0 and "ClusterPolicy theirs" in refused.message and "devicePlugin.enabled is false" in refused.message
    apply(odd.rehearsal, policy("theirs", dcgm={"enabled": False}))
    before = odd.rehearsal.get("clusterpolicy", "theirs")["metadata"]["generation"]
    done = run(odd)
    assert done.rc == 0, done.output[-3000:]
    assert [one["metadata"]["name"] for one in odd.rehearsal.get("clusterpolicies")["items"]] == ["theirs"]
    assert odd.rehearsal.get("clusterpolicy", "theirs")["metadata"]["generation"] == before
