# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity guard: the cluster that we reached against the one that the inventory names. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, Misdeclared


class WrongCluster(ClusterError):
    """The options lead to another cluster than the inventory names."""


def same_url(one: str, other: str) -> bool:
    """Whether two API URLs mean the same server: scheme, host without case, port (443 when left out)."""
    return _parts(one) == _parts(other)


def _parts(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit((url if "://" in url else f"https://{url}").strip())
        port = parts.port
    except ValueError:  # not a URL: equal to nothing but itself
        return "", url, -1
    return parts.scheme.lower(), (parts.hostname or "").lower(), port or (80 if parts.scheme == "http" else 443)


def guard(found: dict[str, Any], declared_id: str | None, declared_url: str | None, connected_to: str) -> None:
    """Refuses unless the cluster is the declared one.

    :param found: `{"id", "api_url", "name"}` as the cluster says.
    :param connected_to: the URL that the connection options lead to.
    :raises Misdeclared: nothing is declared to compare with. WrongCluster: an id or URL differs, or can't be read.
    """
    if not declared_id and not declared_url:
        raise Misdeclared(
            "The cluster isn't named", "inventory", "neither llmd_cluster_id nor llmd_api_url is declared",
            f"The cluster at {connected_to} has the id {found.get('id') or 'unknown'} and the API URL "
            f"{found.get('api_url') or 'unknown'}: declare one of them if it is the one you mean.",
        )  # fmt: skip
    if declared_id:
        _compare("cluster id", declared_id, found.get("id"), connected_to, lambda a, b: a.strip().lower() == b.lower())
    if declared_url:
        _compare("API URL", declared_url, found.get("api_url"), connected_to, same_url)


def _compare(what: str, declared: str, found: Any, connected_to: str, same: Any) -> None:
    if not found:
        raise WrongCluster(
            "Can't tell which cluster this is", connected_to, f"it doesn't say its {what}",
            "Check that it is an OpenShift cluster and that the user may read clusterversions and infrastructures.",
        )  # fmt: skip
    if not same(declared, str(found)):
        raise WrongCluster(
            "This is another cluster than the inventory names", connected_to,
            f"the inventory declares the {what} {declared}, the cluster says {found}",
            "Correct the connection options, or the identity if the inventory is wrong. Nothing was changed.",
            {"declared": declared, "found": str(found)},
        )  # fmt: skip
