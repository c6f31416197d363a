# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot of a must-gather, and of a saved snapshot file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._data import files as data_files
from .._data.errors import DataError
from .._snapshot import collect
from . import documents, layout, store
from .api import ASKED, MustGather, printable

MAX_SNAPSHOT = 1024 * 2**20
WANTED = frozenset(
    {
        *ASKED, "nodes", "clusterversions.config.openshift.io", "infrastructures.config.openshift.io", "networks.config.openshift.io",
        "operatorhubs.config.openshift.io", "customresourcedefinitions.apiextensions.k8s.io",
    }
)  # fmt: skip


def of_must_gather(
    path: str, catalog: dict[str, Any], packages: list[str], read_at: str, labels: Sequence[str] = ()
) -> dict[str, Any]:
    """The same shape as of a living cluster; what wasn't gathered or is broken is unknown, and named in `unreadable`.

    :param catalog: data/accelerators.yml; :param read_at: RFC 3339; :param labels: of nodes, to keep. :raises DataError: not a must-gather.
    """
    gathered = MustGather(path, store.read(path, _wanted))
    found = collect.read(gathered, catalog, packages, ["openshift/tools"], read_at, labels)
    broken = [
        {"what": name, "why": "the archive ends in the middle"} for name in gathered.files if name.startswith("(")
    ]
    return {**found, "unreadable": [*found["unreadable"], *gathered.notes, *broken]}


def _wanted(path: str) -> bool:
    found = layout.place(path)
    if found is None:
        return layout.is_discovery(path) or layout.is_version(path)
    return found.resource in WANTED


def of_file(path: str) -> dict[str, Any]:
    """A snapshot that an earlier run saved (snapshot.json, gzip'd or not). :raises DataError: it isn't one."""
    where = ascii(path)[1:-1]
    todo = "Give the snapshot.json that assess wrote to its output folder."
    try:
        raw = documents.unpacked(Path(path).read_bytes(), MAX_SNAPSHOT)
        found = json.loads(raw)
    except OSError as error:
        raise DataError("Can't read the snapshot", where, error.strerror or "it can't be opened", todo) from error
    except (documents.Broken, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, documents.Broken) else "it isn't JSON"
        raise DataError("Can't read the snapshot", where, why, todo) from error
    wrong = data_files.problems(found, "snapshot")
    if wrong:
        raise DataError("This isn't a snapshot", where, printable("; ".join(wrong[:3])), todo)
    return found


def other_cluster(snapshot: dict[str, Any], declared_id: str | None, declared_url: str | None) -> str | None:
    """Why the facts are another cluster's than the declared one; None where they aren't, or nobody can say."""
    seen = snapshot["cluster"]
    for word, declared, found in (("id", declared_id, seen["id"]), ("API URL", declared_url, seen["api_url"])):
        if declared and found and declared.rstrip("/").lower() != found.rstrip("/").lower():
            return (
                f"these are facts of the cluster with the {word} {printable(found)}, declared is {printable(declared)}"
            )
    return None
