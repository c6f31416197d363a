# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is rendered for every release and path, word for word. `LLMD_GOLDEN=write` writes the files anew: look at the difference before you keep it.

The same files are sent to a real API server with the product's definitions (tests/integration/site/test_paths.py).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._serving import render
from ansible_collections.llmd.openshift.plugins.module_utils._serving.wish import OFFLOAD, SCHEDULING, WIDE, Refused

from .wishes import EXPERTS, PATHS, PRESETS, RELEASES, of_path, wish

GOLDEN = Path(__file__).with_name("golden")
VARIANTS = {
    "3.3-precise": {"release": "3.3", "prefix_routing": "precise", "presets": PRESETS},
    "3.4-precise": {"release": "3.4", "prefix_routing": "precise"},
    "3.3-amd": {"release": "3.3", "gpu_resource": "amd.com/gpu", "presets": PRESETS},
    "3.3-adapters": {
        "release": "3.3", "model_credentials_secret": "model-store", "lora_adapters": [
            {"name": "sql", "source": "hf://example-org/qwen-sql", "rank": 20}, {"name": "chat", "source": "/mnt/models/adapters/chat"}],
    },
    "3.0-amd": {"release": "3.0", "gpu_resource": "amd.com/gpu", "images": ["registry.redhat.io/rhaiis/vllm-rocm-rhel9@sha256:bc99"]},
    "3.3-amd-offload": {"release": "3.3", "path": OFFLOAD, "gpu_resource": "amd.com/gpu", "presets": PRESETS, "kv_offload_gib": 100},
    "3.3-one-node": {"release": "3.3", "path": WIDE, "wep_nodes": "single", "model_uri": EXPERTS, "fabric": False},
    "3.3-settings": {
        "release": "3.3", "path": SCHEDULING, "model_credentials_secret": "model-store", "auth": False, "gpus_per_replica": 4, "replicas": 3,
        "vllm_args": ["--max-model-len=8192", "--hf-overrides", '{"a": "it\'s"}'], "node_selector": {"gpu": "h200"}, "storage_class": None,
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    },
}  # fmt: skip


class Dumper(yaml.SafeDumper):
    """Without anchors: a golden file is read by people."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def compare(name: str, objects: list[dict]) -> None:
    text = yaml.dump_all(objects, Dumper=Dumper, sort_keys=False, width=160)
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("LLMD_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text(), f"{file.name} differs; LLMD_GOLDEN=write shows how in git diff"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("path", PATHS)
def test_every_release_and_path(release: str, path: str) -> None:
    if (release, path) == ("2.25", OFFLOAD):
        with pytest.raises(Refused, match=r"RHOAI 2\.25 can't do it.*0\.10\.1\.1.*Choose llmd_release 3\.0, 3\.2, 3\.3, 3\.4"):
            render.objects(of_path(path, release=release))
        return
    compare(f"{release}-{path}", render.objects(of_path(path, release=release)))


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(name: str) -> None:
    compare(name, render.objects(wish(**VARIANTS[name])))


def test_no_golden_file_is_left_over() -> None:
    wanted = {f"{release}-{path}" for release in RELEASES for path in PATHS} - {f"2.25-{OFFLOAD}"} | set(VARIANTS)
    assert {file.stem for file in GOLDEN.glob("*.yaml")} == wanted
