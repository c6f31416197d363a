# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the supervisor hands to the operators process (architecture.md §2.2), read once; faults are read live."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError

NEEDED = ("profile", "openshift", "scenario", "kubeconfig", "state")


@dataclass
class Settings:
    """The settings file as attributes.

    `scenario` is read again whenever the file changes: rewriting it is how a fault is repaired (or made) in a running
    rehearsal, as a person would repair a node.
    """

    path: Path | None
    data: dict[str, Any]
    _stamp: int = field(default=0)

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read `path`. Raises RehearsalError when it is missing, is not JSON or lacks a key."""
        what = "operators cannot start"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            stamp = path.stat().st_mtime_ns
        except (OSError, ValueError) as error:
            raise RehearsalError(what, str(path), f"settings are unreadable: {error}", "start by `python -m rehearsal up`") from error
        missing = [key for key in NEEDED if key not in data]
        if missing:
            raise RehearsalError(what, str(path), f"settings lack {', '.join(missing)}", "start by `python -m rehearsal up`")
        return cls(path, data, stamp)

    @property
    def profile(self) -> dict[str, Any]:
        """The merged cluster profile (nodes, hardware, delays)."""
        return self.data["profile"]

    @property
    def openshift(self) -> dict[str, Any]:
        """What this release of OpenShift brings."""
        return self.data["openshift"]

    @property
    def kubeconfig(self) -> str:
        """Path of the kubeconfig to use inside the sandbox."""
        return self.data["kubeconfig"]

    @property
    def state(self) -> Path:
        """The state folder of this rehearsal."""
        return Path(self.data["state"])

    @property
    def speed(self) -> float:
        """Factor that shortens every delay."""
        return float(self.data.get("speed") or 1.0)

    @property
    def scenario(self) -> dict[str, Any]:
        """The merged faults as they are in the file now."""
        if self.path is not None:
            try:
                stamp = self.path.stat().st_mtime_ns
                if stamp != self._stamp:
                    self.data["scenario"] = json.loads(self.path.read_text(encoding="utf-8")).get("scenario") or {}
                    self._stamp = stamp
            except (OSError, ValueError):
                pass  # being rewritten at this moment: the last good state holds
        return self.data["scenario"] or {}

    def delay(self, name: str, default: float) -> float:
        """Seconds of the named delay: scenario before profile before `default`, divided by speed."""
        for source in (self.scenario, self.profile):
            delays = source.get("delays") or {}
            if name in delays:
                return float(delays[name]) / self.speed
        return default / self.speed
