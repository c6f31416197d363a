# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The design of the fabric (docs/architecture.md 3.9): from what is known of the nodes to rails, addresses, Pods and objects - or why there is none."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._apply.manifests import is_ours
from .._assess.look import names, strings, text
from .._assess.nodes import usable_gpus
from .._data import versions
from .._data.facts import Facts
from . import others, taken, ways
from .addresses import layout
from .cards import Card, Look, declared_cards, labels, look, mentioned
from .functions import Functions, functions
from .handover import handover
from .pod import pod, rails_of
from .rails import Rail, align, layer_of, near, troubles

Row = Mapping[str, Any]
NEEDED_BY = ("pd_disaggregation", "wide_expert_parallelism")
# Labels that the vendors' operators write once the driver runs, which is after the fabric is set up.
LATE_LABELS = ("nvidia.com/", "amd.com/", "beta.amd.com/")
GPU_LABELS = {"nvidia": "feature.node.kubernetes.io/pci-10de.present", "amd": "feature.node.kubernetes.io/pci-1002.present"}
AUTO_IPAM, HOST_LOCAL = "whereabouts", "host-local"


@dataclass(frozen=True)
class Site:
    """What a design looks at. operators: package -> (namespace, CSV)."""

    snapshot: Row
    declared: Row
    facts: Facts
    nodes: tuple[Row, ...]
    vendor: str
    operators: Mapping[str, tuple[str, str]]

    @property
    def gpus(self) -> int:
        """GPUs of one pod; a pod of a group takes its share of a node, all of them unless declared otherwise."""
        if self.declared.get("path") == "wide_expert_parallelism":
            return int(self.declared.get("group_gpus_per_node") or max([1, *self._gpus_of_nodes]))
        return max(1, int(self.declared.get("gpus_per_replica") or 1))

    @property
    def pods(self) -> int:
        """Pods of model servers that a node has room for."""
        return max([1, *(count // self.gpus for count in self._gpus_of_nodes)])

    @property
    def _gpus_of_nodes(self) -> list[int]:
        return [int(count) for node in self.nodes if (count := usable_gpus(node))]

    @property
    def names(self) -> list[str]:
        return [text(node, "name") or "" for node in self.nodes]


def needed(declared: Row) -> bool:
    """P/D moves KV caches between nodes, wide expert parallelism activations; on one node the GPUs' own links do that."""
    path = declared.get("path")
    return path in NEEDED_BY and not (path == "wide_expert_parallelism" and declared.get("wep_nodes") == "single")


def design(site: Site) -> dict[str, Any]:
    """The whole design. problems: why nothing may be made; known is false until the SR-IOV operator has told of the cards."""
    if not needed(site.declared):
        return _empty(site, needed=False)
    way = ways.chosen(site.declared.get("fabric_way"))
    if way == ways.EXISTING:
        return _existing(site)
    if not site.nodes:
        return {**_empty(site, way=way), "known": False, "notes": ["no node with GPUs is known yet, so the network between them isn't either"]}
    asked = declared_cards(site.declared)
    looks = [look(node, asked, site.facts) for node in site.nodes]
    wrong = _alike(looks)
    if wrong:
        return {**_empty(site, way=way), "problems": wrong}
    if not all(one.known for one in looks):
        unknown = names([one.node for one in looks if not one.known])
        note = f"the network cards of {unknown} are known only when the SR-IOV operator has looked at them; the plan is then made again"
        return {**_empty(site, way=way), "known": False, "notes": [note], "render": _render(site, way)}
    strange = mentioned(asked, looks)
    if strange:
        return {**_empty(site, way=way), "problems": [f"llmd_fabric_nics: {names(strange)} fits no card of any node."]}
    rails, unequal = align(looks)
    return {**_empty(site, way=way), "problems": unequal} if unequal else _drawn(site, way, looks, rails)


def _alike(looks: list[Look]) -> list[str]:
    """One sentence for all nodes of which the same is true."""
    groups: dict[str, list[str]] = {}
    for one in looks:
        groups.setdefault(one.problem, []).append(one.node)
    return [f"node {names(nodes)}: {problem}" for problem, nodes in groups.items() if problem]


def _empty(site: Site, needed: bool = True, way: str | None = None) -> dict[str, Any]:
    return {
        "needed": needed, "way": way, "link_layer": None, "known": True, "problems": [], "notes": [], "nodes": site.names if needed else [], "rails": [],
        "pod": {"annotations": {}, "resources": {}, "env": [], "capabilities": []}, "handover": [], "restarting": [], "draining": [], "render": {},
    }  # fmt: skip


# ---- rails that are known


def _drawn(site: Site, way: str, looks: list[Look], rails: list[Rail]) -> dict[str, Any]:
    declared, facts = site.declared, site.facts
    cards = [card for rail in rails for card in rail.cards.values()]
    declared_layer = declared.get("fabric_link_layer")
    layer = layer_of(rails, declared_layer)
    mtu, uneven = _mtu(cards, declared.get("fabric_mtu"), layer)
    by_place = any(entry.count(":") == 2 for entry in declared_cards(declared))
    found = [*troubles(rails, layer, bool(declared_layer) and way == ways.SRIOV, by_place), *uneven, *ways.problems(way, rails, site.pods, mtu, facts)]
    made = Functions()
    if way == ways.SRIOV:
        made = functions(rails, declared.get("fabric_vfs"), site.pods, facts.fabric["virtual_functions"]["most"], layer, mtu)
        found += made.problems
    elif declared.get("fabric_driver"):
        found += [*ways.driver_problems(list(site.nodes)), *_driver_unknown(site)]
    subnets, more = _subnets(site, way, len(rails), layer)
    gpus = min((one.gpus for one in looks if one.gpus), default=None)
    rows = [_rail(site, way, rail, gpus, len(rails), layer, mtu, subnets) for rail in rails]
    wanted = [row["network"] for row in rows]
    found += [*more, *others.problems(site.snapshot, way, _namespace(site), wanted, cards, list(site.nodes), bool(declared.get("fabric_driver")))]
    enough = way == ways.SHARED or (made.count >= site.pods if way == ways.SRIOV else site.pods == 1)
    given = rows[: rails_of(len(rows), gpus, site.gpus, enough)]
    dscp = _dscp(site)
    return {
        **_empty(site, way=way),
        "link_layer": layer,
        "problems": list(dict.fromkeys(found)),
        "notes": _notes(site, rails, looks, mtu, layer),
        "rails": rows,
        "pod": pod(given, layer, cards[0].vendor, site.vendor, dscp),
        "handover": handover(rows, layer, mtu, int(declared.get("fabric_vlan") or 0), dscp, facts),
        "restarting": list(made.restart),
        "draining": list(made.drain),
        "render": _render(site, way, rails, made, mtu),
    }


def _namespace(site: Site) -> str:
    return str(site.declared.get("namespace") or "llmd")


def _dscp(site: Site) -> int:
    given = site.declared.get("fabric_dscp")
    return int(site.facts.fabric["lossless"]["dscp"] if given is None else given)


def _mtu(cards: list[Card], declared: int | None, layer: str | None) -> tuple[int | None, list[str]]:
    """(MTU of the rails, why there is none). Undeclared it is what the cards have: the site has set that up with its switches."""
    if declared and layer != "InfiniBand":
        return declared, []
    seen = sorted({card.mtu for card in cards if card.mtu})
    if len(seen) < 2 or layer == "InfiniBand":
        return (seen[0] if seen else None), []
    low = [f"{card.node} {card.where} has {card.mtu}" for card in cards if card.mtu == seen[0]]
    said = f"the rail cards have different MTUs: {names(low)}, others {seen[-1]}. Make them alike, or declare llmd_fabric_mtu as the switches have it."
    return seen[0], [said]


def _subnets(site: Site, way: str, rails: int, layer: str | None) -> tuple[list[str | None], list[str]]:
    """(a subnet a rail, what is wrong). InfiniBand needs none, and gets some only where they are declared (IPoIB)."""
    declared = site.declared
    given = bool(declared.get("rail_range") or strings(declared, "rail_subnets"))
    none: list[str | None] = [None] * rails
    if layer == "InfiniBand" and (way == ways.SRIOV or not given):
        return none, []
    most = int(declared.get("fabric_nodes") or 2 * len(site.nodes))
    networks, unknown = taken.networks(site.snapshot, site.facts, others.our_definitions(site.snapshot))
    wrong = [f"{names(unknown)} can't be read, so whether the rails' subnets are free isn't known; grant that."] if unknown else []
    if declared.get("fabric_ipam") == HOST_LOCAL and len(site.nodes) > 1:
        wrong.append("llmd_fabric_ipam host-local counts on each node alone, so two nodes would give the same address; take whereabouts.")
    made = layout(declared, rails, most * site.pods, networks, site.facts)
    return ([*made.subnets] if made.subnets else none), [*wrong, *made.problems]


def _rail(
    site: Site, way: str, rail: Rail, gpus: int | None, count: int, layer: str | None, mtu: int | None, subnets: list[str | None]
) -> dict[str, Any]:
    beside, subnet = near(count, gpus, rail.index), subnets[rail.index] if rail.index < len(subnets) else None
    bare = way == ways.SHARED and layer == "InfiniBand" and subnet is None
    return {
        "index": rail.index,
        "resource": f"{ways.PREFIX[way]}/llmd_rail_{rail.index}",
        "network": "" if bare else f"llmd-rail-{rail.index}",
        "subnet": subnet,
        "mtu": mtu,
        "ipam": _ipam(site.declared.get("fabric_ipam"), subnet),
        "nics": {node: {"name": card.name, "pci": card.pci, "numa": None, "gpus": beside} for node, card in rail.cards.items()},
    }


def _ipam(kind: str | None, subnet: str | None) -> dict[str, Any] | None:
    """Addresses of one rail; the first is left for the switch."""
    if subnet is None:
        return None
    if kind == HOST_LOCAL:
        return {"type": HOST_LOCAL, "ranges": [[{"subnet": subnet}]]}
    first = ipaddress.ip_network(subnet)[1]
    return {"type": AUTO_IPAM, "range": subnet, "exclude": [f"{first}/{first.max_prefixlen}"]}


def _notes(site: Site, rails: list[Rail], looks: list[Look], mtu: int | None, layer: str | None) -> list[str]:
    found = []
    gpus = sorted({one.gpus for one in looks if one.gpus})
    if gpus and gpus[0] > len(rails):
        found.append(f"{gpus[0]} GPUs share {len(rails)} rails")
    configs = others.there(site.snapshot, "SriovOperatorConfig")
    if _firmware_reset(site) and configs and not is_ours(configs[0]):
        found.append(
            "SriovOperatorConfig default is somebody else's: it needs featureGates.mellanoxFirmwareReset, or changed firmware settings never load here"
        )
    if gpus and len(rails) > 1:
        found.append("which card is beside which GPU is taken from their order on the PCI bus; the API doesn't tell")
    usual = site.facts.fabric["lossless"]["mtu"]
    if layer == "Ethernet" and mtu and mtu < usual:
        found.append(f"the rails' MTU is {mtu}; {usual} on cards and switches gives about 5 % more")
    speeds = sorted({card.speed for rail in rails for card in rail.cards.values() if card.speed})
    if len(speeds) > 1:
        found.append(f"the rails have different speeds, {speeds[0] // 1000} to {speeds[-1] // 1000} Gb/s; the slowest sets the pace")
    return found


# ---- what the objects are rendered from


def _render(site: Site, way: str, rails: list[Rail] | None = None, made: Functions | None = None, mtu: int | None = None) -> dict[str, Any]:
    snapshot, declared, facts = site.snapshot, site.declared, site.facts
    configs = others.there(snapshot, "SriovOperatorConfig")
    version = _version(site)
    driver = bool(declared.get("fabric_driver")) and way != ways.SRIOV
    made = made or Functions()
    return {
        "namespace": _namespace(site),
        "sriov_namespace": site.operators.get("sriov-network-operator", ("openshift-sriov-network-operator", ""))[0],
        "nvidia_namespace": site.operators.get("nvidia-network-operator", ("nvidia-network-operator", ""))[0],
        "own_config": not configs or is_ours(configs[0]),
        "single_node": text(snapshot, "platform", "infrastructure_topology") == "SingleReplica",
        "firmware_reset": _firmware_reset(site),
        "parallel": _parallel(site),
        "functions": made.count,
        "mtu": mtu,
        "vlan": int(declared.get("fabric_vlan") or 0),
        "selector": _selector(site),
        "policies": _policies(site, rails or []) if way == ways.SRIOV else [],
        "tolerations": list(declared.get("tolerations") or []),
        "images": _images(facts, version),
        "driver": _driver(facts, version) if driver else None,
        "third_party": driver and ways.third_party(list(site.nodes)),
        "shared_most": facts.fabric["shared_device"]["most"],
    }


def _firmware_reset(site: Site) -> bool:
    given = site.declared.get("fabric_firmware_reset")
    models = {text(node, "accelerators", "model") for node in site.nodes}
    return bool(given) if given is not None else bool(models & set(site.facts.fabric["firmware_reset_models"]))


def _parallel(site: Site) -> int:
    """Nodes that drain at once: within the budget that holds for machines, and only where no pool of others says it already."""
    budget = int(site.declared.get("machine_max_unavailable") or 1)
    return 1 if others.pool_of_others(site.snapshot, list(site.nodes)) else budget


def _images(facts: Facts, version: versions.Version | None) -> dict[str, str]:
    images = facts.fabric["images"]
    release = ".".join(str(part) for part in version.release) if version else ""
    kept = {key: images[key] for key in ("repository", "rdma_shared", "whole_card", "ipoib", "driver")}
    return {**kept, "version": images["tag"].format(version=release) if release else ""}


def _driver(facts: Facts, version: versions.Version | None) -> str:
    return next((str(row["version"]) for row in facts.fabric["drivers"] if version is not None and row["operator"] == version.minor), "")


def _driver_unknown(site: Site) -> list[str]:
    csv = site.operators.get("nvidia-network-operator", ("", ""))[1]
    if _driver(site.facts, _version(site)):
        return []
    return [f"llmd_fabric_driver is true, but the driver that goes with {csv or 'the network operator'} isn't listed in data/fabric.yml. Leave it false."]


def _version(site: Site) -> versions.Version | None:
    return versions.of_csv(site.operators.get("nvidia-network-operator", ("", ""))[1], "nvidia-network-operator")


def _selector(site: Site) -> dict[str, str] | None:
    """Labels that select exactly the nodes of the design; None where there are none."""
    declared = {str(key): str(value) for key, value in (site.declared.get("node_selector") or {}).items()}
    if any(key.startswith(LATE_LABELS) for key in declared):
        return None  # else a second run would name the policies otherwise
    wanted = {**declared, GPU_LABELS[site.vendor]: "true"}
    listed = site.snapshot.get("nodes") or []
    hit = {text(node, "name") for node in listed if all(labels(node).get(key) == value for key, value in wanted.items())}
    return wanted if hit == set(site.names) else None


def _policies(site: Site, rails: list[Rail]) -> list[dict[str, Any]]:
    """One policy a rail for all nodes; one a rail and node where labels or places don't tell them apart."""
    selector = _selector(site)
    places = [place for rail in rails for place in rail.places]
    made = []
    for rail in rails:
        resource = f"{ways.PREFIX[ways.SRIOV]}/llmd_rail_{rail.index}"
        vendors = {card.vendor for card in rail.cards.values()}
        base = {"resource": resource, "vendor": vendors.pop() if len(vendors) == 1 else None}
        if selector is not None and len(places) == len(set(places)):
            made.append({**base, "name": f"llmd-rail-{rail.index}", "selector": selector, "places": rail.places})
            continue
        for node, card in rail.cards.items():
            own = {"kubernetes.io/hostname": node}
            made.append({**base, "name": f"llmd-rail-{rail.index}-{node}", "selector": own, "places": [card.pci]})
    return made


# ---- a fabric that the site has made


def _existing(site: Site) -> dict[str, Any]:
    """Networks and devices as declared; that they are there is all that is checked."""
    resources = {str(key): str(value) for key, value in (site.declared.get("fabric_resources") or {}).items()}
    networks = strings(site.declared, "fabric_networks")
    layer = site.declared.get("fabric_link_layer")
    problems = [] if resources else ["llmd_fabric_way is existing, but llmd_fabric_resources names no RDMA resource; declare it, like {rdma/roce: 1}."]
    for resource in resources:
        lacking = [name for name, node in zip(site.names, site.nodes, strict=True) if not (node.get("allocatable") or {}).get(resource)]
        if lacking:
            problems.append(f"node {names(lacking)} has no allocatable {resource}, which llmd_fabric_resources names. Let its owner bring it there.")
    known = {(text(one, "metadata", "namespace"), text(one, "metadata", "name")) for one in others.there(site.snapshot, others.NAD)}
    absent = [name for name in networks if _place(name, _namespace(site)) not in known]
    if absent:
        problems.append(f"NetworkAttachmentDefinition {names(absent)} of llmd_fabric_networks isn't there. Let its owner make it, or correct the name.")
    vendors = {card.partition(":")[0] for node in site.nodes for nic in node.get("nics") or [] if (card := text(nic, "pci_id") or "")}
    made = pod([], layer, "15b3" if "15b3" in vendors else "14e4", site.vendor, _dscp(site))
    made |= {"resources": resources, "annotations": {"k8s.v1.cni.cncf.io/networks": ",".join(networks)} if networks else {}}
    return {**_empty(site, way=ways.EXISTING), "link_layer": layer, "problems": problems, "pod": made}


def _place(name: str, namespace: str) -> tuple[str, str]:
    head, slash, tail = name.partition("/")
    return (head, tail) if slash else (namespace, head)
