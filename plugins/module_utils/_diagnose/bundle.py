# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The support bundle: evidence and diagnosis as a tar archive with a manifest of what was taken and how much was blanked. Pure.

The same input gives the same bytes. The evidence was blanked as it was read; nothing is added here that wasn't.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT = 1


@dataclass(frozen=True)
class Bundle:
    """data: the .tar.gz; manifest: what is in it."""

    data: bytes
    manifest: dict[str, Any]


def pack(evidence: Mapping[str, Any], diagnosis: Mapping[str, Any], blanked: int, written: str) -> Bundle:
    """:param blanked: how many values were blanked; :param written: RFC 3339 time."""
    parts = {**_objects(evidence), **_logs(evidence), "diagnosis.json": _json(diagnosis)}
    manifest = {
        "format": FORMAT,
        "written": written,
        "service": evidence.get("service"),
        "files": {name: len(data) for name, data in sorted(parts.items())},
        "objects": {kind: len(rows) for kind, rows in sorted((evidence.get("objects") or {}).items())},
        "pods": len(evidence.get("pods") or []),
        "logs": len(evidence.get("logs") or []),
        "blanked": blanked,
        "never_read": ["Secrets"],
        "unreadable": evidence.get("unreadable") or [],
    }
    return Bundle(_tar({"manifest.json": _json(manifest), **parts}), manifest)


def _objects(evidence: Mapping[str, Any]) -> dict[str, bytes]:
    found = {f"objects/{kind}.json": _json(rows) for kind, rows in (evidence.get("objects") or {}).items() if rows}
    for key in ("pods", "events", "snapshot", "proof"):
        if evidence.get(key):
            found[f"{key}.json"] = _json(evidence[key])
    return found


def _logs(evidence: Mapping[str, Any]) -> dict[str, bytes]:
    return {
        f"logs/{log['namespace']}/{log['pod']}/{log['container']}{'.previous' if log['previous'] else ''}.log": str(log["text"]).encode()
        for log in evidence.get("logs") or []
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, default=str) + "\n").encode()


def _tar(parts: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(parts.items(), key=lambda part: (part[0] != "manifest.json", part[0])):
            entry = tarfile.TarInfo(f"llmd-bundle/{name}")
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)
