# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NFD's worker finds on a node and which labels it makes of it (pure).

Formats: NFD source/{pci,network,storage,cpu,kernel,memory,system,custom} and docs/usage/features.md (hardware.md §1.2).
Which labels a node of RHCOS 4.21 really has: label listing of an OpenShift 4.21.5 cluster in a field report about NVIDIA's
network operator (os_release.ID=rhel, no RHEL_VERSION, rdma.capable without rdma.available). The list of modules is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from rehearsal.operators import nfd_rules

Object = dict[str, Any]

PREFIX = "feature.node.kubernetes.io/"
DEFAULT_CLASSES = ["03", "0b40", "12"]
DEFAULT_FIELDS = ["class", "vendor"]
PCI_FIELDS = ("class", "vendor", "device", "subsystem_vendor", "subsystem_device")
SOURCES = ("cpu", "custom", "kernel", "memory", "network", "pci", "storage", "system")
MELLANOX = "15b3"
BASE_MODULES = ("dm_mod", "ext4", "fuse", "ip_tables", "nf_conntrack", "openvswitch", "overlay", "tun", "veth", "vxlan", "xfs")
# Not rdma_ucm: nothing on a plain RHCOS loads it, so rdma.available comes only with DOCA-OFED or a MachineConfig.
RDMA_MODULES = ("ib_core", "ib_uverbs", "mlx5_ib", "rdma_cm")


class BadConfig(ValueError):
    """The worker's configuration cannot be parsed; the real worker then ends with this message."""


def parse_config(text: str) -> Object:
    """The worker configuration of `spec.workerConfig.configData`. Raises BadConfig."""
    try:
        config = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise BadConfig(f"failed to parse config: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict):
        raise BadConfig("failed to parse config: error unmarshaling JSON: cannot unmarshal into Go value of type worker.NFDConfig")
    custom = (config.get("sources") or {}).get("custom") if isinstance(config.get("sources") or {}, dict) else None
    if custom is not None and not (isinstance(custom, list) and all(isinstance(rule, dict) for rule in custom)):
        raise BadConfig("failed to parse config: error unmarshaling JSON: sources.custom is not a list of rules")
    return config


def pci_devices(node: Mapping[str, Any]) -> list[dict[str, str]]:
    """Attributes of every PCI device of a node, as in the feature pci.device.

    A GPU that is missing isn't there; one that has fallen off the bus while the machine runs is: the kernel keeps what it read at boot.
    """
    found = []
    for kind in ("gpus", "nics", "disks", "extras"):
        for device in node.get(kind) or []:
            if not device.get("pci_id") or device.get("health") == "missing":
                continue
            vendor, model = device["pci_id"].split(":")
            attributes = {"class": device["class"], "vendor": vendor, "device": model}
            subsystem = device.get("subsystem")
            attributes["subsystem_vendor"], attributes["subsystem_device"] = subsystem.split(":") if subsystem else (vendor, "0000")
            if device.get("sriov_totalvfs"):
                attributes["sriov_totalvfs"] = str(device["sriov_totalvfs"])
            found.append(attributes)
    return found


def network_devices(node: Mapping[str, Any]) -> list[dict[str, str]]:
    """Attributes of every network device. A device without link has speed -1, as in sysfs."""
    found = []
    for nic in node.get("nics") or []:
        up = nic.get("state", "up") == "up"
        attributes = {
            "name": nic["name"],
            "operstate": "up" if up else "down",
            "speed": str(nic["speed_mbps"]) if up else "-1",
            "mtu": str(nic.get("mtu", 1500)),
        }
        if nic.get("sriov_totalvfs"):
            attributes.update(sriov_totalvfs=str(nic["sriov_totalvfs"]), sriov_numvfs=str(nic.get("sriov_numvfs", 0)))
        found.append(attributes)
    return found


def block_devices(node: Mapping[str, Any]) -> list[dict[str, str]]:
    """Attributes of every block device (NFD gives no size)."""
    return [
        {"name": disk["name"], "rotational": "1" if disk["rotational"] else "0", "dax": "0", "nr_zones": "0", "zoned": "none"}
        for disk in node.get("disks") or []
    ]


def loaded_modules(node: Mapping[str, Any]) -> list[str]:
    """Kernel modules of a node before any GPU driver."""
    modules = set(BASE_MODULES) | {nic["driver"] for nic in node.get("nics") or []}
    if any(disk.get("transport") == "nvme" for disk in node.get("disks") or []):
        modules |= {"nvme", "nvme_core"}
    if any(nic["pci_id"].startswith(MELLANOX) for nic in node.get("nics") or []):
        modules |= set(RDMA_MODULES)
    return sorted(modules)


def os_release(openshift: Mapping[str, Any]) -> dict[str, str]:
    """The fields of RHCOS's os-release. Since 4.19 (a layered image) it tells RHEL's id and version, before RHCOS's own."""
    minor = ".".join(str(openshift["version"]).split(".")[:2])
    rhcos = openshift["rhcos"]
    common = {"OPENSHIFT_VERSION": minor, "OSTREE_VERSION": rhcos["ostree_version"]}
    if tuple(int(part) for part in minor.split(".")) >= (4, 19):
        return {"ID": "rhel", "VERSION_ID": rhcos["rhel"], **common}
    return {"ID": "rhcos", "VERSION_ID": minor, "RHEL_VERSION": rhcos["rhel"], **common}


def features(node: Mapping[str, Any], openshift: Mapping[str, Any], kernel: str | None = None) -> Object:
    """`spec.features` of the NodeFeature of a node: everything, whatever the label whitelists say.

    `kernel` is the running kernel as the Node reports it; without it the release's own.
    """
    cpu = node["cpu"]
    attributes = {
        "cpu.model": {"family": str(cpu["family"]), "id": str(cpu["model_id"]), "vendor_id": cpu["vendor_id"]},
        "cpu.topology": {
            "hardware_multithreading": _word(cpu["threads_per_core"] > 1),
            "socket_count": str(cpu["sockets"]),
        },
        "kernel.selinux": {"enabled": "true"},
        "kernel.version": _kernel(kernel or openshift["rhcos"]["kernel"]),
        "memory.numa": {"is_numa": _word(node["numa_nodes"] > 1), "node_count": str(node["numa_nodes"])},
        "memory.hugepages": {"enabled": _word(bool(node.get("hugepages_1gi"))), "hugepages-1Gi": str(node.get("hugepages_1gi") or 0)},
        "system.dmiid": {"product_name": node["system"]["product"], "sys_vendor": node["system"]["vendor"]},
        "system.name": {"nodename": node["name"]},
        "system.osrelease": os_release(openshift),
    }
    flags = {"cpu.cpuid": list(cpu["flags"]), "kernel.loadedmodule": loaded_modules(node)}
    instances = {
        "pci.device": pci_devices(node),
        "network.device": network_devices(node),
        "storage.block": block_devices(node),
        "usb.device": [],
    }
    return {
        "attributes": {name: {"elements": values} for name, values in attributes.items()},
        "flags": {name: {"elements": {value: {} for value in values}} for name, values in flags.items()},
        "instances": {name: {"elements": [{"attributes": item} for item in items]} for name, items in instances.items()},
    }


def labels(found: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    """Labels (with their prefix) that the worker makes of a node's features under its configuration."""
    sources = _sources((config.get("core") or {}).get("labelSources"))
    made: dict[str, str] = {}
    for name in sources:
        made.update(_MAKERS[name](found, (config.get("sources") or {}).get(name) or {}))
    white = (config.get("core") or {}).get("labelWhiteList")
    return {
        nfd_rules.prefixed(key): value
        for key, value in sorted(made.items())
        if not white or re.search(white, key.split("/", 1)[-1])
    }


def _pci(found: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    given = config.get("deviceClassWhitelist")
    classes = [str(item).lower() for item in (DEFAULT_CLASSES if given is None else given)]
    fields = [name for name in config.get("deviceLabelFields") or DEFAULT_FIELDS if name in PCI_FIELDS] or DEFAULT_FIELDS
    # NFD keeps its own order of fields, not the configured one.
    fields = [name for name in PCI_FIELDS if name in fields]
    made = {}
    for item in found["instances"]["pci.device"]["elements"]:
        attributes = item["attributes"]
        if not any(attributes["class"].startswith(prefix) for prefix in classes):
            continue
        name = "_".join(attributes[field] for field in fields)
        made[f"pci-{name}.present"] = "true"
        if int(attributes.get("sriov_totalvfs", 0)) > 0:
            made[f"pci-{name}.sriov.capable"] = "true"
    return made


def _network(found: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, str]:
    devices = [item["attributes"] for item in found["instances"]["network.device"]["elements"]]
    made = {}
    if any(int(device.get("sriov_totalvfs", 0)) > 0 for device in devices):
        made["network-sriov.capable"] = "true"
    if any(int(device.get("sriov_numvfs", 0)) > 0 for device in devices):
        made["network-sriov.configured"] = "true"
    return made


def _storage(found: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, str]:
    disks = [item["attributes"] for item in found["instances"]["storage.block"]["elements"]]
    return {"storage-nonrotationaldisk": "true"} if any(disk["rotational"] == "0" for disk in disks) else {}


def _custom(found: Mapping[str, Any], rules: Any) -> dict[str, str]:
    """NFD's static rules, then those of the configuration (a list, unlike every other source's)."""
    made = {}
    if any(item["attributes"]["vendor"] == MELLANOX for item in found["instances"]["pci.device"]["elements"]):
        made["rdma.capable"] = "true"
    modules = found["flags"]["kernel.loadedmodule"]["elements"]
    if "ib_uverbs" in modules and "rdma_ucm" in modules:
        made["rdma.available"] = "true"
    if isinstance(rules, list):
        made |= nfd_rules.evaluate(rules, found)[0]
    return made


def _cpu(found: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    cpuid = config.get("cpuid") or {}
    white, black = cpuid.get("attributeWhitelist"), cpuid.get("attributeBlacklist") or []
    made = {
        f"cpu-cpuid.{flag}": "true"
        for flag in found["flags"]["cpu.cpuid"]["elements"]
        if (flag in white if white else flag not in black)
    }
    for key, value in found["attributes"]["cpu.model"]["elements"].items():
        made[f"cpu-model.{key}"] = value
    made["cpu-hardware_multithreading"] = found["attributes"]["cpu.topology"]["elements"]["hardware_multithreading"]
    return made


def _kernel_labels(found: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, str]:
    made = {"kernel-config.NO_HZ": "true", "kernel-config.NO_HZ_FULL": "true"}
    made |= {f"kernel-version.{key}": value for key, value in found["attributes"]["kernel.version"]["elements"].items()}
    if found["attributes"]["kernel.selinux"]["elements"]["enabled"] == "true":
        made["kernel-selinux.enabled"] = "true"
    return made


def _memory(found: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, str]:
    return {"memory-numa": "true"} if found["attributes"]["memory.numa"]["elements"]["is_numa"] == "true" else {}


def _system(found: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, str]:
    release = found["attributes"]["system.osrelease"]["elements"]
    made = {f"system-os_release.{key}": value for key, value in release.items()}
    parts = release["VERSION_ID"].split(".")
    made["system-os_release.VERSION_ID.major"] = parts[0]
    if len(parts) > 1:
        made["system-os_release.VERSION_ID.minor"] = parts[1]
    return made


_MAKERS = {
    "cpu": _cpu,
    "custom": _custom,
    "kernel": _kernel_labels,
    "memory": _memory,
    "network": _network,
    "pci": _pci,
    "storage": _storage,
    "system": _system,
}


def _sources(given: list[str] | None) -> list[str]:
    chosen: list[str] = []
    for name in given or ["all"]:
        if name == "all":
            chosen = list(SOURCES)
        elif name.startswith("-"):
            chosen = [other for other in chosen if other != name[1:]]
        elif name in SOURCES and name not in chosen:
            chosen.append(name)
    return chosen


def _kernel(full: str) -> dict[str, str]:
    major, minor, rest = full.split(".", 2)
    return {"full": full, "major": major, "minor": minor, "revision": re.split(r"[^0-9]", rest)[0]}


def _word(value: bool) -> str:
    return "true" if value else "false"
