# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a must-gather, from a folder or an archive. Nothing is unpacked to disk, links are never followed."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

from .._data.errors import DataError
from .documents import MAX_BYTES

MAX_FILES = 2_000_000
MAX_KEPT = 2 * 2**30  # bytes of all files that matter
FREE_BYTES, MAX_RATIO = 2**30, 200  # an archive that grows more than this is a bomb; logs of real ones give 10 to 30
Files = dict[str, "bytes | None"]  # None: there, but too large to be read


def read(path: str, wanted: Callable[[str], bool]) -> Files:
    """Path in the must-gather -> content, of the files that are wanted. Raises DataError where there is no such thing."""
    where = Path(path)
    if where.is_dir():
        return _folder(where, wanted)
    if where.is_file():
        return _archive(where, wanted)
    raise _refusal(
        path,
        "there is no such folder or file",
        "Give the folder that oc adm must-gather wrote, or a .tar or .tar.gz of it.",
    )


def _refusal(path: str, why: str, todo: str) -> DataError:
    return DataError("Can't read the must-gather", ascii(path)[1:-1], why, todo)


class _Kept:
    """What has been read so far, within the bounds."""

    def __init__(self, path: str) -> None:
        self.path, self.files, self.count, self.size = path, Files(), 0, 0

    def seen(self) -> None:
        self.count += 1
        if self.count > MAX_FILES:
            raise _refusal(
                self.path, f"it has more than {MAX_FILES} files", "Give one must-gather, not the folder of many."
            )

    def add(self, name: str, size: int, content: Callable[[], bytes]) -> None:
        if size > MAX_BYTES:
            self.files[name] = None
            return
        self.size += size
        if self.size > MAX_KEPT:
            raise _refusal(
                self.path,
                f"its objects are more than {MAX_KEPT // 2**30} GiB",
                "Give one must-gather, not the folder of many.",
            )
        self.files[name] = content()


def _folder(where: Path, wanted: Callable[[str], bool]) -> Files:
    kept = _Kept(str(where))
    for folder, folders, names in os.walk(where, followlinks=False):
        folders.sort()
        for name in sorted(names):
            kept.seen()
            path = Path(folder, name)
            inside = path.relative_to(where).as_posix()
            if wanted(inside) and path.is_file() and not path.is_symlink():
                _take(kept, inside, path)
    return kept.files


def _take(kept: _Kept, inside: str, path: Path) -> None:
    try:
        kept.add(inside, path.stat().st_size, path.read_bytes)
    except OSError:
        kept.files[inside] = b""  # there, and can't be read: its parser says "empty", so it is named


def _archive(where: Path, wanted: Callable[[str], bool]) -> Files:
    """One pass through the archive, since going back in a compressed one means starting again."""
    kept, unpacked, packed = _Kept(str(where)), 0, where.stat().st_size
    try:
        with tarfile.open(where, mode="r|*") as archive:
            for member in archive:
                kept.seen()
                unpacked += member.size
                if unpacked > FREE_BYTES and unpacked > packed * MAX_RATIO:
                    raise _refusal(
                        str(where),
                        "it grows more than any real must-gather when it's unpacked",
                        "Check where it comes from.",
                    )
                name = member.name.removeprefix("./")
                stream = archive.extractfile(member) if member.isfile() and wanted(name) else None
                if stream is not None:
                    kept.add(name, member.size, stream.read)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        if not kept.files:
            raise _refusal(
                str(where),
                "it's no .tar or .tar.gz archive, or it's broken at the beginning",
                "Copy it again, or unpack it and give the folder.",
            ) from error
        kept.files["(end of the archive)"] = None
    return kept.files
