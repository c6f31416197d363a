# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading a bare OpenShift: order, status, late discovery, and refusals that are all told."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import bootstrap
from rehearsal.errors import RehearsalError
from rehearsal.kube import KubeError, NotFound


class FakeKube:
    def __init__(self) -> None:
        self.applied: list[dict[str, Any]] = []
        self.statuses: list[tuple[str, Any]] = []
        self.missing: dict[str, int] = {}
        self.no_status: set[str] = set()
        self.refused: set[str] = set()

    def apply(self, obj: dict[str, Any], manager: str | None = None) -> None:
        name = obj["metadata"]["name"]
        if self.missing.get(name, 0) > 0:
            self.missing[name] -= 1
            raise NotFound(404, "KindMissing", "not yet")
        if name in self.refused:
            raise KubeError(422, "Invalid", f"{name} is wrong")
        self.applied.append(obj)

    def path_of(self, obj: dict[str, Any]) -> str:
        return str(obj["metadata"]["name"])

    def patch(self, path: str, patch: Any, kind: str, subresource: str) -> None:
        if path in self.no_status:
            raise NotFound(404, "", "the server could not find the requested resource")
        assert (kind, subresource, patch[0]["path"]) == ("json", "status", "/status")
        self.statuses.append((path, patch[0]["value"]))

    def list(self, path: str) -> list[dict[str, Any]]:
        return self.applied


def thing(name: str, kind: str = "Thing", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": "v1", "metadata": {"name": name}, **more}


def test_namespaces_come_first() -> None:
    kube = FakeKube()
    bootstrap.objects(kube, [thing("a"), thing("n", "Namespace")])  # type: ignore[arg-type]
    assert [obj["metadata"]["name"] for obj in kube.applied] == ["n", "a"]


def test_status_goes_to_its_sub_resource_or_into_the_object() -> None:
    kube = FakeKube()
    kube.no_status = {"b"}
    bootstrap.put(kube, thing("a", status={"x": 1}))  # type: ignore[arg-type]
    bootstrap.put(kube, thing("b", status={"x": 2}))  # type: ignore[arg-type]
    assert kube.statuses == [("a", {"x": 1})]
    assert ["status" in obj for obj in kube.applied] == [False, False, True]


def test_a_kind_that_discovery_learns_late_is_awaited() -> None:
    kube = FakeKube()
    kube.missing = {"a": 2}
    bootstrap.objects(kube, [thing("a")])  # type: ignore[arg-type]
    assert len(kube.applied) == 1


def test_all_refusals_are_told_at_once() -> None:
    kube = FakeKube()
    kube.refused = {"a", "c"}
    with pytest.raises(RehearsalError, match=r"2 of them.*a is wrong.*c is wrong"):
        bootstrap.objects(kube, [thing("a"), thing("b"), thing("c")])  # type: ignore[arg-type]
    assert len(kube.applied) == 1


def test_definitions_that_are_never_served_are_named() -> None:
    served = {"conditions": [{"type": "Established", "status": "True"}]}
    bootstrap.definitions(FakeKube(), [thing("good", status=served)])  # type: ignore[arg-type]
    with pytest.raises(RehearsalError, match=r"\(bad\)"):
        bootstrap.definitions(FakeKube(), [thing("good", status=served), thing("bad")], seconds=0.1)  # type: ignore[arg-type]
