# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the start from a saved state: which real pods don't run yet.

Their objects say Ready from the first moment, because that was so when they were saved; their processes come up a little later, and
are ready again when their own probes say so.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rehearsal.kube import Kube
from rehearsal.kubelet.images import Images

Obj = dict[str, Any]


class Awaited:
    """The real pods that were ready when they were saved. Make it before the process kubelet starts."""

    def __init__(self, kube: Kube, settings: dict[str, Any]) -> None:
        self._kube = kube
        self._since = datetime.now(UTC).replace(microsecond=0)
        images = Images.load(settings["openshift"], scenario=settings["scenario"])
        self._uids = {p["metadata"]["uid"] for p in kube.list("/api/v1/pods") if images.is_real(p) and _ready(p)}

    def __len__(self) -> int:
        return len(self._uids)

    def all_started(self) -> bool:
        """Whether each of them was started again, or has gone."""
        if not self._uids:
            return True
        pods = [pod for pod in self._kube.list("/api/v1/pods") if pod["metadata"]["uid"] in self._uids]
        return all(self._anew(pod) for pod in pods)

    def _anew(self, pod: Obj) -> bool:
        """Every main container was started after the restore."""
        return all(
            datetime.fromisoformat(running["startedAt"]) >= self._since if running else False
            for status in pod["status"].get("containerStatuses") or []
            for running in [(status.get("state") or {}).get("running")]
        )


def _ready(pod: Obj) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
