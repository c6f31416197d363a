# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the way in: the GatewayClass, an address for the gateway, and the authentication in front of the service."""

from __future__ import annotations

from .look import dig, rows, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding


def gateway_class(case: Case) -> list[Finding]:
    wanted = case.declared.get("gateway_class", "openshift-default")
    classes = rows(case.snapshot, "gateway_classes")
    subject = f"GatewayClass {wanted}"
    expected = "controller openshift.io/gateway-controller/v1, accepted"
    if classes is None:
        return [
            case.finding(
                "gateway-class",
                UNKNOWN,
                subject,
                "could not be read",
                expected,
                "Grant list on gatewayclasses.gateway.networking.k8s.io.",
                blocking=True,
                source="gateway.networking.k8s.io/v1",
            )
        ]
    found = next((one for one in classes if text(one, "name") == wanted), None)
    if found is None:
        return [
            case.finding(
                "gateway-class",
                PASS,
                subject,
                "absent; it will be made",
                expected,
                "Nothing.",
                blocking=True,
                source="gateway.networking.k8s.io/v1",
            )
        ]
    controller, accepted = text(found, "controller"), dig(found, "accepted")
    good = controller == "openshift.io/gateway-controller/v1"
    status = FAIL if not good or accepted is False else UNKNOWN if accepted is None else PASS
    return [case.finding(
        "gateway-class", status, subject, f"controller {controller}, accepted={accepted}", expected,
        f"See oc describe gatewayclass {wanted}; or set llmd_gateway_class to a name that isn't taken.",
        blocking=status == FAIL and not good, source="gateway.networking.k8s.io/v1",
    )]  # fmt: skip


def gateway_address(case: Case) -> list[Finding]:
    """Bare metal gives no address to a Service of type LoadBalancer without a load balancer such as MetalLB."""
    kind = text(case.snapshot, "platform", "type")
    gateways = rows(case.snapshot, "gateways") or []
    ours = next(
        (
            one
            for one in gateways
            if (text(one, "namespace"), text(one, "name")) == ("openshift-ingress", "openshift-ai-inference")
        ),
        None,
    )
    if kind not in ("BareMetal", "None") or text(ours, "address"):
        return []
    crds = dig(case.snapshot, "crds")
    if isinstance(crds, dict) and dig(crds, "ipaddresspools.metallb.io"):
        return []
    return [case.finding(
        "gateway-load-balancer", WARN, f"platform {kind}", "no MetalLB is seen, so the gateway's Service may get no address", "a load balancer",
        "Install MetalLB with an address pool, or give the Service an address in another way.", source="openshift-docs, MetalLB on bare metal",
    )]  # fmt: skip


def auth_stack(case: Case) -> list[Finding]:
    """A Kuadrant that is there and isn't ready lets no authenticated request through; one that isn't there will be made."""
    there = rows(case.snapshot, "objects", "Kuadrant")
    if case.declared.get("auth", True) is not True or not there:
        return []
    found = []
    for one in there:
        row = next((row for row in rows(one, "status", "conditions") or [] if text(row, "type") == "Ready"), {})
        ready = text(row, "status")
        why = text(row, "message") or text(row, "reason") or "no condition Ready"
        where = f"Kuadrant {dig(one, 'metadata', 'namespace')}/{dig(one, 'metadata', 'name')}"
        missing = "MissingDependency" in (text(row, "reason") or "")
        found.append(case.finding(
            "auth-stack", PASS if ready == "True" else WARN if ready == "False" else UNKNOWN, where, "ready" if ready == "True" else why, "Ready",
            "Nothing." if ready == "True"
            else "It started before the gateway's Istio: delete the pod of kuadrant-operator." if missing
            else f"See oc describe kuadrant {dig(one, 'metadata', 'name')}, or set llmd_auth to false.",
            source="RHOAIENG-67925; kuadrant.io/v1beta1 Kuadrant, condition Ready",
        ))  # fmt: skip
    return found
