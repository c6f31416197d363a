# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigs: which kernel arguments and files they set. Only digests of files are kept: their content may be anything."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import zlib
from typing import Any
from urllib.parse import unquote_to_bytes

from .values import dig, mapping, name_of, rows

ROLE = "machineconfiguration.openshift.io/role"
MAX_BYTES = 1 << 20  # a file larger than this isn't unpacked


def reduce(config: dict[str, Any]) -> dict[str, Any]:
    """One MachineConfig. files: path -> SHA-256 of its text, None where the text can't be read."""
    arguments = dig(config, "spec", "kernelArguments")
    return {
        "name": name_of(config),
        "role": mapping(config, "metadata", "labels").get(ROLE),
        "kernel_arguments": [one for one in arguments if isinstance(one, str)] if isinstance(arguments, list) else [],
        "files": {
            file["path"]: _digest(file)
            for file in rows(config, "spec", "config", "storage", "files")
            if isinstance(file.get("path"), str)
        },
    }


def _digest(file: dict[str, Any]) -> str | None:
    source = dig(file, "contents", "source")
    if not isinstance(source, str) or not source.startswith("data:"):
        return None
    kind, comma, data = source[5:].partition(",")
    if not comma:
        return None
    try:
        content = base64.b64decode(unquote_to_bytes(data)) if kind.endswith(";base64") else unquote_to_bytes(data)
        if dig(file, "contents", "compression") == "gzip":
            content = _unpacked(content)
    except (binascii.Error, ValueError, OSError, EOFError, zlib.error):
        return None
    return hashlib.sha256(content).hexdigest()


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    content = unpacker.decompress(packed, MAX_BYTES)
    if unpacker.unconsumed_tail:
        raise gzip.BadGzipFile("too large")
    return content
