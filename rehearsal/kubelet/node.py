# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of a kubelet share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.kube import Kube
from rehearsal.kubelet.cluster import Config, Store
from rehearsal.kubelet.events import Events
from rehearsal.kubelet.faults import Faults
from rehearsal.kubelet.images import Images
from rehearsal.kubelet.logs import Pump
from rehearsal.kubelet.network import Addresses

Obj = dict[str, Any]


@dataclass
class Node:
    kube: Kube
    state: Path
    binaries: dict[str, str]
    delay: Callable[[str, float], float]
    images: Images
    faults: Faults
    events: Events
    config: Config
    services: Store
    slices: Store
    addresses: Addresses
    pump: Pump
    probes: Executor
    images_there: set[tuple[str, str]]  # (node, image): pulled once already
    record: Callable[[int, bool], None]  # (process id, running): for a kubelet that starts again
    nics: Callable[[str], list[Obj]] = lambda _name: []  # node -> its NICs, as the profile has them

    @property
    def folder(self) -> Path:
        return self.state / "run" / "kubelet"

    @property
    def logs(self) -> Path:
        return self.state / "logs" / "pods"
