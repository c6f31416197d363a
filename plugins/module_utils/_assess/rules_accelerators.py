# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on GPUs: model, mixture, and the state of each node's devices."""

from __future__ import annotations

from .look import dig, names, number, strings, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding
from .nodes import Node, models, name, serves, usable_gpus

_NONE_HERE = "No node of this cluster has a listed GPU: add such nodes, or choose another path."
_LEARN = "Let Node Feature Discovery run on the nodes (site does that), then assess again."


def accelerator_present(case: Case) -> list[Finding]:
    gpu, unsure = case.candidates.names, case.candidates.unsure
    chosen = " that llmd_node_selector selects" if case.declared.get("node_selector") else ""
    rest = ("at least one node with GPUs", "Add nodes with GPUs, or select others with llmd_node_selector.")
    if gpu:
        found = [
            case.finding(
                "accelerator-present",
                PASS,
                f"nodes{chosen}",
                f"{len(gpu)} with GPUs: {names(gpu)}",
                *rest,
                deciding=True,
            )
        ]
    elif unsure:
        found = []
    else:
        found = [case.finding("accelerator-present", FAIL, f"nodes{chosen}", "none has a GPU", *rest, deciding=True)]
    reasons: dict[str, list[str]] = {}
    for node, why in unsure:
        reasons.setdefault(why, []).append(node)
    for why, nodes in reasons.items():
        found.append(case.finding(
            "accelerator-present", UNKNOWN, f"node {names(nodes)}", why, rest[0], _LEARN,
            deciding=True, hardware=True, nodes=tuple(nodes),
        ))  # fmt: skip
    return found


def accelerator_model(case: Case) -> list[Finding]:
    """Each model must be in the row of its vendor. A device that the data can't name is unknown, a named other one is not listed."""
    listed = dig(case.row, "accelerators")
    grouped = case.grouped(lambda node: _judge(case, node))
    expected = (
        names(list(listed), 10) if listed else "not stated" if case.row or not case.matrix else "no GPU of this vendor"
    )
    found = []
    for (status, observed, hardware), nodes in grouped.items():
        good = any(kind == PASS for kind, _seen, _hardware in grouped)
        remedy = _LEARN if status != FAIL else f"Serve this path from nodes with {expected}: set llmd_node_selector." if good else _NONE_HERE
        if status == UNKNOWN and not hardware:
            remedy = "Nothing is stated of it: ask Red Hat."
        found.append(case.finding(
            "accelerator-model", status, f"node {names(nodes)}", observed, expected, remedy,
            deciding=True, hardware=hardware, nodes=tuple(nodes),
        ))  # fmt: skip
    return found


def _judge(case: Case, node: Node) -> tuple[str, str, bool]:
    """(status, what was seen, whether discovery could answer an unknown)."""
    seen = models(node, case.facts.gpu_models)
    vendor = text(node, "accelerators", "vendor")
    shown = text(node, "accelerators", "product") or names(sorted(set(strings(node, "accelerators", "pci_ids"))))
    if not seen:
        identified = bool(shown)
        return (
            UNKNOWN,
            f"a GPU that the data can't name ({shown})" if identified else "the model isn't known",
            not identified,
        )
    observed = " and ".join(sorted(seen))
    if vendor is None:
        return UNKNOWN, f"{observed} of an unknown vendor", True
    if case.matrix is None:
        return UNKNOWN, observed, False
    row = case.row_of(vendor)
    if row is None and any(one["accelerators"] is None for one in case.matrix["rows"]):
        return UNKNOWN, f"{observed}: the hardware table of this release isn't known", False
    if row is None:
        return FAIL, f"{observed}: the article has no {vendor.upper()} row for this path", False
    if row["accelerators"] is None:
        return UNKNOWN, observed, False
    return (PASS if seen <= set(row["accelerators"]) else FAIL), observed, False


def accelerator_mixture(case: Case) -> list[Finding]:
    """Several models only where the article allows it; several vendors nowhere."""
    seen = [models(kind.node, case.facts.gpu_models) for kind in case.candidates.kinds]
    kinds = sorted({model for group in seen if group for model in group})
    vendors = case.candidates.vendors
    stated = dig(case.matrix, "mixed_accelerators", case.path)
    unclear = (
        None in seen
        or bool(case.candidates.unsure)
        or any(text(kind.node, "accelerators", "vendor") is None for kind in case.candidates.kinds)
    )
    if len(vendors) > 1:
        status, observed = FAIL, f"GPUs of {' and '.join(vendors)}"
    elif len(kinds) > 1:
        status = {"supported": PASS, "unsupported": FAIL}.get(stated or "", UNKNOWN)
        observed = " and ".join(kinds)
    elif not kinds and not unclear:
        return []  # no GPU at all: accelerator-present says so
    else:
        status, observed = (PASS, kinds[0]) if kinds else (UNKNOWN, "not known")
    if unclear and status == PASS and stated != "supported":
        status, observed = UNKNOWN, f"{observed}, and nodes whose GPU isn't known" if kinds else observed
    expected = {"supported": "one vendor; models may differ", "unsupported": "one model"}.get(
        stated or "", "one model (mixtures aren't stated)"
    )
    remedy = "Serve this path from nodes of one model: set llmd_node_selector, for example on nvidia.com/gpu.product."
    return [
        case.finding(
            "accelerator-mixture",
            status,
            "nodes with GPUs",
            observed,
            expected,
            remedy,
            deciding=True,
            hardware=unclear,
        )
    ]


def pools(case: Case) -> list[Finding]:
    """The GPUs of each MachineConfigPool: what changes a pool changes all of them, so a pool of several models is worth a word."""
    groups: dict[str, list[Node]] = {}
    for node in case.candidates.gpu:
        groups.setdefault(text(node, "pool") or "", []).append(node)
    return [_pool(case, pool, nodes) for pool, nodes in sorted(groups.items())]


def _pool(case: Case, pool: str, nodes: list[Node]) -> Finding:
    counts: dict[str, float | None] = {}
    for node in nodes:
        seen = models(node, case.facts.gpu_models)
        model, count = " and ".join(sorted(seen)) if seen else "unnamed GPUs", number(node, "accelerators", "count")
        so_far = counts.get(model, 0)
        counts[model] = None if count is None or so_far is None else so_far + count
    memory = sorted({mib for node in nodes if (mib := number(node, "accelerators", "memory_mib"))})
    split = [name(node) for node in nodes if text(node, "accelerators", "mig")]
    ill = [name(node) for node in nodes if text(node, "accelerators", "health")]
    said = [f"{len(nodes)} nodes with " + ", ".join(f"{'?' if count is None else f'{count:g}'} x {model}" for model, count in sorted(counts.items()))]
    said += [f"{' and '.join(f'{mib / 1024:.0f}' for mib in memory)} GiB each"] if memory else []
    said += [f"MIG on {names(split)}"] if split else []
    said += [f"trouble on {names(ill)}"] if ill else []
    mixed = len(counts) > 1
    return case.finding(
        "gpu-pools", WARN if mixed or split or ill else PASS if pool else UNKNOWN, f"MachineConfigPool {pool}" if pool else "nodes of no known pool",
        "; ".join(said), "GPUs of one model in a pool, whole and healthy",
        "Give each model a pool of its own, so that its drivers and kernel arguments can be changed alone." if mixed
        else "See the findings gpu-mig and gpu-health." if split or ill else "Nothing." if pool else "Let the run list the MachineConfigPools.",
        nodes=tuple(name(node) for node in nodes), source="MachineConfigPool and node facts",
    )  # fmt: skip


def mig(case: Case) -> list[Finding]:
    found = []
    for node in case.candidates.gpu:
        layout = text(node, "accelerators", "mig")
        if layout and layout.lower() not in ("none", "false", "disabled", "all-disabled"):
            found.append(case.finding(
                "gpu-mig", FAIL, f"node {name(node)}", f"GPUs are split by MIG ({layout})", "whole GPUs",
                "Set the node's label nvidia.com/mig.config to all-disabled and wait for mig.config.state success, or leave the node out.",
                blocking=True, nodes=(name(node),), source="NVIDIA/k8s-device-plugin@1b826acc6a internal/lm (labels)",
            ))  # fmt: skip
    return found


def gpu_health(case: Case) -> list[Finding]:
    """Labels that lie, failed driver updates and the like: shown; capacity decides whether enough is left."""
    found = []
    for node in case.candidates.gpu:
        trouble = text(node, "accelerators", "health")
        count, usable = number(node, "accelerators", "count"), _allocatable(node)
        if (
            not trouble
            and count is not None
            and usable is not None
            and usable < count
            and not text(node, "accelerators", "mig")
        ):
            trouble = f"only {usable:g} of {count:g} GPUs are allocatable"
        if trouble:
            found.append(case.finding(
                "gpu-health", WARN, f"node {name(node)}", trouble, "as many allocatable GPUs as the node has",
                "See the pods of the GPU operator on that node, and the node's kernel log for Xid errors.",
                nodes=(name(node),), source="node labels and status.allocatable",
            ))  # fmt: skip
    return found


def _allocatable(node: Node) -> float | None:
    vendor = text(node, "accelerators", "vendor")
    return number(node, "allocatable", f"{vendor}.com/gpu")


def gpu_capacity(case: Case) -> list[Finding]:
    """Whole replicas that fit on ready, schedulable nodes. Where pods stand apart from each other, pods-apart says it."""
    if case.path in ("pd_disaggregation", "wide_expert_parallelism"):
        return []
    replicas = number(case.declared, "replicas") or 2
    each = number(case.declared, "gpus_per_replica") or 1
    ready = [node for node in case.candidates.gpu if serves(node)]
    counts = [usable_gpus(node) for node in ready]
    fits = sum(int(count // each) for count in counts if count is not None)
    if not case.candidates.gpu and not case.candidates.unsure:
        return []
    unclear = None in counts or bool(case.candidates.unsure) or any(dig(node, "ready") is None for node in ready)
    status = UNKNOWN if unclear else PASS if fits >= replicas else FAIL
    return [case.finding(
        "gpu-capacity", status, "ready nodes with GPUs",
        f"room for {fits} replicas of {each:g} GPUs on {len(ready)} nodes" + (", and nodes of unknown size" if unclear else ""),
        f"room for {replicas:g} replicas", "Lower llmd_replicas or llmd_gpus_per_replica, or make more nodes ready.",
        blocking=True, hardware=unclear, source="declaration and node facts",
    )]  # fmt: skip
