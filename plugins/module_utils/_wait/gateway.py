# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway API: GatewayClass, Gateway, HTTPRoute, InferencePool; and AuthPolicy.

Reasons: kubernetes-sigs/gateway-api ``apis/v1`` and gateway-api-inference-extension ``api/v1``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import because, condition, dig, is_old, items
from .model import State, done, failed, waiting

# A cloud's load balancer takes up to some minutes; on bare metal without one nothing ever comes.
ADDRESS_GRACE = 180.0

_ROUTE_REPAIRS = {
    "NotAllowedByListeners": "Let the Gateway's listener allow routes from this namespace (allowedRoutes).",
    "NoMatchingParent": "Correct the route's parentRefs: no listener of that name or port.",
    "NoMatchingListenerHostname": "Make the route's hostnames fit the listener's hostname.",
    "BackendNotFound": "The Service or InferencePool that the route names isn't there.",
    "RefNotPermitted": "Add a ReferenceGrant in the backend's namespace.",
    "InvalidKind": "The gateway doesn't know this backend kind: its InferencePool CRD is missing or of an older group.",
}


def gateway_class(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when a controller accepted the class."""
    found = condition(obj, "Accepted")
    if found.get("status") == "True" and not is_old(obj, found):
        return done("Accepted", str(dig(obj, "spec.controllerName") or ""))
    if found.get("status") == "False" and found.get("reason") not in ("Pending", "Waiting"):
        return failed(
            str(found.get("reason")),
            because(found),
            "Look at the ingress operator (openshift-ingress-operator) and its Service Mesh subscription.",
            grace=90,
        )
    return waiting("Pending", because(found) or f"no controller answers for {dig(obj, 'spec.controllerName')}")


def gateway(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when Accepted and Programmed are True and there is an address.

    ``address_grace_seconds``: how long a load balancer may take to give the address (180).
    """
    accepted, programmed = condition(obj, "Accepted"), condition(obj, "Programmed")
    if accepted.get("status") == "False":
        return failed(str(accepted.get("reason")), because(accepted), "Correct the Gateway's specification.", grace=30)
    refused = _bad_listener(obj)
    if refused:
        return refused
    addresses = [a.get("value") for a in items(obj, "status.addresses") if a.get("value")]
    current = not is_old(obj, programmed)
    if accepted.get("status") == "True" and programmed.get("status") == "True" and current and addresses:
        return done("Programmed", f"address {addresses[0]}")
    if programmed.get("reason") in ("AddressNotAssigned", "AddressNotUsable"):
        return failed(
            str(programmed["reason"]),
            because(programmed),
            "Give the cluster a load balancer (MetalLB on bare metal), or a ClusterIP Service with a Route.",
            grace=float(options.get("address_grace_seconds", ADDRESS_GRACE)),
        )
    return waiting(str(programmed.get("reason") or "Pending"), because(programmed) or "no controller has answered yet")


def _bad_listener(obj: Mapping[str, Any]) -> State | None:
    for listener in items(obj, "status.listeners"):
        found = condition(listener, "ResolvedRefs", path="conditions")
        if found.get("status") == "False":
            return failed(
                str(found.get("reason")),
                f"listener {listener.get('name')}: {because(found)}",
                "Make the Secret or grant that the listener refers to.",
                grace=45,
            )
    return None


def route(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when each parent of the route accepted it and resolved its references."""
    wanted, parents = len(items(obj, "spec.parentRefs")), items(obj, "status.parents")
    return _parents(obj, parents, max(1, wanted), _ROUTE_REPAIRS)


def inference_pool(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when a gateway accepted the pool and resolved its endpoint picker."""
    parents = items(obj, "status.parents") or items(obj, "status.parent")  # v1, v1alpha2
    repairs = {"InvalidExtensionRef": "The endpoint picker's Service isn't there.", **_ROUTE_REPAIRS}
    return _parents(obj, parents, 1, repairs)


def _parents(
    obj: Mapping[str, Any], parents: list[Mapping[str, Any]], wanted: int, repairs: Mapping[str, str]
) -> State:
    happy = 0
    for parent in parents:
        verdicts = [condition(parent, kind, path="conditions") for kind in ("Accepted", "ResolvedRefs")]
        for found in verdicts:
            if found.get("status") == "False" and not is_old(obj, found):
                reason = str(found.get("reason"))
                return failed(
                    reason,
                    f"{_parent_name(parent)}: {because(found)}",
                    repairs.get(reason, "Repair what the message names."),
                    grace=60,
                )
        happy += all(v.get("status") == "True" and not is_old(obj, v) for v in verdicts)
    if happy >= wanted:
        return done("Accepted", ", ".join(_parent_name(p) for p in parents))
    return waiting("Pending", f"accepted by {happy} of {wanted} gateways")


def _parent_name(parent: Mapping[str, Any]) -> str:
    ref = parent.get("parentRef") or parent.get("parentGateway") or {}
    return f"Gateway {ref.get('namespace') or '(same namespace)'}/{ref.get('name')}"


def auth_policy(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the AuthPolicy is accepted and enforced."""
    accepted, enforced = condition(obj, "Accepted"), condition(obj, "Enforced")
    if accepted.get("status") == "False":
        return failed(
            str(accepted.get("reason")),
            because(accepted),
            "Repair what the message names; a late Gateway API provider needs a new kuadrant-operator Pod.",
            grace=60,
        )
    if enforced.get("status") == "True" and not is_old(obj, enforced):
        return done("Enforced")
    return waiting(str(enforced.get("reason") or "Pending"), because(enforced))
