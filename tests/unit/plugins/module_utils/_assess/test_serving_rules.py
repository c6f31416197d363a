# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the service: what the release can't express stops the run, and so do pods that don't fit apart from each other."""

from __future__ import annotations

import pytest

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot

PD, OFFLOAD, WEP = "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism"
EXPERTS = {"model_uri": "hf://deepseek-ai/DeepSeek-R1", "model_name": "deepseek-ai/DeepSeek-R1"}
TWO = snapshot(clusters.control_plane("m0"), node("g0"), node("g1"))
ONE = snapshot(clusters.control_plane("m0"), node("g0"))


def one(made, rule, path):
    (found,) = [item for item in made["findings"] if item["id"] == rule and item["path"] in (None, path)]
    return found


@pytest.mark.parametrize("path", ["inference_scheduling", PD, OFFLOAD, WEP])
def test_what_the_release_can_express_passes(judged, path):
    made = judged(TWO, declared(path=path, kv_offload_gib=10, **(EXPERTS if path == WEP else {})))
    assert one(made, "service-dialect", path)["status"] == "pass"


def test_offload_on_2_25_stops_with_the_releases_that_can(judged):
    made = judged(TWO, declared(release="2.25", path=OFFLOAD, kv_offload_gib=10))
    found = one(made, "service-dialect", OFFLOAD)
    assert found["status"] == "fail" and found["blocking"] and "Choose llmd_release 3.0, 3.2, 3.3, 3.4" in found["observed"]
    assert made["gate"] == "stop" and "[service-dialect]" in made["gate_message"]


def test_a_release_that_lets_everybody_in_stops_a_declared_authentication(judged):
    path = "inference_scheduling"
    made = judged(TWO, declared(release="2.25", path=path))
    assert one(made, "service-dialect", path)["status"] == "fail" and "declare llmd_auth: false" in made["gate_message"]
    assert one(judged(TWO, declared(release="2.25", path=path, auth=False)), "service-dialect", path)["status"] == "pass"


def test_a_release_without_a_dialect_is_unknown(judged):
    assert one(judged(TWO, declared(release="3.5")), "service-dialect", PD)["status"] == "unknown"


def test_what_only_hardware_would_tell_is_unknown(judged):
    blind = snapshot(clusters.control_plane("m0"), node("g0", accelerators={"vendor": "nvidia", "model": "H200", "count": None}))
    assert one(judged(blind, declared(path=WEP, **EXPERTS)), "service-dialect", WEP)["status"] == "unknown"


def test_a_dense_model_has_no_experts_to_spread(judged):
    found = one(judged(TWO, declared(path=WEP)), "service-dialect", WEP)
    assert found["status"] == "fail" and "has no experts" in found["observed"]


@pytest.mark.parametrize(
    ("cluster", "options", "status"),
    [
        (TWO, {"path": PD}, "pass"),
        (ONE, {"path": PD}, "fail"),
        (TWO, {"path": PD, "prefill_replicas": 9}, "fail"),
        (TWO, {"path": WEP, **EXPERTS}, "pass"),
        (ONE, {"path": WEP, **EXPERTS}, "fail"),
        (ONE, {"path": WEP, "wep_nodes": "single", "memory_per_replica": "8Gi", **EXPERTS}, "pass"),
    ],
)
def test_pods_that_stand_apart(judged, cluster, options, status):
    made = judged(cluster, declared(**options))
    found = one(made, "pods-apart", options["path"])
    assert found["status"] == status, found
    assert ("[pods-apart]" in made["gate_message"]) == (status == "fail")
    assert not [item for item in made["findings"] if item["id"] in ("gpu-capacity", "host-headroom")], "one rule says it, not three"


def test_equal_servers_are_judged_by_capacity_alone(judged):
    made = judged(TWO, declared())
    assert [item["status"] for item in made["findings"] if item["id"] == "gpu-capacity"] == ["pass"]


def test_an_overridden_unknown_still_learns_the_hardware_first(judged):
    """3.4's hardware table isn't public, so it is unknown on every cluster; a bare one has to be looked at all the same."""
    bare = {**snapshot(clusters.control_plane("m0"), node("g0", accelerators={}, nics=None, labels={})), "packages": None}
    override = {"release": "3.4", "allow_unsupported": True, "allow_unsupported_reason": "test"}
    assert judged(bare, declared(**override))["gate"] == "discover"
    assert judged(bare, declared(**override), discovered=True)["gate"] != "discover"
    assert judged({**TWO, "packages": None}, declared(**override))["gate"] == "go"
