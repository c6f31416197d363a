# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a bare OpenShift, written out: what is there before anybody has installed an operator.

``objects(settings)`` gives them in the order in which they can be created: namespaces first. ``settings`` is settings.json
(``profile``, ``openshift``, ``scenario``) and may also hold::

    cluster_id   a UUID; without it one is derived from profile and version
    catalogs     {"redhat-operators": "127.0.0.1:15051", ...}, gRPC addresses of the served catalogs
    now          the moment that histories count back from (datetime, UTC); without it the present one

Many objects carry ``status``: it must be written through the status subresource too, as a plain create drops it (for nodes
it doesn't). Nodes bear one label that no real node has: ``type: kwok``, by which KWOK finds the nodes whose kubelet it plays.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rehearsal.seeds import config, images, machineconfig, namespaces, nodes, olm, rbac, security, version

Object = dict[str, Any]
NAMESPACE_OF_IDS = uuid.UUID("6f1d0a52-6f0e-5d0c-9d0c-5e6a3a1d7b10")


def objects(settings: Mapping[str, Any]) -> list[Object]:
    """All objects of a bare cluster with this profile, release and scenario."""
    profile, openshift, scenario = settings["profile"], settings["openshift"], settings.get("scenario") or {}
    moment = settings.get("now") or datetime.now(UTC)
    return [
        *namespaces.objects(),
        *rbac.objects(),
        *security.objects(),
        *config.objects(profile, openshift, moment),
        *version.objects(openshift, scenario, moment, cluster_id(settings)),
        *machineconfig.objects(openshift),
        *nodes.objects(profile, openshift, scenario, moment),
        *nodes.storage_classes(profile, scenario),
        *images.objects(openshift),
        *olm.objects(settings.get("catalogs") or {}),
    ]


def cluster_id(settings: Mapping[str, Any]) -> str:
    """The ClusterVersion's clusterID: the one given, else one that follows from profile and version."""
    given = settings.get("cluster_id")
    return str(
        given or uuid.uuid5(NAMESPACE_OF_IDS, f"{settings['profile'].get('name')}/{settings['openshift']['version']}")
    )
