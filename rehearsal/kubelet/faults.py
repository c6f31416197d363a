# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that a scenario puts into pods: processes that end or hang, images that can't be pulled.

``pods: [{image, action: exit|hang, after_seconds, code, log}]``: without ``after_seconds`` the process is struck at its start. With it,
it is struck so long after it became ready, and from then on at each start: what died stays dead. ``image_pull_failures``: list of
regular expressions searched in the image's name. The scenario is read live, so a fault that is taken out is repaired.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rehearsal.kubelet.container import Container

Obj = dict[str, Any]
DEFAULT_CODE = 1


class Faults:
    def __init__(self, scenario: Callable[[], Obj], speed: float) -> None:
        self.scenario = scenario
        self._speed = speed

    def of_image(self, image: str) -> Obj | None:
        """The fault for this image, if the scenario has one."""
        for fault in self.scenario().get("pods") or []:
            if re.search(fault["image"], image):
                return dict(fault)
        return None

    def pull_failure(self, image: str) -> str | None:
        """The runtime's words when this image can't be pulled."""
        for pattern in self.scenario().get("image_pull_failures") or []:
            if re.search(pattern, image):
                registry = image.split("/")[0]
                return (f"initializing source docker://{image}: reading manifest in {registry}: unauthorized: "
                        "access to the requested resource is not authorized")
        return None

    def seconds(self, fault: Obj, container: Container, now: float) -> float | None:
        """Until the fault strikes the running container (0 = now); None while that isn't known yet."""
        if container.faulted or not fault.get("after_seconds"):
            return 0.0
        if container.ready_at is None:
            return None
        return max(0.0, container.ready_at + float(fault["after_seconds"]) / self._speed - now)
