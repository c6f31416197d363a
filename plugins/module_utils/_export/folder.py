# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing an export: only into a folder that is empty or holds an earlier export; the same export writes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from .._errors import Misdeclared

MARK = ".llmd-export.json"


def refuse_foreign(folder: Path) -> None:
    """:raises Misdeclared: it isn't a folder, or holds something and no mark of an export."""
    if folder.exists() and not folder.is_dir():
        raise Misdeclared("The export can't be written", f"llmd_export: {folder}", "it is a file", "Name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        names = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5])
        raise Misdeclared(
            "The export can't be written", f"llmd_export: {folder}", f"the folder holds other files ({names})",
            "Name an empty folder, or one of an earlier export.",
        )  # fmt: skip


def write(folder: Path, contents: Mapping[str, str], check: bool = False) -> list[str]:
    """Names of the files that differ (or would): written, or removed where an earlier export made them and this one doesn't."""
    refuse_foreign(folder)
    before = _of_before(folder)
    mark = json.dumps({"schema": 1, "files": sorted(contents)}, indent=1) + "\n"
    wanted = {**contents, MARK: mark}
    changed = [name for name, text in wanted.items() if _text(folder / name) != text]
    gone = [name for name in before if name not in contents and (folder / name).is_file()]
    if not check:
        folder.mkdir(parents=True, exist_ok=True)
        for name in changed:
            temporary = folder / f".{name}.{os.getpid()}"
            temporary.write_text(wanted[name], encoding="utf-8")
            temporary.replace(folder / name)
        for name in gone:
            (folder / name).unlink()
    return [*changed, *gone]


def _of_before(folder: Path) -> list[str]:
    """Files that an earlier export wrote; names with a path in them were never ours."""
    try:
        listed = json.loads(_text(folder / MARK) or "{}").get("files", [])
    except (ValueError, AttributeError):
        return []
    return [name for name in listed if isinstance(name, str) and Path(name).name == name]


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
