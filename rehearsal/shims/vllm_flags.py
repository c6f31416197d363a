# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which vLLM is in which image, and which flags that vLLM knows (pure; the table is ``vllm_flags.yaml``)."""

from __future__ import annotations

import re
from typing import Any

Obj = dict[str, Any]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4])


def version_of(table: Obj, image: str) -> str:
    """The vLLM release inside an image. Raises LookupError when the table doesn't know the image."""
    for row in table["images"]:
        if re.search(row["image"], image):
            return str(row["version"])
    raise LookupError(f"no vLLM version is known for image {image}: add it to rehearsal/shims/vllm_flags.yaml")


def flags_of(table: Obj, version: str) -> list[Obj]:
    """The flags of a release, as rows ``{name, kind, also, choices}``; between two known versions the lower one counts."""
    known = [numbers(v) for v in table["versions"]]
    mine = max((v for v in known if v <= numbers(version)), default=known[0])
    rows = []
    for name, row in table["flags"].items():
        since = numbers(row["since"]) if "since" in row else known[0]
        until = numbers(row["until"]) if "until" in row else known[-1]
        if since <= mine <= until:
            rows.append({"name": name, "kind": row["kind"], "also": row.get("also", []), "choices": row.get("choices")})
    return rows
