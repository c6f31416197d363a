# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a wanted service a live one doesn't show, and whether it can become it at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._assess.look import dig, number
from .._data.quantity import parse

Row = Mapping[str, Any]
# Only known once the cluster has been looked at (names of presets), so not compared.
UNSEEN = ("baseRefs", "router")


def differences(live: Row, wanted: Row) -> list[str]:
    """One phrase each, for the plan. Fields that the wanted service doesn't name may be anything, but for whole pools. Requests are limits here."""
    have, want = dig(live, "spec") or {}, {key: value for key, value in wanted["spec"].items() if key not in UNSEEN}
    gone = [f"{part} goes" for part in ("prefill", "worker", "parallelism") if have.get(part) and part not in want]
    return [*_fields("", have, want), *gone]


def _fields(place: str, have: Any, want: Any) -> list[str]:
    if isinstance(want, Mapping):
        inside = have if isinstance(have, Mapping) else {}
        if have is None and place:
            return [f"{place} is new"]
        return [found for key, value in want.items() if key != "requests" for found in _fields(f"{place}.{key}".lstrip("."), inside.get(key), value)]
    if isinstance(want, list) and want and all(isinstance(one, Mapping) and "name" in one for one in want):
        named = {one.get("name"): one for one in have or [] if isinstance(one, Mapping)} if isinstance(have, list) else {}
        return [found for one in want for found in _fields(f"{place}.{one['name']}", named.get(one["name"]), one)]
    return [] if _same(have, want) else [f"{place} is {_short(have)}, {_short(want)} is wanted"]


def _same(have: Any, want: Any) -> bool:
    if have == want or str(have) == str(want):
        return True
    size = parse(str(want))
    return size is not None and size == parse(str(have))


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def recreate(live: Row, wanted: Row) -> str:
    """Why the live service must go before the wanted one can come; empty where an update will do.

    KServe keeps the picker's configuration of an existing Deployment, so a service that becomes disaggregated, or stops being it, would be routed as
    before (red-hat-data-services/kserve pkg/controller/llmisvc/scheduler.go preserveSchedulerConfig); its webhook forbids another size of a group.
    """
    have, want = dig(live, "spec") or {}, wanted["spec"]
    before, after = group_size(have), group_size(want)
    if before != after:
        return f"a group's number of pods can't be changed: it is {before}, {after} is wanted"
    if bool(have.get("prefill")) != bool(want.get("prefill")):
        return "KServe keeps the picker's configuration, which differs with and without prefill servers"
    if _configured(have) != _configured(want):
        return "KServe keeps the picker's configuration, and another one is wanted"
    return ""


def group_size(spec: Row) -> int:
    """Pods of one replica."""
    data, local = number(spec, "parallelism", "data"), number(spec, "parallelism", "dataLocal")
    return int(data // local) if data and local else 1


def _configured(spec: Row) -> bool:
    return bool(dig(spec, "router", "scheduler", "config") or dig(spec, "router", "scheduler", "template"))
