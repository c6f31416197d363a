# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between releases of OpenShift AI, as far as llm-d sees it (rhoai-llmd.md 1.5, 2.3, 3.1, 4.4, 6.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

UPSTREAM_TO_PRODUCT = {
    "llm-d/llm-d-cuda": "vllm-cuda",
    "llm-d/llm-d-router-endpoint-picker": "picker",
    "llm-d/llm-d-router-disagg-sidecar": "sidecar",
    "llm-d/llm-d-uds-tokenizer": "tokenizer",
    "kserve/storage-initializer": "storage-initializer",
}
DEPENDENCIES = {
    "rhcl-operator": "Red Hat Connectivity Link",
    "openshift-cert-manager-operator": "cert-manager operator",
    "leader-worker-set": "LeaderWorkerSet",
}


@dataclass(frozen=True)
class Release:
    """One version of the operator, e.g. 3.3.2."""

    version: str

    @property
    def minor(self) -> tuple[int, int]:
        """(3, 3) of 3.3.2."""
        first, second = self.version.split(".")[:2]
        return int(first), int(second)

    @property
    def api(self) -> str:
        """Version of DataScienceCluster and DSCInitialization that the release's documentation uses."""
        return "v1" if self.minor < (3, 0) else "v2"

    @property
    def preset_prefix(self) -> str:
        """What stands before `config-llm-...` in the names of the presets."""
        if self.minor < (3, 2):
            return "kserve-"
        return f"v{self.version.replace('.', '-')}-kserve-"

    @property
    def condition_dependencies(self) -> tuple[list[str], list[str]]:
        """Subscriptions that the two informational conditions look for: (LLMInferenceService, wide expert parallelism)."""
        base = ["rhcl-operator"] + (["openshift-cert-manager-operator"] if self.minor >= (3, 4) else [])
        return base, [base[0], "leader-worker-set", *base[1:]]

    @property
    def authenticates(self) -> bool:
        """2.25 neither makes an AuthPolicy (odh-model-controller@a7df1f93 has a TODO) nor looks for its kind (rhoai-llmd.md 3.4)."""
        return self.minor >= (3, 0)

    @property
    def has_conditions(self) -> bool:
        """2.25 and 3.0 have no dependency conditions."""
        return self.minor >= (3, 2)

    @property
    def separate_llm_controller(self) -> bool:
        """From 3.4 on the LLM controller has a Deployment of its own."""
        return self.minor >= (3, 4)

    @property
    def deployments(self) -> dict[str, str]:
        """Deployments of the KServe component: name -> image."""
        found = {"kserve-controller-manager": self.image("controller")}
        if self.separate_llm_controller:
            found["llmisvc-controller-manager"] = self.image("llm-controller")
        return found

    @property
    def route_rules(self) -> list[str] | None:
        """Names of the rules of upstream's route preset that the release has; None = all."""
        if self.minor >= (3, 5):
            return None
        kept = ["v1-completions-path", "v1-chat-completions-path"]
        return kept + (["v1-responses-path"] if self.minor >= (3, 4) else []) + ["v1-catch-all-path"]

    @property
    def presets(self) -> list[str] | None:
        """Upstream presets (without prefix) that the release has; None = all."""
        if self.minor >= (3, 5):
            return None
        names = ["template", "decode-template", "prefill-template", "worker-data-parallel", "decode-worker-data-parallel",
                 "prefill-worker-data-parallel", "scheduler", "router-route"]
        return [f"config-llm-{name}" for name in names]

    @property
    def accelerator_presets(self) -> dict[str, str]:
        """Extra presets made from the plain template: name -> kind of vLLM image."""
        if self.minor < (3, 2):
            return {}
        found = {"config-llm-template-amd-rocm": "vllm-rocm"}
        if self.minor >= (3, 4):
            found["config-llm-template-nvidia-cuda"] = "vllm-cuda"
        return found

    @property
    def picker_by_args(self) -> bool:
        """Up to 3.3 the endpoint picker's flags are `args`, later `command` (rhoai-llmd.md 4.4)."""
        return self.minor < (3, 4)

    def picker_flag(self, word: str) -> str:
        """A flag of the endpoint picker as the release spells it: `--poolName` in 2.25, `--pool-name` later (rhoai-llmd.md 4.4).

        Those for its log are controller-runtime's own, with dashes in every release.
        """
        if self.minor >= (3, 0) or not word.startswith("--") or word.startswith("--zap-"):
            return word
        first, *rest = word.removeprefix("--").split("-")
        return f"--{first}{''.join(part.capitalize() for part in rest)}"

    @property
    def script_in_args(self) -> bool:
        """Up to 3.3 vLLM's start script is in `args`: a user's `args` replace it (rhoai-llmd.md 4.4, 7 row 26)."""
        return self.minor < (3, 4)

    @property
    def tensor_rendered(self) -> bool:
        """Single-node presets render `parallelism.tensor` from 3.5 on only (rhoai-llmd.md 4.4)."""
        return self.minor >= (3, 5)

    @property
    def drains(self) -> bool:
        """Whether pods wait before they end, so that nobody sends them requests any more: from 3.5 on."""
        return self.minor >= (3, 5)

    @property
    def tokenizer(self) -> bool:
        """The endpoint picker's pod has a tokenizer container from 3.4 on."""
        return self.minor >= (3, 4)

    def image(self, part: str) -> str:
        """Full name of a product image. Digests are made from the names: nobody pulls them."""
        vllm = "rhaiis" if self.minor < (3, 4) else "rhaii"
        new = self.minor >= (3, 5)
        names = {
            "vllm-cuda": f"{vllm}/vllm-cuda-rhel9",
            "vllm-rocm": f"{vllm}/vllm-rocm-rhel9",
            "picker": "rhoai/odh-llm-d-router-endpoint-picker-rhel9" if new else "rhoai/odh-llm-d-inference-scheduler-rhel9",
            "sidecar": "rhoai/odh-llm-d-router-disagg-sidecar-rhel9" if new else "rhoai/odh-llm-d-routing-sidecar-rhel9",
            "tokenizer": "rhaii/vllm-cpu-rhel9" if new else "rhoai/odh-llm-d-kv-cache-rhel9",
            "storage-initializer": "rhoai/odh-kserve-storage-initializer-rhel9",
            "controller": "rhoai/odh-kserve-controller-rhel9",
            "llm-controller": "rhoai/odh-kserve-llmisvc-controller-rhel9",
            "model-controller": "rhoai/odh-model-controller-rhel9",
        }
        digest = hashlib.sha256(f"{names[part]} {self.minor[0]}.{self.minor[1]}".encode()).hexdigest()
        return f"registry.redhat.io/{names[part]}@sha256:{digest}"

    def product_image(self, upstream: str) -> str:
        """The product's image for an upstream one; raises KeyError for one that isn't known."""
        for name, part in UPSTREAM_TO_PRODUCT.items():
            if f"{name}:" in upstream or upstream.endswith(name):
                return self.image(part)
        raise KeyError(f"no product image for {upstream}")


def missing_text(missing: list[str], wide: bool, version: tuple[int, int]) -> str:
    """The operator's sentence about Subscriptions that it didn't find."""
    names = [DEPENDENCIES[name] for name in missing]
    if wide:
        return f"Warning: {' and '.join(names)} not installed, Wide Expert Parallelism with LLMInferenceService cannot be used"
    verb = " is" if version < (3, 4) else ""
    return f"Warning: {' and '.join(names)}{verb} not installed, LLMInferenceService cannot be used"
