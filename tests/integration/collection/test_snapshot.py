# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_snapshot on a bare virtual OpenShift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.integration.collection.plays import ROOT, play

pytestmark = pytest.mark.rehearsal


def test_snapshot_fits_and_changes_nothing(rehearsal: Any, tmp_path: Path):
    before = rehearsal.audit_size()
    task = {"llmd.openshift.cluster_snapshot": {"packages": ["local-storage-operator", "nfd", "no-such-package"]}}
    readings = 0
    while readings < 8:  # a cluster that has just started moves between two readings
        readings += 2
        (plain,) = play(tmp_path, rehearsal, task)
        (checked,) = play(tmp_path, rehearsal, task, check=True)
        snapshot = plain["snapshot"]
        if checked["snapshot"]["nodes"] == snapshot["nodes"]:
            break
    jsonschema.Draft202012Validator(json.loads((ROOT / "data/schema/snapshot.json").read_text())).validate(snapshot)
    assert plain["changed"] is False
    assert {**checked["snapshot"], "read_at": ""} == {**snapshot, "read_at": ""}
    assert snapshot["cluster"]["id"] == rehearsal.get("clusterversion", "version")["spec"]["clusterID"]
    assert len(snapshot["nodes"]) == len(rehearsal.get("nodes")["items"])
    # Of what is installed the catalogs aren't asked; tests before this one may have installed NFD on the shared cluster.
    installed = {row["package"] for row in snapshot["operators"] if row["installed_csv"]}
    assert "local-storage-operator" not in installed
    assert {row["package"] for row in snapshot["packages"]} == {"nfd", "local-storage-operator"} - installed
    ours = [event for event in rehearsal.audit(before) if event.get("userAgent", "").startswith("llmd.openshift")]
    assert ours and {event["verb"] for event in ours} <= {"get", "list"}
    assert len(ours) <= readings * 60  # a handful of lists each


def test_what_a_limited_user_cannot_read_is_unknown(rehearsal: Any, tmp_path: Path):
    (result,) = play(tmp_path, rehearsal, {"llmd.openshift.cluster_snapshot": {"impersonate_user": "nobody-at-all"}})
    snapshot = result["snapshot"]
    assert snapshot["nodes"] is None and snapshot["cluster"]["id"] is None
    assert {"what": "nodes", "why": "forbidden"} in snapshot["unreadable"]
