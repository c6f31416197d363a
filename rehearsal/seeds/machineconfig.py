# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigPools and the MachineConfigs that a fresh cluster has. The rendered ones are the machine-config operator's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.seeds.common import Object, digest, make

API = "machineconfiguration.openshift.io/v1"
ROLE = "machineconfiguration.openshift.io/role"
NAMES = (
    "00-{role}", "01-{role}-container-runtime", "01-{role}-kubelet", "97-{role}-generated-kubelet",
    "98-{role}-generated-kubelet", "99-{role}-generated-registries", "99-{role}-ssh",
)  # fmt: skip


def objects(openshift: Mapping[str, Any]) -> list[Object]:
    """Base MachineConfigs and the pools ``master`` and ``worker``."""
    return [
        *(_base(name, role, openshift) for role in ("master", "worker") for name in NAMES),
        _pool("master"),
        _pool("worker"),
    ]


def _base(pattern: str, role: str, openshift: Mapping[str, Any]) -> Object:
    name = pattern.format(role=role)
    spec: Object = {"config": {"ignition": {"version": "3.5.0"}}}
    if pattern.startswith("00"):
        spec["osImageURL"] = (
            f"quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:{digest(openshift['rhcos']['ostree_version'])}"
        )
        spec["config"]["storage"] = {"files": [_file("/etc/NetworkManager/conf.d/99-keyfiles.conf")]}
    elif pattern.startswith("01") and pattern.endswith("runtime"):
        spec["config"]["storage"] = {
            "files": [_file("/etc/containers/registries.conf"), _file("/etc/crio/crio.conf.d/00-default")]
        }
    elif pattern.startswith("01"):
        spec["config"]["systemd"] = {"units": [{"name": "kubelet.service", "enabled": True}]}
    # The real generated and base configs carry the hash of the controller that wrote them.
    annotations = (
        {}
        if pattern.endswith("ssh")
        else {"machineconfiguration.openshift.io/generated-by-controller-version": digest(openshift["version"])[:40]}
    )
    return make(API, "MachineConfig", name, labels={ROLE: role}, annotations=annotations, spec=spec)


def _file(path: str) -> Object:
    return {"path": path, "mode": 420, "overwrite": True, "contents": {"source": "data:,"}}


def _pool(role: str) -> Object:
    labels = {
        "machineconfiguration.openshift.io/mco-built-in": "",
        f"pools.operator.machineconfiguration.openshift.io/{role}": "",
    }
    if role == "master":
        labels["operator.machineconfiguration.openshift.io/required-for-upgrade"] = ""
    spec = {
        "machineConfigSelector": {"matchLabels": {ROLE: role}},
        "nodeSelector": {"matchLabels": {f"node-role.kubernetes.io/{role}": ""}},
        "paused": False,
    }
    return make(API, "MachineConfigPool", role, labels=labels, spec=spec)
