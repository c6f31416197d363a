# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of a RHOAI release (data/dialects/): API versions, what its vLLM understands, where settings of the picker go."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from .._data.files import ROOT, load


class UnknownRelease(Exception):
    """The data know no dialect for the release."""


def of_release(release: str) -> dict[str, Any]:
    """The dialect row of *release* ("3.3")."""
    rows = _rows()
    for row in rows:
        if row["release"] == release:
            return row
    known = ", ".join(row["release"] for row in rows)
    raise UnknownRelease(f"RHOAI {release}: no dialect of LLMInferenceService is known. Known releases: {known}.")


def releases_with(able: Callable[[dict[str, Any]], Any]) -> str:
    """The releases whose dialect can do something, for the sentence that refuses another one."""
    return ", ".join(row["release"] for row in _rows() if able(row))


@cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = load(ROOT / "dialects" / "rhoai.yml", "dialects")["dialects"]
    return rows
