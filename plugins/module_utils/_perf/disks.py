# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drive check: one Pod a node reads from a volume of the model cache's StorageClass with fio, and a floor that the site declares.

There is no public number that a drive must reach for llm-d (reference hardware.md 7, question 11), so without a floor the rates are told and nothing is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .bench import Bench, NotMeasured
from .output import fio_mib, why

LABELS = {"app.kubernetes.io/managed-by": "llmd-openshift", "app.kubernetes.io/name": "llmd-disk-check"}
SELECTOR = ",".join(f"{key}={value}" for key, value in LABELS.items())
FILE_GIB, SPARE_GIB, SECONDS, START_SECONDS = 8, 2, 30, 300
HOW = "Declare llmd_disk_check_image: an image by digest with fio."


@dataclass(frozen=True)
class Orders:
    """What to measure; floor: MiB/s of sequential reads, None judges nothing."""

    namespace: str
    image: str
    storage_class: str
    nodes: Sequence[str]
    floor: float | None = None
    tolerations: Sequence[Mapping[str, Any]] = ()


def run(cluster: Any, orders: Orders, show: Callable[[str], None], beat: Callable[[], None]) -> tuple[dict[str, Any], list[str]]:
    """(the result, what couldn't be deleted). Whatever keeps it from measuring makes the result unknown. :raises ClusterError:"""
    if "@sha256:" not in orders.image:
        return _unknown("no image with fio is declared by digest, so the drives weren't measured", HOW), []
    if not orders.storage_class or not orders.nodes:
        return _unknown("no StorageClass or no node is known", "Name one by llmd_storage_class, or let role storage make it."), []
    bench = Bench(cluster, orders.namespace, "llmd-disk", SELECTOR, show, beat)
    bench.sweep("Pod")
    try:
        pods = {node: bench.create(pod(bench.name, number, node, orders))["metadata"]["name"] for number, node in enumerate(sorted(orders.nodes))}
        bench.completed(list(pods.values()), START_SECONDS + 4.0 * SECONDS)
        return judge({node: bench.log(name, "fio") for node, name in pods.items()}, orders.floor), bench.left_behind
    except NotMeasured as error:
        return _unknown(str(error), error.todo), bench.left_behind
    finally:
        bench.clear()


def pod(name: str, number: int, node: str, orders: Orders) -> dict[str, Any]:
    """A Pod with a volume that goes with it; no privilege: fio reads a file, past the page cache."""
    command = [
        "fio", "--name=read", "--filename=/data/file", "--rw=read", "--bs=1M", f"--size={FILE_GIB}G", "--direct=1", "--ioengine=libaio", "--iodepth=32",
        "--time_based", f"--runtime={SECONDS}", "--output-format=json",
    ]  # fmt: skip
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": orders.storage_class, "resources": {"requests": {"storage": f"{FILE_GIB + SPARE_GIB}Gi"}}}
    container = {
        "name": "fio", "image": orders.image, "command": command, "workingDir": "/data",
        "resources": {"requests": {"cpu": "1", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}, "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": node}, "tolerations": [dict(item) for item in orders.tolerations], "restartPolicy": "Never",
        "automountServiceAccountToken": False, "enableServiceLinks": False, "activeDeadlineSeconds": START_SECONDS + 3 * SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}, "containers": [container],
        "volumes": [{"name": "data", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}],
    }  # fmt: skip
    meta = {"name": f"{name}-{number}", "namespace": orders.namespace, "labels": dict(LABELS), "annotations": {"openshift.io/required-scc": "restricted-v2"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def judge(logs: Mapping[str, str], floor: float | None) -> dict[str, Any]:
    """{status, findings, numbers}; a node whose Pod gave no number is unknown."""
    rates = {node: (fio_mib(log) or {}).get("read") for node, log in logs.items()}
    silent = [f"{node}: {why(logs[node])}" for node, rate in sorted(rates.items()) if rate is None]
    known = {node: rate for node, rate in sorted(rates.items()) if rate is not None}
    findings = [_finding("unknown", ", ".join(silent), "a rate from fio", "See whether the image has fio.")] if silent else []
    slow = {node: rate for node, rate in known.items() if floor and rate < floor}
    expected = f"{floor:g} MiB/s or more" if floor else "no floor is declared"
    if slow:
        told = ", ".join(f"{node} reads {rate:.0f} MiB/s" for node, rate in slow.items())
        findings.append(_finding("fail", told, expected, "Look at the drives' slots (PCIe lanes), firmware and wear, or lower llmd_nvme_read_mib."))
    elif known:
        told = ", ".join(f"{node} reads {rate:.0f} MiB/s" for node, rate in known.items())
        findings.append(_finding("pass" if floor else "unknown", told, expected, "Declare llmd_nvme_read_mib to have it judged."))
    statuses = [one["status"] for one in findings]
    worst = next((status for status in ("fail", "unknown", "pass") if status in statuses), "unknown")
    return {"status": worst, "findings": findings, "matrix": {}, "numbers": {node: round(rate) for node, rate in known.items()}}


def _unknown(reason: str, todo: str) -> dict[str, Any]:
    return {"status": "unknown", "findings": [_finding("unknown", reason, "measured drives", todo)], "matrix": {}, "numbers": {}}


def _finding(status: str, observed: str, expected: str, remedy: str) -> dict[str, Any]:
    return {
        "id": "drive-read-rate", "status": status, "deciding": False, "blocking": status == "fail", "subject": "drives of the model cache",
        "observed": observed, "expected": expected, "remedy": "" if status == "pass" else remedy, "source": "declaration (llmd_nvme_read_mib)",
        "path": None, "release": None, "nodes": [],
    }  # fmt: skip
