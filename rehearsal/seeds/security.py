# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SecurityContextConstraints of a fresh cluster. They are data here: the rehearsal's API server has no SCC admission."""

from __future__ import annotations

from typing import Any

from rehearsal.seeds.common import Object, make

ALL_VOLUMES = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
]
RUN_AS_RANGE = {"type": "MustRunAsRange"}
RUN_AS_ANY = {"type": "RunAsAny"}


def objects() -> list[Object]:
    """The SCCs that OpenShift ships, and a ClusterRole per SCC that lets its holder use it."""
    rows = [
        _scc(
            "anyuid",
            priority=10,
            groups=["system:cluster-admins"],
            runAsUser=RUN_AS_ANY,
            fsGroup=RUN_AS_ANY,
            defaultAddCapabilities=None,
        ),
        _scc("hostaccess", host=True, allowHostDirVolumePlugin=True, volumes=[*ALL_VOLUMES, "hostPath"]),
        _scc(
            "hostmount-anyuid",
            allowHostDirVolumePlugin=True,
            runAsUser=RUN_AS_ANY,
            fsGroup=RUN_AS_ANY,
            volumes=[*ALL_VOLUMES, "hostPath", "nfs"],
        ),
        _scc("hostnetwork", allowHostNetwork=True, allowHostPorts=True),
        _scc("hostnetwork-v2", v2=True, allowHostNetwork=True, allowHostPorts=True),
        _scc("nonroot", runAsUser={"type": "MustRunAsNonRoot"}, fsGroup=RUN_AS_ANY),
        _scc("nonroot-v2", v2=True, runAsUser={"type": "MustRunAsNonRoot"}, fsGroup=RUN_AS_ANY),
        _scc("restricted"),
        _scc("restricted-v2", v2=True, groups=["system:authenticated"]),
        _privileged(),
    ]
    return [*rows, *(_user_role(row["metadata"]["name"]) for row in rows)]


def _scc(name: str, host: bool = False, v2: bool = False, **changes: Any) -> Object:
    body: Object = {
        "allowHostDirVolumePlugin": False,
        "allowHostIPC": host,
        "allowHostNetwork": host,
        "allowHostPID": host,
        "allowHostPorts": host,
        "allowPrivilegeEscalation": not v2,
        "allowPrivilegedContainer": False,
        "allowedCapabilities": ["NET_BIND_SERVICE"] if v2 else None,
        "defaultAddCapabilities": None,
        "fsGroup": {"type": "MustRunAs"},
        "groups": [],
        "priority": None,
        "readOnlyRootFilesystem": False,
        "requiredDropCapabilities": ["ALL"] if v2 else ["KILL", "MKNOD", "SETUID", "SETGID"],
        "runAsUser": RUN_AS_RANGE,
        "seLinuxContext": {"type": "MustRunAs"},
        "seccompProfiles": ["runtime/default"] if v2 else None,
        "supplementalGroups": RUN_AS_ANY,
        "users": [],
        "volumes": ALL_VOLUMES,
    }
    return make("security.openshift.io/v1", "SecurityContextConstraints", name, **{**body, **changes})


def _privileged() -> Object:
    changes: Object = {
        "allowHostDirVolumePlugin": True,
        "allowPrivilegedContainer": True,
        "allowedCapabilities": ["*"],
        "allowedUnsafeSysctls": ["*"],
        "fsGroup": RUN_AS_ANY,
        "groups": ["system:cluster-admins", "system:nodes", "system:masters"],
        "requiredDropCapabilities": None,
        "runAsUser": RUN_AS_ANY,
        "seLinuxContext": RUN_AS_ANY,
        "seccompProfiles": ["*"],
        "volumes": ["*"],
    }
    return _scc("privileged", host=True, **changes)


def _user_role(name: str) -> Object:
    rule = {
        "apiGroups": ["security.openshift.io"],
        "resourceNames": [name],
        "resources": ["securitycontextconstraints"],
        "verbs": ["use"],
    }
    return make("rbac.authorization.k8s.io/v1", "ClusterRole", f"system:openshift:scc:{name}", rules=[rule])
