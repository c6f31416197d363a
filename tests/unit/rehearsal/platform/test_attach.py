# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which routes a gateway takes."""

from __future__ import annotations

import pytest

from rehearsal.gateway.attach import attachments, common_hosts
from tests.unit.rehearsal.platform.mesh import make_gateway, make_route, make_world


def judged(gateway, route):
    (found,) = attachments(route, make_world(gateways=[gateway], routes=[route]))
    return found


def test_a_route_of_any_namespace_is_taken_when_all_are_allowed() -> None:
    found = judged(make_gateway("All"), make_route())
    assert (found.reason, [x["name"] for x in found.listeners], found.hosts) == ("", ["http"], {"http": ["*"]})


@pytest.mark.parametrize(("gateway", "taken"), [
    (make_gateway("Same"), False),
    (make_gateway("Selector", namespaces={"selector": {"matchLabels": {"team": "x"}}}), True),
    (make_gateway("Selector", namespaces={"selector": {"matchLabels": {"team": "y"}}}), False),
    (make_gateway("Selector"), False),
    (make_gateway("None"), False),
])
def test_allowed_namespaces(gateway, taken) -> None:
    found = judged(gateway, make_route())
    assert (found.reason == "") is taken
    if not taken:
        assert found.reason == "NotAllowedByListeners"
        assert found.message == 'hostnames matched parent hostname "", but namespace "a" is not allowed by the parent'


def test_a_section_that_is_not_there() -> None:
    found = judged(make_gateway(), make_route(parent={"name": "g", "namespace": "openshift-ingress", "sectionName": "tls"}))
    assert (found.reason, found.message) == ("NoMatchingParent", 'sectionName "tls" not found')


def test_host_names_must_meet() -> None:
    found = judged(make_gateway(hostname="*.example.com"), make_route(hostnames=["other.org"]))
    assert found.reason == "NoMatchingListenerHostname"


def test_a_gateway_of_somebody_else_is_not_reported() -> None:
    assert attachments(make_route(parent={"name": "theirs", "namespace": "x"}), make_world()) == []
    assert attachments(make_route(parent={"name": "g", "kind": "Service"}), make_world()) == []


@pytest.mark.parametrize(("listener", "route", "common"), [
    (None, [], ["*"]),
    (None, ["a.b"], ["a.b"]),
    ("a.b", [], ["a.b"]),
    ("*.b", ["a.b", "a.c"], ["a.b"]),
    ("a.b", ["*.b"], ["a.b"]),
    ("*.a.b", ["*.b"], ["*.a.b"]),
    ("x.y", ["a.b"], []),
    ("*.b", ["b"], []),
])
def test_common_hosts(listener, route, common) -> None:
    assert common_hosts(listener, route) == common
