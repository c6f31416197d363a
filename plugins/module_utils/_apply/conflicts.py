# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Field conflicts of server-side apply: who owns what."""

from __future__ import annotations

import re
from typing import Any

# kube-apiserver's cause: `conflict with "kubectl" using apps/v1`, `conflict with "x" with subresource "scale" using …`
# Field managers of people at work: kubectl and oc (kubectl pkg/cmd/{edit,patch,replace}), OpenShift's web console in a browser.
HANDS = ("kubectl-edit", "kubectl-patch", "kubectl-replace", "Mozilla")
_MANAGER = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')


def owners(causes: list[Any]) -> dict[str, list[str]]:
    """manager -> the fields that it owns and we want, from the causes of a Conflict."""
    found: dict[str, list[str]] = {}
    for cause in causes:
        if isinstance(cause, dict) and cause.get("reason") == "FieldManagerConflict":
            match = _MANAGER.search(str(cause.get("message")))
            found.setdefault(match.group(1) if match else "(unknown)", []).append(str(cause.get("field")))
    return found


def may_force(found: dict[str, list[str]], allowed: list[str]) -> bool:
    """Whether every owner is one of those that may be overridden."""
    return bool(found) and all(manager in allowed for manager in found)


def sentence(found: dict[str, list[str]]) -> str:
    """For people: each manager with its fields."""
    return "; ".join(f"{manager!r} owns {', '.join(sorted(fields))}" for manager, fields in sorted(found.items()))
