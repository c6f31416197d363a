# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine-config operator refuses, and the node disruption policies in force (pure).

Sources: openshift/machine-config-operator release-4.20 pkg/controller/kubelet-config/helpers.go (validateUserKubeletConfig),
pkg/controller/container-runtime-config/helpers.go (validateUserContainerRuntimeConfig), pkg/apihelpers/apihelpers.go (default policies,
MergeClusterPolicies). Not checked: that a KubeletConfig's fields exist in the kubelet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.operators.objects import Object
from rehearsal.operators.sizes import quantity

MIN_PIDS, MIN_LOG_BYTES = 20, 8192
LOG_LEVELS = ("error", "fatal", "panic", "warn", "info", "debug", "trace")
CRIO = {"type": "Reload", "reload": {"serviceName": "crio.service"}}
NONE = {"type": "None"}
DEFAULT_POLICIES: dict[str, list[Object]] = {
    "/var/lib/kubelet/config.json": [NONE],
    "/etc/machine-config-daemon/no-reboot/containers-gpg.pub": [CRIO],
    "/etc/containers/policy.json": [CRIO],
    "/etc/containers/registries.conf": [{"type": "Special"}],
    "/etc/containers/registries.d": [CRIO],
    "/etc/crio/policies": [CRIO],
    "/etc/nmstate/openshift": [NONE],
    "/etc/pki/ca-trust/source/anchors/openshift-config-user-ca-bundle.crt": [
        {"type": "Restart", "restart": {"serviceName": "coreos-update-ca-trust.service"}},
        {"type": "Restart", "restart": {"serviceName": "crio.service"}},
    ],
}


def refusal(kind: str, spec: Mapping[str, Any]) -> str | None:
    """Why a KubeletConfig or ContainerRuntimeConfig is not applied; None when nothing is wrong with it."""
    return _kubelet(spec) if kind == "KubeletConfig" else _runtime(spec.get("containerRuntimeConfig") or {})


def _kubelet(spec: Mapping[str, Any]) -> str | None:
    level = spec.get("logLevel")
    if level is not None and not 1 <= int(level) <= 10:
        return f"KubeletConfig's LogLevel is not valid [1,10]: {level}"
    content = spec.get("kubeletConfig") or {}
    for field in ("cgroupDriver", "clusterDNS", "clusterDomain", "featureGates", "staticPodPath"):
        if content.get(field):
            return f"KubeletConfiguration: {field} is not allowed to be set, but contains: {_go(content[field])}"
    if content.get("systemReserved") and spec.get("autoSizingReserved"):
        return "KubeletConfiguration: autoSizingReserved and systemdReserved cannot be set together"
    return None


def _runtime(config: Mapping[str, Any]) -> str | None:
    pids = config.get("pidsLimit")
    if pids and int(pids) < MIN_PIDS:
        return f"invalid PidsLimit {pids}"
    log = config.get("logSizeMax")
    if log is not None and 0 < quantity(log) <= MIN_LOG_BYTES:
        return f'invalid LogSizeMax "{log}", cannot be less than 8kB'
    level = config.get("logLevel")
    if level and level not in LOG_LEVELS:
        return f'invalid LogLevel "{level}", must be one of error, fatal, panic, warn, info, debug, or trace'
    runtime = config.get("defaultRuntime")
    if runtime and runtime not in ("crun", "runc"):
        return f'invalid DefaultRuntime "{runtime}", must be one of crun, runc'
    return None


def cluster_policies(configuration: Object) -> Object:
    """`status.nodeDisruptionPolicyStatus.clusterPolicies`: the defaults with the administrator's put over them."""
    policy = (configuration.get("spec") or {}).get("nodeDisruptionPolicy") or {}
    files = {**DEFAULT_POLICIES, **{item["path"]: item["actions"] for item in policy.get("files") or []}}
    made: Object = {"files": [{"path": path, "actions": actions} for path, actions in files.items()]}
    if policy.get("units"):
        made["units"] = policy["units"]
    made["sshkey"] = policy.get("sshkey") or {"actions": [NONE]}
    return made


def action_types(configuration: Object | None) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Files and units with the types of their actions, for a MachineConfiguration (None: the defaults alone)."""
    policies = cluster_policies(configuration or {})
    rows = {part: policies.get(part) or [] for part in ("files", "units")}
    return (
        {item["path"]: [action["type"] for action in item["actions"]] for item in rows["files"]},
        {item["name"]: [action["type"] for action in item["actions"]] for item in rows["units"]},
    )


def _go(value: Any) -> str:
    """A value as Go prints it by %s or %v."""
    if isinstance(value, list):
        return f"[{' '.join(map(str, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{str(item).lower()}' for key, item in sorted(value.items()))}]"
    return str(value)
