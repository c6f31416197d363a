# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal in the likeness of a real cluster: its facts (twin_facts.py) as profile, release, objects and installed operators.

What the files say is taken over as it is. What a rehearsal needs and no file says (PCI addresses, sizes of drives, host CPUs ...) is
made up after the nearest known model, and told; so is everything that couldn't be carried over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal import data, twin_gather, twin_snapshot
from rehearsal.catalog_render import csv_name
from rehearsal.errors import BAD_INPUT, RehearsalError
from rehearsal.hardware import expand_nodes
from rehearsal.paths import PACKAGE
from rehearsal.twin_facts import Devices, Facts, Obj

ROLES = ("control-plane", "master", "worker", "infra")
PLATFORMS = ("BareMetal", "None", "AWS", "IBMCloud")
TOPOLOGIES = ("HighlyAvailable", "SingleReplica")
RAIL_MBPS = 200_000  # a network card as fast as that is there for the fabric
CPU, DRIVE, OS_DRIVE, MACHINE_NIC = "xeon-8480", "u2-3840g", "m2-480g", "bcm57414-eth"
# Labels that the node's own software sets again, or that the seed sets.
OWN_LABELS = ("kubernetes.io/arch", "kubernetes.io/hostname", "kubernetes.io/os", "beta.kubernetes.io/", "node.openshift.io/os_id", "type")
# What OLM and kubectl themselves write at a Subscription.
OLM_MARKS = ("operators.coreos.com/", "olm.")


def read(path: Path) -> Facts:
    """The facts of a must-gather folder, or of a snapshot file. Raises RehearsalError (bad input) when it is neither."""
    if path.is_dir():
        return twin_gather.read(path)
    if path.is_file():
        return twin_snapshot.read(path)
    raise RehearsalError("nothing is there to make a twin of", str(path), "no such file or folder", "Give a must-gather folder or a snapshot.json", code=BAD_INPUT)


def load(path: Path, scenarios: list[str]) -> dict[str, Any]:
    """``profile``, ``openshift``, ``scenario`` of settings.json, and ``twin``: {source, objects, operators, carried, left_out}."""
    facts = read(path)
    left_out = list(facts.left_out)
    release = _release(facts, left_out)
    cluster = _profile(facts, left_out)
    operators = _operators(facts, release, left_out)
    left_out += [
        "the cluster's id, its addresses, certificates and DNS names: the rehearsal has its own",
        "workloads (Pods, Deployments, volumes) of the cluster",
    ]
    carried = {
        "openshift": facts.version,
        "nodes": len(facts.nodes),
        "operators": [f"{row['package']} {row['csv']}" for row in operators],
        "objects": dict(sorted(Counter(obj["kind"] for obj in facts.objects).items())),
    }
    twin = {"source": facts.source, "objects": facts.objects, "operators": operators, "carried": carried, "left_out": left_out}
    return {"openshift": release, **data.mix(cluster, scenarios), "twin": twin}


def overlay(seed: list[Obj], found: list[Obj]) -> list[Obj]:
    """The seed with the cluster's own objects in the place of its namesakes; status and spec key by key, so that nothing is lost."""
    own = {_key(obj): obj for obj in found}
    laid = [_over(obj, own.pop(_key(obj))) if _key(obj) in own else obj for obj in seed]
    return [*laid, *own.values()]


def _key(obj: Obj) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _over(seed: Obj, found: Obj) -> Obj:
    parts: Obj = {key: {**(seed.get(key) or {}), **(found.get(key) or {})} for key in ("spec", "status") if key in seed or key in found}
    return {**seed, **{key: value for key, value in found.items() if key not in ("metadata", "apiVersion")}, **parts}


# --- release ----------------------------------------------------------------------------------------------------------


def _release(facts: Facts, left_out: list[str]) -> dict[str, Any]:
    """The nearest known release with the cluster's version."""
    known = {name: data.load_openshift(name) for name in data.names("openshift")}
    known = {name: row for name, row in known.items() if not row.get("upgrade")}
    if not facts.version:
        left_out.append("the version of OpenShift: the files don't say it")
        return known[max(known, key=_numbers)]
    # The same minor, else the nearest lower one: what a release brings later isn't there yet.
    lower = [name for name in known if _numbers(name)[:2] <= _numbers(facts.version)[:2]] or [min(known, key=_numbers)]
    base = known[max(lower, key=_numbers)]
    if base["version"] != facts.version:
        left_out.append(f"image digests and CustomResourceDefinitions of OpenShift {facts.version}: taken from {base['version']}")
    minor = ".".join(facts.version.split(".")[:2])
    dropped = ("aliases", "upgrade")
    return {**{key: value for key, value in base.items() if key not in dropped}, "version": facts.version, "channel": f"stable-{minor}"}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.partition("-")[0].split("."))


# --- nodes ------------------------------------------------------------------------------------------------------------


def _profile(facts: Facts, left_out: list[str]) -> dict[str, Any]:
    devices = data.read_yaml(PACKAGE / "profiles" / "_devices.yaml")
    document: dict[str, Any] = {"servers": {}, "nodes": []}
    made_up: Counter[str] = Counter()
    for node in facts.nodes:
        name = node["metadata"]["name"]
        found = facts.devices.get(name, Devices())
        document["servers"][name] = _server(node, found, devices, made_up)
        labels = node["metadata"].get("labels") or {}
        roles = [role for role in ROLES if f"node-role.kubernetes.io/{role}" in labels]
        document["nodes"].append({"name": name, "server": name, "roles": roles, "labels": _labels(labels, roles), "taints": _taints(node)})
    nodes, faults = expand_nodes(document, devices)
    if faults:
        raise RehearsalError("no rehearsal can be made of these nodes", facts.source, "; ".join(faults), code=BAD_INPUT)
    by_name = {node["metadata"]["name"]: node for node in facts.nodes}
    for row in nodes:
        row.update(_as_found(by_name[row["name"]]))
    left_out += [f"{what} ({count} nodes): made up" for what, count in sorted(made_up.items())]
    left_out.append("model of the host CPUs, PCI addresses, serial numbers, MAC addresses: made up")
    delays = {key: row["seconds"] for key, row in data.read_yaml(PACKAGE / "profiles" / "_delays.yaml").items()}
    return {
        "name": "twin", "description": f"twin of {facts.source}", "platform": _platform(facts, left_out), "storage_classes": [],
        "delays": delays, "nodes": nodes,
    }  # fmt: skip


def _platform(facts: Facts, left_out: list[str]) -> dict[str, str]:
    kind = facts.platform.get("type")
    if kind not in PLATFORMS:
        left_out.append(f"platform {kind or 'unknown'}: played as None")
    topologies = {key: facts.platform.get(key) for key in ("control_plane_topology", "infrastructure_topology")}
    chosen = {key: value if value in TOPOLOGIES else TOPOLOGIES[0] for key, value in topologies.items()}
    return {"type": kind if kind in PLATFORMS else "None", **chosen}


def _server(node: Obj, found: Devices, devices: Mapping[str, Any], made_up: Counter[str]) -> dict[str, Any]:
    """One node's hardware as a profile's server."""
    numa = min(found.numa_nodes or 1, 16)
    gpus = _gpus(found, devices["gpus"], made_up)
    nics = _nics(found, devices["nics"], made_up)
    if gpus and found.numa_nodes is None:
        made_up["number of NUMA nodes"] += 1
    return {
        "system": {"vendor": "unknown", "product": "unknown"},
        "cpu": {"model": "grace" if _arch(node) == "arm64" and "grace" in devices["cpus"] else CPU, "sockets": 2},
        "memory_gib": max(16, _gib((node.get("status") or {}).get("capacity", {}).get("memory", "0"))),
        "numa_nodes": numa, "pcie_generation": max([devices["gpus"][gpu["model"]]["pcie_generation"] for gpu in gpus], default=4),
        "gpus": [{**gpu, "numa": at * numa // max(1, len(gpus))} for at, gpu in enumerate(gpus)], "nics": nics, "disks": _disks(found, made_up),
    }  # fmt: skip


def _arch(node: Obj) -> str:
    return str((node["metadata"].get("labels") or {}).get("kubernetes.io/arch", "amd64"))


def _gpus(found: Devices, models: Mapping[str, Any], made_up: Counter[str]) -> list[dict[str, Any]]:
    by_id = {row["pci_id"]: name for name, row in models.items()}
    seen = [by_id[identity] for identity, kind in found.pci if identity in by_id and kind in ("0300", "0302", "1200", "0380")]
    if not seen and found.gpu_product:
        wanted = found.gpu_product.replace(" ", "-")
        named = next((name for name, row in models.items() if wanted in (row["product"].replace(" ", "-"), row["pci_id"])), None)
        if named is None:
            made_up[f"GPUs '{found.gpu_product}', which no model is known for (left away)"] += 1
        seen = [named] * (found.gpu_count or 1) if named else []
    return [{"model": name, "pci": f"0000:{0x19 + 4 * at:02x}:00.0", "rail": at} for at, name in enumerate(seen)]


def _nics(found: Devices, models: Mapping[str, Any], made_up: Counter[str]) -> list[dict[str, Any]]:
    by_kind = {(row["pci_id"], row["class"]): name for name, row in models.items()}
    known = [by_kind[row] for row in found.pci if row in by_kind]
    unknown = sorted({identity for identity, kind in found.pci if kind in ("0200", "0207") and (identity, kind) not in by_kind})
    if unknown:
        made_up[f"network cards {', '.join(unknown)}, which no model is known for (left away)"] += 1
    if not found.nics_known:
        made_up["network cards: nothing is known but the node's own network"] += 1
    rails = [name for name in known if models[name]["speed_mbps"] >= RAIL_MBPS]
    others = [name for name in known if models[name]["speed_mbps"] < RAIL_MBPS and models[name]["class"] == "0200"] or [MACHINE_NIC]
    rows = [{"model": others[0], "name": "eno1np0", "pci": "0000:02:00.0", "numa": 0, "role": "machine"}]
    rows += [{"model": name, "name": f"ens{at + 1}f0", "pci": f"0000:03:{at:02x}.0", "numa": 0, "role": "storage"} for at, name in enumerate(others[1:])]
    rows += [
        {"model": name, "name": f"ens{at + 20}f0np0", "pci": f"0000:{0x1a + 4 * at:02x}:00.0", "numa": 0, "role": "rail", "rail": at, "rdma": f"mlx5_{at}"}
        for at, name in enumerate(rails)
    ]
    if known:
        made_up["names of network interfaces"] += 1
    return rows


def _disks(found: Devices, made_up: Counter[str]) -> list[dict[str, Any]]:
    """The first drive holds the operating system; which one it is, no file says."""
    names = [name for name, _ in found.disks if name.startswith("nvme")]
    made_up["sizes and contents of drives"] += 1
    rows: list[dict[str, Any]] = [{"model": OS_DRIVE, "name": names[0] if names else "nvme0n1", "pci": "0000:01:00.0", "numa": 0, "holds": "os"}]
    return rows + [{"model": DRIVE, "name": name, "pci": f"0000:a0:{at:02x}.0", "numa": 0} for at, name in enumerate(names[1:])]


def _labels(labels: dict[str, str], roles: list[str]) -> dict[str, str]:
    mine = {f"node-role.kubernetes.io/{role}" for role in roles}
    return {key: value for key, value in labels.items() if key not in mine and not any(key == own or (own.endswith("/") and key.startswith(own)) for own in OWN_LABELS)}


def _taints(node: Obj) -> list[Obj]:
    """The node's taints, without those that the control plane sets by itself."""
    own = ("node.kubernetes.io/", "node-role.kubernetes.io/master")
    return [taint for taint in (node.get("spec") or {}).get("taints") or [] if not taint["key"].startswith(own)]


def _as_found(node: Obj) -> dict[str, Any]:
    """What the seed takes over of a Node's status and spec."""
    status = node.get("status") or {}
    conditions = {item["type"]: item.get("status") for item in status.get("conditions") or []}
    info = {key: value for key, value in (status.get("nodeInfo") or {}).items() if key.endswith("Version") or key in ("osImage", "architecture")}
    found = {"capacity": status.get("capacity") or {}, "allocatable": status.get("allocatable") or {}, "nodeInfo": info}
    return {
        "found": found,
        "absent": conditions.get("Ready", "True") != "True",
        "unschedulable": bool((node.get("spec") or {}).get("unschedulable")),
    }


def _gib(quantity: str) -> int:
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    text = str(quantity)
    size = float(text[:-2]) * units[text[-2:]] if text[-2:] in units else float(text or 0)
    return round(size / 2**30)


# --- operators --------------------------------------------------------------------------------------------------------


def _operators(facts: Facts, release: Mapping[str, Any], left_out: list[str]) -> list[Obj]:
    """The operators whose very version a catalog of the rehearsal has; the others are told."""
    minor = ".".join(str(release["version"]).split(".")[:2])
    rows = []
    for row in facts.operators:
        place = _channel(row, minor)
        if place is None:
            left_out.append(f"operator {row['package']} {row['csv']} ({row['namespace']}): not in the rehearsal's catalogs of {minor}")
            continue
        catalog, channel, newest = place
        if row["approval"] != "Manual" and not newest:
            left_out.append(f"approval {row['approval']} of {row['package']}: Manual, or it would be updated at once")
        kept = {key: {k: v for k, v in row[key].items() if not k.startswith(OLM_MARKS)} for key in ("labels", "annotations")}
        rows.append({**row, **kept, "catalog": catalog, "channel": channel, "approval": row["approval"] if newest else "Manual"})
    return rows


def _channel(row: Obj, minor: str) -> tuple[str, str, bool] | None:
    """(catalog, channel, whether it's the channel's newest) that offer the row's CSV; its own channel if it can be."""
    for catalog in data.names_of_catalogs():
        for package in data.load_catalog(catalog)["packages"]:
            if package["package"] != row["package"]:
                continue
            for name in sorted(package["channels"], key=lambda one: one != row["channel"]):
                chain = [csv_name(package, version) for version in data.offered(package, name, minor)]
                if row["csv"] in chain:
                    return catalog, name, chain[-1] == row["csv"]
    return None


def report(twin: dict[str, Any]) -> list[str]:
    """Lines for people: what was carried over, what wasn't."""
    carried = twin["carried"]
    lines = [f"Twin of {twin['source']}: OpenShift {carried['openshift'] or 'of unknown version'}, {carried['nodes']} nodes, {len(carried['operators'])} operators."]
    return lines + [f"  not carried over: {line}" for line in twin["left_out"]]
