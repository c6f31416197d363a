# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios of the data path: what each puts into the settings, and what reaches the processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal import data
from rehearsal.errors import RehearsalError
from rehearsal.kubelet.runners import storage, vllm
from rehearsal.kubelet.runners.base import Context
from rehearsal.operators.kserve import without

IMAGE = "registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:e6a64e3e"


@pytest.mark.parametrize(("name", "key", "value"), [
    ("kv-never-moves", "kv_transfer", "fails"), ("tcp-fallback", "kv_transfer", "tcp"), ("offload-silent", "kv_offload_silent", True),
    ("rank-missing", "missing_ranks", [-1]), ("token-without-access", "denied_models", ["."]),
    ("preset-missing", "presets_missing", ["config-llm-prefill-template", "config-llm-worker-data-parallel"]),
])
def test_what_a_scenario_sets(name: str, key: str, value: Any) -> None:
    assert data.load("h200-roce", "4.20", [name])["scenario"][key] == value


def test_a_slow_load_is_a_delay() -> None:
    assert data.load("h200-roce", "4.20", ["slow-model-load"])["profile"]["delays"]["vllm-load"] == 600


def test_two_that_contradict_are_refused() -> None:
    with pytest.raises(RehearsalError, match="contradict"):
        data.load("h200-roce", "4.20", ["kv-never-moves", "tcp-fallback"])


def context(scenario: dict[str, Any], tmp_path: Path) -> Context:
    program = tmp_path / "sim"
    program.touch()
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {}}
    nics = [{"rdma": "mlx5_0", "role": "rail", "link_layer": "Ethernet"}]
    return Context(pod, {"name": "main", "image": IMAGE}, {}, "10.244.1.1", Path("/state"), {"llm-d-inference-sim": str(program)},
                   lambda name, default: default, scenario, nics)


def test_faults_and_devices_reach_vllm(tmp_path: Path) -> None:
    launch = vllm.launch(context({"kv_transfer": "fails", "missing_ranks": [1], "names": ["x"]}, tmp_path))
    settings = json.loads(launch.files["/.rehearsal/vllm.json"][0])
    assert settings["faults"] == {"kv_transfer": "fails", "missing_ranks": [1]} and settings["version"] == "0.13.0"
    assert launch.files["/sys/class/infiniband/mlx5_0/ports/1/state"][0] == "4: ACTIVE\n"
    assert json.loads(vllm.launch(context({}, tmp_path)).files["/.rehearsal/vllm.json"][0])["faults"] == {}


def test_denied_models_reach_the_download(tmp_path: Path) -> None:
    settings = json.loads(storage.launch(context({"denied_models": ["x"]}, tmp_path)).files["/.rehearsal/storage.json"][0])
    assert settings["denied_models"] == ["x"] and settings["gated_models"] == []


def test_presets_that_are_left_out() -> None:
    made = [{"metadata": {"name": f"v3-kserve-{name}"}} for name in ("config-a", "config-b")]
    assert without(made, ["config-a"], "v3-kserve-") == [made[1]]
    assert without(made, [], "v3-kserve-") == made
