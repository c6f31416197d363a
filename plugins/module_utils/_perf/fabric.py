# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fabric check's design: a ring over the nodes, one Pod a node, all rails one after the other in each Pod.

Each Pod is server for the node before it and client of the node behind it, so N nodes need N Pods and as long as two do. A card sends
and receives at once at full rate, so that its two neighbours don't disturb each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LABELS = {"app.kubernetes.io/managed-by": "llmd-openshift", "app.kubernetes.io/name": "llmd-fabric-check"}
SELECTOR = ",".join(f"{key}={value}" for key, value in LABELS.items())
NODE_LABEL = "llmd.openshift.io/fabric-check-node"
PORT = 18515  # perftest's own; two ports a rail from there on
START_SECONDS = 120  # for pulling the image and for the peer
MOST_SECONDS = 10  # of one run; longer ones aren't more exact
LEAST_SECONDS = 2


@dataclass(frozen=True)
class Rail:
    """variable: the environment variable in which the SR-IOV device plugin names the device; addresses: node -> the card's PCI address."""

    index: int
    variable: str
    addresses: Mapping[str, str]


def rails(fabric: Mapping[str, Any]) -> list[Rail]:
    """The rails that a Pod gets. A fabric that the site made has no rails here: its first device is measured as rail 0."""
    given = (fabric.get("pod") or {}).get("resources") or {}
    found = [
        Rail(int(rail["index"]), variable(str(rail["resource"])), {node: str(nic["pci"]) for node, nic in (rail.get("nics") or {}).items()})
        for rail in fabric.get("rails") or []
        if rail["resource"] in given
    ]
    return found or [Rail(0, variable(next(iter(given))), {})] if given else []


def variable(resource: str) -> str:
    """PCIDEVICE_OPENSHIFT_IO_RAIL_0 (k8snetworkplumbingwg/sriov-network-device-plugin); a shared card has none."""
    return "PCIDEVICE_" + "".join(sign if sign.isalnum() else "_" for sign in resource).upper()


def ring(nodes: Sequence[str]) -> list[tuple[str, str]]:
    """(client, server) pairs: each node once as either. One node alone has no peer."""
    listed = sorted(set(nodes))
    return [(node, listed[(place + 1) % len(listed)]) for place, node in enumerate(listed)] if len(listed) > 1 else []


def seconds_each(budget: int, count: int) -> int | None:
    """Seconds of one bandwidth run, so that all rails fit into the budget; None where they don't even in short."""
    left = (budget - START_SECONDS) / max(1, count) - 4  # start and end of two tools, and the latency run
    return None if left < LEAST_SECONDS else min(MOST_SECONDS, int(left))


def config(name: str, namespace: str) -> dict[str, Any]:
    """The script; it owns the rest, so that deleting it takes all along."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _meta(name, namespace), "data": {"check.sh": SCRIPT}}


def service(name: str, namespace: str, node: str, number: int, count: int, owner: Mapping[str, Any]) -> dict[str, Any]:
    """A fixed address for the Pod of a node: only the tools' greeting goes over it, the data goes from card to card."""
    ports = [{"name": f"p{port}", "port": port, "protocol": "TCP"} for port in range(PORT, PORT + 2 * count)]
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {**_meta(f"{name}-{number}", namespace), "ownerReferences": [dict(owner)]},
        "spec": {"selector": {**LABELS, NODE_LABEL: _label(node)}, "ports": ports, "publishNotReadyAddresses": True},
    }  # fmt: skip


def pod(
    name: str, namespace: str, node: str, number: int, image: str, peer: str, found: Sequence[Rail], each: int, budget: int,
    fabric: Mapping[str, Any], tolerations: Sequence[Mapping[str, Any]], owner: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """One Pod on one node with the networks and devices that a model server gets; no privilege (SCC restricted-v2), no account.

    IPC_LOCK isn't asked for: the machines' own limit of locked memory (data/node_settings.yml) is enough.
    """
    given = fabric.get("pod") or {}
    words = [f"{rail.index}:{rail.variable}:{rail.addresses.get(node, '')}" for rail in found]
    env = {"LLMD_RAILS": " ".join(words), "LLMD_PEER": peer, "LLMD_EACH": str(each), "LLMD_BUDGET": str(budget), "LLMD_PATIENCE": str(START_SECONDS),
           "LLMD_PORT": str(PORT)}  # fmt: skip
    resources = {"cpu": "1", "memory": "512Mi", **{key: str(value) for key, value in (given.get("resources") or {}).items()}}
    meta = {**_meta(f"{name}-{number}", namespace), "ownerReferences": [dict(owner)]}
    meta["labels"][NODE_LABEL] = _label(node)
    meta["annotations"] = {"openshift.io/required-scc": "restricted-v2", **(given.get("annotations") or {})}
    container = {
        "name": "check", "image": image, "command": ["/bin/sh", "/check/check.sh"],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": {"requests": dict(resources), "limits": resources},
        "volumeMounts": [{"name": "check", "mountPath": "/check", "readOnly": True}, {"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": node}, "tolerations": [dict(item) for item in tolerations], "restartPolicy": "Never",
        "automountServiceAccountToken": False, "enableServiceLinks": False, "activeDeadlineSeconds": budget + 60, "terminationGracePeriodSeconds": 2,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}, "containers": [container],
        "volumes": [{"name": "check", "configMap": {"name": name}}, {"name": "tmp", "emptyDir": {}}],
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def _meta(name: str, namespace: str) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "labels": dict(LABELS)}


def _label(node: str) -> str:
    return node[:63].rstrip("-._")


# POSIX shell, since the image is the user's and need have the tools only. Servers of all rails wait from the beginning; clients go through the
# rails one after the other and are patient with the peer's start once. Nothing here fails: what went wrong is in the log.
SCRIPT = r"""set -u
out=$(mktemp -d)
now() { date +%s; }
begin=$(now)
for tool in ib_write_bw ib_read_lat timeout; do
  command -v "$tool" >/dev/null || { echo "@llmd missing $tool"; exit 0; }
done

device() {
  for found in /sys/class/infiniband/*; do
    [ -e "$found/ports/1/state" ] || continue
    if [ -n "$1" ]; then
      grep -qix "PCI_SLOT_NAME=$1" "$found/device/uevent" 2>/dev/null && basename "$found" && return
    else
      grep -q ACTIVE "$found/ports/1/state" && basename "$found" && return
    fi
  done
}

gid() {
  for kind in /sys/class/infiniband/"$1"/ports/1/gid_attrs/types/*; do
    index=${kind##*/}
    grep -qs "RoCE v2" "$kind" || continue
    case $(cat /sys/class/infiniband/"$1"/ports/1/gids/"$index" 2>/dev/null) in
      ''|fe80:*|0000:0000:0000:0000:0000:0000:0000:0000) continue ;;
    esac
    echo "-x $index"
    return
  done
}

arguments() {
  case $1 in
    ib_write_bw) echo "-F -q 4 -s 1048576 --report_gbits -D $LLMD_EACH" ;;
    ib_read_lat) echo "-F -s 2 -n 1000" ;;
  esac
}

tell() {
  echo "@llmd rail=$1 tool=$2 role=$3 device=$4 rc=$(cat "$out/$1.$2.$3.rc" 2>/dev/null || echo 124)"
  cat "$out/$1.$2.$3" 2>/dev/null
}

serve() {
  left=$((begin + LLMD_BUDGET - $(now)))
  timeout "$left" "$2" $(arguments "$2") -d "$3" $4 -p "$5" >"$out/$1.$2.server" 2>&1
  echo $? >"$out/$1.$2.server.rc"
}

ask() {
  while :; do
    timeout $((LLMD_EACH + 20)) "$2" $(arguments "$2") -d "$3" $4 -p "$5" "$LLMD_PEER" >"$out/$1.$2.client" 2>&1
    code=$?
    echo $code >"$out/$1.$2.client.rc"
    [ $code -eq 0 ] && met=yes && return
    [ "$(now)" -ge "$until" ] && return
    sleep 1
  done
}

plan=""
port=$LLMD_PORT
for rail in $LLMD_RAILS; do
  index=${rail%%:*}
  rest=${rail#*:}
  eval "granted=\${${rest%%:*}:-}"
  address=${granted%%,*}
  [ -n "$address" ] || address=${rest#*:}
  found=$(device "$address")
  if [ -z "$found" ]; then
    echo "@llmd rail=$index tool=none role=device device= rc=1"
    echo "no RDMA device for PCI address ${address:-(none)} in /sys/class/infiniband"
  elif ! grep -q ACTIVE "/sys/class/infiniband/$found/ports/1/state"; then
    echo "@llmd rail=$index tool=none role=port device=$found rc=1"
    echo "port 1 of $found is $(cat "/sys/class/infiniband/$found/ports/1/state")"
  else
    serve "$index" ib_write_bw "$found" "$(gid "$found")" "$port" &
    serve "$index" ib_read_lat "$found" "$(gid "$found")" $((port + 1)) &
    plan="$plan $index:$found:$port"
  fi
  port=$((port + 2))
done

met=no
for step in $plan; do
  index=${step%%:*}
  rest=${step#*:}
  found=${rest%%:*}
  for tool in ib_write_bw ib_read_lat; do
    port=${step##*:}
    [ $tool = ib_read_lat ] && port=$((port + 1))
    until=$((begin + LLMD_PATIENCE))
    [ $met = yes ] && until=$(($(now) + 10))
    ask "$index" $tool "$found" "$(gid "$found")" "$port"
    tell "$index" $tool client "$found"
  done
done
wait
for step in $plan; do
  index=${step%%:*}
  rest=${step#*:}
  for tool in ib_write_bw ib_read_lat; do
    [ "$(cat "$out/$index.$tool.server.rc" 2>/dev/null)" = 0 ] || tell "$index" $tool server "${rest%%:*}"
  done
done
echo "@llmd end"
"""
