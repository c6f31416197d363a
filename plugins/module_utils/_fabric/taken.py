# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that a cluster uses already: machines, pods, Services, OVN-Kubernetes inside, and NetworkAttachmentDefinitions of others."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .._assess.look import dig, rows, strings, text
from .._data.facts import Facts

Row = Mapping[str, Any]
WORDS = {"machine": "the machine network", "cluster": "the pod network", "service": "the Service network"}


def networks(snapshot: Row, facts: Facts, ours: set[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """([(words, network)], what isn't known).

    :param ours: (namespace, name) of NetworkAttachmentDefinitions that come from this collection's networks.
    """
    found = [(word, net) for key, word in WORDS.items() for net in strings(snapshot, "networks", key) if _is_network(net)]
    unknown = [word for key, word in WORDS.items() if not isinstance(dig(snapshot, "networks", key), (list, tuple))]
    if text(snapshot, "networks", "type") == "OVNKubernetes":
        found += [(f"the network {row['name']}", row["cidr"]) for row in facts.fabric["inner_networks"]]
    attached = rows(snapshot, "objects", "NetworkAttachmentDefinition")
    if attached is None and _is_there(snapshot):
        unknown.append("NetworkAttachmentDefinitions of others")
    for nad in attached or []:
        key = (text(nad, "metadata", "namespace") or "", text(nad, "metadata", "name") or "")
        if key not in ours:
            found += [(f"NetworkAttachmentDefinition {'/'.join(key)},", net) for net in ranges(nad)]
    return list(dict.fromkeys(found)), unknown


def _is_there(snapshot: Row) -> bool:
    """Whether the kind exists, as far as is known: without it there is nothing to collide with."""
    kinds = dig(snapshot, "crds")
    return not isinstance(kinds, dict) or "network-attachment-definitions.k8s.cni.cncf.io" in kinds


def ranges(nad: Row) -> list[str]:
    """The networks from which a definition gives addresses (whereabouts, host-local, static)."""
    try:
        config = json.loads(text(nad, "spec", "config") or "{}")
    except ValueError:
        return []
    chain = config.get("plugins", [config]) if isinstance(config, dict) else []
    plugins = [plugin for plugin in chain if isinstance(plugin, dict)] if isinstance(chain, list) else []
    found = [net for plugin in plugins for net in _of_ipam(plugin.get("ipam"))]
    return list(dict.fromkeys(found))


def _of_ipam(ipam: Any) -> Iterator[str]:
    if not isinstance(ipam, dict):
        return
    listed = [ipam, *(row for key in ("ipRanges", "addresses") for row in ipam.get(key) or [] if isinstance(row, dict))]
    listed += [row for part in ipam.get("ranges") or [] if isinstance(part, list) for row in part if isinstance(row, dict)]
    for row in listed:
        for key in ("range", "subnet", "address"):
            net = _network(row.get(key))
            if net:
                yield net


def _network(value: Any) -> str | None:
    """`10.0.0.0/24`, also of whereabouts' "10.0.0.5-10.0.0.9/24"."""
    given = value.rpartition("-")[2].strip() if isinstance(value, str) else ""
    try:
        return str(ipaddress.ip_network(given, strict=False)) if given else None
    except ValueError:
        return None


def _is_network(value: str) -> bool:
    return _network(value) is not None
