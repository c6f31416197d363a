# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators' CRs: ready, on the way, and each state that ends a wait."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._wait import (
    accelerators,
    gateway,
    openshift,
    platform,
    serving,
    storage,
)


def cond(kind: str, status: str, reason: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, **more}


def status(*conditions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"status": {"conditions": list(conditions), **more}}


# -- MachineConfigPool ---------------------------------------------------------------------------------------------------


def pool(
    total: int, updated: int, ready: int, *conditions: dict[str, Any], paused: bool = False, wanted: str = "r2"
) -> dict[str, Any]:
    return {"spec": {"paused": paused, "configuration": {"name": wanted}},
            "status": {"machineCount": total, "updatedMachineCount": updated, "readyMachineCount": ready,
                       "configuration": {"name": "r2"}, "conditions": list(conditions)}}  # fmt: skip


def test_pool() -> None:
    happy = [cond("Updated", "True"), cond("Updating", "False"), cond("Degraded", "False")]
    assert openshift.pool(pool(2, 2, 2, *happy), {}).phase == "done"
    assert openshift.pool(pool(2, 2, 2, *happy, wanted="r3"), {}).phase == "waiting", "Updated of the old render"
    assert openshift.pool(pool(2, 1, 1, cond("Updating", "True")), {}).detail == "1 of 2 machines ready, 1 updated"
    assert openshift.pool(pool(2, 1, 1, paused=True), {}).reason == "Paused"
    bad = openshift.pool(
        pool(2, 1, 1, cond("NodeDegraded", "True", "1 nodes are reporting degraded", "Node gpu-0 …")), {}
    )
    assert bad.phase == "failed" and "gpu-0" in bad.detail


def test_paused_but_up_to_date_pool_is_fine() -> None:
    assert openshift.pool(pool(1, 1, 1, cond("Updated", "True"), paused=True), {}).phase == "done"


def test_cluster_operator() -> None:
    assert (
        openshift.cluster_operator(status(cond("Available", "True"), cond("Progressing", "False")), {}).phase == "done"
    )
    assert openshift.cluster_operator(status(cond("Degraded", "True", "X", "y")), {}).phase == "failed"


# -- NVIDIA, NFD -----------------------------------------------------------------------------------------------------------


def test_cluster_policy_ready_with_a_reason_that_counts() -> None:
    assert accelerators.cluster_policy(status(cond("Ready", "True", "Reconciled"), state="ready"), {}).phase == "done"


@pytest.mark.parametrize("reason", ["NFDLabelsMissing", "NoGPUNodes"])
def test_cluster_policy_ready_without_gpus_is_a_failure(reason: str) -> None:
    state = accelerators.cluster_policy(status(cond("Ready", "True", reason, "none"), state="ready"), {})
    assert (state.phase, state.reason) == ("failed", reason) and state.grace > 0


def test_cluster_policy_other_states() -> None:
    assert accelerators.cluster_policy({"status": {"state": "ignored"}}, {}).reason == "Ignored"
    broken = status(cond("Error", "True", "ReconcileFailed", "bad field"), state="notReady")
    assert accelerators.cluster_policy(broken, {}).reason == "ReconcileFailed"
    slow = status(cond("Ready", "False"), cond("Error", "True", "OperandNotReady", "driver"), state="notReady")
    assert accelerators.cluster_policy(slow, {}).phase == "waiting"
    assert accelerators.cluster_policy({}, {}).phase == "waiting"


def test_feature_discovery() -> None:
    assert accelerators.feature_discovery(status(cond("Available", "True")), {}).phase == "done"
    assert (
        accelerators.feature_discovery(status(cond("Degraded", "True", "FailedGetNFDWorkerDaemonSet")), {}).phase
        == "failed"
    )
    assert accelerators.feature_discovery({}, {}).phase == "waiting"


# -- LVMS --------------------------------------------------------------------------------------------------------------------


def test_lvm_cluster_names_node_disk_and_reason() -> None:
    assert storage.lvm_cluster({"status": {"state": "Ready", "ready": True}}, {}).phase == "done"
    assert storage.lvm_cluster({"status": {"state": "Progressing"}}, {}).phase == "waiting"
    bad = {"status": {"state": "Degraded", "deviceClassStatuses": [{"name": "nvme", "nodeStatus": [
        {"node": "gpu-0", "status": "Ready"},
        {"node": "gpu-1", "status": "Failed", "reason": "no devices", "excluded": [
            {"name": "/dev/nvme0n1", "reasons": ["has an invalid filesystem signature (ext4)"]}]}]}]}}  # fmt: skip
    state = storage.lvm_cluster(bad, {})
    assert state.phase == "failed"
    assert all(part in state.detail for part in ("gpu-1", "/dev/nvme0n1", "ext4")) and "gpu-0" not in state.detail


def test_a_lost_drive_fails_though_lvm_storage_says_ready() -> None:
    lost = {"status": {"state": "Ready", "ready": True, "deviceClassStatuses": [{"name": "nvme", "nodeStatus": [
        {"node": "gpu-0", "status": "Ready", "devices": ["/dev/nvme1n1"]}, {"node": "gpu-1", "status": "Ready", "devices": ["/dev/nvme2n1", "[unknown]"]}]}]}}
    state = storage.lvm_cluster(lost, {})
    assert state.phase == "failed" and "nvme on gpu-1 is gone" in state.detail and "gpu-0" not in state.detail


# -- platform ------------------------------------------------------------------------------------------------------------------


def test_data_science_cluster() -> None:
    ready = status(cond("Ready", "True"), cond("KserveReady", "True"), phase="Ready")
    assert platform.data_science_cluster(ready, {"components": ["Kserve"]}).phase == "done"
    assert platform.data_science_cluster(ready, {"components": ["Kserve", "Ray"]}).phase == "waiting"
    slow = status(cond("Ready", "False"), cond("KserveReady", "False", "NotReady", "0 of 1"), phase="Not Ready")
    assert "KserveReady (NotReady: 0 of 1)" in platform.data_science_cluster(slow, {}).detail
    info = status(
        cond("Ready", "True"),
        cond("KserveLLMInferenceServiceDependencies", "False", "x", severity="Info"),
        phase="Ready",
    )
    assert platform.data_science_cluster(info, {}).phase == "done"
    bad = status(cond("ProvisioningSucceeded", "False", "Error", "no CRD"), phase="Not Ready")
    assert platform.data_science_cluster(bad, {}).phase == "failed"


def test_initialization() -> None:
    assert platform.initialization({"status": {"phase": "Ready"}}, {}).phase == "done"
    assert platform.initialization({"status": {"phase": "Progressing"}}, {}).phase == "waiting"


def test_kuadrant_without_gateway_provider() -> None:
    assert platform.kuadrant(status(cond("Ready", "True")), {}).phase == "done"
    state = platform.kuadrant(
        status(cond("Ready", "False", "MissingDependency", "[Gateway API provider (istio)] is not installed")), {}
    )
    assert state.phase == "failed" and "GatewayClass" in state.repair


def test_lws_operator_without_cert_manager() -> None:
    assert platform.lws_operator(status(cond("Available", "True")), {}).phase == "done"
    state = platform.lws_operator(
        status(cond("Degraded", "True", "MissingDependency", "please make sure that cert-manager …")), {}
    )
    assert state.phase == "failed" and "cert-manager" in state.repair


def test_cert_manager_needs_all_and_some() -> None:
    parts = [cond(f"cert-manager-{n}-deploymentAvailable", "True") for n in ("controller", "webhook", "cainjector")]
    assert platform.cert_manager(status(*parts), {}).phase == "done"
    assert platform.cert_manager(status(), {}).phase == "waiting"
    assert platform.cert_manager(status(*parts[:2], cond("xAvailable", "False")), {}).phase == "waiting"
    assert platform.cert_manager(status(*parts, cond("yDegraded", "True")), {}).phase == "failed"


# -- Gateway API ---------------------------------------------------------------------------------------------------------------


def test_gateway_class() -> None:
    assert gateway.gateway_class(status(cond("Accepted", "True")), {}).phase == "done"
    assert gateway.gateway_class(status(cond("Accepted", "Unknown", "Pending")), {}).phase == "waiting"
    assert gateway.gateway_class(status(cond("Accepted", "False", "InvalidParameters")), {}).phase == "failed"


def make_gateway(programmed: dict[str, Any], addresses: list[dict[str, str]], listeners: Any = ()) -> dict[str, Any]:
    return status(cond("Accepted", "True"), programmed, addresses=addresses, listeners=list(listeners))


def test_gateway_needs_an_address() -> None:
    good = make_gateway(cond("Programmed", "True"), [{"value": "10.0.0.1"}])
    assert gateway.gateway(good, {}).detail == "address 10.0.0.1"
    assert gateway.gateway(make_gateway(cond("Programmed", "True"), []), {}).phase == "waiting"
    none = make_gateway(cond("Programmed", "False", "AddressNotAssigned", "address pending"), [])
    state = gateway.gateway(none, {"address_grace_seconds": 7})
    assert (state.phase, state.grace) == ("failed", 7.0) and "MetalLB" in state.repair


def test_gateway_of_an_earlier_generation_only_waits() -> None:
    old = make_gateway(cond("Programmed", "True", observedGeneration=1), [{"value": "10.0.0.1"}])
    old["metadata"] = {"generation": 2}
    assert gateway.gateway(old, {}).phase == "waiting"


def test_gateway_listener_without_certificate() -> None:
    listener = {"name": "https", "conditions": [cond("ResolvedRefs", "False", "InvalidCertificateRef", "no secret x")]}
    state = gateway.gateway(make_gateway(cond("Programmed", "True"), [{"value": "a"}], [listener]), {})
    assert state.reason == "InvalidCertificateRef" and "https" in state.detail


def route(*verdicts: dict[str, Any], parents: int = 1) -> dict[str, Any]:
    return {"spec": {"parentRefs": [{"name": "g"}] * parents},
            "status": {"parents": [{"parentRef": {"name": "g", "namespace": "n"}, "conditions": list(verdicts)}]}}  # fmt: skip


def test_route() -> None:
    good = (cond("Accepted", "True"), cond("ResolvedRefs", "True"))
    assert gateway.route(route(*good), {}).phase == "done"
    assert gateway.route(route(*good, parents=2), {}).phase == "waiting"
    assert gateway.route({"spec": {"parentRefs": [{}]}}, {}).phase == "waiting"
    refused = gateway.route(route(cond("Accepted", "False", "NotAllowedByListeners"), good[1]), {})
    assert refused.phase == "failed" and "allowedRoutes" in refused.repair


def test_inference_pool_of_both_groups() -> None:
    good = [cond("Accepted", "True"), cond("ResolvedRefs", "True")]
    assert gateway.inference_pool({"status": {"parents": [{"conditions": good}]}}, {}).phase == "done"
    assert gateway.inference_pool({"status": {"parent": [{"conditions": good}]}}, {}).phase == "done"
    bad = {"status": {"parents": [{"conditions": [good[0], cond("ResolvedRefs", "False", "InvalidExtensionRef")]}]}}
    assert "picker" in gateway.inference_pool(bad, {}).repair


def test_auth_policy() -> None:
    assert gateway.auth_policy(status(cond("Accepted", "True"), cond("Enforced", "True")), {}).phase == "done"
    assert gateway.auth_policy(status(cond("Accepted", "False", "MissingDependency")), {}).phase == "failed"
    assert gateway.auth_policy(status(cond("Accepted", "True")), {}).phase == "waiting"


# -- LLMInferenceService ---------------------------------------------------------------------------------------------------------


def service(*conditions: dict[str, Any], url: str = "http://g/n/s") -> dict[str, Any]:
    return status(*conditions, url=url)


GOOD = (
    cond("Ready", "True"),
    cond("PresetsCombined", "True"),
    cond("MainWorkloadReady", "True"),
    cond("InferencePoolReady", "True"),
)


def test_inference_service_needs_every_sub_condition_and_a_url() -> None:
    assert serving.inference_service(service(*GOOD), {}).phase == "done"
    assert serving.inference_service(service(*GOOD, url=""), {}).phase == "waiting"
    half = serving.inference_service(
        service(*GOOD, cond("SchedulerWorkloadReady", "False", "MinimumReplicasUnavailable")), {}
    )
    assert half.phase == "waiting" and half.reason == "SchedulerWorkloadReady"
    assert serving.inference_service(service(*GOOD, cond("GroupDegraded", "False")), {}).phase == "done"


@pytest.mark.parametrize("reason", sorted(serving._TERMINAL))
def test_inference_service_terminal_reasons(reason: str) -> None:
    state = serving.inference_service(
        service(cond("Ready", "False", reason), cond("HTTPRoutesReady", "False", reason, "why")), {}
    )
    assert (state.phase, state.reason) == ("failed", reason) and state.repair


def test_inference_service_addresses_instead_of_url() -> None:
    obj = status(*GOOD, addresses=[{"url": "https://x/n/s"}])
    assert serving.inference_service(obj, {}).detail == "https://x/n/s"
    assert serving.address({"status": {"address": {"url": "https://y"}}}) == "https://y"
