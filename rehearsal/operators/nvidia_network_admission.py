# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the admission webhook of NVIDIA's network operator refuses (pure).

Source: Mellanox/network-operator @b06827e (v26.4) api/v1alpha1/validator/*.go, webhook-schemas/*.json. Not checked here: containerResources,
GUID ranges of ib-kubernetes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rehearsal.operators.nvidia_network_policies import KINDS, NODE_POLICY, POLICY, conflicts, overlap
from rehearsal.operators.objects import Object

FQDN = r"^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z]{2,})+$"
RDMA_NAME = r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"
SRIOV_NAME = r"^([A-Za-z0-9][A-Za-z0-9_.]*)?[A-Za-z0-9]$"
OFED_VERSION = re.compile(r"^(sha256:[0-9a-f]{64}|(doca[0-9.]+-)?[0-9]{2}\.[0-9]{2}-[0-9]+(\.[0-9]+){3}(-[0-9]+)?(-.+)?)$")
SELECTORS = ("vendors", "deviceIDs", "drivers", "ifNames", "linkTypes")


LONGEST_NAME = 30  # of a NicNodePolicy, whatever the message says


class Refused(ValueError):
    """The request is denied with this message."""


def check(obj: Object) -> list[str]:
    """A NicClusterPolicy, NicNodePolicy or HostDeviceNetwork. Raises Refused with all faults, as Kubernetes words an invalid object."""
    kind, name, spec = obj["kind"], obj["metadata"]["name"], obj.get("spec") or {}
    faults = _policy(spec) if kind in KINDS else _host_device(spec)
    if kind == NODE_POLICY[1] and len(name) > LONGEST_NAME:
        faults.append(_invalid("metadata.name", name, "NicNodePolicy name must be at most 50 characters to avoid exceeding DaemonSet name limits"))
    if faults:
        told = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
        raise Refused(f'{kind}.mellanox.com "{name}" is invalid: {told}')
    return []


def check_beside(obj: Object, policies: Iterable[Object], nodes: Iterable[Object]) -> None:
    """A policy beside those that are there. Raises Refused."""
    there = [one for one in policies if (one["kind"], one["metadata"]["name"]) != (obj["kind"], obj["metadata"]["name"])]
    other = POLICY[1] if obj["kind"] == NODE_POLICY[1] else NODE_POLICY[1]
    said = conflicts(obj, [one for one in there if one["kind"] == other])
    if not said and obj["kind"] == NODE_POLICY[1]:
        said = overlap([obj, *(one for one in there if one["kind"] == NODE_POLICY[1])], nodes)
    if said:
        raise Refused(said)


def _policy(spec: Mapping[str, Any]) -> list[str]:
    faults: list[str] = []
    driver = spec.get("ofedDriver")
    if driver is not None:
        version = str(driver.get("version") or "")
        if not OFED_VERSION.match(version):
            faults.append(_invalid("spec.ofedDriver.version", version, 'invalid OFED version, supported formats: "23.10-0.2.2.0", "24.01-0.3.3.1-0" …'))
        upgrade = driver.get("upgradePolicy") or {}
        if upgrade.get("safeLoad") and not upgrade.get("autoUpgrade"):
            faults.append(
                "spec.ofedDriver.upgradePolicy.safeLoad: Forbidden: safeLoad requires spec.ofedDriver.upgradePolicy.autoUpgrade to be true"
            )
    for key, path, check_rows in (
        ("rdmaSharedDevicePlugin", "spec.rdmaSharedDevicePlugin.Config", _rdma),
        ("sriovDevicePlugin", "spec.sriovNetworkDevicePlugin.Config", _sriov),
    ):
        text = (spec.get(key) or {}).get("config")
        if text is not None:
            faults += [_invalid(path, text, why) for why in check_rows(text)]
    return faults


def _rdma(text: str) -> list[str]:
    try:
        config = json.loads(text)
    except ValueError as error:
        return [f"Invalid json of RdmaSharedDevicePluginConfig{error}"]
    rows = config.get("configList") if isinstance(config, dict) else None
    if not isinstance(rows, list):
        return ["configList is required"]
    if not rows:
        return ["Array must have at least 1 items"]
    faults: list[str] = []
    for row in rows:
        faults += [f"{key} is required" for key in ("resourceName", "rdmaHcaMax") if key not in row]
        selectors = row.get("selectors")
        if "devices" not in row and selectors is None:
            faults.append("Must validate at least one schema (anyOf)")
        if isinstance(selectors, dict):
            faults += [f"Additional property {key} is not allowed" for key in selectors if key not in SELECTORS]
            if not any(key in selectors for key in SELECTORS):
                faults.append("Must validate at least one schema (anyOf)")
        if faults:
            continue
        if not re.match(RDMA_NAME, str(row["resourceName"])):
            faults.append(
                "Invalid Resource name, it must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
                f"character (e.g. 'MyName',  or 'my.name',  or '123-abc') regex used for validation is {RDMA_NAME}"
            )
        faults += _prefix(row, "Invalid Resource prefix, it must be a valid FQDN regex used for validation is ")
    return faults


def _sriov(text: str) -> list[str]:
    try:
        config = json.loads(text)
    except ValueError:
        return ["Invalid json of SriovNetworkDevicePluginConfig"]
    rows = config.get("resourceList") if isinstance(config, dict) else None
    if not isinstance(rows, list):
        return ["resourceList is required"]
    faults: list[str] = []
    for row in rows:
        if "resourceName" not in row:
            faults.append("resourceName is required")
        elif not re.match(SRIOV_NAME, str(row["resourceName"])):
            faults.append(
                "Invalid Resource name, it must consist of alphanumeric characters, '_' or '.', and must start and end with an alphanumeric "
                f"character (e.g. 'MyName',  or 'my.name',  or '123_abc', regex used for validation is {SRIOV_NAME}"
            )
        faults += _prefix(row, "Invalid Resource prefix, it must be a valid FQDNregex used for validation is ")
    return faults


def _prefix(row: Mapping[str, Any], words: str) -> list[str]:
    prefix = row.get("resourcePrefix")
    return [f"{words}{FQDN}"] if prefix is not None and not re.match(FQDN, str(prefix)) else []


def _host_device(spec: Mapping[str, Any]) -> list[str]:
    name = str(spec.get("resourceName") or "")
    if re.match(RDMA_NAME, name):
        return []
    why = (
        "Invalid Resource name, it must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    )
    return [_invalid("Spec", name, why)]


def _invalid(path: str, value: str, why: str) -> str:
    return f"{path}: Invalid value: {json.dumps(value)}: {why}"
