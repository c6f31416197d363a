# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that a site adds to the support matrix (llmd_matrix_rows): checked like the data's own, and marked as theirs everywhere.

They add, they never take away: what the article lists keeps its own row, and a site's row speaks only where a GPU is in none of the
article's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .._data.facts import Facts

OPTION = "llmd_matrix_rows"


def problems(rows: Iterable[Mapping[str, Any]], facts: Facts) -> list[str]:
    """What the schema can't see: a release or a GPU that the data don't know, a cell that the article has already."""
    found = []
    known = set(facts.gpu_models.values())
    for number, row in enumerate(rows):
        where = f"{OPTION}: element {number}"
        matrix = facts.matrix.get(row["release"])
        strange = [model for model in row["accelerators"] if model not in known]
        if matrix is None:
            found.append(
                f"{where}: release {ascii(row['release'])} isn't in the matrix; known are {', '.join(facts.releases)}."
            )
        if strange:
            found.append(
                f"{where}: {', '.join(strange)} is no model that the data can recognise (data/accelerators.yml)."
            )
        listed = next((one for one in (matrix or {"rows": []})["rows"] if _cell(one) == _cell(row)), None)
        there = sorted(set((listed or {}).get("accelerators") or []) & set(row["accelerators"]))
        if there:
            found.append(
                f"{where}: {', '.join(there)} is in the article's row for that path already; a site's rows only add."
            )
    return found


def _cell(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["path"], row["vendor"]


def merged(facts: Facts, rows: Iterable[Mapping[str, Any]]) -> Facts:
    """The facts with the site's rows kept apart in each release's `site_rows`, their source marked."""
    added: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        kept = {key: value for key, value in row.items() if key != "release"}
        added.setdefault(str(row["release"]), []).append(
            {**kept, "source": f"{OPTION}, your own row: {row['source']}", "site": True}
        )
    if not added:
        return facts
    matrix = {release: {**one, "site_rows": added.get(release, [])} for release, one in facts.matrix.items()}
    return replace(facts, matrix=matrix)


def row_for(
    matrix: Mapping[str, Any] | None, path: str, vendor: str, models: Iterable[str]
) -> Mapping[str, Any] | None:
    """The article's row, unless one of the models is only in the site's: then that one, with the models of both."""
    if matrix is None:
        return None
    base = next((row for row in matrix["rows"] if _cell(row) == (path, vendor)), None)
    listed = set((base or {}).get("accelerators") or [])
    for row in matrix.get("site_rows", []):
        if _cell(row) == (path, vendor) and (set(models) - listed) & set(row["accelerators"]):
            return {**row, "accelerators": [*((base or {}).get("accelerators") or []), *row["accelerators"]]}
    return base
