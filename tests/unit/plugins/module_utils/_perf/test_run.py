# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole measurement against our own client protocol in memory: what is made, what is read, and that nothing stays, however it ends."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Forbidden
from ansible_collections.llmd.openshift.plugins.module_utils._perf import run
from ansible_collections.llmd.openshift.plugins.module_utils._perf.verdict import bounds

from tests.unit.plugins.module_utils._perf.test_fabric_check import BW, DESIGN, LAT, PD
from tests.unit.plugins.module_utils._watch.fake import FakeCluster


class Cluster(FakeCluster):
    """Pods end at once, as ``pod_status`` says; each tells the same log."""

    def __init__(self, status=None):
        super().__init__()
        self.status = status or {"phase": "Succeeded"}
        self.made: list[dict] = []
        self.deleted: list[str] = []

    def create(self, path, obj):
        made = {**obj, "metadata": {**obj["metadata"], "uid": f"uid-{obj['metadata']['name']}"}}
        if obj["kind"] == "Service":
            made["spec"] = {**obj["spec"], "clusterIP": f"172.30.0.{len(self.made)}"}
        if obj["kind"] == "Pod":
            made["status"] = self.status
        self.made.append(made)
        self.put(obj["kind"], made, obj["metadata"]["namespace"])
        return made

    def delete(self, path, uid=None):
        self.deleted.append(path.rpartition("/")[2])
        return True


def rail(index, gbit=390.0):
    head = f"@llmd rail={index} tool={{tool}} role=client device=mlx5_{index} rc=0\n"
    return head.format(tool="ib_write_bw") + BW.format(unit="Gb/sec", value=gbit) + head.format(tool="ib_read_lat") + LAT.format(value=2.6)


WHOLE = f"{rail(0)}{rail(1)}@llmd end\n"


def measure(cluster):
    orders = run.Orders("llmd", "x/perftest@sha256:0", PD, DESIGN, bounds(facts().thresholds, PD, {}))
    shown: list[str] = []
    return run.run(cluster, orders, shown.append, lambda: None)


def test_two_pods_measure_and_everything_is_deleted():
    cluster = Cluster()
    cluster.log = WHOLE
    made, left = measure(cluster)
    assert made["status"] == "pass" and made["numbers"]["links"] == 4 and left == []
    kinds = [one["kind"] for one in cluster.made]
    assert kinds == ["ConfigMap", "Service", "Service", "Pod", "Pod"]
    assert sorted(cluster.deleted) == sorted(one["metadata"]["name"] for one in cluster.made)
    peers = {one["spec"]["nodeSelector"]["kubernetes.io/hostname"]: one["spec"]["containers"][0]["env"] for one in cluster.made if one["kind"] == "Pod"}
    address = {one["spec"]["selector"]["llmd.openshift.io/fabric-check-node"]: one["spec"]["clusterIP"] for one in cluster.made if one["kind"] == "Service"}
    for node, other in (("gpu-0", "gpu-1"), ("gpu-1", "gpu-0")):
        assert {"name": "LLMD_PEER", "value": address[other]} in peers[node]


@pytest.mark.parametrize(("log", "word"), [
    ("@llmd missing ib_write_bw\n", "its image has no ib_write_bw"), (WHOLE.replace("@llmd end\n", ""), "breaks off"), ("", "breaks off: nothing"),
])  # fmt: skip
def test_a_log_that_tells_nothing_is_unknown(log, word):
    cluster = Cluster()
    cluster.log = log
    made, _left = measure(cluster)
    assert made["status"] == "unknown" and word in made["findings"][0]["observed"] and made["findings"][0]["remedy"]
    assert len(cluster.deleted) == len(cluster.made)


def test_devices_that_others_have_are_unknown_and_no_failure():
    """The scheduler's own words; nothing stays."""
    why = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/5 nodes are available: 2 Insufficient openshift.io/llmd_rail_0."}
    cluster = Cluster({"phase": "Pending", "conditions": [why]})
    made, _left = measure(cluster)
    assert made["status"] == "unknown" and "Insufficient openshift.io/llmd_rail_0" in made["findings"][0]["observed"]
    assert len(cluster.deleted) == len(cluster.made) == 5


def test_what_cannot_be_deleted_is_said():
    cluster = Cluster()
    cluster.log = WHOLE

    def refuse(path, uid=None):
        raise Forbidden("w", path, "not allowed", "t")

    cluster.delete = refuse
    made, left = measure(cluster)
    assert made["status"] == "pass" and len(left) == 5 and "not allowed" in left[0]
