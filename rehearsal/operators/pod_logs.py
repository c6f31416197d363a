# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of pods whose life an operator stand-in plays: files that the process kubelet hands out to `kubectl logs`.

One file a container, `<state>/run/played-logs/<pod uid>/<container>.log`, in the kubelet's own format (time, stream, F, text).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rehearsal.operators.objects import Object

FOLDER = "played-logs"


def path(state: Path, uid: str, container: str) -> Path:
    """Where the log of a played container lies."""
    return state / "run" / FOLDER / uid / f"{container}.log"


def write(state: Path, pod: Object, container: str, lines: Iterable[str], stream: str = "stderr") -> None:
    """What a container has said in its present (or last) run; it takes the place of what it said before."""
    target = path(state, pod["metadata"]["uid"], container)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    fresh.write_text("".join(f"{stamp} {stream} F {line}\n" for line in lines), encoding="utf-8")
    fresh.replace(target)
