# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which answers are faults, which may be repeated, and which error people get."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils import _errors
from ansible_collections.llmd.openshift.plugins.module_utils._kube import faults, paths
from ansible_collections.llmd.openshift.plugins.module_utils._kube.transport import pause
from hypothesis import given
from hypothesis import strategies as st

WHERE = "GET /x on https://api"


def answer(
    status: int, message: str = "", headers: dict | None = None, method: str = "GET", **extra: Any
) -> faults.Fault:
    body = json.dumps({"kind": "Status", "message": message, **extra}).encode()
    fault = faults.judge(status, headers or {}, body, WHERE, method)
    assert fault is not None
    return fault


@pytest.mark.parametrize("status", [200, 201, 202])
def test_success(status: int):
    assert faults.judge(status, {}, b"", WHERE) is None


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3"}])
def test_overload_is_repeated_with_or_without_retry_after(status: int, headers: dict):
    fault = answer(status, "slow down", headers)
    assert fault.retry and fault.max_tries is None and isinstance(fault.error, _errors.Overloaded)
    assert fault.retry_after == (3 if headers else 0)


@pytest.mark.parametrize("text", ['failed calling webhook "x": timeout', "etcdserver: leader changed"])
def test_500_that_heals_has_no_limit_of_tries(text: str):
    assert answer(500, text).max_tries is None and answer(500, text).retry


def test_other_500_gets_three_tries():
    assert answer(500, "nil pointer").max_tries == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "Invalid"), (401, "Unauthorized"), (403, "Forbidden"), (409, "Conflict"), (410, "Gone"),
        (413, "Invalid"), (415, "Invalid"), (422, "Invalid"),
    ],
)  # fmt: skip
def test_client_errors_are_not_repeated(status: int, kind: str):
    fault = answer(status, "no")
    assert not fault.retry and type(fault.error).__name__ == kind
    assert fault.error.as_dict()["details"]["status"] == status


def test_404_kind_or_object():
    assert isinstance(answer(404, "the server could not find the requested resource").error, _errors.KindMissing)
    absent = answer(404, 'configmaps "a" not found', details={"name": "a", "kind": "configmaps"})
    assert isinstance(absent.error, _errors.NotFound)
    assert isinstance(answer(404, 'namespaces "a" not found').error, _errors.NotFound)


def test_lost_race_is_repeated_for_a_patch_only():
    text = "Operation cannot be fulfilled on x: the object has been modified"
    assert answer(409, text, method="PATCH", reason="Conflict").retry
    assert not answer(409, text, method="PUT", reason="Conflict").retry
    assert not answer(409, "x already exists", method="POST", reason="AlreadyExists").retry


def test_field_conflict_keeps_its_causes():
    causes = [{"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".data.x"}]
    error = answer(409, "Apply failed", method="PATCH", reason="Conflict", details={"causes": causes}).error
    assert error.details["causes"] == causes


def test_terminating_namespace_has_its_own_advice():
    error = answer(403, "no", details={"causes": [{"reason": "NamespaceTerminating"}]}).error
    assert "being deleted" in error.todo


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "1e99", None])
def test_odd_retry_after(value: str | None):
    assert 0 <= faults.retry_after({"Retry-After": value}) <= 30 or value == "nan"


@given(st.integers(100, 999), st.binary(max_size=300))
def test_any_answer_is_judged(status: int, body: bytes):
    fault = faults.judge(status, {}, body, WHERE)
    assert (fault is None) == (status < 400)
    if fault:
        assert str(fault.error)


@given(st.integers(1, 60), st.floats(0, 30), st.floats(0, 1))
def test_pause_is_bounded_and_never_under_the_floor(attempt: int, floor: float, chance: float):
    assert floor <= pause(attempt, floor, lambda: chance) <= max(floor, 8.0)


def test_paths():
    assert paths.build("v1", "pods", True, "a", "b") == "/api/v1/namespaces/a/pods/b"
    assert paths.build("apps/v1", "deployments", True) == "/apis/apps/v1/deployments"
    assert (
        paths.build("nvidia.com/v1", "clusterpolicies", False, "ignored", "x")
        == "/apis/nvidia.com/v1/clusterpolicies/x"
    )
    assert paths.build("v1", "pods", True, "../..", "a/b") == "/api/v1/namespaces/..%2F../pods/a%2Fb"


def test_resources_without_subresources():
    document = {"resources": [{"name": "x/status", "kind": "X"}, {"name": "xs", "kind": "X", "namespaced": True}, None]}
    assert paths.resources_of(document) == {"X": ("xs", True)}
    assert paths.resources_of(None) == {}


def test_a_field_that_the_kind_does_not_have_is_a_bad_object_and_not_a_sick_server() -> None:
    text = "failed to create typed patch object (a/b; x/v1, Kind=T): errors:\n  .spec.new: field not declared in schema\n  .spec.l[name=\"m\"].odd: field not declared in schema"
    fault = answer(500, text)
    assert not fault.retry and type(fault.error).__name__ == "Invalid"
    assert fault.error.details["fields"] == [".spec.l[name=\"m\"].odd", ".spec.new"] and ".spec.new" in fault.error.todo
