# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that makes the service: what of the declaration an existing one doesn't show yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._assess.look import dig
from .._serving import access, build, change, dialects, render
from .._serving.wish import Refused, Wish
from .model import CREATE, KEEP, UPDATE, Change

Row = Mapping[str, Any]
LOCAL_CLASS = "lvms-nvme"


def changes(
    declared: Row, vendor: str, profiles: Sequence[Row], nodes: Iterable[Row], local_storage: bool, fabric: Row | None, live: Sequence[Row]
) -> list[Change]:
    """live: the LLMInferenceServices of the cluster. Where the service can't be rendered the change says why; a rule stops such a run."""
    namespace, name = declared.get("namespace", "llmd"), declared.get("service_name", "llmd")
    where = f"LLMInferenceService {namespace}/{name}"
    present = next((one for one in live if (dig(one, "metadata", "namespace"), dig(one, "metadata", "name")) == (namespace, name)), None)
    try:
        storage_class = declared.get("storage_class") or (LOCAL_CLASS if local_storage else None)
        wish = build.wish(declared, f"{vendor}.com/gpu", profiles, storage_class=storage_class, fabric=fabric, nodes=nodes)
        wanted = render.sketch(wish)
    except (Refused, dialects.UnknownRelease) as error:
        return [Change(where, CREATE if present is None else KEEP, str(error))]
    if present is None:
        return [Change(f"Namespace {namespace}", CREATE), Change(where, CREATE), *_around(wish)]
    why = change.recreate(present, wanted)
    if why:
        return [Change(where, UPDATE, f"it is removed and made anew, since {why}"), *_around(wish)]
    wrong = change.differences(present, wanted)
    return [Change(where, UPDATE if wrong else KEEP, "; ".join(wrong))]


def _around(wish: Wish) -> list[Change]:
    return [Change(f"{one['kind']} {wish.namespace}/{one['metadata']['name']}", CREATE) for one in access.objects(wish)]
