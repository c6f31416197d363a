# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``<state>/run/settings.json``: what all parts of a rehearsal read. Apart from ``prepare.py``, so that they needn't load all that it takes to compute it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_settings(run: Path, settings: dict[str, Any]) -> None:
    """Whole or not at all: parts may be reading it at this moment."""
    scratch = run / "settings.json.new"
    scratch.write_text(json.dumps(settings, indent=1), encoding="utf-8")
    scratch.replace(run / "settings.json")


def read_settings(state: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((state / "run" / "settings.json").read_text(encoding="utf-8"))
    return settings
