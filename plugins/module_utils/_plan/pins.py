# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that run with presets of another version of OpenShift AI than the cluster has, or will have. Pure.

From 3.2 on KServe notes in `status.annotations` of a service which presets it was made with, and stays with them: the operator keeps those of earlier versions
when it is upgraded. A service moves when its notes do (red-hat-data-services/kserve config_merge.go WellKnownConfigResolver; opendatahub-io/kserve pull 999;
opendatahub-io/opendatahub-operator pull 2949).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._assess.look import dig, number
from .._data import versions
from .._serving import dialects, notes
from .model import KEEP, UPDATE, Change

Row = Mapping[str, Any]
_PRESET = re.compile(rf"^v(\d+)-(\d+)-(\d+)-kserve-{notes.PRESET}")


@dataclass(frozen=True)
class Move:
    """object: the declared service; release: whether it moves to another minor version; others: services that stay, since somebody else looks after them."""

    object: str
    before: str
    after: str
    release: bool
    replicas: int
    picker: bool
    others: tuple[Change, ...] = ()

    @property
    def why(self) -> str:
        return f"from the presets of {self.before} to those of {self.after}"

    @property
    def around(self) -> tuple[Change, ...]:
        if not self.picker:
            return self.others
        why = f"KServe would keep its configuration of {self.before}; it is made anew, and requests are spread without it until then"
        return (Change(f"Deployment {self.object.partition(' ')[2]}-kserve-router-scheduler", UPDATE, why), *self.others)

    @property
    def left(self) -> str:
        return f"it keeps the presets of {self.before}; llmd_allow_disruption: [upgrade] moves it to those of {self.after}"

    @property
    def cost(self) -> str:
        if self.replicas > 1:
            return f"the {self.replicas} model servers of the service are replaced one after the other, a new one before an old one goes"
        return "the only model server of the service is replaced; with llmd_replicas: 2 one would serve all the time"


def noted(service: Row) -> versions.Version | None:
    """The oldest version whose presets a service was made with; None where it says nothing (before 3.2 presets have no version)."""
    found = [_version(preset) for preset in notes.noted(service).values()]
    return min((version for version in found if version is not None), default=None)


def _version(preset: str) -> versions.Version | None:
    match = _PRESET.match(preset)
    return versions.parse(".".join(match.groups())) if match else None


def move(declared: Row, live: Iterable[Row], csv: str | None) -> Move | None:
    """csv: what the cluster has when this step comes. None: the service isn't there, or has the presets of that version."""
    coming = versions.parse((csv or "").partition(".")[2])
    place = (declared.get("namespace", "llmd"), declared.get("service_name", "llmd"))
    services = list(live)
    mine = next((one for one in services if _place(one) == place), None)
    before = noted(mine) if mine is not None else None
    if mine is None or before is None or coming is None or before >= coming:
        return None
    others = [(one, version) for one in services if _place(one) != place and (version := noted(one)) is not None and version < coming]
    stay = tuple(Change(_named(one), KEEP, f"it stays with the presets of {version}: its owner moves it") for one, version in others)
    replicas = int(number(mine, "spec", "replicas") or 1)
    return Move(_named(mine), str(before), str(coming), before.minor != coming.minor, replicas, _refreshes(mine, before, coming), stay)


def _refreshes(service: Row, before: versions.Version, after: versions.Version) -> bool:
    """Whether the picker has to be made anew: its configuration is the release's own, KServe keeps it, and the two releases differ in it."""
    scheduler = dig(service, "spec", "router", "scheduler")
    if scheduler is None or dig(scheduler, "config") or dig(scheduler, "template"):
        return False
    return _defaults(before) != _defaults(after)


def _defaults(version: versions.Version) -> Any:
    try:
        return dialects.of_release(version.minor)["picker"]["defaults"]
    except dialects.UnknownRelease:
        return version.minor


def _place(service: Row) -> tuple[Any, Any]:
    return dig(service, "metadata", "namespace"), dig(service, "metadata", "name")


def _named(service: Row) -> str:
    return "LLMInferenceService {}/{}".format(*_place(service))
