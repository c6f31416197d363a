# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wishes to render: a whole declaration with its defaults, a made-up fabric, two nodes of eight GPUs."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.check import check
from ansible_collections.llmd.openshift.plugins.module_utils._serving import build, render
from ansible_collections.llmd.openshift.plugins.module_utils._serving.wish import (
    DISAGGREGATION,
    OFFLOAD,
    SCHEDULING,
    WIDE,
    Wish,
)

RELEASES = ("2.25", "3.0", "3.2", "3.3", "3.4")
PATHS = (SCHEDULING, DISAGGREGATION, OFFLOAD, WIDE)
EXPERTS = "hf://deepseek-ai/DeepSeek-R1"
GIB = 2**30
POD = {
    "annotations": {"k8s.v1.cni.cncf.io/networks": "llmd-rail-0"},
    "resources": {"openshift.io/llmdrail0": "1"},
    "env": [{"name": "UCX_NET_DEVICES", "value": "mlx5_0:1"}],
    "capabilities": ["IPC_LOCK"],
}
NODES = [{"name": name, "accelerators": {"count": 8}, "memory_bytes": 2048 * GIB} for name in ("gpu-0", "gpu-1")]
PICKER_ARGS = ["--pool-name", "{{ ChildName .ObjectMeta.Name `-inference-pool` }}", "--secure-serving", "--cert-path", "/var/run/kserve/tls"]
PRESETS = [
    {"metadata": {"name": "v3-3-6-kserve-config-llm-template"}},
    {"metadata": {"name": "v3-3-6-kserve-config-llm-template-amd-rocm"}},
    {"metadata": {"name": "v3-3-6-kserve-config-llm-scheduler"},
     "spec": {"router": {"scheduler": {"template": {"containers": [{"name": "main", "args": PICKER_ARGS}]}}}}},
]  # fmt: skip


def declared(**options: Any) -> dict[str, Any]:
    """What the action declare makes of these options."""
    given: dict[str, Any] = {"llmd_api_url": "https://api.example.com:6443", "llmd_kubeconfig": "/dev/null", "llmd_model_uri": "hf://Qwen/Qwen2.5-7B-Instruct"}
    if options.get("release") == "2.25":
        given["llmd_auth"] = False  # refused with authentication (test_render)
    values, errors = check(facts().declaration, {**given, **{f"llmd_{name}": value for name, value in options.items()}}, facts().releases, [])
    assert not errors, errors
    return values


def wish(gpu_resource: str = "nvidia.com/gpu", storage_class: str | None = "lvms-nvme", fabric: bool | None = None, nodes: Any = None,
         presets: Any = (), images: Any = (), **options: Any) -> Wish:  # fmt: skip
    """fabric: None gives one to the paths that need it."""
    said = declared(**options)
    rails = said["path"] in (DISAGGREGATION, WIDE) if fabric is None else fabric
    return build.wish(said, gpu_resource, facts().models, storage_class=storage_class, fabric={"pod": POD} if rails else {},
                      presets=presets, images=images, nodes=NODES if nodes is None else nodes)  # fmt: skip


def of_path(path: str, **options: Any) -> Wish:
    """A wish of that path with a model that fits it."""
    return wish(path=path, **{**({"model_uri": EXPERTS} if path == WIDE else {}), **options})


def service(*args: Any, **options: Any) -> dict[str, Any]:
    """The rendered LLMInferenceService."""
    return render.service(wish(*args, **options))


def main(template: dict[str, Any]) -> dict[str, Any]:
    (container,) = template["containers"]
    return container


def variables(template: dict[str, Any]) -> dict[str, Any]:
    """Names and values of the model server's environment."""
    return {row["name"]: row.get("value", row.get("valueFrom")) for row in main(template).get("env", [])}
