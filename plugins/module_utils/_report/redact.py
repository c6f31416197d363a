# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of nodes and cluster replaced by numbers, the same one everywhere, so that a report still reads."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit


def names_in(snapshot: dict[str, Any]) -> dict[str, str]:
    """Real name -> what stands for it. A node that is called like a role or pool tells nothing and stays."""
    nodes = [node for node in snapshot.get("nodes") or [] if isinstance(node, dict)]
    pools = {pool.get("name") for pool in snapshot.get("pools") or [] if isinstance(pool, dict)}
    words = pools | {role for node in nodes for role in node.get("roles") or []}
    found: dict[str, str] = {}
    for number, node in enumerate(nodes, start=1):
        for name in (node.get("name"), (node.get("labels") or {}).get("kubernetes.io/hostname")):
            if isinstance(name, str) and name and name not in words:
                found.setdefault(name, f"node-{number}")
    cluster = snapshot.get("cluster") or {}
    host = urlsplit(cluster.get("api_url") or "").hostname
    for name, shown in ((cluster.get("name"), "cluster"), (host, "api.cluster.invalid")):
        if name:
            found.setdefault(name, shown)
    return found


def redacted(value: Any, names: dict[str, str]) -> Any:
    """A copy with every whole occurrence of a name replaced, in keys and texts."""
    if not names:
        return value
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile(r"(?<![\w.-])(" + "|".join(map(re.escape, longest)) + r")(?![\w-]|\.\w)")
    return _walk(value, lambda text: pattern.sub(lambda match: names[match[1]], text))


def _walk(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    if isinstance(value, dict):
        return {change(str(key)): _walk(item, change) for key, item in value.items()}
    return value
