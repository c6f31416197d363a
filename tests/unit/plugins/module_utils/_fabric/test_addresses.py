# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: no layout overlaps with itself or with anything that is there, and what is too small is refused with the size that is needed."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._fabric import addresses, taken
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.plugins.module_utils._fabric.sites import designed, good, node, obj, snapshot

FACTS = facts()
RANGES = st.one_of(
    st.builds(lambda number, prefix: str(ipaddress.ip_network((number >> (32 - prefix) << (32 - prefix), prefix))), st.integers(0, 2**32 - 1), st.integers(6, 30)),
    st.builds(lambda number, prefix: str(ipaddress.ip_network((number >> (128 - prefix) << (128 - prefix), prefix))), st.integers(2**120, 2**128 - 1), st.integers(32, 126)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(whole=RANGES, rails=st.integers(1, 16), hosts=st.integers(1, 5000))
def test_a_range_is_cut_without_overlap_or_refused_with_the_size(whole, rails, hosts):
    made = addresses.layout({"rail_range": whole}, rails, hosts, [], FACTS)
    outer = ipaddress.ip_network(whole)
    if made.problems:
        assert made.subnets == ()
        need = int(re.search(r"Declare a /(\d+) or larger", made.problems[0])[1])
        assert need < outer.prefixlen or outer.prefixlen > need - 1, "what is refused is smaller than what is needed"
        bigger = ipaddress.ip_network((0 if outer.version == 4 else 2**127, need))
        assert not addresses.layout({"rail_range": str(bigger)}, rails, hosts, [], FACTS).problems, "the size that is named is enough"
        return
    nets = [ipaddress.ip_network(net) for net in made.subnets]
    assert len(nets) == rails
    assert all(net.subnet_of(outer) and net.num_addresses - addresses.RESERVED >= hosts for net in nets)
    assert not any(one.overlaps(other) for index, one in enumerate(nets) for other in nets[index + 1 :])


@settings(max_examples=100, deadline=None)
@given(whole=RANGES, rails=st.integers(1, 16), there=st.lists(RANGES, max_size=5))
def test_nothing_that_is_there_is_met(whole, rails, there):
    made = addresses.layout({"rail_range": whole}, rails, 1, [("a network", net) for net in there], FACTS)
    outer = [ipaddress.ip_network(net) for net in made.subnets]
    other = [ipaddress.ip_network(net) for net in there]
    meets = any(one.version == two.version and one.overlaps(two) for one in outer for two in other)
    assert meets == any("overlaps with a network" in problem for problem in made.problems)


@settings(max_examples=100, deadline=None)
@given(counts=st.tuples(st.integers(1, 500), st.integers(1, 500)), rails=st.integers(1, 16))
def test_more_nodes_move_no_address(counts, rails):
    first, second = (addresses.layout({"rail_range": "10.64.0.0/10"}, rails, count, [], FACTS).subnets for count in counts)
    assert first == second


def test_undeclared_and_wrong():
    made = addresses.layout({}, 8, 64, [], FACTS)
    assert "aren't declared: 8 rails with 64 addresses each need a range of /22" in made.problems[0] and "llmd_rail_range" in made.problems[0]
    few = addresses.layout({"rail_subnets": ["10.1.0.0/24"]}, 8, 4, [], FACTS)
    assert few.problems == ("llmd_rail_subnets has 1 subnets for 8 rails; one a rail is needed.",)
    small = addresses.layout({"rail_subnets": ["10.1.0.0/29", "10.1.1.0/24"]}, 2, 6, [], FACTS)
    assert "10.1.0.0/29 has 5 addresses, 6 are needed. Declare subnets of /28" in small.problems[0]
    twice = addresses.layout({"rail_subnets": ["10.1.0.0/24", "10.1.0.128/25"]}, 2, 6, [], FACTS)
    assert twice.problems == ("the rails' subnets 10.1.0.0/24 and 10.1.0.128/25 overlap; declare others.",)


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ("192.168.0.0/16", "overlaps with the machine network 192.168.10.0/24"),
        ("10.128.0.0/12", "overlaps with the pod network 10.128.0.0/14"),
        ("172.30.0.0/20", "overlaps with the Service network 172.30.0.0/16"),
        ("100.64.0.0/16", "overlaps with the network OVN-Kubernetes join 100.64.0.0/16"),
        ("fd98::/60", "overlaps with the network OVN-Kubernetes join fd98::/64"),
        ("10.77.0.0/16", "overlaps with NetworkAttachmentDefinition shop/storage, 10.77.0.0/24"),
        ("10.90.0.0/28", "is too small"),
    ],
)
def test_collisions_in_a_cluster(whole, words):
    nad = obj("storage", "shop", config=json.dumps({"type": "macvlan", "ipam": {"type": "whereabouts", "range": "10.77.0.5-10.77.0.9/24"}}))
    made = designed(snapshot(node("a"), node("b"), NetworkAttachmentDefinition=[nad]), rail_range=whole)
    assert any(words in problem for problem in made["problems"]), made["problems"]


def test_what_cannot_be_read_is_not_free():
    cluster = good()
    assert "the machine network can't be read" in designed({**cluster, "networks": {**cluster["networks"], "machine": None}})["problems"][0]
    unread = {**cluster, "objects": {"NetworkAttachmentDefinition": None}}
    assert "NetworkAttachmentDefinitions of others can't be read" in designed(unread)["problems"][0]
    assert designed({**unread, "crds": {}})["problems"] == [], "no such kind, nothing to meet"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}}, ["10.1.0.0/24"]),
        ({"plugins": [{"ipam": {"ranges": [[{"subnet": "10.2.0.0/24"}], [{"subnet": "fd00::/64"}]]}}]}, ["10.2.0.0/24", "fd00::/64"]),
        ({"ipam": {"ipRanges": [{"range": "10.3.0.0/24"}]}}, ["10.3.0.0/24"]),
        ({"ipam": {"addresses": [{"address": "10.4.0.7/24"}]}}, ["10.4.0.0/24"]),
        ({"ipam": {"range": "no network"}}, []),
        ({"ipam": None}, []),
        ([], []),
    ],
)
def test_ranges_of_definitions(config, found):
    assert taken.ranges(obj("n", "x", config=json.dumps(config))) == found
    assert taken.ranges(obj("n", "x", config="{not json")) == []


def test_growth_and_host_local():
    cluster = good(4)
    assert designed(cluster, rail_range="10.90.0.0/25")["problems"] == []
    assert "too small" in designed(cluster, rail_range="10.90.0.0/25", fabric_nodes=64)["problems"][0]
    assert "two nodes would give the same address" in designed(cluster, fabric_ipam="host-local")["problems"][0]
    alone = designed(good(1), fabric_ipam="host-local")
    assert alone["rails"][0]["ipam"] == {"type": "host-local", "ranges": [[{"subnet": "10.90.0.0/19"}]]}
    six = designed(cluster, rail_range="fd00:90::/48")
    assert six["rails"][1]["subnet"] == "fd00:90:0:1::/64" and six["rails"][1]["ipam"]["exclude"] == ["fd00:90:0:1::1/128"]
