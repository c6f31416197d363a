# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields, quantities, and the conditions that fit any kind."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._wait import basics, fields, quantity
from ansible_collections.llmd.openshift.plugins.module_utils._wait.model import one_line
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def test_dig_walks_keys_places_and_conditions() -> None:
    obj = {"status": {"conditions": [{"type": "Ready", "status": "True"}], "list": [{"a": 1}]},
           "metadata": {"labels": {"a.b/c": "x"}}}  # fmt: skip
    assert fields.dig(obj, "status.conditions[type=Ready].status") == "True"
    assert fields.dig(obj, "status.list[0].a") == 1
    assert fields.dig(obj, 'metadata.labels["a.b/c"]') == "x"
    assert fields.dig(obj, "status.list[7].a") is None
    assert fields.dig(obj, "status.conditions.type") is None


def test_dig_refuses_a_path_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="can't be read"):
        fields.dig({}, "status[")


@given(JSON)
def test_readers_survive_any_shape(value: object) -> None:
    for path in ("status.conditions[type=Ready].status", "status[0]", "metadata.generation"):
        fields.dig(value, path)
    assert fields.condition(value, "Ready") == {} or isinstance(value, dict)
    fields.integer(value, "status.replicas")


@given(st.text())
def test_one_line_is_one_bounded_printable_line(text: str) -> None:
    line = one_line(text, 50)
    assert len(line) <= 50 and "\n" not in line and all(c.isprintable() for c in line)


@pytest.mark.parametrize(
    ("text", "number"),
    [("8", 8), (8, 8), ("1500m", Decimal("1.5")), ("2Ki", 2048), ("1k", 1000), ("1e3", 1000), ("1E", 10**18), ("0.5", Decimal("0.5")),
     ("x", None), ("", None), (None, None), (True, None), ("1 Gi", None), ("1Kib", None)],
)  # fmt: skip
def test_quantity(text: object, number: object) -> None:
    assert quantity.to_number(text) == number


def condition(kind: str, status: str, reason: str = "", message: str = "", **more: object) -> dict:
    return {"status": {"conditions": [{"type": kind, "status": status, "reason": reason, "message": message, **more}]}}


def test_condition_done_waiting_failed() -> None:
    options = {"type": "Ready", "fail_reasons": ["Broken"]}
    assert basics.any_condition(condition("Ready", "True"), options).phase == "done"
    assert basics.any_condition(condition("Ready", "False", "Slow"), options).phase == "waiting"
    broken = basics.any_condition(condition("Ready", "False", "Broken", "no disk"), options)
    assert broken.phase == "failed" and "no disk" in broken.detail
    assert basics.any_condition({}, options).reason == "NoCondition"


def test_condition_of_an_earlier_specification_does_not_count() -> None:
    old = {"metadata": {"generation": 3}, **condition("Ready", "True", observedGeneration=2)}
    assert basics.any_condition(old, {"type": "Ready"}).reason == "NotObserved"
    new = {"metadata": {"generation": 3}, **condition("Ready", "True", observedGeneration=3)}
    assert basics.any_condition(new, {"type": "Ready"}).phase == "done"


def test_field_equality_membership_quantity_and_failure() -> None:
    obj = {"status": {"state": "ready", "count": "2"}}
    assert basics.field(obj, {"path": "status.state", "equals": "ready"}).phase == "done"
    assert basics.field(obj, {"path": "status.state", "in": ["a", "ready"]}).phase == "done"
    assert basics.field(obj, {"path": "status.count", "at_least": 2}).phase == "done"
    assert basics.field(obj, {"path": "status.count", "at_least": "3"}).phase == "waiting"
    assert basics.field(obj, {"path": "status.none"}).phase == "waiting"
    assert basics.field(obj, {"path": "status.state", "equals": "x", "fail_in": ["ready"]}).phase == "failed"


def node(gpus: str | None, ready: str = "True") -> dict:
    return {"status": {"allocatable": {} if gpus is None else {"nvidia.com/gpu": gpus},
                       "conditions": [{"type": "Ready", "status": ready}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("gpus", "ready", "phase"), [("8", "True", "done"), ("7", "True", "waiting"), ("9", "True", "waiting"),
                                 (None, "True", "waiting"), ("8", "False", "waiting"), ("8", "Unknown", "waiting")],
)  # fmt: skip
def test_allocatable_is_exact_and_needs_a_ready_node(gpus: str | None, ready: str, phase: str) -> None:
    assert basics.allocatable(node(gpus, ready), {"resource": "nvidia.com/gpu", "equals": 8}).phase == phase


def test_allocatable_at_least() -> None:
    assert basics.allocatable(node("9"), {"resource": "nvidia.com/gpu", "at_least": 8}).phase == "done"


def test_absent_names_finalizers() -> None:
    assert basics.absent(None, {}).phase == "done"
    going = {"metadata": {"deletionTimestamp": "now", "finalizers": ["a/b"]}}
    assert "a/b" in basics.absent(going, {}).detail


def test_labels() -> None:
    have = {"metadata": {"labels": {"a": "1"}}}
    assert basics.labels(have, {"labels": {"a": "1"}}).phase == "done"
    assert basics.labels(have, {"labels": {"a": None}}).phase == "done"
    assert basics.labels(have, {"labels": {"a": "2", "b": None}}).detail == "a=2, b"


def crd(established: str, accepted: str = "True", versions: tuple[str, ...] = ("v1alpha1",)) -> dict:
    return {"spec": {"versions": [{"name": v, "served": True} for v in versions]},
            "status": {"conditions": [{"type": "Established", "status": established},
                                      {"type": "NamesAccepted", "status": accepted, "reason": "MultipleNamesNotAllowed"}]}}  # fmt: skip


def test_established() -> None:
    assert basics.established(crd("True"), {}).phase == "done"
    assert basics.established(crd("False"), {}).phase == "waiting"
    assert basics.established(crd("False", "False"), {}).phase == "failed"
    assert basics.established(crd("True"), {"version": "v1alpha2"}).reason == "VersionNotServed"
