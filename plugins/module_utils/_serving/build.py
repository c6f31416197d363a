# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wish from what the callers have: the declaration, the plan's context, and objects of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._assess.look import text
from .._models.known import declared_model
from .._storage.cache import served
from . import dialects
from .wish import Wish

Row = Mapping[str, Any]


def wish(
    declared: Row,
    gpu_resource: str,
    profiles: Sequence[Row],
    *,
    storage_class: str | None = None,
    fabric: Row | None = None,
    presets: Iterable[Row] = (),
    images: Iterable[str] = (),
    nodes: Iterable[Row] = (),
    serving: Iterable[str] | None = None,
) -> Wish:
    """fabric: contract 3.9; profiles: those of data/profiles; serving: names of those `nodes` that would serve, None for all of them.

    :raises UnknownRelease: the data know no dialect for the release.
    """
    chosen = None if serving is None else set(serving)
    return Wish(
        declared=served(declared),
        dialect=dialects.of_release(str(declared["release"])),
        gpu_resource=gpu_resource,
        storage_class=storage_class or None,
        fabric=(fabric or {}).get("pod") or {},
        presets=tuple(presets),
        images=tuple(images),
        nodes=tuple(node for node in nodes if chosen is None or text(node, "name") in chosen),
        model=declared_model(declared, profiles).shape,
    )
