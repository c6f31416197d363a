# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are in a must-gather. Pure: paths in, places out.

`oc adm must-gather` writes one folder per image, in it cluster-scoped-resources/GROUP/RESOURCE/NAME.yaml and
namespaces/NAMESPACE/GROUP/RESOURCE/NAME.yaml; the core group is called core, and some resources come as one list,
RESOURCE.yaml (openshift/must-gather, openshift/oc pkg/cli/admin/inspect). The image's folder is named after its registry, which
mirrors change: it is never matched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OBJECT = re.compile(
    r"^(?:(?P<root>.*)/)?(?:cluster-scoped-resources|namespaces/(?P<namespace>[^/]+))/(?P<group>[^/]+)/"
    r"(?P<resource>[^/]+?)(?:/(?P<name>[^/]+?))?\.ya?ml(?P<gz>\.gz)?$"
)
_DISCOVERY = re.compile(r"^(?:(?P<root>.*)/)?aggregated-discovery-apis?\.ya?ml(?:\.gz)?$")


@dataclass(frozen=True)
class Place:
    """One file of objects. name: None where the file is a list of the whole resource."""

    path: str
    root: str
    namespace: str | None
    resource: str  # as a CRD is named: "nodes", "subscriptions.operators.coreos.com"
    name: str | None


def place(path: str) -> Place | None:
    """What a file of the must-gather holds; None where it isn't a file of objects (logs and so on)."""
    match = _OBJECT.match(path)
    if not match:
        return None
    group = match["group"]
    resource = match["resource"] if group == "core" else f"{match['resource']}.{group}"
    return Place(path, match["root"] or "", match["namespace"], resource, match["name"])


def is_discovery(path: str) -> bool:
    """Whether the file lists the API's groups and resources (newer oc writes it)."""
    return bool(_DISCOVERY.match(path))


def is_version(path: str) -> bool:
    """The file that only a gather which really began writes; what `oc adm inspect` leaves behind has none."""
    return path == "version" or path.endswith("/version")


def resource_of(url: str) -> tuple[str, str | None, str | None]:
    """(resource, namespace, name) that an API path is about: "/apis/GROUP/VERSION[/namespaces/NS]/RESOURCE[/NAME]"."""
    parts = url.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    namespace = rest[1] if len(rest) > 2 and rest[0] == "namespaces" else None
    rest = rest[2:] if namespace else rest
    plural, name = (rest[0] if rest else ""), (rest[1] if len(rest) > 1 else None)
    return (f"{plural}.{group}" if group else plural), namespace, name
