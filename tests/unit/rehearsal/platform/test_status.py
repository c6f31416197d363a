# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Istio says about gateways, routes and pools."""

from __future__ import annotations

from rehearsal.gateway import status
from tests.unit.rehearsal.platform.mesh import (
    POOL_REF,
    SERVICE_REF,
    make_gateway,
    make_pool,
    make_route,
    make_rule,
    make_service,
    make_world,
)

HOST = "g-openshift-default.openshift-ingress.svc.cluster.local"


def by_type(conditions):
    return {item["type"]: item for item in conditions}


def service(*ips, kind="LoadBalancer"):
    made = make_service("g-openshift-default", 80, "openshift-ingress", type=kind)
    return {**made, "status": {"loadBalancer": {"ingress": [{"ip": ip} for ip in ips]}}}


def test_a_gateway_with_an_address_is_programmed() -> None:
    found = by_type(status.gateway_conditions(make_gateway(), service("10.244.1.7")))
    assert (found["Accepted"]["status"], found["Programmed"]["status"]) == ("True", "True")
    assert found["Programmed"]["message"] == f"Resource programmed, assigned to service(s) {HOST}:80"
    assert status.addresses(service("10.244.1.7")) == [{"type": "IPAddress", "value": "10.244.1.7"}]


def test_a_gateway_without_address_is_not() -> None:
    found = by_type(status.gateway_conditions(make_gateway(), service()))["Programmed"]
    assert (found["status"], found["reason"]) == ("False", "AddressNotAssigned")
    assert found["message"] == (
        f"Assigned to service(s) {HOST}:80, but failed to assign to all requested addresses: address pending for hostname \"{HOST}\""
    )


def test_a_cluster_ip_gateway_has_its_name_as_address() -> None:
    assert status.addresses(service(kind="ClusterIP")) == [{"type": "Hostname", "value": HOST}]


def parent(route, world):
    (found,) = status.route_parents(route, world, "now")
    return by_type(found["conditions"])


def test_a_good_route() -> None:
    found = parent(make_route(), make_world())
    assert found["Accepted"]["message"] == "Route was valid"
    assert found["ResolvedRefs"]["message"] == "All references resolved"


def test_the_old_pool_group_is_an_invalid_kind() -> None:
    """That answer makes KServe move the route to the v1 group."""
    rule = make_rule("/x", "/", {**POOL_REF, "group": "inference.networking.x-k8s.io"})
    found = parent(make_route(rule), make_world())["ResolvedRefs"]
    assert (found["status"], found["reason"]) == ("False", "InvalidKind")


def test_pools_are_unknown_until_their_definition_is_there() -> None:
    assert parent(make_route(), make_world(pool_kind_served=False))["ResolvedRefs"]["reason"] == "InvalidKind"


def test_missing_and_foreign_backends() -> None:
    gone = parent(make_route(make_rule("/x", "/", {**SERVICE_REF, "name": "gone"})), make_world())["ResolvedRefs"]
    assert gone["reason"] == "BackendNotFound"
    foreign = make_rule("/x", "/", {**SERVICE_REF, "namespace": "b"})
    assert parent(make_route(foreign), make_world())["ResolvedRefs"]["reason"] == "RefNotPermitted"
    origin = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "a"}
    grant = {"metadata": {"namespace": "b", "name": "x"}, "spec": {"from": [origin], "to": [{"group": "", "kind": "Service"}]}}
    world = make_world(grants=[grant], services=[make_service("m-svc", 8000, "b")])
    assert parent(make_route(foreign), world)["ResolvedRefs"]["status"] == "True"


def test_other_controllers_entries_stay_and_times_too() -> None:
    route = make_route()
    other = {"parentRef": {"name": "x"}, "controllerName": "example.com/other", "conditions": []}
    first = status.route_parents(route, make_world(), "1")
    route["status"] = {"parents": [other, *first]}
    again = status.route_parents(route, make_world(), "2")
    assert again == [other, *first]


def test_listeners_count_their_routes() -> None:
    from rehearsal.gateway.attach import attachments

    world = make_world()
    attached = attachments(world.routes[0], world)
    (listener,) = status.listener_statuses(world.gateways[0], attached, world, "now")
    assert (listener["name"], listener["attachedRoutes"]) == ("http", 1)
    assert by_type(listener["conditions"])["Programmed"]["status"] == "True"


def test_an_https_listener_without_certificate_is_not_programmed() -> None:
    gateway = make_gateway(name="https", port=443, protocol="HTTPS", tls={"certificateRefs": [{"name": "cert"}]})
    (listener,) = status.listener_statuses(gateway, [], make_world(), "now")
    found = by_type(listener["conditions"])
    assert (found["Programmed"]["status"], found["ResolvedRefs"]["reason"]) == ("False", "InvalidCertificateRef")


def test_a_pool_is_accepted_by_the_gateways_that_lead_to_it() -> None:
    (entry,) = status.pool_parents(make_pool(), make_world(), "now")
    assert entry["parentRef"]["name"] == "g"
    assert by_type(entry["conditions"])["ResolvedRefs"]["status"] == "True"
    assert status.pool_parents(make_pool(), make_world(routes=[]), "now") == []
    assert status.pool_parents(make_pool(), make_world(gateways=[make_gateway("Same")]), "now") == []


def test_a_pool_whose_picker_is_not_there() -> None:
    (entry,) = status.pool_parents(make_pool(), make_world(services=[make_service("m-svc", 8000)]), "now")
    found = by_type(entry["conditions"])["ResolvedRefs"]
    assert (found["status"], found["reason"]) == ("False", "InvalidExtensionRef")
