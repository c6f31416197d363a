# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of rhaii-cluster-validation as evidence: read, shown with their source, doubted, refused."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._assess import validation
from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts

from .clusters import declared, node, snapshot

TODAY = datetime.date(2026, 11, 30)


def report(**more):
    """As `pkg/report` writes it."""
    good = {"category": "gpu_hardware", "name": "gpu_driver_version", "status": "PASS", "message": "driver 580.65 on 8 GPUs"}
    bad = {"node": "g1", "category": "gpu_hardware", "name": "gpu_ecc_status", "status": "FAIL", "message": "2 uncorrectable errors", "remediation": "Replace the GPU."}
    return {
        "platform": "ocp", "timestamp": "2026-11-28T10:00:00Z",
        "cluster_checks": [{"category": "operators", "name": "istio", "status": "FAIL", "message": "no pods in istio-system"}],
        "nodes": [{"node": "g0", "timestamp": "2026-11-28T10:00:00Z", "results": [good]}, {"node": "g1", "timestamp": "2026-11-28T10:00:00Z", "results": [good, bad]}],
        "job_results": [{"node": "g0", "role": "client", "job_name": "iperf3-tcp", "status": "SKIP", "message": "no peer"}],
        "pingmesh": {"summary": {"rdma_conn_rail": {"status": "WARN", "passed": 7, "total": 8, "message": "7 of 8 rails"}}, "matrix": []},
        "summary": {"pass": 2, "warn": 1, "fail": 2, "skip": 1}, "status": "NOT READY", **more,
    }  # fmt: skip


def findings(given):
    cluster = snapshot(node("g0"), node("g1"))
    found = assess(cluster, declared(validation={**validation.read(json.dumps(given)), "sha256": "ab" * 32}), facts(), TODAY)
    return [one for one in found["findings"] if one["id"] == "cluster-validation"], found


def test_what_it_found_is_shown_with_its_source_and_decides_nothing():
    shown, found = findings(report())
    by = {(one["subject"], one["status"]): one for one in shown}
    assert by["cluster", "pass"]["observed"] == "2 of 6 checks passed, 1 were skipped (iperf3-tcp)"
    ecc = by["node g1", "fail"]
    assert (ecc["observed"], ecc["remedy"], ecc["deciding"], ecc["blocking"]) == ("gpu_ecc_status: 2 uncorrectable errors", "Replace the GPU.", False, False)
    assert ecc["source"] == "rhaii-cluster-validation, 2026-11-28T10:00:00Z, sha256 abababababab"
    warned = [one["observed"] for one in shown if one["status"] == "warn"]
    assert any("istio-system, where OpenShift has none" in one for one in warned) and "rdma_conn_rail: 7 of 8 rails" in warned
    assert found["gate"] == "go" and found["chosen"]["verdict"] == "supported"


def test_a_report_of_other_nodes_or_of_long_ago_is_unknown():
    other = report(nodes=[{"node": "x1", "results": [{"name": "a", "status": "PASS", "message": "m"}]}], job_results=[])
    (one,), _found = findings(other)
    assert one["status"] == "unknown" and "its nodes (x1) aren't this cluster's" in one["observed"]
    (one,), _found = findings(report(timestamp="2026-09-01T00:00:00Z"))
    assert one["status"] == "unknown" and "it is 90 days old" in one["observed"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "isn't JSON"),
        ("[]", "JSON list"),
        (json.dumps({"benchmarks": [], "metadata": {}}), "its keys are benchmarks, metadata"),
        (json.dumps(report(cluster_checks=[{"name": "x", "status": "GREEN"}])), "has results GREEN"),
    ],
)
def test_another_format_is_refused_by_what_it_looks_like(content, word):
    with pytest.raises(validation.UnknownFormat, match=word):
        validation.read(content)


def test_without_a_report_nothing_is_said():
    found = assess(snapshot(node("g0")), declared(), facts(), TODAY)
    assert [one for one in found["findings"] if one["id"] == "cluster-validation"] == []
