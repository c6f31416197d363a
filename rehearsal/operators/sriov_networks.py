# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkAttachmentDefinitions that the SR-IOV operator makes of SriovNetwork, SriovIBNetwork and OVSNetwork (pure).

Source: k8snetworkplumbingwg/sriov-network-operator v1.6.0 api/v1/helper.go (RenderNetAttDef) and bindata/manifests/cni-config: keys, their
order, what is left out when unset; the JSON is indented by four blanks.
"""

from __future__ import annotations

import json
from typing import Any

from rehearsal.operators.objects import Object

NAD = ("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition")
RESOURCE_NOTE = "k8s.v1.cni.cncf.io/resourceName"


class BadConfig(ValueError):
    """The rendered CNI configuration isn't JSON; the operator logs this and makes no NetworkAttachmentDefinition."""


def definition(network: Object, prefix: str = "openshift.io/") -> Object:
    """The NetworkAttachmentDefinition of a network object. Raises BadConfig."""
    meta, spec = network["metadata"], network.get("spec") or {}
    plugin = {"SriovNetwork": _sriov, "SriovIBNetwork": _infiniband, "OVSNetwork": _ovs}[network["kind"]](spec)
    name = meta["name"]
    try:
        # Blanks are taken out of the ipam text before it is put in, as the operator does.
        plugin["ipam"] = json.loads("".join(str(spec.get("ipam") or "{}").split()))
        if spec.get("capabilities"):
            plugin["capabilities"] = json.loads(spec["capabilities"])
        config: Object = {"cniVersion": "1.0.0", "name": name}
        if spec.get("metaPlugins"):
            config["plugins"] = [plugin, *json.loads(f"[{spec['metaPlugins']}]")]
        else:
            config.update(plugin)
    except ValueError as error:
        raise BadConfig(str(error)) from error
    return {
        "apiVersion": NAD[0],
        "kind": NAD[1],
        "metadata": {
            "name": name,
            "namespace": spec.get("networkNamespace") or meta["namespace"],
            "annotations": {RESOURCE_NOTE: f"{prefix}{spec.get('resourceName', '')}"},
        },
        "spec": {"config": json.dumps(config, indent=4)},
    }


def _sriov(spec: Object) -> Object:
    made: Object = {"type": "sriov", "vlan": spec.get("vlan", 0)}
    made.update({key.lower(): spec[key] for key in ("spoofChk", "trust") if spec.get(key) in ("on", "off")})
    if 0 <= int(spec.get("vlanQoS", 0)) <= 7:
        made["vlanQoS"] = spec.get("vlanQoS", 0)
    rest: list[tuple[str, Any]] = [
        ("vlanProto", spec.get("vlanProto") or None),
        ("min_tx_rate", spec.get("minTxRate")),
        ("max_tx_rate", spec.get("maxTxRate")),
        ("link_state", spec.get("linkState") or None),
        ("logLevel", spec.get("logLevel") or None),
        ("logFile", spec.get("logFile") or None),
    ]
    return {**made, **{key: value for key, value in rest if value is not None}}


def _infiniband(spec: Object) -> Object:
    return {"type": "ib-sriov", **({"link_state": spec["linkState"]} if spec.get("linkState") else {})}


def _ovs(spec: Object) -> Object:
    keys = (("bridge", "bridge"), ("vlan", "vlan"), ("mtu", "mtu"), ("trunk", "trunk"), ("interfaceType", "interface_type"))
    return {"type": "ovs", **{name: spec[key] for key, name in keys if spec.get(key)}}
