# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that Envoy reads."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rehearsal.gateway.attach import attachments
from rehearsal.gateway.clusters import shadow_name
from rehearsal.gateway.envoy import render
from rehearsal.gateway.world import Authorino
from rehearsal.operators.certificates import Wish, issue
from tests.unit.rehearsal.platform.mesh import (
    POOL_REF,
    SERVICE_REF,
    make_gateway,
    make_pod,
    make_policy,
    make_pool,
    make_route,
    make_rule,
    make_slice,
    make_world,
)

AUTHZ, PROC = "envoy.filters.http.ext_authz", "envoy.filters.http.ext_proc"


def rendered(world):
    gateway = world.gateways[0]
    attached = [item for route in world.routes for item in attachments(route, world) if not item.reason]
    return render(gateway, attached, world, "/run")


def clusters(world):
    return {item["name"]: item for item in rendered(world).cds["resources"]}


def routes(world):
    hosts = rendered(world).rds["rds-80"]["resources"][0]["virtual_hosts"]
    return [route for host in hosts for route in host.get("routes", [])]


def addresses(cluster):
    ends = [end for group in cluster["load_assignment"]["endpoints"] for end in group["lb_endpoints"]]
    found = [end["endpoint"]["address"]["socket_address"] for end in ends]
    return [(item["address"], item["port_value"]) for item in found]


def test_the_longer_path_comes_first_and_is_rewritten() -> None:
    first, second = routes(make_world())
    assert first["match"]["path_separated_prefix"] == "/a/m/v1/chat"
    assert first["route"]["regex_rewrite"] == {"pattern": {"regex": "^/a/m/v1/chat"}, "substitution": "/v1/chat"}
    # A prefix replaced by "/" must not leave two slashes.
    assert second["route"]["regex_rewrite"] == {"pattern": {"regex": "^/a/m/*"}, "substitution": "/"}
    assert first["route"]["timeout"] == "0s"


def test_only_the_pool_asks_the_picker() -> None:
    pool, service = routes(make_world())
    overrides = pool["typed_per_filter_config"][PROC]["overrides"]
    assert overrides["grpc_service"]["envoy_grpc"]["cluster_name"] == "outbound|9002||m-epp.a.svc.cluster.local"
    assert overrides["failure_mode_allow"] is True
    assert "typed_per_filter_config" not in service


def test_fail_close_is_honoured() -> None:
    pool, _service = routes(make_world(pools=[make_pool("FailClose")]))
    assert pool["typed_per_filter_config"][PROC]["overrides"]["failure_mode_allow"] is False


def test_a_pool_holds_its_ready_pods_and_prefers_the_picked_one() -> None:
    cluster = clusters(make_world())["inferencepool||m-pool.a"]
    assert addresses(cluster) == [("10.244.1.2", 8000), ("10.244.1.3", 8000)]
    policy = cluster["load_balancing_policy"]["policies"][0]["typed_extension_config"]["typed_config"]
    assert policy["override_host_sources"][0] == {"header": "x-gateway-destination-endpoint"}
    assert "round_robin" in json.dumps(policy["fallback_policy"])


def test_an_empty_selector_selects_no_pod() -> None:
    pool = make_pool()
    pool["spec"]["selector"] = {}
    assert addresses(clusters(make_world(pools=[pool]))["inferencepool||m-pool.a"]) == []


def test_a_picker_without_ready_endpoint_has_an_empty_cluster() -> None:
    """That is what lets Envoy fail open at once: a refused connection would come too late, after the body has been sent."""
    found = clusters(make_world(slices=[make_slice("m-epp", 9002, "10.244.1.9", ready=False)]))
    assert addresses(found["outbound|9002||m-epp.a.svc.cluster.local"]) == []


def test_tls_towards_pods_only_by_a_destination_rule() -> None:
    assert "transport_socket" not in clusters(make_world())["outbound|8000||m-svc.a.svc.cluster.local"]
    rules = [
        {"metadata": {"namespace": "a", "name": str(number)}, "spec": {"host": host, "trafficPolicy": {"tls": {"mode": mode, "sni": "s"}}}}
        for number, (host, mode) in enumerate([
            ("m-svc.a.svc.cluster.local", "SIMPLE"), ("m-epp.a.svc.cluster.local", "DISABLE"),
            (f"{shadow_name('m-pool')}.a.svc.cluster.local", "SIMPLE"),
        ])
    ]
    found = clusters(make_world(destination_rules=rules))
    assert found["outbound|8000||m-svc.a.svc.cluster.local"]["transport_socket"]["typed_config"]["sni"] == "s"
    assert "transport_socket" in found["inferencepool||m-pool.a"]
    assert "transport_socket" not in found["outbound|9002||m-epp.a.svc.cluster.local"]


def test_a_backend_that_is_not_there_answers_500() -> None:
    rule = make_rule("/x", "/", {**SERVICE_REF, "name": "gone"})
    (route,) = routes(make_world(routes=[make_route(rule)]))
    assert route["direct_response"] == {"status": 500}


def test_several_backends_share_by_weight() -> None:
    rule = make_rule("/x", "/", {**POOL_REF, "weight": 3}, {**SERVICE_REF, "weight": 1}, {**SERVICE_REF, "name": "gone", "weight": 1})
    (route,) = routes(make_world(routes=[make_route(rule)]))
    shares = route["route"]["weighted_clusters"]["clusters"]
    assert [(item["name"].split("|")[0], item["weight"]) for item in shares] == [("inferencepool", 3), ("outbound", 1), ("invalid-backend", 1)]
    assert PROC in shares[0]["typed_per_filter_config"]


def test_an_enforced_policy_of_the_gateway_covers_its_routes() -> None:
    policy = make_policy("Gateway", "g", "openshift-ingress")
    for route in routes(make_world(auth_policies=[policy])):
        settings = route["typed_per_filter_config"][AUTHZ]["check_settings"]["http_service"]
        assert settings["path_prefix"] == "/openshift-ingress/g-authn"


def test_a_policy_that_is_not_enforced_protects_nothing() -> None:
    policy = make_policy("Gateway", "g", "openshift-ingress", enforced=False)
    assert AUTHZ not in json.dumps(routes(make_world(auth_policies=[policy])))


def test_the_routes_own_policy_replaces_defaults_but_not_overrides() -> None:
    own = make_policy("HTTPRoute", "r", "a")
    for block, winner in (({}, "/a/r-authn"), ({"overrides": {"rules": {}}}, "/openshift-ingress/g-authn")):
        whole = make_policy("Gateway", "g", "openshift-ingress", **block)
        found = json.dumps(routes(make_world(auth_policies=[whole, own])))
        assert winner in found


def test_authorino_out_of_reach_leaves_an_empty_cluster_and_500() -> None:
    found = rendered(make_world(authorino=Authorino(None, 5001, False, "h")))
    assert addresses(found.cds["resources"][0]) == []
    text = json.dumps(found.lds)
    assert '"failure_mode_allow": false' in text
    assert "InternalServerError" in text


def test_tls_towards_authorino_only_by_an_envoy_filter_of_this_gateway() -> None:
    def world(target: str):
        value = {"name": "kuadrant-auth-service", "transport_socket": {"name": "tls"}}
        patch = {"applyTo": "CLUSTER", "patch": {"operation": "ADD", "value": value}}
        spec = {"targetRefs": [{"kind": "Gateway", "name": target}], "configPatches": [patch]}
        return make_world(envoy_filters=[{"metadata": {"namespace": "openshift-ingress", "name": "f"}, "spec": spec}])

    assert "transport_socket" in rendered(world("g")).cds["resources"][0]
    assert "transport_socket" not in rendered(world("other")).cds["resources"][0]


def test_https_needs_its_certificate() -> None:
    listener = {"name": "https", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "cert"}]}}
    gateway = make_gateway(**listener)
    assert rendered(make_world(gateways=[gateway])).lds["resources"] == []
    pair = issue(Wish("g", ("g.example.com",)))
    data = {key: base64.b64encode(text.encode()).decode() for key, text in (("tls.crt", pair.certificate), ("tls.key", pair.key))}
    found = rendered(make_world(gateways=[gateway], secrets={("openshift-ingress", "cert"): {"data": data}}))
    assert "BEGIN CERTIFICATE" in json.dumps(found.lds)


def test_each_port_has_a_file_with_its_own_routes() -> None:
    """Envoy refuses a routes file with two configurations, and then serves nothing of the second port."""
    gateway = make_gateway()
    gateway["spec"]["listeners"].append({"name": "other", "port": 8080, "protocol": "HTTP", "hostname": "a.example.com"})
    gateway["spec"]["listeners"][1]["allowedRoutes"] = {"namespaces": {"from": "All"}}
    files = rendered(make_world(gateways=[gateway]))
    assert {name: [host["name"] for item in content["resources"] for host in item["virtual_hosts"]] for name, content in files.rds.items()} == {
        "rds-80": ["*"], "rds-8080": ["a.example.com"]}
    assert '"path": "/run/rds-8080.yaml"' in json.dumps(files.lds)


def test_envoy_itself_takes_the_files(tmp_path: Path) -> None:
    envoy = Path(sys.executable).with_name("envoy")
    if not envoy.exists():
        pytest.skip("the envoy wheel is not installed here")
    policy = make_policy("Gateway", "g", "openshift-ingress")
    files = rendered(make_world(auth_policies=[policy], pods=[make_pod("one", "10.0.0.1")]))
    listeners = json.loads(json.dumps(files.lds["resources"]).replace("/run/rds-", f"{tmp_path}/rds-"))
    (tmp_path / "rds-80.yaml").write_text(yaml.safe_dump(files.rds["rds-80"]))

    def plain(items):
        return [{key: value for key, value in item.items() if key != "@type"} for item in items]

    bootstrap = {"node": {"id": "t", "cluster": "t"}, "static_resources": {"listeners": plain(listeners), "clusters": plain(files.cds["resources"])}}
    (tmp_path / "envoy.yaml").write_text(yaml.safe_dump(bootstrap))
    done = subprocess.run([envoy, "--mode", "validate", "-c", tmp_path / "envoy.yaml"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
