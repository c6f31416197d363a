# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the collected calls to waves: which objects go together, and what must be ready before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._apply.manifests import describe, unlabelled

WAVE = "argocd.argoproj.io/sync-wave"
OPTIONS = "argocd.argoproj.io/sync-options"
# Kinds with data in them, or below them: Argo CD must not prune them when a file goes.
LASTING = ("Namespace", "PersistentVolumeClaim", "LVMCluster")
STEP = 10  # waves of one stage: 10, 11, 12 …


@dataclass(frozen=True)
class Wave:
    """One call: number, stage, objects, and what has to be before: ready (as `wait_for` wants it), and kinds that operators bring."""

    number: int
    stage: str
    title: str
    objects: tuple[dict[str, Any], ...]
    before: tuple[Mapping[str, Any], ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.number:02}-{self.stage}-{str(self.objects[0]['kind']).lower()}.yaml"


@dataclass(frozen=True)
class Export:
    """secrets: objects that hold secrets and are left out; order: stage -> place."""

    waves: tuple[Wave, ...]
    secrets: tuple[str, ...] = ()


def export(calls: Iterable[Mapping[str, Any]]) -> Export:
    """:param calls: of `_gathered.taken`; the place of a call's stage numbers its waves."""
    waves: list[Wave] = []
    secrets: list[str] = []
    seen: set[tuple[str, str]] = set()
    before: list[Mapping[str, Any]] = []  # what is awaited since the last wave
    for call in calls:
        before += [one for one in call["after"] if one not in before]
        fresh = [obj for obj in call["objects"] if (obj["apiVersion"].partition("/")[0], describe(obj)) not in seen]
        seen |= {(obj["apiVersion"].partition("/")[0], describe(obj)) for obj in fresh}
        secrets += [describe(obj) for obj in fresh if obj["kind"] == "Secret"]
        objects = [obj for obj in fresh if obj["kind"] != "Secret"]
        if objects:
            stage = str(call["stage"])
            number = int(call["place"]) * STEP + sum(wave.stage == stage for wave in waves)
            marked = tuple(_marked(obj, number) for obj in objects)
            kinds = tuple(dict.fromkeys(str(obj["kind"]) for obj in objects)) if call["wait_crds"] else ()
            waves.append(Wave(number, stage, str(call["task"]), marked, tuple(before), kinds))
            before = []
    return Export(tuple(waves), tuple(secrets))


def _marked(obj: dict[str, Any], number: int) -> dict[str, Any]:
    """A copy with Argo CD's marks and without our label: who applies it owns it, so our runs adopt it and teardown leaves it alone."""
    plain = unlabelled(obj)
    meta = plain["metadata"]
    options = ["ServerSideApply=true", "SkipDryRunOnMissingResource=true", *(["Prune=false"] if obj["kind"] in LASTING else [])]
    annotations = {**(meta.get("annotations") or {}), WAVE: str(number), OPTIONS: ",".join(options)}
    return {**plain, "metadata": {**meta, "annotations": annotations}}
