# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a Secret, ConfigMap or projected volume, swapped all at once, laid out as the kubelet does it.

``VOLUME/..2026_11_24_10_00_00.123/…`` holds the files, ``VOLUME/..data`` points to that folder, and each top-level name is a
link into ``..data``. A change makes a new folder and renames one link, so a reader sees the old files or the new ones, never a mix.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path, PurePosixPath

DATA = "..data"
Files = dict[str, tuple[bytes, int]]  # relative path -> (content, mode)


def write(volume: Path, files: Files) -> bool:
    """Make the volume hold exactly ``files``; True when something changed. Raises ValueError for a path that leaves it."""
    for name in files:
        check_path(name)
    link = volume / DATA
    current = volume / os.readlink(link) if link.is_symlink() else None
    if current is not None and read(current) == files:
        return False
    volume.mkdir(parents=True, exist_ok=True)
    fresh = volume / time.strftime(f"..%Y_%m_%d_%H_%M_%S.{time.time_ns() % 10**9:09d}")
    for name, (content, mode) in files.items():
        target = fresh / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)
    fresh.mkdir(exist_ok=True)
    swap = volume / "..data_tmp"
    swap.unlink(missing_ok=True)
    swap.symlink_to(fresh.name)
    swap.rename(link)
    _link_names(volume, {PurePosixPath(name).parts[0] for name in files})
    if current is not None:
        shutil.rmtree(current, ignore_errors=True)
    return True


def read(folder: Path) -> Files:
    """What ``write`` wrote into one data folder."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in folder.rglob("*") if path.is_file()
    }


def check_path(name: str) -> None:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or name.startswith(".."):
        raise ValueError(f"'{name}' can't be the name of a file in a volume")


def _link_names(volume: Path, names: set[str]) -> None:
    for name in names:
        link = volume / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
    for entry in volume.iterdir():
        if entry.is_symlink() and entry.name not in names and entry.name != DATA:
            entry.unlink()
