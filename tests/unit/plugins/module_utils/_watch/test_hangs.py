# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that nothing says anything of: what their volumes and their events tell."""

from __future__ import annotations

from ansible_collections.llmd.openshift.plugins.module_utils._watch.evidence import Evidence
from ansible_collections.llmd.openshift.plugins.module_utils._watch.hangs import HANG_SECONDS, Hangs

from tests.unit.plugins.module_utils._watch.fake import FakeCluster

EPHEMERAL = {"name": "models", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}


def pod(*conditions, **spec):
    return {"metadata": {"name": "p", "namespace": "n"}, "spec": {"volumes": [EPHEMERAL], **spec}, "status": {"phase": "Pending", "conditions": list(conditions)}}


def hangs(phase="Pending", message="waiting for a volume to be created by topolvm.io"):
    cluster = FakeCluster()
    cluster.put("PersistentVolumeClaim", {"metadata": {"name": "p-models"}, "spec": {"storageClassName": "lvms-nvme"}, "status": {"phase": phase}}, "n")
    cluster.put("Event", {"metadata": {"name": "e"}, "reason": "ExternalProvisioning", "message": message}, "n")
    now = [0.0]
    return Hangs(Evidence(cluster), lambda: now[0]), now


def test_a_pod_that_waits_for_its_volume_names_claim_class_and_words():
    told, now = hangs()
    assert told.told([pod()]) == ""
    now[0] = HANG_SECONDS
    text = told.told([pod()])
    assert all(word in text for word in ("PersistentVolumeClaim n/p-models of StorageClass lvms-nvme is Pending", "ExternalProvisioning", "topolvm.io"))


def test_a_bound_claim_and_a_refused_pod_say_nothing_of_volumes():
    told, now = hangs("Bound")
    told.told([pod()])
    now[0] = HANG_SECONDS
    assert told.told([pod()]) == ""
    told, now = hangs()
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    told.told([pod(refused)])
    now[0] = HANG_SECONDS
    assert told.told([pod(refused)]) == ""  # the scheduler's own words are in its state already
