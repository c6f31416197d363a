# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a NodeFeatureDiscovery looks at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import dig, text

try:
    import yaml
except ImportError:  # the data files can't be read then either, which is said before this is needed
    yaml = None  # type: ignore[assignment]

# Network (Ethernet and InfiniBand), display, accelerators, NVMe.
CLASSES = ("02", "03", "12", "0108")
# NFD's own whitelist. Source: kubernetes-sigs/node-feature-discovery@76e6cc8cc0 source/pci
_DEFAULT = ("03", "0b40", "12")


def missing_classes(discovery: Mapping[str, Any]) -> list[str]:
    """PCI classes that get no label; a class is covered by any prefix of it."""
    config = text(discovery, "spec", "workerConfig", "configData")
    try:
        parsed = yaml.safe_load(config) if config else None
    except yaml.YAMLError:
        parsed = None
    listed = dig(parsed, "sources", "pci", "deviceClassWhitelist")
    prefixes = [str(one) for one in listed] if isinstance(listed, list) else list(_DEFAULT)
    return [wanted for wanted in CLASSES if not any(wanted.startswith(prefix) for prefix in prefixes)]
