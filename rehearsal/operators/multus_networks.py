# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which additional networks a pod asks for, and the CNI configuration of a NetworkAttachmentDefinition (pure).

Sources: k8snetworkplumbingwg Network Attachment Definition standard (forms of the annotation); k8snetworkplumbingwg/multus-cni
pkg/k8sclient (words of errors; namespace isolation as OpenShift switches it on).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from rehearsal.operators.objects import Object

NETWORKS = "k8s.v1.cni.cncf.io/networks"
STATUS = "k8s.v1.cni.cncf.io/network-status"
LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
# Definitions in these namespaces may be used from everywhere (OpenShift's globalNamespaces of Multus).
SHARED = ("default", "openshift-multus", "openshift-sriov-network-operator", "openshift-cnv", "openshift-ovn-kubernetes")


class BadRequest(ValueError):
    """The annotation cannot be read, or names a network that the pod may not use."""


@dataclass(frozen=True)
class Network:
    """One element of the annotation."""

    name: str
    namespace: str
    interface: str = ""
    mac: str = ""
    addresses: tuple[str, ...] = field(default=())
    gateways: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def requested(pod: Object, namespace: str = "") -> list[Network]:
    """Networks of the pod's annotation, in order; [] without one. Raises BadRequest.

    `namespace`: of a pod that isn't created yet and whose own metadata has none.
    """
    text = str((pod["metadata"].get("annotations") or {}).get(NETWORKS) or "").strip()
    home = pod["metadata"].get("namespace") or namespace
    if not text:
        return []
    if any(sign in text for sign in '[{"'):
        return [_from_json(item, home) for item in _parsed(text)]
    return [_from_text(item.strip(), home) for item in text.split(",")]


def check_isolation(pod: Object, network: Network) -> None:
    """Raises BadRequest when the definition is in another namespace that isn't shared."""
    home = pod["metadata"]["namespace"]
    if network.namespace != home and network.namespace not in SHARED:
        raise BadRequest(
            f"GetNetworkDelegates: namespace isolation enabled, annotation violates permission, pod is in namespace {home} "
            f"but refers to target namespace {network.namespace}"
        )


def _parsed(text: str) -> list[Any]:
    try:
        items = json.loads(text)
    except ValueError as error:
        raise BadRequest(
            f"parsePodNetworkAnnotation: failed to parse pod Network Attachment Selection Annotation JSON format: {error}"
        ) from error
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadRequest(
            "parsePodNetworkAnnotation: failed to parse pod Network Attachment Selection Annotation JSON format: "
            "json: cannot unmarshal object into Go value of type []*types.NetworkSelectionElement"
        )
    return items


def _from_json(item: dict[str, Any], home: str) -> Network:
    return Network(
        str(item.get("name") or ""),
        str(item.get("namespace") or home),
        str(item.get("interface") or ""),
        str(item.get("mac") or ""),
        tuple(item.get("ips") or ()),
        tuple(item.get("default-route") or ()),
    )


def _from_text(text: str, home: str) -> Network:
    parts = text.split("/")
    if len(parts) > 2:
        raise BadRequest("parsePodNetworkAnnotation: parsePodNetworkObjectName: Invalid network object (failed at '/')")
    namespace, rest = (parts[0].strip(), parts[1]) if len(parts) == 2 else ("", parts[0])
    name, *interface = rest.split("@")
    if len(interface) > 1:
        raise BadRequest("parsePodNetworkAnnotation: parsePodNetworkObjectName: Invalid network object (failed at '@')")
    for word in (namespace, name.strip()):
        if word and not LABEL.match(word):
            raise BadRequest(
                "parsePodNetworkAnnotation: parsePodNetworkObjectName: Failed to parse: one or more items did not match comma-delimited "
                f"format (must consist of lower case alphanumeric characters). Must start and end with an alphanumeric character), mismatch @ '{word}'"
            )
    return Network(name.strip(), namespace or home, interface[0].strip() if interface else "")


def plugins(definition: Object) -> list[dict[str, Any]]:
    """The chain of CNI plugins of a definition; the first makes the interface. Raises BadRequest."""
    text = (definition.get("spec") or {}).get("config") or ""
    name = definition["metadata"]["name"]
    try:
        config = json.loads(text)
        found = config.get("plugins") if "plugins" in config else [config]
        if not found or not all(isinstance(item, dict) and item.get("type") for item in found):
            raise ValueError("no plugin configs found")
    except (ValueError, AttributeError) as error:
        raise BadRequest(
            f"GetNetworkDelegates: failed getting the delegate: LoadDelegateNetConf: error loading configuration of {name}: {error}"
        ) from error
    return list(found)
