# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that cannot be pulled (scenario key `image_pull_failures`), for pods whose life an operator stand-in plays (pure).

Words: kubelet and CRI-O, as in `rehearsal/kubelet/faults.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rehearsal.operators.objects import Object
from rehearsal.operators.pod_status import pod_initializing


def unpullable(pod: Object, patterns: Iterable[str]) -> str | None:
    """The first image of a pod, in the order of its containers, that cannot be pulled."""
    wanted = list(patterns)
    containers = [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]
    return next((item["image"] for item in containers if any(re.search(pattern, item["image"]) for pattern in wanted)), None)


def reason(image: str) -> str:
    """What the container runtime says."""
    registry = image.split("/")[0]
    return (
        f"initializing source docker://{image}: reading manifest in {registry}: unauthorized: "
        "access to the requested resource is not authorized"
    )


def pod_unpulled(pod: Object, image: str, stamp: str) -> Object:
    """Status of a pod that waits for an image that cannot be pulled."""
    inits = pod["spec"].get("initContainers") or []
    index = next((number for number, item in enumerate(inits) if item["image"] == image), len(inits))
    status = pod_initializing(pod, stamp, index)
    waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}": ErrImagePull: {reason(image)}'}
    key = "initContainerStatuses" if index < len(inits) else "containerStatuses"
    status[key] = [
        {**row, "ready": False, "started": False, "state": {"waiting": waiting}} if row["image"] == image else row for row in status[key]
    ]
    return status
