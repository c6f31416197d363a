# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a catalog can't give the wanted version: absent, unhealthy, without package, channel or CSV. Pure."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from .._wait.fields import dig, items
from .._wait.model import DONE, State, failed
from . import states
from .world import Obj, Wish, World

# A catalog that has just become READY may answer without its packages for a moment.
PACKAGE_GRACE = 6.0


def trouble(wish: Wish, world: World) -> State | None:
    """The failure (or wait) that lies in the catalog, or None when it offers the version or wasn't asked."""
    if not wish.catalog:
        return None
    source = world.catalog(wish)
    where = f"CatalogSource {wish.catalog_namespace}/{wish.catalog}"
    if source is None:
        return failed(
            "NoCatalogSource",
            f"{where} doesn't exist",
            "Enable the default catalogs, or name the mirrored one (llmd_operator_catalogs).",
            grace=10,
        )
    state = states.catalog(source, {})
    if state.phase != DONE:
        return replace(state, reason=f"Catalog{state.reason}", detail=f"{where}: {state.detail}", culprit=where)
    key = (wish.catalog_namespace, wish.catalog, wish.package)
    if key not in world.packages:
        return None
    return _package(wish, where, world.packages[key])


def _package(wish: Wish, where: str, package: Obj | None) -> State | None:
    if package is None:
        return failed(
            "PackageNotFound",
            f"{where} has no package {wish.package}",
            "Mirror the package into the catalog, or name the catalog that has it (llmd_operator_catalogs).",
            grace=PACKAGE_GRACE,
        )
    channels = items(package, "status.channels")
    names = sorted(str(c.get("name")) for c in channels)
    channel = next((c for c in channels if c.get("name") == wish.channel), None)
    if wish.channel and channel is None:
        near = difflib.get_close_matches(wish.channel, names, n=1)
        return failed(
            "ChannelNotFound",
            f"package {wish.package} of {where} has no channel {wish.channel} "
            f"(it has {', '.join(names)}){f'; nearest: {near[0]}' if near else ''}",
            "Mirror that channel, or choose another one (llmd_operator_channels).",
            grace=PACKAGE_GRACE,
        )
    offered = _offered([channel] if channel else channels)
    if offered and wish.csv not in offered:
        return failed(
            "VersionNotInChannel",
            f"channel {wish.channel} of {wish.package} in {where} doesn't hold {wish.csv}; "
            f"it has {', '.join(sorted(offered)[-5:])}",
            "Mirror that version, or use a release whose tested version the catalog holds.",
            grace=PACKAGE_GRACE,
        )
    return None


def _offered(channels: list[Any]) -> set[str]:
    """CSV names in channels: heads, and all entries where the package server lists them (OLM 0.20 and later)."""
    names = {str(dig(c, "currentCSV")) for c in channels if dig(c, "currentCSV")}
    entries = {str(e["name"]) for c in channels for e in items(c, "entries") if e.get("name")}
    return names | entries if entries else set()


def asks(wishes: list[Wish], world: World) -> list[tuple[str, str, str]]:
    """The packages that are worth asking for: of wishes without an installed CSV whose catalog is READY."""
    out = []
    for wish in wishes:
        subscription, source = world.subscription(wish), world.catalog(wish)
        if subscription is not None and dig(subscription, "status.installedCSV"):
            continue
        if source is not None and states.catalog(source, {}).phase == DONE:
            out.append((wish.catalog_namespace, wish.catalog, wish.package))
    return out
