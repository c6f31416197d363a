# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets in a release's dialect, conditions in the operator's words, objects around a service."""

from __future__ import annotations

import json

import pytest

from rehearsal.operators import odh_objects, rhoai_status
from rehearsal.operators.rhoai import component_conditions, management_states
from rehearsal.operators.rhoai_presets import config_map, presets
from rehearsal.operators.rhoai_release import Release

SCRIPT = (
    'vllm serve /mnt/models --served-model-name "{{ .Spec.Model.Name }}" '
    '"publishers/{{ .ObjectMeta.Namespace }}/models/{{ .Spec.Model.Name }}" '
    "{{- if and .Spec.Parallelism .Spec.Parallelism.Tensor }} --tensor-parallel-size {{ .Spec.Parallelism.Tensor }}{{- end }} $@"
)


def workload(script: str = SCRIPT) -> dict:
    return {"template": {"containers": [{"name": "main", "image": "ghcr.io/llm-d/llm-d-cuda:v1", "command": ["/bin/bash", "-c", script, "--"]}]}}


def upstream() -> dict:
    pool = [{"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "p"}]
    rules = [{"name": name, "backendRefs": pool, "matches": [{}]} for name in
             ("v1-completions-path", "v1-chat-completions-path", "v1-responses-path", "v1-messages-path", "v1-catch-all-path")]
    rules[-1]["backendRefs"] = [{"kind": "Service", "name": "s"}]
    picker = {"name": "main", "image": "ghcr.io/llm-d/llm-d-router-endpoint-picker:v1", "volumeMounts": [{"name": "tokenizer-uds"}, {"name": "tls"}],
              "command": ["/app/epp", "--pool-name", "x", "{{ if .GlobalConfig.EnableTLS }}--secure-serving=true{{- end }}"]}
    tokenizer = {"name": "tokenizer", "image": "ghcr.io/llm-d/llm-d-uds-tokenizer:v1"}
    scheduler = {"template": {"containers": [picker, tokenizer], "volumes": [{"name": "tokenizer-uds"}, {"name": "tls"}]}, "annotations": {"a": "b"}}
    specs = {
        "template": workload(), "decode-template": workload(),
        "prefill-template": {"prefill": workload(SCRIPT.replace(' "publishers/{{ .ObjectMeta.Namespace }}/models/{{ .Spec.Model.Name }}"', ""))},
        "worker-data-parallel": workload(), "decode-worker-data-parallel": workload(), "prefill-worker-data-parallel": {"prefill": workload()},
        "scheduler": {"router": {"scheduler": scheduler}}, "router-route": {"router": {"route": {"http": {"spec": {"rules": rules}}}}},
        "tracing": {},
    }
    return {f"config-llm-{name}": {"kind": "LLMInferenceServiceConfig", "metadata": {"name": f"kserve-config-llm-{name}"}, "spec": spec}
            for name, spec in specs.items()}


def made(version: str) -> dict:
    return {item["metadata"]["name"]: item for item in presets(upstream(), Release(version), "apps")}


@pytest.mark.parametrize(("version", "prefix", "count"), [
    ("2.25.4", "kserve-", 8), ("3.0.0", "kserve-", 8), ("3.2.1", "v3-2-1-kserve-", 9), ("3.3.6", "v3-3-6-kserve-", 9), ("3.4.0", "v3-4-0-kserve-", 10),
])
def test_names_follow_the_release(version, prefix, count) -> None:
    found = made(version)
    assert len(found) == count
    assert f"{prefix}config-llm-template" in found
    assert all(item["metadata"]["annotations"] == {"serving.kserve.io/well-known-config": "true"} for item in found.values())
    assert "tracing" not in " ".join(found)


def test_release_33_dialect() -> None:
    found = made("3.3.6")
    main = found["v3-3-6-kserve-config-llm-template"]["spec"]["template"]["containers"][0]
    assert main["image"].startswith("registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:")
    assert main["command"] == ["/bin/bash", "-c"]
    (script,) = main["args"]
    assert "publishers" not in script
    assert "tensor-parallel-size" not in script
    assert "$@" not in script
    assert "tensor-parallel-size" in found["v3-3-6-kserve-config-llm-worker-data-parallel"]["spec"]["template"]["containers"][0]["args"][0]
    (picker,) = found["v3-3-6-kserve-config-llm-scheduler"]["spec"]["router"]["scheduler"]["template"]["containers"]
    assert "command" not in picker
    assert picker["args"][:2] == ["--pool-name", "x"]
    assert "--secure-serving" in picker["args"]
    rules = found["v3-3-6-kserve-config-llm-router-route"]["spec"]["router"]["route"]["http"]["spec"]["rules"]
    assert [rule["backendRefs"][0]["kind"] for rule in rules] == ["InferencePool", "InferencePool", "Service"]
    rocm = found["v3-3-6-kserve-config-llm-template-amd-rocm"]["spec"]["template"]["containers"][0]["image"]
    assert "rhaiis/vllm-rocm-rhel9" in rocm


def test_release_225_sends_everything_to_the_pool() -> None:
    (rule,) = made("2.25.4")["kserve-config-llm-router-route"]["spec"]["router"]["route"]["http"]["spec"]["rules"]
    assert rule["backendRefs"][0]["kind"] == "InferencePool"


def test_release_34_has_the_tokenizer_and_responses() -> None:
    found = made("3.4.0")
    containers = found["v3-4-0-kserve-config-llm-scheduler"]["spec"]["router"]["scheduler"]["template"]["containers"]
    assert [item["name"] for item in containers] == ["main", "tokenizer"]
    assert containers[0]["command"][0] == "/app/epp"
    assert len(found["v3-4-0-kserve-config-llm-router-route"]["spec"]["router"]["route"]["http"]["spec"]["rules"]) == 4


def test_another_upstream_is_noticed() -> None:
    changed = upstream()
    changed["config-llm-template"]["spec"]["template"]["containers"][0]["command"][2] = "vllm serve /mnt/models"
    with pytest.raises(ValueError, match="another version of KServe"):
        presets(changed, Release("3.3.6"), "apps")
    changed = upstream()
    changed["config-llm-template"]["spec"]["template"]["containers"][0]["image"] = "example.com/new:1"
    with pytest.raises(KeyError):
        presets(changed, Release("3.3.6"), "apps")


def test_config_map() -> None:
    source = {"data": {"_example": "x", "ingress": '{"urlScheme": "http"}', "storageInitializer": '{"image": "kserve/storage-initializer:latest"}'}}
    data = config_map(source, Release("3.3.6"), "apps")["data"]
    ingress = json.loads(data["ingress"])
    assert ingress["kserveIngressGateway"] == "openshift-ingress/openshift-ai-inference"
    assert ingress["enableLLMInferenceServiceTLS"] is True
    assert ingress["modelBasedRoutingMode"] == "disabled"
    assert "odh-kserve-storage-initializer-rhel9" in data["storageInitializer"]
    assert "_example" not in data


def by_type(conditions) -> dict:
    return {item["type"]: item for item in conditions}


def test_dependency_conditions_name_what_is_missing() -> None:
    found = by_type(rhoai_status.dependencies(Release("3.3.6"), set()))
    assert found["LLMInferenceServiceDependencies"]["message"] == "Warning: Red Hat Connectivity Link is not installed, LLMInferenceService cannot be used"
    wide = found["LLMInferenceServiceWideEPDependencies"]
    assert wide["message"].startswith("Warning: Red Hat Connectivity Link and LeaderWorkerSet not installed")
    assert wide["severity"] == "Info"
    assert by_type(rhoai_status.dependencies(Release("3.3.6"), {"rhcl-operator"}))["LLMInferenceServiceDependencies"]["status"] == "True"
    assert by_type(rhoai_status.dependencies(Release("3.4.0"), {"rhcl-operator"}))["LLMInferenceServiceDependencies"]["status"] == "False"
    assert rhoai_status.dependencies(Release("3.0.0"), set()) == []


def test_a_cluster_is_ready_when_its_managed_components_are() -> None:
    states = {"kserve": "Managed", "dashboard": "Removed"}
    phase, conditions = rhoai_status.data_science_cluster(Release("3.3.6"), states, {})
    found = by_type(conditions)
    assert (phase, found["Ready"]["status"]) == ("Not Ready", "False")
    assert found["ComponentsReady"]["message"] == "Some components are not ready: kserve"
    assert found["DashboardReady"]["message"] == "Component ManagementState is set to Removed"
    phase, conditions = rhoai_status.data_science_cluster(Release("3.3.6"), states, {"kserve": {"status": "True"}})
    assert (phase, by_type(conditions)["KserveReady"]["status"]) == ("Ready", "True")


def test_waiting_deployments_keep_kserve_from_ready() -> None:
    found = by_type(rhoai_status.kserve(Release("3.3.6"), ["kserve-controller-manager"], set()))
    assert (found["Ready"]["status"], found["Ready"]["reason"], found["Ready"]["message"]) == ("False", "DeploymentsNotReady", "0/1 deployments ready")


def test_components_that_are_not_named_are_removed() -> None:
    states = management_states({"spec": {"components": {"kserve": {"managementState": "Managed"}}}}, Release("3.3.6"))
    assert states["kserve"] == "Managed"
    assert {state for name, state in states.items() if name != "kserve"} == {"Removed"}
    assert management_states({"spec": {}}, Release("2.25.0"))["kserve"] == "Removed"


def test_the_cluster_repeats_the_components_conditions() -> None:
    component = {"status": {"conditions": [{"type": "LLMInferenceServiceDependencies", "status": "True", "lastTransitionTime": "x"}, {"type": "Ready", "status": "True"}]}}
    assert component_conditions(component) == [{"type": "KserveLLMInferenceServiceDependencies", "status": "True"}]
    assert component_conditions(None) == []


def test_child_names() -> None:
    assert odh_objects.child_name("qwen", "-kserve") == "qwen-kserve"
    long = odh_objects.child_name("a" * 60, "-kserve")
    assert (len(long), long[:24], long[-7:]) == (63, "a" * 24, "-kserve")
    assert long != odh_objects.child_name("a" * 59 + "b", "-kserve")
    assert len(odh_objects.child_name("a" * 60, "-" + "s" * 40)) <= 63


@pytest.mark.parametrize(("annotation", "enabled"), [(None, True), ("true", True), ("false", False), (" False ", False), ("no", True)])
def test_authentication_is_on_unless_switched_off(annotation, enabled) -> None:
    notes = {} if annotation is None else {odh_objects.ENABLE_AUTH: annotation}
    assert odh_objects.auth_enabled({"metadata": {"annotations": notes}}) is enabled


def test_tls_rules_wait_for_the_shadow_service() -> None:
    service = {"apiVersion": "v", "kind": "K", "metadata": {"namespace": "a", "name": "m", "uid": "u"}}
    assert len(odh_objects.destination_rules(service, None)) == 2
    rule = odh_objects.destination_rules(service, ("a", "m-inference-pool-ip-1234"))[2]
    assert rule["spec"]["host"] == "m-inference-pool-ip-1234.a.svc.cluster.local"
    assert rule["spec"]["trafficPolicy"]["tls"]["sni"] == "m-kserve-workload-svc.a.svc.cluster.local"


def test_release_225_spells_the_pickers_flags_in_camel_case() -> None:
    (picker,) = made("2.25.10")["kserve-config-llm-scheduler"]["spec"]["router"]["scheduler"]["template"]["containers"]
    assert picker["args"][:2] == ["--poolName", "x"] and {"--secureServing", "--modelServerMetricsScheme", "--certPath"} <= set(picker["args"])
    assert Release("3.0.0").picker_flag("--pool-name") == "--pool-name"
    assert Release("2.25.0").picker_flag("/var/run/a-b") == "/var/run/a-b"


def test_release_225_with_serverless_needs_two_more_operators() -> None:
    wanted = {"spec": {"serving": {"managementState": "Managed"}, "defaultDeploymentMode": "RawDeployment"}}
    told = by_type(rhoai_status.serverless_lacking(wanted, Release("2.25.10"), {"serverless-operator"}))["Ready"]
    assert told["message"] == "ServiceMesh operator must be installed for this component's configuration"
    assert not rhoai_status.serverless_lacking(wanted, Release("2.25.10"), {"serverless-operator", "servicemeshoperator"})
    assert not rhoai_status.serverless_lacking(wanted, Release("3.3.6"), set())
    assert not rhoai_status.serverless_lacking({"spec": {"serving": {"managementState": "Removed"}}}, Release("2.25.10"), set())
