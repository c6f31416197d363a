#!/usr/bin/env python3
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the files of extensions/patterns/llmd_inference that come from data/aap.yml and data/declaration.yml.

python tools/aap.py            writes meta/pattern.json and the playbooks' *.meta.yml
python tools/aap.py --check    writes nothing; ends with 1 and names the files that are out of date
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.llmd.openshift.plugins.module_utils._aap import pattern  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._aap.objects import PATTERN, PLAYBOOKS  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._data import files  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts  # noqa: E402

MARK = "# Made by tools/aap.py from data/aap.yml and data/declaration.yml. Change the data, then run it again.\n"


class _Dumper(yaml.SafeDumper):
    """Lists are indented, texts of several lines stay lines: as yamllint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def represent_str(self, data: str) -> yaml.Node:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


def content() -> dict[str, Any]:
    return files.load(files.ROOT / "aap.yml", "aap")


def made() -> dict[str, str]:
    """Path in the repository -> text."""
    data, rows = facts(), content()
    options = data.declaration["options"]
    definition = pattern.pattern(rows, options, data.releases)
    texts = {f"extensions/patterns/{PATTERN}/meta/pattern.json": json.dumps(definition, indent=2) + "\n"}
    for row in rows["templates"]:
        if row.get("clusters", True):
            spec = yaml.dump(pattern.argument_spec(row, options), Dumper=_Dumper, sort_keys=False, width=150)
            texts[f"{PLAYBOOKS}/{Path(row['playbook']).stem}.meta.yml"] = f"---\n{MARK}{spec}"
    return texts


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the pattern's files that come from data.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    arguments = parser.parse_args()
    stale = []
    for name, text in made().items():
        path = ROOT / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(("Out of date, run python tools/aap.py: " if arguments.check else "Written: ") + ", ".join(stale))
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
