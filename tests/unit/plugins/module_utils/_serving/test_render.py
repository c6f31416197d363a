# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering of the service: what is set, what is left to the presets, and in which dialect."""

from __future__ import annotations

import shlex

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._serving import dialects, render

DECLARED = {
    "release": "3.3",
    "namespace": "llmd",
    "service_name": "qwen",
    "model_uri": "hf://Qwen/Qwen2.5-7B-Instruct",
    "model_name": "Qwen/Qwen2.5-7B-Instruct",
    "model_credentials_secret": None,
    "model_cache_gib": 100,
    "replicas": 2,
    "gpus_per_replica": 1,
    "cpu_per_replica": "4",
    "memory_per_replica": "32Gi",
    "vllm_args": [],
    "node_selector": {},
    "tolerations": [],
    "auth": True,
}


def service(storage_class: str | None = "lvms-nvme", **changes: object) -> dict:
    declared = {**DECLARED, **changes}
    objects = render.objects(declared, dialects.of_release(declared["release"]), storage_class, "nvidia.com/gpu")
    return next(item for item in objects if item["kind"] == "LLMInferenceService")


def test_the_golden_service_of_3_3() -> None:
    assert service() == {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": {
            "name": "qwen",
            "namespace": "llmd",
            "annotations": {"security.opendatahub.io/enable-auth": "true"},
        },
        "spec": {
            "model": {"uri": "hf://Qwen/Qwen2.5-7B-Instruct", "name": "Qwen/Qwen2.5-7B-Instruct"},
            "replicas": 2,
            "router": {
                "gateway": {"refs": [{"name": "openshift-ai-inference", "namespace": "openshift-ingress"}]},
                "route": {},
                "scheduler": {},
            },
            "template": {
                "containers": [
                    {
                        "name": "main",
                        "resources": {
                            "limits": {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "1"},
                            "requests": {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "1"},
                        },
                    }
                ],
                "volumes": [
                    {
                        "name": "kserve-provision-location",
                        "ephemeral": {
                            "volumeClaimTemplate": {
                                "spec": {
                                    "accessModes": ["ReadWriteOnce"],
                                    "storageClassName": "lvms-nvme",
                                    "resources": {"requests": {"storage": "100Gi"}},
                                }
                            }
                        },
                    }
                ],
            },
        },
    }


def test_arguments_survive_one_shell_evaluation_in_old_dialects() -> None:
    arguments = ["--chat-template-kwargs", '{"a": "it\'s"}']
    (container,) = service(vllm_args=arguments)["spec"]["template"]["containers"]
    assert "args" not in container
    assert shlex.split(container["env"][0]["value"]) == arguments


def test_arguments_are_container_args_from_3_4_on() -> None:
    written = service(release="3.4", vllm_args=["--seed=1"])
    assert written["apiVersion"] == "serving.kserve.io/v1alpha2"
    assert written["spec"]["template"]["containers"][0]["args"] == ["--seed=1"]


def test_several_gpus_mean_tensor_parallelism() -> None:
    (container,) = service(gpus_per_replica=4)["spec"]["template"]["containers"]
    assert container["env"][0]["value"] == "--tensor-parallel-size=4"
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"


@pytest.mark.parametrize("uri", ["pvc://models/qwen", "oci://registry.example.com/qwen:1"])
def test_models_that_are_not_downloaded_need_no_volume(uri: str) -> None:
    assert "volumes" not in service(model_uri=uri)["spec"]["template"]


def test_no_storage_class_leaves_the_volume_to_kserve() -> None:
    assert "volumes" not in service(storage_class=None)["spec"]["template"]


def test_credentials_come_by_a_service_account_that_names_the_secret() -> None:
    declared = {**DECLARED, "model_credentials_secret": "hf-token"}
    account, llm, _policy = render.objects(declared, dialects.of_release("3.3"), None, "nvidia.com/gpu")
    assert account["secrets"] == [{"name": "hf-token"}]
    assert llm["spec"]["template"]["serviceAccountName"] == account["metadata"]["name"] == "qwen-model"


def test_auth_off_is_written_out() -> None:
    assert service(auth=False)["metadata"]["annotations"] == {"security.opendatahub.io/enable-auth": "false"}


def test_the_network_policy_names_its_sources_and_only_the_service() -> None:
    policy = render.objects(DECLARED, dialects.of_release("3.3"), None, "nvidia.com/gpu")[-1]
    assert policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "qwen"
    (rule,) = policy["spec"]["ingress"]
    names = [
        s["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for s in rule["from"]
        if "namespaceSelector" in s
    ]
    assert names == ["openshift-ingress", "openshift-monitoring", "openshift-user-workload-monitoring"]
    assert {"podSelector": {}} in rule["from"]


def test_an_unknown_release_is_refused_with_the_known_ones() -> None:
    with pytest.raises(dialects.UnknownRelease, match=r"RHOAI 9\.9.*2\.25, 3\.0, 3\.2, 3\.3, 3\.4"):
        dialects.of_release("9.9")


def test_amd_takes_the_preset_that_the_cluster_has() -> None:
    names = ["v3-3-6-kserve-config-llm-template", "v3-3-6-kserve-config-llm-template-amd-rocm"]
    made = render.objects(DECLARED, dialects.of_release("3.3"), None, "amd.com/gpu", names)
    assert made[0]["spec"]["baseRefs"] == [{"name": "v3-3-6-kserve-config-llm-template-amd-rocm"}]


def test_amd_without_its_preset_is_refused() -> None:
    with pytest.raises(render.NoPreset, match="amd-rocm"):
        render.objects(DECLARED, dialects.of_release("3.3"), None, "amd.com/gpu", ["v3-3-6-kserve-config-llm-template"])


def test_nvidia_names_no_preset() -> None:
    assert "baseRefs" not in render.objects(DECLARED, dialects.of_release("3.3"), None, "nvidia.com/gpu", [])[0]["spec"]
