# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Semantics of verdicts, gate, waivers and nearest yes, and what hostile or broken snapshots do (nothing bad)."""

from __future__ import annotations

import copy
import datetime
import json

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._assess import nodes
from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess
from ansible_collections.llmd.openshift.plugins.module_utils._assess.model import PATHS, Case
from ansible_collections.llmd.openshift.plugins.module_utils._assess.registry import RULES, VERDICT, evaluate
from ansible_collections.llmd.openshift.plugins.module_utils._assess.verdict import judge
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import declared, node, snapshot

TODAY = datetime.date(2026, 11, 24)
GOOD = snapshot(clusters.control_plane("m0"), node("g0"), node("g1"))


def by_id(made, rule, **wanted):
    return [f for f in made["findings"] if f["id"] == rule and all(f[key] == value for key, value in wanted.items())]


def test_a_good_cluster_is_supported_and_may_go_on(judged):
    made = judged(GOOD, declared())
    assert (made["chosen"]["verdict"], made["gate"], made["chosen"]["override"]) == ("supported", "go", None)
    assert made["best_release"] == "3.3"
    assert made["release"]["llm_d"] == "0.4" and "/v1/chat/completions" in made["release"]["api"]["supported"]
    json.dumps(made)


def test_each_failing_or_unknown_finding_says_what_to_do(judged):
    made = judged(snapshot(node("g0", "L40S", rdma="down"), clusters.bare_node("x"), openshift="4.18.0"), declared())
    for finding in made["findings"]:
        assert finding["subject"] and finding["observed"] and finding["expected"] and finding["source"]
        assert finding["status"] == "pass" or len(finding["remedy"]) > 5


# ---- unknown is never a pass ----


def test_bare_nodes_are_unknown_and_ask_for_discovery_once(judged):
    bare = snapshot(clusters.control_plane("m0"), clusters.bare_node("g0"))
    made = judged(bare, declared())
    assert (made["chosen"]["verdict"], made["gate"]) == ("unknown", "discover")
    again = judged(bare, declared(), discovered=True)
    assert again["gate"] == "stop" and "g0" in again["gate_message"]


def test_a_gpu_that_the_data_cannot_name_is_unknown_and_discovery_would_not_help(judged):
    strange = node("g0", "unlisted")
    strange["accelerators"]["pci_ids"] = ["10de:ffff"] * 8
    made = judged(snapshot(strange), declared())
    assert (made["chosen"]["verdict"], made["gate"]) == ("unknown", "stop")
    assert "10de:ffff" in made["gate_message"]


def test_one_unknown_worker_beside_good_ones_is_enough_for_unknown(judged):
    made = judged(snapshot(node("g0"), clusters.bare_node("new")), declared())
    assert made["chosen"]["verdict"] == "unknown" and made["candidates"]["unsure"] == ["new"]


def test_a_control_plane_of_its_own_is_never_judged(judged):
    with_gpu = {**node("m0", "L40S"), "roles": ["control-plane", "master"]}
    assert judged(snapshot(with_gpu, node("g0")), declared())["chosen"]["verdict"] == "supported"


def test_a_compact_control_plane_is(judged):
    compact = {**node("m0", "L40S"), "roles": ["control-plane", "master", "worker"]}
    assert judged(snapshot(compact, node("g0")), declared())["chosen"]["verdict"] == "unsupported"


def test_a_node_selector_takes_nodes_out(judged):
    other = node("l0", "L40S", labels={"kubernetes.io/hostname": "l0", "nvidia.com/gpu.product": "NVIDIA-L40S"})
    good = node("g0", labels={"kubernetes.io/hostname": "g0", "nvidia.com/gpu.product": "NVIDIA-H200"})
    cluster = snapshot(good, other)
    assert judged(cluster, declared())["chosen"]["verdict"] == "unsupported"
    chosen = judged(cluster, declared(node_selector={"nvidia.com/gpu.product": "NVIDIA-H200"}))
    assert chosen["chosen"]["verdict"] == "supported" and chosen["candidates"]["nodes"] == ["g0"]


def test_a_selector_on_a_label_that_snapshots_lack_is_unknown(judged):
    assert judged(GOOD, declared(node_selector={"team": "x"}))["chosen"]["verdict"] == "unknown"


def test_unreadable_nodes_are_unknown(judged):
    assert judged({**GOOD, "nodes": None}, declared())["chosen"]["verdict"] == "unknown"


def test_no_nodes_at_all_is_unsupported(judged):
    assert judged(snapshot(), declared())["chosen"]["verdict"] == "unsupported"


# ---- fabric, link, drives ----


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "supported"),
        ({"rdma": "down"}, "unsupported"),
        ({"rdma": "absent"}, "unsupported"),
        ({"rdma": None}, "unknown"),
        ({"nics": None}, "unknown"),
        ({"rdma_capable": None}, "unknown"),
        ({"rdma_capable": False}, "unsupported"),
        ({"rdma": "down", "allocatable": {"rdma/roce": 8}}, "supported"),
        (
            {"nics": [{"name": "e0", "pci_id": "14e4:16d7", "class": "0200", "speed_mbps": 25000, "state": "up"}]},
            "unsupported",
        ),
        (
            {"nics": [{"name": "e0", "pci_id": "15b3:1021", "class": "0200", "speed_mbps": 25000, "state": "up"}]},
            "unsupported",
        ),
        (
            {"nics": [{"name": "ib0", "pci_id": "15b3:1021", "class": "0207", "speed_mbps": 400000, "state": "up"}]},
            "supported",
        ),
    ],
)
def test_rdma_for_pd(judged, changes, verdict):
    made = judged(snapshot(node("g0", **changes), node("g1")), declared(path="pd_disaggregation"))
    assert made["chosen"]["verdict"] == verdict


def test_cards_that_nodefeature_lists_without_ports_stand_but_are_unverified(judged):
    cards = [
        {
            "name": None,
            "pci_id": "15b3:1021",
            "class": "0200",
            "link_layer": "Ethernet",
            "speed_mbps": None,
            "state": None,
        }
    ]
    made = judged(snapshot(node("g0", nics=cards)), declared(path="pd_disaggregation"))
    assert made["chosen"]["verdict"] == "supported"
    assert any("fabric-port-state" in entry for entry in made["chosen"]["unverified"])


def test_unknown_line_rate_leaves_the_verdict_and_is_listed(judged):
    made = judged(snapshot(node("g0", nics=None, rdma_capable=None)), declared())
    assert made["chosen"]["verdict"] == "supported"
    assert any(entry.startswith("ethernet-line-rate") for entry in made["chosen"]["unverified"])


def test_a100_for_offload_is_supported_with_a_warning(judged):
    made = judged(snapshot(node("g0", "A100")), declared(path="kv_cache_offload"))
    assert made["chosen"]["verdict"] == "supported"
    assert by_id(made, "pcie-generation", path="kv_cache_offload")[0]["status"] == "warn"


def test_missing_nvme_is_a_warning_for_scheduling_and_decides_wep(judged):
    made = judged(snapshot(node("g0", nvme=0), node("g1", nvme=0)), declared())
    assert by_id(made, "local-nvme", path="inference_scheduling")[0]["status"] == "warn"
    assert by_id(made, "local-nvme", path="wide_expert_parallelism")[0]["status"] == "fail"


# ---- the gate ----


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("openshift", "upgrading"), True, "openshift-upgrading"),
        (("openshift", "conditions", "Available", "status"), "False", "openshift-health"),
        (("openshift", "conditions", "Failing", "status"), "True", "openshift-health"),
        (("pools", 1, "degraded"), True, "pool-health"),
        (("pools", 1, "updating"), True, "pool-health"),
        (("nodes", 1, "ready"), False, "node-ready"),
        (("nodes", 1, "accelerators", "mig"), "1g.10gb", "gpu-mig"),
        (("catalogs", 0, "state"), "CONNECTING", "operator-available"),
        (("packages",), [], "operator-available"),
        (
            ("gateway_classes",),
            [{"name": "openshift-default", "controller": "istio.io/gateway-controller", "accepted": True}],
            "gateway-class",
        ),
        (("objects",), {"ClusterPolicy": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}, "single-object"),
    ],
)
def test_what_stops_a_run_without_touching_the_verdict(judged, path, value, rule):
    made = judged(clusters.changed(GOOD, path, value), declared())
    assert made["chosen"]["verdict"] == "supported"
    assert made["gate"] == "stop" and f"[{rule}]" in made["gate_message"]


@pytest.mark.parametrize("gone", [{"ready": False}, {"schedulable": False}])
def test_a_node_that_the_sriov_operator_restarts_stops_nothing(judged, gone):
    """What ends an endless restart is a run with other settings, so the restart must not forbid that run. Any other absence does."""
    wish = declared(path="pd_disaggregation", replicas=1, prefill_replicas=1)
    gone = {"ready": True, "schedulable": True, **gone}
    broken = judged(snapshot(node("g0"), node("g1", **gone, sriov_state="Idle")), wish)
    assert broken["gate"] == "stop" and "beside the decode pods 0 prefill pods fit" in broken["gate_message"]
    restarting = judged(snapshot(node("g0"), node("g1", **gone, sriov_state="Reboot_Required")), wish)
    assert "[pods-apart]" not in restarting["gate_message"] and "[node-ready]" not in restarting["gate_message"]
    (found,) = by_id(restarting, "node-ready")
    assert found["status"] == "warn" and "the SR-IOV operator is at work on it (Reboot_Required)" in found["observed"]
    equal = judged(snapshot(node("g0"), node("g1", **gone, sriov_state="Reboot_Required")), declared(replicas=2, gpus_per_replica=8))
    assert [item["status"] for item in by_id(equal, "gpu-capacity")] == ["pass"]


def test_replicas_that_do_not_fit(judged):
    made = judged(GOOD, declared(replicas=3, gpus_per_replica=8))
    assert made["gate"] == "stop" and "room for 2 replicas" in made["gate_message"]


def test_allocatable_beats_a_lying_label(judged):
    lies = node("g0", allocatable={"nvidia.com/gpu": 7})
    made = judged(snapshot(lies), declared(replicas=8))
    assert made["gate"] == "stop" and by_id(made, "gpu-health")[0]["status"] == "warn"


@pytest.mark.parametrize("package", ["servicemeshoperator", "kuadrant-operator", "opendatahub-operator"])
def test_conflicting_operators_stop_a_run(judged, package):
    other = {
        "package": package,
        "namespace": "x",
        "subscription": package,
        "installed_csv": f"{package}.v2.6.0",
        "csv_phase": "Succeeded",
    }
    made = judged({**GOOD, "operators": [other]}, declared())
    assert made["gate"] == "stop"


def test_unsupported_stops_and_names_object_reason_and_way_out(judged):
    made = judged(snapshot(node("g0", "L40S")), declared())
    assert made["gate"] == "stop"
    assert all(
        word in made["gate_message"] for word in ("Nothing was changed", "g0", "L40S", "H200", "llmd_allow_unsupported")
    )


def test_the_override_goes_on_and_stays_visible(judged):
    made = judged(snapshot(node("g0", "L40S")), declared(allow_unsupported=True, allow_unsupported_reason="trial"))
    assert (made["gate"], made["chosen"]["verdict"], made["chosen"]["override"]) == ("go", "unsupported", "trial")


def test_the_override_does_not_lift_blockers(judged):
    updating = clusters.changed(GOOD, ("openshift", "upgrading"), True)
    assert judged(updating, declared(allow_unsupported=True, allow_unsupported_reason="trial"))["gate"] == "stop"


def test_releases_that_cannot_be_set_up_yet_stop_a_run_but_have_a_verdict(judged):
    made = judged(GOOD, declared(release="3.5"))
    assert made["chosen"]["release"] == "3.5" and "[automation]" in made["gate_message"]


# ---- waivers ----

WAIVER = {"rule": "ethernet-line-rate", "reason": "lab", "owner": "ada", "expires": "2027-01-01"}
SLOW = snapshot(node("g0", gbit=10, rdma="absent"))


def test_a_waiver_accepts_a_finding_and_lowers_the_verdict(judged):
    assert judged(SLOW, declared())["chosen"]["verdict"] == "unsupported"
    made = judged(SLOW, declared(waivers=[WAIVER]))
    assert (made["chosen"]["verdict"], made["gate"]) == ("conditional", "go")
    waived = by_id(made, "ethernet-line-rate")[0]
    assert waived["status"] == "waived" and "ada until 2027-01-01: lab" in waived["observed"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [({"expires": "2026-11-23"}, "waiver-expired"), ({"rule": "ethernet"}, "waiver-unknown-rule")],
)
def test_expired_and_misspelt_waivers_fail(judged, change, rule):
    made = judged(SLOW, declared(waivers=[{**WAIVER, **change}]))
    assert made["chosen"]["verdict"] == "unsupported" and by_id(made, rule)[0]["status"] == "fail"


def test_a_waiver_for_another_subject_does_nothing(judged):
    assert judged(SLOW, declared(waivers=[{**WAIVER, "subject": "node other"}]))["chosen"]["verdict"] == "unsupported"


# ---- nearest yes ----


def test_a_yes_needs_no_nearest_yes(judged):
    assert judged(GOOD, declared())["chosen"]["nearest_yes"] == []


# ---- quirks ----


def test_a_faulty_version_is_named(judged):
    rhcl = {
        "package": "rhcl-operator",
        "namespace": "kuadrant-system",
        "subscription": "rhcl-operator",
        "installed_csv": "rhcl-operator.v1.4.0",
    }
    made = judged({**GOOD, "operators": [rhcl]}, declared())
    assert by_id(made, "rhcl-1-4-0-lets-everyone-in")[0]["status"] == "fail" and made["gate"] == "stop"


def test_a_quirk_that_cannot_be_looked_for_is_unknown(judged):
    made = judged({**GOOD, "operators": None}, declared())
    assert by_id(made, "service-mesh-2-operator")[0]["status"] == "unknown"


def test_a_quirk_that_is_not_there_is_silent(judged):
    assert not by_id(judged(GOOD, declared()), "service-mesh-2-operator")


# ---- site checks ----

SITE = {
    "id": "site-mtu",
    "expression": "networks.mtu",
    "expected": 9000,
    "severity": "fail",
    "remedy": "Ask the network team.",
}


@pytest.mark.parametrize(
    ("mtu", "status", "gate"), [(9000, "pass", "go"), (1500, "fail", "stop"), (None, "unknown", "go")]
)
def test_site_checks(judged, mtu, status, gate):
    made = judged({**GOOD, "networks": {"mtu": mtu}}, declared(site_checks=[SITE]))
    assert (by_id(made, "site-mtu")[0]["status"], made["gate"]) == (status, gate)


def test_a_site_check_that_only_warns(judged):
    made = judged({**GOOD, "networks": {"mtu": 1500}}, declared(site_checks=[{**SITE, "severity": "warn"}]))
    assert (by_id(made, "site-mtu")[0]["status"], made["gate"]) == ("warn", "go")


def test_a_site_check_that_does_not_fit_the_data_is_unknown(judged):
    made = judged(GOOD, declared(site_checks=[{**SITE, "expression": "sum(nodes[].name)"}]))
    assert by_id(made, "site-mtu")[0]["status"] == "unknown"


def test_a_site_check_can_be_waived(judged):
    waiver = {"rule": "site-mtu", "reason": "r", "owner": "o", "expires": "2027-01-01"}
    made = judged({**GOOD, "networks": {"mtu": 1500}}, declared(site_checks=[SITE], waivers=[waiver]))
    assert (by_id(made, "site-mtu")[0]["status"], made["gate"]) == ("waived", "go")


# ---- broken and hostile snapshots ----

RANK = {"unsupported": 0, "unknown": 1, "conditional": 2, "supported": 3}


def places(value, prefix=()):
    """Every key of every mapping in a snapshot."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*prefix, key)
            yield from places(item, (*prefix, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*prefix, number))


def without(original, path):
    made = copy.deepcopy(original)
    place = made
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return made


def verdicts(cluster):
    """Verdicts of two releases, without the rest of an assessment, so that hundreds of clusters take seconds."""
    seen = nodes.candidates(cluster, declared())
    cases = [Case(cluster, declared(), facts(), release, path, seen) for release in ("2.25", "3.3") for path in PATHS]
    return {(case.release, case.path): judge(case, evaluate(case, VERDICT)).verdict for case in cases}


BAD = {
    "good": GOOD,
    "L40S": snapshot(node("g0", "L40S"), node("g1")),
    "ports down": snapshot(node("g0", rdma="down"), node("g1")),
    "no cards": snapshot(node("g0", rdma="absent")),
    "mixture": snapshot(node("g0"), node("g1", "B200")),
    "vendors": snapshot(node("g0"), node("g1", "MI300X")),
    "old": snapshot(node("g0"), openshift="4.18.9"),
    "no drives": snapshot(node("g0", nvme=0)),
    "control plane": snapshot({**node("m0"), "roles": ["control-plane", "master"]}),
    "none": snapshot(clusters.changed(node("a", None, count=0), ("accelerators", "vendor"), None)),
}
# The rate of a port is confirming: known and bad it says no, unknown it is "unverified" (issue 5, semantics), so its absence may look better.
CONFIRMING = {"speed_mbps"}


@pytest.mark.parametrize("name", BAD)
def test_deleting_any_fact_never_makes_a_verdict_better(name):
    """A yes is never won by knowing less: no supported or conditional appears that wasn't there."""
    cluster = BAD[name]
    before = verdicts(cluster)
    for path in places(cluster):
        if path[-1] in CONFIRMING or path[0] in ("packages", "catalogs", "crds"):
            continue
        after = verdicts(without(cluster, path))
        for cell, verdict in after.items():
            if RANK[verdict] > 1:
                assert RANK[verdict] <= RANK[before[cell]], (path, cell, before[cell], verdict)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**12) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_junk_anywhere_gives_no_exception(data):
    cluster = copy.deepcopy(BAD[data.draw(st.sampled_from(sorted(BAD)))])
    for _ in range(data.draw(st.integers(1, 5))):
        path = data.draw(st.sampled_from(sorted(places(cluster), key=str)))
        place = cluster
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = data.draw(JUNK)
    json.dumps(assess(cluster, declared(), facts(), TODAY), allow_nan=True)


@pytest.mark.parametrize("cluster", [{}, {"nodes": []}, {"nodes": [None, 3, "x"]}, {"openshift": "x", "nodes": [{}]}])
def test_nearly_nothing_is_no_yes(judged, cluster):
    assert judged(cluster, declared())["chosen"]["verdict"] in ("unknown", "unsupported")


def test_duplicate_and_nameless_nodes(judged):
    made = judged(snapshot(node("g0"), node("g0"), clusters.changed(node("x"), ("name",), None)), declared())
    assert made["chosen"]["verdict"] == "supported"


def test_rules_have_words():
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert all(rule.checks.endswith(".") and rule.why.endswith(".") for rule in RULES)
