# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a downloaded model against the checksums that its source gave, and tells how far a download is.

Runs in a Pod with nothing but the standard library of Python 3.9 or later. huggingface_hub keeps, beside what it downloads to a folder, one small file
each with the server's ETag (.cache/huggingface/download/<file>.metadata: commit, ETag, time): the SHA-256 of large files, the git blob id of small ones.
It compares sizes only, so a file that was damaged on the way or on the disk is found here, deleted and downloaded again by the next try.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

NOTES = os.path.join(".cache", "huggingface", "download")
SUFFIX = ".metadata"
SHA256, GIT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")
GIB = 2**30
BLOCK = 2**24
EVERY_SECONDS = 20.0


def say(line):
    """One line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _end(*_signal):
    raise SystemExit(0)


def main(argv):
    """check FOLDER | progress FOLDER GIB"""
    if argv[0] == "progress":
        signal.signal(signal.SIGTERM, _end)  # process 1 of a container isn't ended by it otherwise
        while True:
            say(f"{size(argv[1]) / GIB:.1f} of about {argv[2]} GiB")
            time.sleep(EVERY_SECONDS)
    return check(argv[1])


def check(folder):
    """0 when all is well; damaged files are deleted and named."""
    notes = sorted(stated(folder).items())
    with ThreadPoolExecutor(4) as pool:
        good = dict(pool.map(lambda item: (item[0], matches(os.path.join(folder, item[0]), item[1])), notes))
    damaged = [name for name, fine in good.items() if fine is False]
    for name in damaged:
        for path in (os.path.join(folder, name), os.path.join(folder, NOTES, name + SUFFIX)):
            if os.path.exists(path):
                os.remove(path)
    if damaged:
        say(f"Damaged and deleted, to be downloaded again: {', '.join(damaged[:5])}")
        return 1
    files = sum(len(names) for _root, names in walk(folder))
    if not files:
        say("The download left no file.")
        return 1
    say(f"{files} files, {size(folder) / GIB:.1f} GiB; {list(good.values()).count(True)} have the checksum that their source gave")
    return 0


def stated(folder):
    """File -> ETag, as huggingface_hub noted it; empty for other sources, which give no checksum."""
    found = {}
    top = os.path.join(folder, NOTES)
    for root, _folders, names in os.walk(top):
        for name in names:
            if name.endswith(SUFFIX):
                path = os.path.join(root, name)
                with open(path, encoding="utf-8") as note:
                    lines = note.read().split()
                if len(lines) > 1:
                    found[os.path.relpath(path, top)[: -len(SUFFIX)]] = lines[1]
    return found


def matches(path, etag):
    """Whether the file has that checksum; None where the ETag is none."""
    if not SHA256.fullmatch(etag) and not GIT.fullmatch(etag):
        return None
    if not os.path.exists(path):
        return False
    digest = hashlib.sha256()
    if GIT.fullmatch(etag):
        digest = hashlib.sha1(f"blob {os.path.getsize(path)}\0".encode(), usedforsecurity=False)
    with open(path, "rb") as source:
        while block := source.read(BLOCK):
            digest.update(block)
    return digest.hexdigest() == etag


def walk(folder):
    """(folder, names of its files) without what the downloader keeps for itself."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".cache"]
        yield root, names


def size(folder):
    """Bytes of everything, unfinished files included."""
    total = 0
    for root, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except OSError:
                continue  # it was just renamed
    return total


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
