# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When NVIDIA's driver is loaded with parameters of ours."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._plan.driver import CONFIG, parameters

NEEDED = {"needed": True}


def policy(name: str = "", ours: bool = True) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "llmd-openshift"} if ours else {}
    return {"metadata": {"name": "gpu-cluster-policy", "labels": labels}, "spec": {"driver": {"kernelModuleConfig": {"name": name}}}}


@pytest.mark.parametrize(
    ("vendor", "path", "fabric", "policies", "wanted"),
    [
        ("nvidia", "wide_expert_parallelism", NEEDED, [], CONFIG),
        ("nvidia", "wide_expert_parallelism", {"needed": False}, [], ""),  # one node
        ("nvidia", "pd_disaggregation", NEEDED, [], ""),
        ("amd", "wide_expert_parallelism", NEEDED, [], ""),
        ("nvidia", "inference_scheduling", {}, [policy(CONFIG)], CONFIG),  # once loaded it stays
        ("nvidia", "inference_scheduling", {}, [policy()], ""),
        ("nvidia", "inference_scheduling", {}, [policy(CONFIG, ours=False)], ""),
    ],
)
def test_parameters(vendor: str, path: str, fabric: dict[str, Any], policies: list[Any], wanted: str) -> None:
    assert parameters(vendor, {"path": path}, fabric, policies) == wanted
