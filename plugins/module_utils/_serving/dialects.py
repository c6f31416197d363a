# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of a RHOAI release (data/dialects/): API versions, and where extra vLLM arguments go."""

from __future__ import annotations

from typing import Any

from .._data.files import ROOT, load


class UnknownRelease(Exception):
    """The data know no dialect for the release."""


def of_release(release: str) -> dict[str, Any]:
    """The dialect row of *release* ("3.3")."""
    rows = load(ROOT / "dialects" / "rhoai.yml", "dialects")["dialects"]
    for row in rows:
        if row["release"] == release:
            return row
    known = ", ".join(row["release"] for row in rows)
    raise UnknownRelease(f"RHOAI {release}: no dialect of LLMInferenceService is known. Known releases: {known}.")
