# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drive check's verdict: a floor that is met, one that isn't, none at all, and a tool that says nothing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._perf.disks import Orders, judge, pod, run

IMAGE = "x/fio@sha256:0"


def log(mib):
    return json.dumps({"jobs": [{"read": {"bw_bytes": mib * 2**20}, "write": {"bw_bytes": 0}}]})


@pytest.mark.parametrize(("floor", "status", "word"), [
    (5000, "fail", "g1 reads 900 MiB/s"), (500, "pass", "g0 reads 6800 MiB/s, g1 reads 900 MiB/s"), (None, "unknown", "g0 reads 6800 MiB/s"),
])  # fmt: skip
def test_a_floor_is_the_sites(floor, status, word):
    made = judge({"g0": log(6800), "g1": log(900)}, floor)
    assert made["status"] == status and word in made["findings"][-1]["observed"] and made["numbers"] == {"g0": 6800, "g1": 900}
    assert bool(made["findings"][-1]["remedy"]) == (status != "pass")


def test_a_silent_tool_is_unknown_and_never_a_pass():
    made = judge({"g0": log(6800), "g1": "fio: command not found"}, 500)
    assert made["status"] == "unknown" and "g1: fio: command not found" in made["findings"][0]["observed"]
    assert judge({}, 500)["status"] == "unknown"


@pytest.mark.parametrize("more", [{"image": ""}, {"image": "fio:latest"}, {"storage_class": ""}, {"nodes": []}])
def test_what_keeps_it_from_measuring_asks_the_cluster_nothing(more):
    orders = Orders(**{"namespace": "n", "image": IMAGE, "storage_class": "lvms-nvme", "nodes": ["g0"], **more})
    made, left = run(None, orders, print, print)
    assert made["status"] == "unknown" and made["findings"][0]["remedy"] and not left


def test_the_volume_goes_with_the_pod():
    made = pod("n", 0, "g0", Orders("ns", IMAGE, "lvms-nvme", ["g0"]))
    (volume,) = made["spec"]["volumes"]
    assert volume["ephemeral"]["volumeClaimTemplate"]["spec"]["storageClassName"] == "lvms-nvme"
    assert made["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "g0"} and "privileged" not in str(made)
