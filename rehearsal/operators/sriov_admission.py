# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SR-IOV operator's admission webhook changes and refuses (pure).

Source: k8snetworkplumbingwg/sriov-network-operator v1.6.0 pkg/webhook/{mutate,validate}.go (order of checks and words). A card of NVIDIA may
be asked for more virtual functions than its firmware has now: the operator raises the firmware's number. Not played: netFilter, vDPA, bridges.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.operators.objects import Object
from rehearsal.operators.sriov_ids import INTEL, MELLANOX, known_device, known_model, known_vendor
from rehearsal.operators.sriov_policy import (
    DEFAULT_POLICY,
    VFIO,
    is_empty,
    pf_range,
    ranges_overlap,
    selects,
    selects_node,
)

RESOURCE_NAME = re.compile(r"^[a-zA-Z0-9_]+$")
MOST_MELLANOX_VFS = 128


class Refused(ValueError):
    """The request is denied with this message."""


def defaults(policy: Object) -> list[Object]:
    """The JSON patch that fills a policy in: lowest priority, no RDMA; InfiniBand always means RDMA."""
    spec = policy.get("spec") or {}
    if policy["metadata"].get("name") == DEFAULT_POLICY:
        return []
    patch: list[Object] = []
    if "priority" not in spec:
        patch.append({"op": "add", "path": "/spec/priority", "value": 99})
    if "isRdma" not in spec:
        patch.append({"op": "add", "path": "/spec/isRdma", "value": False})
    if str(spec.get("linkType") or "").lower() == "ib":
        patch.append({"op": "add", "path": "/spec/isRdma", "value": True})
    return patch


# ---- SriovOperatorConfig and SriovNetworkPoolConfig


def check_config(operation: str, config: Object, old: Object | None, namespace: str, states: Sequence[Object]) -> list[str]:
    """Warnings for a SriovOperatorConfig. Raises Refused."""
    if operation == "DELETE":
        return []
    meta = config["metadata"]
    if (meta.get("name"), meta.get("namespace")) != ("default", namespace):
        raise Refused(f"only default SriovOperatorConfig in {namespace} namespace is used")
    if not (config.get("spec") or {}).get("disableDrain"):
        return []
    if old is not None and not (old.get("spec") or {}).get("disableDrain"):
        for state in states:
            if (state.get("status") or {}).get("syncStatus") == "InProgress":
                raise Refused(f"can't set Spec.DisableDrain = true while node[{state['metadata']['name']}] is updating")
    return ["Node draining is disabled for applying SriovNetworkNodePolicy, it may result in workload interruption."]


def check_pool(operation: str, pool: Object) -> list[str]:
    """A SriovNetworkPoolConfig. Raises Refused."""
    spec = pool.get("spec") or {}
    if operation == "DELETE":
        return []
    most = spec.get("maxUnavailable")
    if (most is not None or spec.get("nodeSelector") is not None) and (spec.get("ovsHardwareOffloadConfig") or {}).get("name"):
        raise Refused("SriovOperatorConfig can't have both parallel configuration and OvsHardwareOffloadConfig")
    try:
        max_unavailable(most, 0)
    except ValueError as error:
        raise Refused(f"SriovOperatorConfig invalid maxUnavailable: {error}") from error
    return []


def max_unavailable(value: Any, count: int) -> int:
    """How many nodes may drain at once; -1 without a limit. Raises ValueError with the operator's text."""
    if value is None:
        return -1
    text = str(value)
    if isinstance(value, str) and not text.isdigit():
        if not text.endswith("%"):
            raise ValueError("invalid type: strings needs to be a percentage")
        if not text[:-1].isdigit():
            raise ValueError(f'invalid value "{text}": strconv.Atoi: parsing "{text[:-1]}": invalid syntax')
        share = int(text[:-1])
        if not 1 <= share <= 100:
            raise ValueError("invalid value: percentage needs to be between 1 and 100")
        return share * count // 100
    if int(text) < 0:
        raise ValueError("negative number is not allowed")
    return int(text)


# ---- SriovNetworkNodePolicy


def check_policy(
    operation: str, policy: Object, namespace: str, nodes: Sequence[Object], states: Sequence[Object], policies: Sequence[Object]
) -> list[str]:
    """Warnings for a policy. `states`, `policies`: those of the operator's namespace. Raises Refused."""
    meta = policy["metadata"]
    if (meta.get("name"), meta.get("namespace")) == (DEFAULT_POLICY, namespace):
        return []
    warnings = []
    if meta.get("namespace") != namespace:
        warnings = [f"{meta.get('name')} is created or updated but not used. Only policy in {namespace} namespace is respected."]
    if operation == "DELETE":
        return warnings
    _static(policy)
    _dynamic(policy, nodes, states, policies)
    return warnings


def _static(policy: Object) -> None:
    spec, name = policy["spec"], policy["metadata"]["name"]
    resource = str(spec.get("resourceName") or "")
    if not RESOURCE_NAME.match(resource):
        raise Refused(
            f'resource name "{resource}" contains invalid characters, the accepted syntax of the regular expressions is: "^[a-zA-Z0-9_]+$"'
        )
    if is_empty(spec["nicSelector"]):
        raise Refused(
            "at least one of these parameters (vendor, deviceID, pfNames, rootDevices or netFilter) has to be defined in nicSelector "
            f"in CR {name}"
        )
    _supported(spec["nicSelector"])
    for text in spec["nicSelector"].get("pfNames") or []:
        _check_range(text, int(spec.get("numVfs") or 0))
    if spec.get("deviceType") == VFIO and spec.get("isRdma"):
        raise Refused(
            "'deviceType: vfio-pci' conflicts with 'isRdma: true'; Set 'deviceType' to (string)'netdevice' Or Set 'isRdma' to (bool)'false'"
        )
    if spec.get("linkType") and spec["linkType"].lower() != "eth" and spec.get("eSwitchMode") == "switchdev":
        raise Refused("'eSwitchMode: switchdev' can be used only with ethernet links")


def _supported(selector: Object) -> None:
    vendor, device = selector.get("vendor") or "", selector.get("deviceID") or ""
    if vendor and not known_vendor(vendor):
        raise Refused(f"vendor {vendor} is not supported")
    if vendor and device and not known_model(vendor, device):
        raise Refused(f"vendor/device {vendor}/{device} is not supported")
    if device and not vendor and not known_device(device):
        raise Refused(f"device {device} is not supported")


def _check_range(text: str, count: int) -> None:
    parts = text.split("#")
    if len(parts) == 1:
        return
    if len(parts) != 2:
        raise Refused(f"failed to parse {text} PF name in nicSelector, probably incorrect separator character usage")
    ends = parts[1].split("-")
    if len(ends) != 2:
        raise Refused(f"failed to parse {text} PF name nicSelector, probably incorrect range character usage")
    for end, word in zip(ends, ("start", "end"), strict=True):
        if not end.isdigit():
            raise Refused(f"failed to parse {text} PF name nicSelector, {word} range is incorrect")
    if int(ends[1]) < int(ends[0]):
        raise Refused(f"failed to parse {text} PF name nicSelector, end range shall not be smaller than start range")
    if int(ends[1]) >= count:
        raise Refused(f"failed to parse {text} PF name nicSelector, end range exceeds the maximum VF index ")


def _dynamic(policy: Object, nodes: Sequence[Object], states: Sequence[Object], policies: Sequence[Object]) -> None:
    name = policy["metadata"]["name"]
    chosen = [node for node in nodes if selects_node(policy, node)]
    if not chosen:
        raise Refused(f"no matched node is selected by the nodeSelector in CR {name}")
    by_name = {state["metadata"]["name"]: state for state in states}
    found = False
    for node in chosen:
        state = by_name.get(node["metadata"]["name"])
        for card in ((state or {}).get("status") or {}).get("interfaces") or []:
            if selects(policy["spec"]["nicSelector"], card):
                found = True
                _check_count(policy, card)
        for other in policies:
            if other["metadata"]["name"] != name and selects_node(other, node):
                _check_other(policy, other)
    if not found:
        raise Refused(f"no supported NIC is selected by the nicSelector in CR {name}")


def _check_count(policy: Object, card: Mapping[str, Any]) -> None:
    name, count = policy["metadata"]["name"], int(policy["spec"].get("numVfs") or 0)
    if count == 0:
        raise Refused(f"numVfs({count}) in CR {name} is not allowed")
    most = {INTEL: card.get("totalvfs", 0), MELLANOX: MOST_MELLANOX_VFS}.get(card["vendor"])
    if most is not None and count > most:
        raise Refused(f"numVfs({count}) in CR {name} exceed the maximum allowed value({most}) interface({card['name']})")
    if policy["spec"].get("externallyManaged") and count > card.get("numVfs", 0):
        raise Refused(
            f"numVfs({count}) in CR {name} is higher than the virtual functions allocated for the PF externally value({card.get('numVfs', 0)})"
        )


def _check_other(policy: Object, other: Object) -> None:
    mine, theirs, name = policy["spec"], other["spec"], other["metadata"]["name"]
    _check_pf_names(mine, theirs, name)
    for device in mine["nicSelector"].get("rootDevices") or []:
        if device in (theirs["nicSelector"].get("rootDevices") or []):
            raise Refused(f"root device {device} is overlapped with existing policy {name}")
    exclude, other_exclude = bool(mine.get("excludeTopology")), bool(theirs.get("excludeTopology"))
    if mine["resourceName"] == theirs["resourceName"] and exclude != other_exclude:
        raise Refused(
            f"excludeTopology[{str(exclude).lower()}] field conflicts with policy [{name}].ExcludeTopology[{str(other_exclude).lower()}] "
            f"as they target the same resource[{mine['resourceName']}]"
        )


def _check_pf_names(mine: Object, theirs: Object, name: str) -> None:
    for text in mine["nicSelector"].get("pfNames") or []:
        for other in theirs["nicSelector"].get("pfNames") or []:
            (pf, span), (other_pf, other_span) = pf_range(text), pf_range(other)
            if pf != other_pf:
                continue
            if bool(mine.get("externallyManaged")) != bool(theirs.get("externallyManaged")):
                raise Refused(f"externallyManage is inconsistent with existing policy {name}")
            # A name without a range counts as -1 to -1: a whole card overlaps only another whole card. After the first two ranges that
            # are apart the operator looks at no further name.
            if (not span) != (not other_span) or (span and not ranges_overlap(span, other_span)):
                return
            raise Refused(f"VF index range in {text} is overlapped with existing policy {name}")
