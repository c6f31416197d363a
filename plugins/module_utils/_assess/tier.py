# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The support tier of a path on a release: the matrix row's, lowered by the notes that apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import Case
from .nodes import models

_RANK = {"GA": 3, "TP": 2, "DP": 1, "none": 0}
WORDS = {"GA": "generally available", "TP": "Technology Preview", "DP": "Developer Preview", "none": "not supported"}


def tier(case: Case) -> tuple[str | None, list[str]]:
    """(tier or None where it isn't stated, what the notes say)."""
    if case.row is None:
        return None, []
    found, said = case.row["tier"], []
    if case.row.get("site"):
        said.append(f"By {case.row['source']}; it isn't Red Hat's support matrix.")
    for note in case.matrix["notes"] if case.matrix else []:
        if _applies(case, note):
            said.append(note["says"])
            if note["tier"] is not None and (found is None or _RANK[note["tier"]] < _RANK[found]):
                found = note["tier"]
    return found, said


def _applies(case: Case, note: Mapping[str, Any]) -> bool:
    if case.path not in note.get("paths", [case.path]):
        return False
    if "nodes" in note and (case.path != "wide_expert_parallelism" or (note["nodes"] == "multi") != case.multi_node):
        return False
    if "accelerators" not in note:
        return True
    seen = [models(kind.node, case.facts.gpu_models) for kind in case.candidates.kinds]
    return any(model in note["accelerators"] for group in seen if group for model in group)
