# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each release of OpenShift AI as it shows itself: channel, API versions, presets, images, flags. Plain kubectl, nothing of the collection.

Written from Red Hat's catalog (channels, versions), the operator's API folder of each branch and its KServe's config folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.rehearsal.looks import apply, approve, plan_of, subscribe, wait_for
from tests.integration.rehearsal.test_honesty import gateway_objects

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]

NAMESPACE, APPLICATIONS = "redhat-ods-operator", "redhat-ods-applications"
DSC, DSCI = "datasciencecluster.opendatahub.io", "dscinitialization.opendatahub.io"
# release -> (channel, version, prefix of its presets, number of them, where the endpoint picker's flags are)
RELEASES = {
    "2.25": ("stable-2.25", "2.25.10", "kserve-", 8, "args"),
    "3.0": ("fast-3.x", "3.0.0", "kserve-", 8, "args"),
    "3.2": ("fast-3.x", "3.2.1", "v3-2-1-kserve-", 9, "args"),
    "3.3": ("stable-3.3", "3.3.6", "v3-3-6-kserve-", 9, "args"),
    "3.4": ("stable-3.4", "3.4.3", "v3-4-3-kserve-", 10, "command"),
}


def cluster(release: str) -> dict[str, Any]:
    """The DataScienceCluster of the release's documentation, KServe alone."""
    kserve: dict[str, Any] = {"managementState": "Managed", "rawDeploymentServiceConfig": "Headed"}
    if release == "2.25":
        kserve |= {"defaultDeploymentMode": "RawDeployment", "serving": {"managementState": "Removed"}}
    version = "v1" if release == "2.25" else "v2"
    return {"apiVersion": f"{DSC}/{version}", "kind": "DataScienceCluster", "metadata": {"name": "default-dsc"},
            "spec": {"components": {"kserve": kserve}}}


def install(one: Any, release: str) -> str:
    channel, version = RELEASES[release][:2]
    wanted = f"rhods-operator.{version}"
    subscribe(one, NAMESPACE, "rhods-operator", channel, starting=wanted, approval="Manual", group={})
    wait_for(lambda: plan_of(one, NAMESPACE, wanted))
    approve(one, NAMESPACE, wanted)
    wait_for(lambda: one.get("csv", wanted, "-n", NAMESPACE)["status"].get("phase") == "Succeeded", 180)
    return wanted


def service(name: str) -> dict[str, Any]:
    """An LLMInferenceService without authentication."""
    meta = {"name": name, "namespace": "old", "annotations": {"security.opendatahub.io/enable-auth": "false"}}
    model = {"uri": "hf://Qwen/Qwen3-0.6B", "name": "Qwen/Qwen3-0.6B"}
    spec = {"model": model, "replicas": 1, "router": {"gateway": {}, "route": {}, "scheduler": {}}}
    return {"apiVersion": "serving.kserve.io/v1alpha1", "kind": "LLMInferenceService", "metadata": meta, "spec": spec}


def served(one: Any, group: str) -> set[str]:
    return {line.partition("/")[2] for line in one.kubectl("api-versions").splitlines() if line.startswith(f"{group}/")}


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_brings_its_own_dialect(release: str, new_rehearsal: Callable[..., Any]) -> None:
    channel, version, prefix, count, flags = RELEASES[release]
    one = new_rehearsal("--profile", "cpu-only", "--openshift", "4.20", "--speed", "10")
    install(one, release)
    assert served(one, DSC) == served(one, DSCI) == ({"v1"} if release == "2.25" else {"v1", "v2"})

    wait_for(lambda: "default-dsci" in one.kubectl("get", "dsci", "-o", "name", check=False))
    one.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(cluster(release)))
    wait_for(lambda: one.get("dsc", "default-dsc").get("status", {}).get("phase") == "Ready", 180)
    status = one.get("dsc", "default-dsc")["status"]
    assert status["release"]["version"] == version
    told = {c["type"] for c in status["conditions"]}
    assert ("KserveLLMInferenceServiceDependencies" in told) is (release >= "3.2")

    presets = {p["metadata"]["name"]: p["spec"] for p in one.get("llminferenceserviceconfigs", "-n", APPLICATIONS)["items"]}
    assert len(presets) == count and all(name.startswith(f"{prefix}config-llm-") for name in presets), sorted(presets)
    deployments = one.kubectl("get", "deployments", "-n", APPLICATIONS, "-o", "name")
    assert ("llmisvc-controller-manager" in deployments) is (release >= "3.4")

    picker = presets[f"{prefix}config-llm-scheduler"]["router"]["scheduler"]["template"]["containers"][0]
    pool = "--poolName" if release == "2.25" else "--pool-name"
    assert pool in picker[flags] and ("args" if flags == "command" else "command") not in picker
    assert "odh-llm-d-inference-scheduler-rhel9@sha256:" in picker["image"]
    vllm = presets[f"{prefix}config-llm-template"]["template"]["containers"][0]["image"]
    assert f"/{'rhaii' if release >= '3.4' else 'rhaiis'}/vllm-cuda-rhel9@sha256:" in vllm


def test_the_picker_of_2_25_takes_its_own_flags_and_no_later_ones(new_rehearsal: Callable[..., Any]) -> None:
    """2.25's preset spells the picker's flags in camel case; one of 3.x ends that picker at once."""
    one = new_rehearsal("--profile", "cpu-only", "--openshift", "4.20", "--speed", "10")
    install(one, "2.25")
    wait_for(lambda: "default-dsci" in one.kubectl("get", "dsci", "-o", "name", check=False))
    one.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(cluster("2.25")))
    wait_for(lambda: one.get("dsc", "default-dsc").get("status", {}).get("phase") == "Ready", 180)
    apply(one, *gateway_objects(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}}, service("own"))
    picker = ("pods", "-n", "old", "-l", "app.kubernetes.io/component=llminferenceservice-router-scheduler,app.kubernetes.io/name=own")

    def main() -> dict[str, Any]:
        return next((c for pod in one.get(*picker)["items"] for c in pod["status"].get("containerStatuses", []) if c["name"] == "main"), {})

    wait_for(lambda: main().get("ready"), 180)
    assert "--poolName" in one.get(*picker)["items"][0]["spec"]["containers"][0]["args"]

    image = one.get(*picker)["items"][0]["spec"]["containers"][0]["image"]
    apply(one, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "later", "namespace": "old"}, "spec": {"restartPolicy": "Never", "containers": [
        {"name": "main", "image": image, "args": ["--pool-name", "x"]}]}})
    ended = wait_for(lambda: one.get("pod", "later", "-n", "old")["status"]["containerStatuses"][0]["state"].get("terminated"), 60)
    assert ended["exitCode"] == 2
    assert "flag provided but not defined: -pool-name" in one.kubectl("logs", "later", "-n", "old")


def test_a_release_that_is_not_the_channels_newest_needs_manual_approval(new_rehearsal: Callable[..., Any]) -> None:
    one = new_rehearsal("--profile", "cpu-only", "--openshift", "4.20", "--speed", "10")
    install(one, "3.2")
    # The channel goes on to 3.3.1: OLM offers it at once in a second plan, and Manual approval holds it back.
    second = wait_for(lambda: plan_of(one, NAMESPACE, "rhods-operator.3.3.0") or plan_of(one, NAMESPACE, "rhods-operator.3.3.1"), 120)
    assert second["spec"]["approved"] is False
    state = ("UpgradePending", "rhods-operator.3.2.1")  # the Subscription tells it a moment after the plan

    def shown() -> bool:
        status = one.get("subscriptions.operators.coreos.com", "rhods-operator", "-n", NAMESPACE)["status"]
        return (status["state"], status["installedCSV"]) == state

    assert wait_for(shown, 60)
