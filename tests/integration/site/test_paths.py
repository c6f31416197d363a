# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every path on every release: the golden files are taken by a real API server, and the main job serves and proves each path, one after the other.

One cluster a release and kind of hardware goes through its paths, so each switch from path to path is tested as well: nothing of the path before is left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from play import ROOT, Site

from tests.integration.conftest import Rehearsal, rehearsal_cli, start

pytestmark = pytest.mark.rehearsal
GOLDEN = ROOT / "tests" / "unit" / "plugins" / "module_utils" / "_serving" / "golden"
PERMITTED = ["driver", "drain", "reboot", "gpu-evict"]
REGISTRY = '{"spec": {"managementState": "Managed", "storage": {"emptyDir": {}}}}'
SCHEDULING, PD, OFFLOAD, WIDE = "inference_scheduling", "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism"
PATHS: dict[str, dict[str, Any]] = {
    SCHEDULING: {},
    PD: {"llmd_replicas": 1, "llmd_prefill_replicas": 1},
    OFFLOAD: {"llmd_kv_offload_gib": 20},
    WIDE: {},
}
# (release, profile): its paths in the order of the switches.
CELLS = {
    ("3.3", "h200-roce"): (PD, SCHEDULING, WIDE, OFFLOAD),
    ("3.3", "h100-ib"): (PD, WIDE),
    ("3.3", "b200-roce"): (WIDE, PD),
    ("3.3", "mi300x"): (SCHEDULING, OFFLOAD),
    ("3.3", "a100-ethernet"): (OFFLOAD, SCHEDULING),
    ("3.2", "h200-roce"): (SCHEDULING, PD, OFFLOAD, WIDE),
    ("3.0", "h200-roce"): (OFFLOAD, PD, WIDE, SCHEDULING),
    ("3.0", "mi300x"): (SCHEDULING,),
    ("2.25", "h200-roce"): (SCHEDULING, WIDE, PD),
    ("3.4", "h200-roce"): (WIDE, OFFLOAD, SCHEDULING, PD),
}
# The article's hardware table for 3.4 can't be read, so each of its cells is unknown and needs a word of the user.
UNREAD = {"llmd_allow_unsupported": True, "llmd_allow_unsupported_reason": "test of a release whose hardware table isn't public"}


@pytest.fixture(scope="module")
def on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bare cluster of the profile that the test names."""
    release, profile = request.param
    name = f"paths-{os.getpid()}-{release.replace('.', '')}-{profile}"
    rehearsal: Rehearsal = start(name, "--profile", profile, "--openshift", "4.20", "--speed", "10")
    if profile == "mi300x":
        rehearsal.kubectl("patch", "configs.imageregistry.operator.openshift.io", "cluster", "--type=merge", "-p", REGISTRY)
    site = Site(rehearsal, tmp_path_factory.mktemp(name))
    site.release = release
    yield site
    rehearsal_cli("down", "--name", name)


def options(site: Site, path: str) -> dict[str, Any]:
    more = UNREAD if site.release == "3.4" else {}
    return {"llmd_release": site.release, "llmd_path": path, "llmd_allow_disruption": PERMITTED, **PATHS[path], **more}


def workloads(site: Site) -> set[str]:
    """What serves in the namespace: Deployments, LeaderWorkerSets, and what we put around them."""
    kinds = ["deployment", "serviceaccount", "rolebinding"]
    if "leaderworkersets.leaderworkerset.x-k8s.io" in site.rehearsal.kubectl("get", "crd", "-o", "name"):
        kinds.append("leaderworkerset")
    return set(site.rehearsal.kubectl("get", ",".join(kinds), "-n", "llmd", "-o", "name").split())


def expected(path: str) -> set[str]:
    """Pools of the path."""
    return {
        SCHEDULING: {"deployment.apps/llmd-kserve"},
        OFFLOAD: {"deployment.apps/llmd-kserve"},
        PD: {"deployment.apps/llmd-kserve", "deployment.apps/llmd-kserve-prefill"},
        WIDE: {"leaderworkerset.leaderworkerset.x-k8s.io/llmd-kserve-mn"},
    }[path]


ROWS = [pytest.param(cell, path, id="-".join((*cell, path))) for cell, paths in CELLS.items() for path in paths]
FIRST = pytest.param(next(iter(CELLS)), id="-".join(next(iter(CELLS))))


@pytest.mark.wide
@pytest.mark.parametrize(("on", "path"), ROWS, indirect=["on"])
def test_each_path_is_proven_after_the_other(on: Site, path: str) -> None:
    result = on.run(**options(on, path))
    assert result.rc == 0, result.output[-5000:]
    assert result.report["outcome"] == "proven", result.report["proof"]
    there = workloads(on)
    pools = {name for name in there if name.startswith(("deployment", "leaderworkerset")) and "router-scheduler" not in name}
    assert pools == expected(path)
    ours = {name for name in there if name.endswith(("/llmd-model", "/llmd-llmd-scc"))}
    assert bool(ours) == (path in (PD, WIDE)), "the account and its binding stay only where pods need capabilities"

    again = on.run(**options(on, path))
    assert (again.rc, again.changed) == (0, 0), again.output[-4000:]


@pytest.mark.wide
@pytest.mark.parametrize("on", [FIRST], indirect=True)
def test_a_full_cluster_is_told_and_nothing_starts(on: Site) -> None:
    """Somebody's pod holds the GPUs of one node; a group over both nodes isn't begun."""
    holder = '{"spec": {"containers": [{"name": "c", "image": "registry.example.com/train:1", "resources": {"limits": {"nvidia.com/gpu": "7"}}}], "nodeName": "gpu-1"}}'
    on.rehearsal.kubectl("create", "namespace", "train")
    on.rehearsal.kubectl("run", "train", "-n", "train", "--image=registry.example.com/train:1", f"--overrides={holder}")
    before = workloads(on)
    result = on.run(**options(on, WIDE))
    assert result.rc != 0 and "don't all find a place, so none was started" in result.message, result.message
    assert "train/train has 7 on gpu-1" in result.message
    assert workloads(on) == before
    on.rehearsal.kubectl("delete", "namespace", "train", "--wait=false")


@pytest.mark.wide
@pytest.mark.parametrize("on", [FIRST], indirect=True)
def test_the_api_server_takes_every_golden_file(on: Site) -> None:
    """Server-side dry run against the product's own definitions and webhooks."""
    files = sorted(GOLDEN.glob("*.yaml"))
    assert len(files) >= 20
    for file in files:
        namespaced(on, file)


def namespaced(site: Site, file: Path) -> None:
    text = file.read_text().replace("name: llmd\n", "name: golden\n")  # another service: a live one may not change its group's size
    said = site.rehearsal.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "-f", "-", stdin=text)
    assert "LLMInferenceService".lower() in said.lower() or "llminferenceservice" in said, said
