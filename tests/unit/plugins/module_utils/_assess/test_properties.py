# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every cluster: no yes that the article doesn't give, no better verdict for knowing less, no exception."""

from __future__ import annotations

import copy
import gzip
import json
import random
from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._assess import nodes
from ansible_collections.llmd.openshift.plugins.module_utils._assess.model import PATHS, Case
from ansible_collections.llmd.openshift.plugins.module_utils._assess.registry import VERDICT, evaluate
from ansible_collections.llmd.openshift.plugins.module_utils._assess.verdict import judge
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.plugins.module_utils._assess.clusters import bare_node, declared, node, snapshot

RECORDED = Path(__file__).resolve().parents[3] / "data" / "snapshots"
SCHEDULING, PD, OFFLOAD, WEP = PATHS
BROKEN_CLUSTERS = 10_000
RANK = {"unsupported": 0, "unknown": 1, "conditional": 2, "supported": 3}
# By hand, from the article: the same on 3.0, 3.2 and 3.3.
LISTED = {
    SCHEDULING: {"nvidia": {"H100", "H200", "B200", "A100"}, "amd": {"MI300X"}},
    PD: {"nvidia": {"H100", "H200", "B200"}},
    OFFLOAD: {"nvidia": {"H100", "H200", "B200", "A100"}, "amd": {"MI300X"}},
    WEP: {"nvidia": {"H100", "H200", "B200"}},
}  # fmt: skip
MODELS = ("H100", "H200", "B200", "A100", "L40S", "GB200", "MI300X", "unlisted", None)
VERSIONS = ("4.20.0", "4.20.20", "4.21.3", "4.20.0-rc.3", "4.19.27", "4.18.1", "5.0.0", "", "banana", None)
GOOD_VERSIONS = {"4.20.0", "4.20.20", "4.21.3"}


def verdicts(cluster: dict[str, Any], releases: tuple[str, ...] = ("3.3",), **options: Any) -> dict[tuple[str, str], str]:
    """Verdicts alone, without the rest of an assessment, so that thousands of clusters take seconds."""
    told = declared(**options)
    seen = nodes.candidates(cluster, told)
    cases = [Case(cluster, told, facts(), release, path, seen) for release in releases for path in PATHS]
    return {(case.release, case.path): judge(case, evaluate(case, VERDICT)).verdict for case in cases}


def drawn(seed: int) -> tuple[list[dict[str, Any]], str | None]:
    """(what each node is like, OpenShift's version), from one number: drawing each part by itself takes five times as long.

    model "bare": nobody has looked at the node yet.
    """
    dice = random.Random(seed)
    likely = dice.choice(MODELS)
    kinds = [
        {
            "model": dice.choice((likely, likely, likely, likely, likely, *MODELS, "bare")),
            "rdma": dice.choice(("up", "up", "up", "down", "absent", None)),
            "nvme": dice.choice((8, 8, 0, None)),
            "gbit": dice.choice((25, 100, 10, None)),
        }
        for _node in range(dice.randint(1, 4))
    ]
    return kinds, dice.choice((*sorted(GOOD_VERSIONS), *VERSIONS))


def built(kinds: list[dict[str, Any]], version: str | None) -> dict[str, Any]:
    made = []
    for number, kind in enumerate(kinds):
        if kind["model"] == "bare":
            made.append(bare_node(f"w{number}"))
            continue
        one = node(f"w{number}", kind["model"], rdma=kind["rdma"], gbit=kind["gbit"], nvme=kind["nvme"])
        if kind["model"] is None:
            one["accelerators"]["source"] = "none"
        made.append(one)
    return snapshot(*made, openshift=version)


def may_be_yes(path: str, kinds: list[dict[str, Any]], version: str | None) -> bool:
    """The article's conditions, written down a second time and as plainly as possible."""
    models = {kind["model"] for kind in kinds}
    vendors = {"amd" if model == "MI300X" else "nvidia" for model in models}
    if version not in GOOD_VERSIONS or len(vendors) != 1 or not models <= LISTED[path].get(*vendors, set()):
        return False
    if path != SCHEDULING and len(models) > 1:  # mixtures: not supported, or (offload) not stated
        return False
    if path in (PD, WEP) and any(kind["rdma"] != "up" for kind in kinds):
        return False
    if path == WEP and any(not kind["nvme"] for kind in kinds):
        return False
    # 25 GbE or more: known and slower is a no; the 400G port counts while it is up, and one whose state isn't known may.
    return path != SCHEDULING or not any(kind["gbit"] == 10 and kind["rdma"] in ("down", "absent") for kind in kinds)


SEEN: dict[bool, int] = {True: 0, False: 0}


@settings(max_examples=BROKEN_CLUSTERS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.integers(0, 2**48))
def test_no_false_pass_and_no_timid_no(seed):
    kinds, version = drawn(seed)
    for (_release, path), word in verdicts(built(kinds, version)).items():
        wanted = may_be_yes(path, kinds, version)
        SEEN[wanted] += 1
        assert (word in ("supported", "conditional")) is wanted, (path, word, kinds, version)


def test_the_clusters_were_good_and_bad():
    """Runs after the one above: a generator that only makes hopeless clusters would prove nothing."""
    assert min(SEEN.values()) > BROKEN_CLUSTERS / 20 or not any(SEEN.values())


def recorded(name: str) -> dict[str, Any]:
    return json.loads(gzip.decompress((RECORDED / f"{name}.json.gz").read_bytes()))


PROFILES = {path.name.split(".")[0]: recorded(path.name.split(".")[0]) for path in sorted(RECORDED.glob("*.json.gz"))}
assert PROFILES, f"no recordings in {RECORDED}"
JUDGED = ("cluster", "openshift", "platform", "networks", "nodes", "operators", "csvs", "pools", "mirrors")


def places(value: Any, prefix: tuple[Any, ...] = ()) -> Any:
    """Every key of every mapping in a snapshot."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield (*prefix, key)
        yield from places(item, (*prefix, key))


PLACES = {
    name: [place for place in places({key: whole[key] for key in JUDGED}) if place[-1] not in ("speed_mbps", "pcie_generation")] for name, whole in PROFILES.items()
}  # fmt: skip
BEFORE = {name: verdicts(whole, ("2.25", "3.3")) for name, whole in PROFILES.items()}


def without(whole: dict[str, Any], place: tuple[Any, ...]) -> None:
    for key in place[:-1]:
        whole = whole.get(key) if isinstance(whole, dict) else whole[key]
        if whole is None:
            return
    whole.pop(place[-1], None)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.data())
def test_deleting_facts_of_a_recorded_cluster_never_wins_a_yes(data):
    """Line rates and measured PCIe are left out: known and too slow says no, not known is "unverified" (they confirm, they don't decide)."""
    name = data.draw(st.sampled_from(sorted(PROFILES)))
    cluster = copy.deepcopy(PROFILES[name])
    gone = data.draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=4))
    for place in gone:
        without(cluster, place)
    for cell, word in verdicts(cluster, ("2.25", "3.3")).items():
        if RANK[word] > 1:
            assert RANK[word] <= RANK[BEFORE[name][cell]], (name, gone, cell)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**12) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.data())
def test_junk_in_a_recorded_cluster_gives_no_exception(data):
    name = data.draw(st.sampled_from(sorted(PROFILES)))
    cluster = copy.deepcopy(PROFILES[name])
    place = data.draw(st.sampled_from(PLACES[name]))
    inner: Any = cluster
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = data.draw(JUNK)
    told = declared(rail_subnets=["10.90.0.0/24"], kv_cache_gib_per_gpu=4, model_cache_gib=100, kv_offload_gib=10, path=data.draw(st.sampled_from(PATHS)))
    case = Case(cluster, told, facts(), "3.3", told["path"], nodes.candidates(cluster, told))
    json.dumps([finding.as_dict() for finding in evaluate(case)])
