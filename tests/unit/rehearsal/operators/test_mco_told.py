# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigNodes: what the conditions say at each step of a node's update."""

from __future__ import annotations

from typing import Any

from rehearsal.operators.mco_pool import (
    APPLIED_DRAIN,
    CURRENT,
    DEGRADED,
    DESIRED,
    DESIRED_DRAIN,
    DONE,
    REASON,
    STATE,
    WORKING,
)
from rehearsal.operators.mco_told import TYPES, conditions

STAMP = "2026-01-01T00:00:00Z"


def node(current: str, desired: str, state: str, drain: str = "", applied: str = "", away: bool = False, reason: str = "") -> dict[str, Any]:
    notes = {CURRENT: current, DESIRED: desired, STATE: state, DESIRED_DRAIN: drain, APPLIED_DRAIN: applied, REASON: reason}
    ready = {"type": "Ready", "status": "Unknown" if away else "True"}
    return {"metadata": {"name": "gpu-0", "annotations": notes, "labels": {} if away else {"type": "kwok"}},
            "spec": {"unschedulable": drain.startswith("drain-")}, "status": {"conditions": [ready]}}


def by_type(told: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item["message"]) for item in told}


def test_a_fresh_node_is_updated_and_nothing_else_has_happened() -> None:
    told = conditions(node("a", "a", DONE), [], STAMP)
    assert {item["type"] for item in told} == set(TYPES) and all(item["reason"] for item in told)
    seen = by_type(told)
    assert seen.pop("Updated") == ("True", "Node gpu-0 Updated")
    assert {status for status, _ in seen.values()} == {"False"}
    assert seen["Drained"][1] == "This node has not yet entered the Drained phase"


def test_an_update_goes_through_its_steps() -> None:
    told = conditions(node("a", "a", DONE), [], STAMP)
    told = conditions(node("a", "b", DONE), told, STAMP)
    assert by_type(told)["Updated"] == ("False", "Node gpu-0 needs an update")
    told = conditions(node("a", "b", WORKING, "drain-b", "uncordon-a"), told, STAMP)
    seen = by_type(told)
    assert seen["UpdatePrepared"][0] == "True" and seen["Cordoned"][0] == "True"
    assert seen["Drained"][0] == "Unknown" and "until desired drainer drain-b matches current drainer uncordon-a" in seen["Drained"][1]
    told = conditions(node("a", "b", WORKING, "drain-b", "drain-b", away=True), told, STAMP)
    assert (by_type(told)["Drained"][0], by_type(told)["RebootedNode"]) == ("True", ("Unknown", "Upgrade requires a reboot."))
    seen = by_type(conditions(node("b", "b", DONE, "uncordon-b", "uncordon-b"), told, STAMP))
    assert seen["Updated"][0] == "True" and seen["RebootedNode"] == ("False", "Action during update to b: Upgrade requires a reboot.")
    assert [kind for kind, (status, _) in seen.items() if status != "False"] == ["Updated"]


def test_a_failure_is_told_until_it_is_over() -> None:
    told = conditions(node("a", "b", DEGRADED, reason="content mismatch"), conditions(node("a", "a", DONE), [], STAMP), STAMP)
    assert by_type(told)["NodeDegraded"] == ("True", "Node gpu-0 upgrade failure. content mismatch")
    assert by_type(conditions(node("a", "b", WORKING), told, STAMP))["NodeDegraded"][0] == "False"
