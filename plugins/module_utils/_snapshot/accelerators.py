# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs of a node, by the best source at hand: vendor labels (driver is up), else PCI ids from NodeFeature.

Which product name or PCI id is which model is data (`data/accelerators.yml`). Something that isn't listed there is
"unlisted"; two models in one node have no single model (`None`) and are named in `health`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .values import amount, number, text

GPU_CLASSES = ("0300", "0302", "0380", "1200")  # VGA, 3D, other display, processing accelerator (AMD Instinct)
VENDOR_OF_PCI = {"10de": "nvidia", "1002": "amd"}
_AMD_COUNTER = re.compile(r"^(?:beta\.)?amd\.com/gpu\.device-id\.([0-9a-f]{4})$")
_AMD_VRAM = re.compile(r"^(\d{1,6})G$")

NOTHING: dict[str, Any] = {
    "vendor": None, "model": None, "product": None, "count": None, "memory_mib": None, "mig": None, "health": None,
    "pci_ids": [], "source": "none",
}  # fmt: skip


def describe(
    labels: Mapping[str, Any],
    capacity: Mapping[str, Any],
    allocatable: Mapping[str, Any],
    feature: Mapping[str, Any] | None,
    catalog: Mapping[str, Any],
) -> dict[str, Any]:
    """The node's `accelerators` entry.

    :param feature: its facts from NodeFeature (`features.by_node`), None when there are none.
    :param catalog: data/accelerators.yml.
    """
    devices = [row for row in (feature or {}).get("pci", []) if _is_gpu(row)]
    pci_ids = sorted(row["id"] for row in devices)
    found = (
        _from_gfd(labels, catalog)
        or _from_amd_labels(labels, catalog)
        or _from_pci(pci_ids, catalog)
        or _absent(labels, capacity, feature)
    )
    entry = {**NOTHING, **found, "pci_ids": pci_ids}
    return {**entry, "health": _health(entry, labels, capacity, allocatable, catalog)}


def _is_gpu(row: Mapping[str, Any]) -> bool:
    return row["vendor"] in VENDOR_OF_PCI and row["class"] in GPU_CLASSES


def model_of_product(product: str, catalog: Mapping[str, Any]) -> str:
    """The model of a product name, matched as a whole word (H20 isn't H200); "unlisted" when no row fits."""
    plain = re.sub(r"-SHARED$", "", product)
    plain = re.sub(r"-MIG-.+$", "", plain)
    for row in catalog.get("products", []):
        if re.search(row["pattern"], plain):
            return str(row["model"])
    return "unlisted"


def model_of_pci(pci_id: str, catalog: Mapping[str, Any]) -> str:
    """The model of a PCI id ("10de:2335"); "unlisted" when the table lacks it."""
    return next((str(row["model"]) for row in catalog.get("gpus", []) if row["id"] == pci_id), "unlisted")


def _from_gfd(labels: Mapping[str, Any], catalog: Mapping[str, Any]) -> dict[str, Any] | None:
    """GPU feature discovery's labels (`nvidia.com/gpu.*`), written once the driver runs."""
    product = text(labels.get("nvidia.com/gpu.product"))
    if not product:
        return None
    mig = re.search(r"-MIG-(.+?)(?:-SHARED)?$", product)
    profiles = sorted(key for key in labels if re.match(r"^nvidia\.com/mig-.+\.count$", key))
    in_use = mig.group(1) if mig else ",".join(key[len("nvidia.com/mig-") : -len(".count")] for key in profiles)
    return {
        "vendor": "nvidia",
        "model": model_of_product(product, catalog),
        "product": product,
        "count": number(labels.get("nvidia.com/gpu.count")),
        "memory_mib": number(labels.get("nvidia.com/gpu.memory")) or None,
        "mig": in_use or None,
        "source": "gfd",
    }


def _from_amd_labels(labels: Mapping[str, Any], catalog: Mapping[str, Any]) -> dict[str, Any] | None:
    """AMD's node labeller; with two device ids on one node it writes only the counters."""
    counters = {match.group(1): number(value) for key, value in labels.items() if (match := _AMD_COUNTER.match(key))}
    device = text(labels.get("amd.com/gpu.device-id"))
    ids = sorted(counters) or ([device] if device else [])
    if not ids:
        return None
    models = {model_of_pci(f"1002:{entry}", catalog) for entry in ids}
    counts = [count for count in counters.values() if count is not None]
    vram = _AMD_VRAM.match(text(labels.get("amd.com/gpu.vram")) or "")
    return {
        "vendor": "amd",
        "model": models.pop() if len(models) == 1 else None,
        "product": text(labels.get("amd.com/gpu.product-name")),
        "count": sum(counts) if counts else None,
        "memory_mib": int(vram.group(1)) * 1024 if vram else None,
        "source": "labeller",
    }


def _from_pci(pci_ids: list[str], catalog: Mapping[str, Any]) -> dict[str, Any] | None:
    if not pci_ids:
        return None
    vendors = {VENDOR_OF_PCI[pci_id.split(":")[0]] for pci_id in pci_ids}
    models = {model_of_pci(pci_id, catalog) for pci_id in pci_ids}
    return {
        "vendor": vendors.pop() if len(vendors) == 1 else None,
        "model": models.pop() if len(models) == 1 else None,
        "count": len(pci_ids),
        "source": "nodefeature",
    }


def _absent(labels: Mapping[str, Any], capacity: Mapping[str, Any], feature: Any) -> dict[str, Any]:
    """No device seen: "none" only where the devices are known, else unknown with the vendor if a hint names it."""
    if feature is not None:
        return {"count": 0, "source": "nodefeature"}
    for pci, vendor in VENDOR_OF_PCI.items():
        hinted = labels.get(f"feature.node.kubernetes.io/pci-{pci}.present") == "true"
        if hinted or (amount(capacity.get(f"{vendor}.com/gpu")) or 0) > 0:
            return {"vendor": vendor}
    return {}


def _health(
    entry: Mapping[str, Any],
    labels: Mapping[str, Any],
    capacity: Mapping[str, Any],
    allocatable: Mapping[str, Any],
    catalog: Mapping[str, Any],
) -> str | None:
    """What is visibly wrong with the node's GPUs, None when nothing is."""
    notes: list[str] = []
    if str(entry["mig"] or "").startswith("INVALID"):
        notes.append("MIG is switched on but has no valid layout")
    models = sorted({model_of_pci(pci_id, catalog) for pci_id in entry["pci_ids"]})
    if len(models) > 1:
        notes.append(f"different GPU models in one node: {', '.join(models)}")
    seen = len(entry["pci_ids"])
    if entry["source"] in ("gfd", "labeller") and seen and entry["count"] not in (None, seen):
        notes.append(f"the driver reports {entry['count']} GPUs, the PCI bus {seen}")
    if text(labels.get("nvidia.com/gpu-driver-upgrade-state")) == "upgrade-failed":
        notes.append("the driver upgrade failed")
    resource = f"{entry['vendor']}.com/gpu"
    total, usable = amount(capacity.get(resource)), amount(allocatable.get(resource))
    if total and usable is not None and usable < total:
        notes.append(f"only {usable} of {total} {resource} are allocatable")
    return "; ".join(notes) or None
