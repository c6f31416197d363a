# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DeepEP between pods starts only where the driver lets the GPU post to the network card; what the driver was loaded with."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.kube import KubeError
from rehearsal.kubelet import gpu_driver
from rehearsal.shims.engine import nvshmem

GPU = {"NVSHMEM_REMOTE_TRANSPORT": "ibgda", "NVSHMEM_IBGDA_NIC_HANDLER": "gpu"}
DEVICES = ["mlx5_0:1", "mlx5_3:1"]


@pytest.mark.parametrize("lines", ['NVreg_RegistryDwords="PeerMappingOverride=1;"', "NVreg_EnableStreamMemOPs=1\nNVreg_RegistryDwords=A=2;PeerMappingOverride=1;\n"])
def test_with_the_parameter_it_starts(lines: str) -> None:
    assert nvshmem.refusal(GPU, "deepep_high_throughput", DEVICES, lines) == []


@pytest.mark.parametrize("lines", ["", "NVreg_EnableStreamMemOPs=1", "NVreg_RegistryDwords=PeerMappingOverride=0;", "# NVreg_RegistryDwords=PeerMappingOverride=1;"])
def test_without_it_each_card_is_skipped_and_the_transport_fails(lines: str) -> None:
    said = nvshmem.refusal(GPU, "deepep_low_latency", DEVICES, lines)
    assert [line for line in said if "UAR of device" in line] == [f"WARN: GPU cannot map UAR of device {name}. Skipping..." for name in ("mlx5_0", "mlx5_3")]
    assert said[-1].endswith("init failed for transport: IBGDA")


def test_whoever_lets_the_cpu_post_needs_nothing() -> None:
    assert nvshmem.refusal({**GPU, "NVSHMEM_IBGDA_NIC_HANDLER": "cpu"}, "deepep_low_latency", DEVICES, "") == []
    assert nvshmem.refusal(GPU, "allgather_reducescatter", DEVICES, "") == []


class Api:
    """What gpu_driver asks of the API server."""

    def __init__(self, pods: list[dict[str, Any]], data: dict[str, str] | None = None) -> None:
        self.pods, self.data = pods, data

    def list(self, path: str, label_selector: str, field_selector: str) -> list[dict[str, Any]]:
        assert (path, label_selector, field_selector) == ("/api/v1/pods", gpu_driver.SELECTOR, "spec.nodeName=gpu-0")
        return self.pods

    def path(self, *parts: str) -> str:
        return "/".join(parts)

    def get(self, path: str) -> dict[str, Any] | None:
        assert path == "v1/ConfigMap/gpu/params"
        return None if self.data is None else {"data": self.data}


def driver(mount: str = "/drivers/nvidia.conf") -> dict[str, Any]:
    spec = {"containers": [{"volumeMounts": [{"name": "params", "mountPath": mount}]}], "volumes": [{"name": "params", "configMap": {"name": "params"}}]}
    return {"metadata": {"namespace": "gpu"}, "spec": spec}


def test_what_the_driver_was_loaded_with() -> None:
    assert gpu_driver.parameters(Api([driver()], {"nvidia.conf": "a=1"}), "gpu-0") == "a=1"  # type: ignore[arg-type]
    assert gpu_driver.parameters(Api([driver()]), "gpu-0") == ""  # type: ignore[arg-type]
    assert gpu_driver.parameters(Api([driver("/drivers/nvidia-uvm.conf")], {"nvidia.conf": "a=1"}), "gpu-0") == ""  # type: ignore[arg-type]
    assert gpu_driver.parameters(Api([]), "gpu-0") == ""  # type: ignore[arg-type]


def test_an_api_server_that_does_not_answer_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise KubeError(500, "InternalError", "no")

    api = Api([driver()])
    monkeypatch.setattr(api, "list", fails)
    assert gpu_driver.parameters(api, "gpu-0") == ""  # type: ignore[arg-type]
