# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which AuthPolicy covers a route, by Kuadrant's rules of precedence, and how the gateway reaches Authorino."""

from __future__ import annotations

from rehearsal.gateway.world import GATEWAY_GROUP, Name, Obj, World, name_of
from rehearsal.operators.objects import is_true, matches

AUTH_CLUSTER = "kuadrant-auth-service"  # the cluster name that Kuadrant's filter calls (OMC envoyfilter_ssl.yaml patches it)


def effective(route: Obj, gateway: Obj, listener: Obj, world: World) -> Obj | None:
    """The enforced AuthPolicy for a route behind a listener, or None.

    A route's own policy replaces the gateway's, unless the gateway's is written as `overrides`
    (docs.kuadrant.io, "Defaults and Overrides"). A policy that isn't Enforced yet protects nothing.
    """
    of_gateway = _targeting(world, "Gateway", name_of(gateway), listener["name"])
    if of_gateway is not None and of_gateway["spec"].get("overrides"):
        return of_gateway
    return _targeting(world, "HTTPRoute", name_of(route), None) or of_gateway


def _targeting(world: World, kind: str, target: Name, section: str | None) -> Obj | None:
    found = []
    for policy in world.auth_policies:
        ref = policy["spec"]["targetRef"]
        same = ref.get("group", GATEWAY_GROUP) == GATEWAY_GROUP and ref["kind"] == kind
        here = same and (policy["metadata"]["namespace"], ref["name"]) == target and ref.get("sectionName") in (None, section)
        if here and is_true(policy, "Enforced") and not policy["metadata"].get("deletionTimestamp"):
            found.append(policy)
    # Of several, the one for the very listener first, then the oldest (Gateway API's policy attachment, GEP-713).
    found.sort(key=lambda p: (not p["spec"]["targetRef"].get("sectionName"), p["metadata"].get("creationTimestamp") or "", name_of(p)))
    return found[0] if found else None


def auth_over_tls(gateway: Obj, world: World) -> bool:
    """True when an EnvoyFilter of this gateway puts TLS on the way to Authorino.

    odh-model-controller writes that filter (`<gateway>-authn-ssl`, rhoai-llmd.md 3.4). When one side speaks TLS and the
    other doesn't, every covered request ends in 500 (rhoai-llmd.md 7 row 4).
    """
    return any(_applies(item, gateway) and _patches_auth(item) for item in world.envoy_filters)


def _applies(envoy_filter: Obj, gateway: Obj) -> bool:
    namespace, name = name_of(gateway)
    if name_of(envoy_filter)[0] != namespace:
        return False
    refs = envoy_filter["spec"].get("targetRefs")
    if refs:
        return any(ref.get("kind") == "Gateway" and ref.get("name") == name for ref in refs)
    labels = (envoy_filter["spec"].get("workloadSelector") or {}).get("labels")
    return matches({"matchLabels": labels or {}}, {"gateway.networking.k8s.io/gateway-name": name})


def _patches_auth(envoy_filter: Obj) -> bool:
    for patch in envoy_filter["spec"].get("configPatches") or []:
        value = (patch.get("patch") or {}).get("value") or {}
        if patch.get("applyTo") == "CLUSTER" and value.get("name") == AUTH_CLUSTER and value.get("transport_socket"):
            return True
    return False
