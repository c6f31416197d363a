# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declaration + dialect -> ServiceAccount (for model credentials), LLMInferenceService, NetworkPolicy.

Sources: reference rhoai-llmd 3.4 (auth annotation), 4.1 (spec), 4.3 (names, labels), 4.4 (presets: where extra arguments go),
5.1 (inference scheduling). The presets bring image, command, probes and TLS; only what the user declares is set here.
"""

from __future__ import annotations

import shlex
from typing import Any

GATEWAY_NAMESPACE = "openshift-ingress"
GATEWAY_NAME = "openshift-ai-inference"
AUTH_ANNOTATION = "security.opendatahub.io/enable-auth"
# KServe's storage initializer downloads into the volume of this name, and keeps one that the service brings itself.
MODEL_VOLUME = "kserve-provision-location"
AMD_RESOURCE = "amd.com/gpu"
AMD_PRESET = "config-llm-template-amd-rocm"  # from 3.2 on (red-hat-data-services/kserve config/llmisvc)
MONITORING_NAMESPACES = ("openshift-monitoring", "openshift-user-workload-monitoring")


class NoPreset(LookupError):
    """The cluster has no preset of that kind."""


def objects(
    declared: dict[str, Any],
    dialect: dict[str, Any],
    storage_class: str | None,
    gpu_resource: str,
    presets: list[str] | None = None,
) -> list[dict[str, Any]]:
    """All objects of the service, in the order in which they are needed.

    :param storage_class: StorageClass on local NVMe for the downloaded model, None to keep it on the node's root disk.
    :param gpu_resource: extended resource of the accelerator, for example ``nvidia.com/gpu``.
    :param presets: names of the cluster's LLMInferenceServiceConfigs; needed for AMD, whose image is another one.
    :raises NoPreset: AMD's preset isn't among them.
    """
    account = [_service_account(declared)] if declared.get("model_credentials_secret") else []
    service = _service(declared, dialect, storage_class, gpu_resource)
    if gpu_resource == AMD_RESOURCE:
        service["spec"]["baseRefs"] = [{"name": _amd_preset(presets or [])}]
    return [*account, service, _network_policy(declared)]


def _amd_preset(presets: list[str]) -> str:
    """The preset that swaps the image. Its name carries the operator's version, so it is looked for and never guessed."""
    found = sorted(name for name in presets if name.endswith(AMD_PRESET))
    if not found:
        raise NoPreset(
            f"no LLMInferenceServiceConfig ends in {AMD_PRESET}, and without it the model servers would get NVIDIA's image. Check that"
            " OpenShift AI is ready (oc get llminferenceserviceconfig -n redhat-ods-applications)."
        )
    return found[-1]


def _service_account(declared: dict[str, Any]) -> dict[str, Any]:
    """KServe reads the credentials of the model store from the Secrets that the pod's ServiceAccount names."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": _account_name(declared), "namespace": declared["namespace"]},
        "secrets": [{"name": declared["model_credentials_secret"]}],
    }


def _account_name(declared: dict[str, Any]) -> str:
    return f"{declared['service_name']}-model"


def _service(
    declared: dict[str, Any], dialect: dict[str, Any], storage_class: str | None, gpu_resource: str
) -> dict[str, Any]:
    return {
        "apiVersion": dialect["api_version"],
        "kind": "LLMInferenceService",
        "metadata": {
            "name": declared["service_name"],
            "namespace": declared["namespace"],
            "annotations": {AUTH_ANNOTATION: "true" if declared["auth"] else "false"},
        },
        "spec": {
            "model": {"uri": declared["model_uri"], "name": declared["model_name"]},
            "replicas": declared["replicas"],
            "router": {
                "gateway": {"refs": [{"name": GATEWAY_NAME, "namespace": GATEWAY_NAMESPACE}]},
                "route": {},
                "scheduler": {},
            },
            "template": _template(declared, dialect, storage_class, gpu_resource),
        },
    }


def _template(
    declared: dict[str, Any], dialect: dict[str, Any], storage_class: str | None, gpu_resource: str
) -> dict[str, Any]:
    template: dict[str, Any] = {"containers": [_container(declared, dialect, gpu_resource)]}
    if declared.get("model_credentials_secret"):
        template["serviceAccountName"] = _account_name(declared)
    if declared.get("node_selector"):
        template["nodeSelector"] = dict(declared["node_selector"])
    if declared.get("tolerations"):
        template["tolerations"] = list(declared["tolerations"])
    if storage_class and _downloads(declared["model_uri"]):
        template["volumes"] = [_model_volume(storage_class, declared["model_cache_gib"])]
    return template


def _container(declared: dict[str, Any], dialect: dict[str, Any], gpu_resource: str) -> dict[str, Any]:
    gpus = declared["gpus_per_replica"]
    # Single-node presets do not render parallelism.tensor up to 3.4, so the flag is set here.
    arguments = [*([f"--tensor-parallel-size={gpus}"] if gpus > 1 else []), *(declared.get("vllm_args") or [])]
    resources = {
        "cpu": str(declared["cpu_per_replica"]),
        "memory": str(declared["memory_per_replica"]),
        gpu_resource: str(gpus),
    }
    container: dict[str, Any] = {"name": "main", "resources": {"limits": resources, "requests": dict(resources)}}
    if arguments and dialect["extra_args"] == "env":
        # The preset evaluates the variable once in its shell, so each argument is quoted for one evaluation.
        container["env"] = [{"name": "VLLM_ADDITIONAL_ARGS", "value": shlex.join(arguments)}]
    elif arguments:
        container["args"] = arguments
    return container


def _downloads(uri: str) -> bool:
    """Whether a storage initializer copies the model to the pod (oci:// is mounted, pvc:// is there already)."""
    return uri.split("://", 1)[0] in ("hf", "s3")


def _model_volume(storage_class: str, gib: int) -> dict[str, Any]:
    """A volume on the node's NVMe that lives as long as the pod."""
    return {
        "name": MODEL_VOLUME,
        "ephemeral": {
            "volumeClaimTemplate": {
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": storage_class,
                    "resources": {"requests": {"storage": f"{gib}Gi"}},
                }
            }
        },
    }


def _network_policy(declared: dict[str, Any]) -> dict[str, Any]:
    """Only the gateway, the service's own namespace (picker, probe) and monitoring reach the pods of the service."""
    others = (GATEWAY_NAMESPACE, *MONITORING_NAMESPACES)
    sources: list[dict[str, Any]] = [
        {"podSelector": {}},
        *({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}} for namespace in others),
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{declared['service_name']}-llmd", "namespace": declared["namespace"]},
        "spec": {
            "podSelector": {
                "matchLabels": {
                    "app.kubernetes.io/name": declared["service_name"],
                    "app.kubernetes.io/part-of": "llminferenceservice",
                }
            },
            "policyTypes": ["Ingress"],
            "ingress": [{"from": sources}],
        },
    }
