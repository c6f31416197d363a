# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of llmd.openshift.apply that were collected instead of carried out: one JSON file a call, one folder a stage.

The workers of one run write them and another reads them; what an earlier run left behind is cleared at the first call.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._access import whoami

RUN = "run"  # file that says whose calls these are


def keep(folder: Path, call: dict[str, Any]) -> None:
    """Adds one call. `folder`: <root>/<number>-<stage>."""
    root, run = folder.parent, whoami.holder_name()
    if _run(root) != run:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True, mode=0o700)
        (root / RUN).write_text(run, encoding="utf-8")
    folder.mkdir(exist_ok=True)
    number = len(list(folder.glob("*.json")))
    (folder / f"{number:03}.json").write_text(json.dumps(call), encoding="utf-8")


def taken(root: Path) -> list[dict[str, Any]]:
    """All calls of this run in their order, each with its `stage` and the stage's `place`; the folder is gone afterwards, since values may be secret."""
    files = sorted(root.glob("*/*.json")) if _run(root) == whoami.holder_name() else []
    calls = [{**json.loads(file.read_text(encoding="utf-8")), **_stage(file.parent.name)} for file in files]
    shutil.rmtree(root, ignore_errors=True)
    return calls


def _stage(folder: str) -> dict[str, Any]:
    """Of <number>-<stage>."""
    number, _dash, stage = folder.partition("-")
    return {"place": int(number), "stage": stage}


def _run(root: Path) -> str:
    try:
        return (root / RUN).read_text(encoding="utf-8")
    except OSError:
        return ""
