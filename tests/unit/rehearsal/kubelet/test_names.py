# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and Services: what a pod's hosts file says, and where connections to Services go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.kubelet import network
from rehearsal.kubelet.hosts import hostname, hosts
from rehearsal.kubelet.services import is_here, table

POD: dict[str, Any] = {"metadata": {"name": "a-0", "namespace": "ns"}, "spec": {}}


def service(name: str, namespace: str = "ns", ip: str = "10.96.0.5", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, **spec}}


def endpoints(service: str, *found: dict[str, Any], namespace: str = "ns", **port: Any) -> dict[str, Any]:
    meta = {"name": f"{service}-x", "namespace": namespace, "labels": {"kubernetes.io/service-name": service}}
    return {"metadata": meta, "endpoints": list(found), "ports": [{"name": "", "port": 8000, **port}]}


def at(address: str, ready: bool | None = True, **more: Any) -> dict[str, Any]:
    return {"addresses": [address], "conditions": {} if ready is None else {"ready": ready}, **more}


def names(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line and not line.startswith("#")}


def test_a_service_is_known_by_all_its_names_and_by_the_short_one_in_its_own_namespace_only() -> None:
    found = names(hosts(POD, "10.244.1.7", [service("s"), service("t", "other", "10.96.0.6")], []))
    assert found["10.96.0.5"] == ["s.ns.svc.cluster.local", "s.ns.svc", "s.ns", "s"]
    assert "t" not in found["10.96.0.6"]
    assert found["10.244.1.7"] == ["a-0"]


def test_a_headless_service_has_its_ready_endpoints_and_their_own_names() -> None:
    slices = [endpoints("h", at("10.244.1.1", hostname="h-0"), at("10.244.1.2", ready=False), at("10.244.1.3", ready=None))]
    found = names(hosts(POD, "10.244.1.7", [service("h", ip="None")], slices))
    assert "h-0.h.ns.svc" in found["10.244.1.1"]
    assert "10.244.1.2" not in found and "10.244.1.3" in found


def test_a_pod_with_a_subdomain_knows_its_full_name() -> None:
    pod = {**POD, "spec": {"hostname": "w", "subdomain": "group", "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["x"]}]}}
    found = names(hosts(pod, "10.244.1.7", [], []))
    assert found["10.244.1.7"] == ["w.group.ns.svc.cluster.local", "w"]
    assert found["1.2.3.4"] == ["x"]


def test_an_external_name_is_no_address() -> None:
    assert names(hosts(POD, "10.244.1.7", [service("e", type="ExternalName", externalName="x.com")], [])).keys() == {"127.0.0.1", "::1", "10.244.1.7"}


def test_host_names_are_cut_as_the_kernel_wants_it() -> None:
    assert hostname({"metadata": {"name": "a" * 62 + "-b"}, "spec": {}}) == "a" * 62


def test_services_forward_to_ready_pods_that_exist_here() -> None:
    slices = [endpoints("s", at("10.244.1.1"), at("10.245.0.9"), at("10.244.1.2", ready=False))]
    addresses, forwards = table([service("s", ports=[{"port": 80, "targetPort": 8000}])], slices)
    assert addresses == {"10.96.0.5"}
    assert forwards == {("10.96.0.5", 80): [("10.244.1.1", 8000)]}


def test_a_service_with_simulated_pods_only_has_an_address_but_nobody_listens() -> None:
    addresses, forwards = table([service("s", ports=[{"port": 80}])], [endpoints("s", at("10.245.0.9"))])
    assert addresses == {"10.96.0.5"} and forwards == {}


def test_ports_are_joined_by_name_and_udp_is_left_out() -> None:
    ports = [{"name": "web", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "nope", "port": 81}]
    slices = [endpoints("s", at("10.244.1.1"), name="web"), endpoints("s", at("10.244.1.1"), name="dns", port=53)]
    assert table([service("s", ports=ports)], slices)[1] == {("10.96.0.5", 80): [("10.244.1.1", 8000)]}


def test_the_api_servers_address_headless_and_ipv6_services_are_left_alone() -> None:
    services = [service("kubernetes", "default", "10.96.0.1"), service("h", ip="None"), service("v6", ip="fd00::1")]
    assert table(services, []) == (set(), {})
    assert not is_here("nonsense")


def test_addresses_are_kept_on_disk_and_not_used_again_soon(tmp_path: Path) -> None:
    table_file = tmp_path / "addresses.json"
    addresses = network.Addresses(table_file)
    first = addresses.get("a")
    assert addresses.get("a") == first and network.Addresses(table_file).get("a") == first
    addresses.release("a")
    assert network.Addresses(table_file).get("b") != first


def test_forgotten_pods_give_their_addresses_back(tmp_path: Path) -> None:
    addresses = network.Addresses(tmp_path / "t.json")
    for uid in ("a", "b"):
        addresses.get(uid)
    assert addresses.keep_only({"b"}) == ["a"]


def test_no_free_address_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "LAST", network.FIRST)
    addresses = network.Addresses(tmp_path / "t.json")
    addresses.get("a")
    with pytest.raises(RehearsalError, match="no pod address is free"):
        addresses.get("b")
