# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small helpers that all parts of the seed use."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

Object = dict[str, Any]
DOMAIN = "rehearsal.example"  # .example is reserved (RFC 2606): it can't be anybody's cluster
MACHINE_NETWORK = "198.18.0.0/16"  # for benchmarks (RFC 2544): it can't be anybody's network either


def make(api_version: str, kind: str, name: str, namespace: str | None = None, /, **rest: Any) -> Object:
    """An object; ``labels`` and ``annotations`` go to its metadata, everything else to the top level."""
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    for key in ("labels", "annotations"):
        if rest.get(key):
            metadata[key] = dict(rest[key])
        rest.pop(key, None)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def condition(kind: str, status: bool | str, moment: str, reason: str = "AsExpected", message: str = "") -> Object:
    """A condition as OpenShift's operators write it."""
    word = status if isinstance(status, str) else ("True" if status else "False")
    row = {"type": kind, "status": word, "lastTransitionTime": moment, "reason": reason, "message": message}
    return {key: value for key, value in row.items() if value}


def stamp(moment: datetime, hours_ago: float = 0.0) -> str:
    """A time as Kubernetes writes it, ``hours_ago`` before ``moment`` (UTC)."""
    return (moment - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(name: str) -> str:
    """A stable made-up sha256 (64 hex digits) for a name."""
    return hashlib.sha256(name.encode()).hexdigest()


def release_image(version: str) -> str:
    """The pull spec of a release payload; the digest is made up."""
    return f"quay.io/openshift-release-dev/ocp-release@sha256:{digest(f'ocp-release:{version}')}"


def payload_image(openshift: Mapping[str, Any], name: str) -> str:
    """The pull spec of one image of the release payload (openshift/<version>.yaml, payload_images)."""
    return f"quay.io/openshift-release-dev/ocp-v4.0-art-dev@{openshift['payload_images'][name]}"
