# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every path on every release: the golden files are taken by a real API server, and the main job serves and proves each path, one after the other.

One cluster a release and kind of hardware goes through its paths, so each switch from path to path is tested as well: nothing of the path before is left.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._serving.dialects import of_release
from play import ROOT, Site

from tests.integration.conftest import Rehearsal, rehearsal_cli, start
from tools import docs_paths

pytestmark = pytest.mark.rehearsal
GOLDEN = ROOT / "tests" / "unit" / "plugins" / "module_utils" / "_serving" / "golden"
PROVEN = ROOT / "tests" / "unit" / "data" / "proven-paths.json"
PERMITTED = ["driver", "drain", "reboot", "gpu-evict"]
REGISTRY = '{"spec": {"managementState": "Managed", "storage": {"emptyDir": {}}}}'
SCHEDULING, PD, OFFLOAD, WIDE = "inference_scheduling", "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism"
PATHS: dict[str, dict[str, Any]] = {
    SCHEDULING: {},
    PD: {"llmd_replicas": 1, "llmd_prefill_replicas": 1},
    OFFLOAD: {"llmd_kv_offload_gib": 20},
    WIDE: {},
}
# The article's hardware table for 3.4 can't be read, so all of its cells are unknown; these are served nevertheless.
OF_UNREAD = {"h200-roce": tuple(PATHS), "mi300x": (SCHEDULING, OFFLOAD)}


def cells() -> dict[tuple[str, str], tuple[str, ...]]:
    """(release, profile) -> its paths in the order of the switches, which differs: every cell of docs/paths.md that is supported or conditional."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for release, clusters in docs_paths.cells(facts(), list(PATHS), {}).items():
        for profile, row in clusters.items():
            unread = OF_UNREAD.get(profile, ()) if release == "3.4" else ()
            paths = [path for path, cell in row.items() if cell.startswith(("supported", "conditional")) or path in unread]
            turn = len(found) % max(len(paths), 1)
            if paths:
                found[release, profile] = (*paths[turn:], *paths[:turn])
    found["3.3", "h200-roce"] = found.pop(("3.3", "h200-roce"))  # the last: other tests go on with it
    return found


CELLS = cells()
# An unknown cell needs a word of the user.
UNREAD = {"llmd_allow_unsupported": True, "llmd_allow_unsupported_reason": "test of a release whose hardware table isn't public"}

class Clusters:
    """The cluster of the cell that is being tested; it makes way for the next one."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._cell: tuple[str, str] | None = None
        self._site: Site | None = None

    def of(self, cell: tuple[str, str]) -> Site:
        if self._site is None or cell != self._cell:
            self.down()
            self._site, self._cell = self._bare(*cell), cell
        return self._site

    def down(self) -> None:
        if self._site is not None:
            rehearsal_cli("down", "--name", self._site.rehearsal.name)
            self._site = None

    def _bare(self, release: str, profile: str) -> Site:
        name = f"paths-{os.getpid()}-{release.replace('.', '')}-{profile}"
        rehearsal: Rehearsal = start(name, "--profile", profile, "--openshift", "4.20", "--speed", "10")
        if profile == "mi300x":
            rehearsal.kubectl("patch", "configs.imageregistry.operator.openshift.io", "cluster", "--type=merge", "-p", REGISTRY)
        site = Site(rehearsal, self._factory.mktemp(name))
        site.release, site.profile = release, profile
        return site


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    made = Clusters(tmp_path_factory)
    yield made
    made.down()


@pytest.fixture
def on(request: pytest.FixtureRequest, clusters: Clusters) -> Site:
    """The cluster of a cell. Not a parameter of a module's fixture: pytest would then change the order of the paths."""
    return clusters.of(request.param)


def options(site: Site, path: str) -> dict[str, Any]:
    more = {**(UNREAD if site.release == "3.4" else {}), **({} if of_release(site.release)["auth"] else {"llmd_auth": False})}
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
LAST = pytest.param([*CELLS][-1], id="-".join([*CELLS][-1]))


@pytest.mark.wide
@pytest.mark.parametrize(("on", "path"), ROWS, indirect=["on"])
def test_each_path_is_proven_after_the_other(on: Site, path: str) -> None:
    begun = time.monotonic()
    result = on.run(**options(on, path))
    first = time.monotonic() - begun
    assert result.rc == 0, result.output[-5000:]
    assert result.report["outcome"] == "proven", result.report["proof"]
    there = workloads(on)
    pools = {name for name in there if name.startswith(("deployment", "leaderworkerset")) and "router-scheduler" not in name}
    assert pools == expected(path)
    ours = {name for name in there if name.endswith(("/llmd-model", "/llmd-llmd-scc"))}
    assert bool(ours) == (path in (PD, WIDE)), "the account and its binding stay only where pods need capabilities"

    begun = time.monotonic()
    again = on.run(**options(on, path))
    assert (again.rc, again.changed) == (0, 0), again.output[-4000:]
    record(on, path, first, time.monotonic() - begun)


def record(site: Site, path: str, first: float, again: float) -> None:
    """With PATHS_RECORD=1 the cell goes into the file that docs/paths.md tells of."""
    print(f"{site.release} {site.profile} {path}: {first:.0f} s, again {again:.0f} s")
    if os.environ.get("PATHS_RECORD") != "1":
        return
    with PROVEN.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        rows: dict[str, Any] = json.load(file)
        rows[f"{site.release} {site.profile} {path}"] = {"date": datetime.date.today().isoformat(), "seconds": round(first), "again_seconds": round(again)}
        file.seek(0)
        file.write(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
        file.truncate()


@pytest.mark.wide
@pytest.mark.parametrize("on", [LAST], indirect=True)
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
@pytest.mark.parametrize("on", [LAST], indirect=True)
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
