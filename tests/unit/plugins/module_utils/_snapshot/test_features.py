# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NodeFeatures say: equal servers are read once and share what was read; junk is read as before, and shares nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import features, nodes
from hypothesis import given, settings
from hypothesis import strategies as st

CATALOG: dict[str, Any] = {"gpus": [{"id": "10de:2335", "model": "H200"}], "products": [], "nics": []}
GPU = {"vendor": "10de", "device": "2335", "class": "0302"}
CARD = {"vendor": "15B3", "device": "1021", "class": "0207", "sriov_totalvfs": "16"}


def feature(node: str, pci: Any = (GPU, CARD), links: Any = (), disks: Any = ()) -> dict[str, Any]:
    instances = {
        kind: {"elements": [{"attributes": row} for row in rows]}
        for kind, rows in (("pci.device", pci), ("network.device", links), ("storage.block", disks))
    }
    return {"metadata": {"name": node, "labels": {features.NODE_NAME: node}}, "spec": {"features": {"instances": instances}}}


def test_equal_servers_share_what_was_read():
    one, other = features.reduce(feature("a")), features.reduce(feature("b"))
    assert one["node"] == "a" and other["node"] == "b" and one["pci"] is other["pci"]
    assert one["pci"][1] == {"id": "15b3:1021", "vendor": "15b3", "class": "0207", "vfs": 16}


@pytest.mark.parametrize("more", [{"pci": (GPU,)}, {"pci": (CARD, GPU)}, {"pci": (GPU, {**CARD, "sriov_totalvfs": "8"})}, {"disks": ({"name": "nvme0n1"},)}])
def test_what_differs_is_told_apart(more):
    one, other = features.reduce(feature("a")), features.reduce(feature("b", **more))
    assert {key: value for key, value in one.items() if key != "node"} != {key: value for key, value in other.items() if key != "node"}


ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4), st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2), st.integers(), max_size=2))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(ODD, st.dictionaries(st.sampled_from(["vendor", "device", "class", "sriov_totalvfs", "name", "speed"]), ODD, max_size=4)), max_size=3))
def test_junk_is_read_the_same_with_and_without_memory(rows):
    raw = feature("a", pci=rows, links=rows, disks=rows)
    kept = {"pci": features._devices, "links": features._links, "disks": features._names}
    whole = [row for row in rows if isinstance(row, dict)]
    for _time in (1, 2):  # the second time from memory
        found = features.reduce(raw)
        for key, read in kept.items():
            assert found[key] == read(whole if len(whole) == len(rows) else [row if isinstance(row, dict) else {} for row in rows])


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(features.Alike, "LIMIT", 10)
    memory = features.Alike(features._names, "name")
    for number in range(100):
        assert memory({"x": {"elements": [{"attributes": {"name": f"sd{number}"}}]}}, "x") == [f"sd{number}"]
    assert len(memory.known) <= 10


def described(raw: dict[str, Any], alike: dict[Any, Any] | None, seen: dict[str, Any] | None = None, **operators: Any) -> dict[str, Any]:
    return nodes.describe(nodes.reduce(raw), seen, operators.get("sriov"), operators.get("drives"), [], CATALOG, (), alike)


def node(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}}, "status": {"capacity": {"cpu": "8"}}}


def test_nodes_of_one_kind_are_described_once_and_keep_their_own_names():
    alike: dict[Any, Any] = {}
    facts = features.reduce(feature("a"))
    made = [described(node(name), alike, facts) for name in "abc"]
    assert [one["labels"]["kubernetes.io/hostname"] for one in made] == ["a", "b", "c"] and made[0]["nics"] is made[2]["nics"]
    assert made == [described(node(name), None, facts) for name in "abc"]


def test_what_is_said_of_one_node_is_not_said_of_its_twin():
    alike: dict[Any, Any] = {}
    facts = features.reduce(feature("a"))
    drives = {"nvme0n1": {"size_bytes": 5, "in_use": True, "why": "x"}}
    first, second, third = described(node("a"), alike, facts, drives=drives), described(node("b"), alike, facts), described(node("c"), alike)
    assert [len(one["nvme"]["devices"]) for one in (first, second, third)] == [1, 0, 0]
    assert second["accelerators"]["model"] == "H200" and third["accelerators"]["source"] == "none"
    labelled = described(node("d", **{"nvidia.com/gpu.product": "NVIDIA-L40S"}), alike, facts)
    assert labelled["accelerators"]["source"] == "gfd"
