# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of delays and the code that waits them out name the same delays."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from rehearsal import data

SOURCES = [path for path in data.ROOT.rglob("*.py") if "parts" not in path.parts]
TABLE = {name: float(row["seconds"]) for name, row in data.read_yaml(data.ROOT / "profiles" / "_delays.yaml").items()}


def defaults_of_stand_ins() -> dict[str, float]:
    """``delays = {...}`` of every stand-in class."""
    found: dict[str, float] = {}
    for path in (data.ROOT / "operators").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and target.id == "delays":
                    found |= ast.literal_eval(node.value)
    return found


def test_stand_ins_and_table_agree() -> None:
    found = defaults_of_stand_ins()
    assert len(found) > 10
    assert {name: TABLE.get(name) for name in found} == found


def test_every_delay_is_waited_out_somewhere() -> None:
    text = "\n".join(Path(path).read_text(encoding="utf-8") for path in SOURCES)
    assert [name for name in TABLE if not re.search(rf"[\"']{re.escape(name)}[\"']", text)] == []
