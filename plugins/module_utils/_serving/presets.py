# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster brings for a model server: presets and images. Their names carry the operator's version, so they are looked for and never guessed."""

from __future__ import annotations

from .._assess.look import rows, strings, text
from .wish import AMD_RESOURCE, DISAGGREGATION, WIDE, Refused, Row, Wish

ROCM_PRESET = "config-llm-template-amd-rocm"  # from 3.2 on (red-hat-data-services/kserve config/llmisvc)
ROCM_IMAGE = "/vllm-rocm-rhel9@"
PICKER_PRESET = "config-llm-scheduler"


def needed(declared: Row, gpu_resource: str) -> bool:
    """Whether rendering looks at the cluster's presets."""
    return gpu_resource == AMD_RESOURCE or declared.get("prefix_routing") == "precise"


def base_refs(wish: Wish) -> list[Row]:
    """AMD's preset, which swaps the image, where the release has one. It does so for one kind of pod only."""
    if wish.gpu_resource == AMD_RESOURCE and wish.path in (DISAGGREGATION, WIDE):
        raise Refused(f"{wish.path}: no release has presets for AMD GPUs that make prefill servers or groups. Choose another path, or NVIDIA GPUs.")
    if wish.gpu_resource != AMD_RESOURCE or not wish.dialect["rocm_preset"]:
        return []
    return [{"name": text(_find(wish, ROCM_PRESET, "without it the model servers would get NVIDIA's image"), "metadata", "name")}]


def image(wish: Wish) -> str | None:
    """AMD's image for releases without a preset for it: the one that the operator itself lists. None: the preset's."""
    if wish.gpu_resource != AMD_RESOURCE or wish.dialect["rocm_preset"]:
        return None
    found = sorted(one for one in wish.images if ROCM_IMAGE in one)
    if not found:
        raise Refused(
            f"RHOAI {wish.release} has no preset for AMD GPUs, and the ClusterServiceVersion of rhods-operator lists no vllm-rocm image,"
            " without which the model servers would get NVIDIA's. Check that OpenShift AI is installed (oc get csv -n redhat-ods-operator)."
        )
    return found[-1]


def picker_arguments(wish: Wish) -> list[str]:
    """Arguments of the endpoint picker as the cluster's preset has them, for a configuration that goes among them."""
    preset = _find(wish, PICKER_PRESET, "its arguments are needed to add the picker's configuration")
    containers = rows(preset, "spec", "router", "scheduler", "template", "containers") or []
    return next((strings(one, "args") for one in containers if text(one, "name") == "main"), [])


def _find(wish: Wish, ending: str, why: str) -> Row:
    found = sorted((one for one in wish.presets if (text(one, "metadata", "name") or "").endswith(ending)), key=lambda one: str(text(one, "metadata", "name")))
    if not found:
        raise Refused(
            f"no LLMInferenceServiceConfig ends in {ending}, and {why}. Check that OpenShift AI is ready"
            " (oc get llminferenceserviceconfig -n redhat-ods-applications)."
        )
    return dict(found[-1])
