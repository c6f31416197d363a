# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVMe drives of a node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NVME_CLASS = "0108"
_NAMESPACE = re.compile(r"^nvme\d+n\d+$")  # a namespace, not a partition


def describe(feature: Mapping[str, Any] | None) -> dict[str, Any]:
    """The node's `nvme`: drives on the PCI bus, block devices by name. NodeFeature holds no sizes: unknown."""
    if feature is None:
        return {"count": None, "devices": []}
    names = sorted(name for name in feature["disks"] if _NAMESPACE.match(name))
    return {
        "count": sum(1 for row in feature["pci"] if row["class"] == NVME_CLASS),
        "devices": [{"name": name, "size_bytes": None} for name in names],
    }
