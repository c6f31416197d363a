# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a bare OpenShift into an empty API server: definitions, then the objects of the seed, with their status."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.kube import Kube, KubeError, NotFound

Obj = dict[str, Any]
MANAGER = "cluster-bootstrap"  # the name that OpenShift's own bootstrap has
THREADS = 6


def definitions(kube: Kube, crds: list[Obj], seconds: float = 120.0) -> None:
    """Apply all definitions and wait until each of them is served."""
    _all(crds, lambda crd: kube.apply(crd, manager=MANAGER))
    names = {crd["metadata"]["name"] for crd in crds}
    end = time.monotonic() + seconds
    while True:
        served = {
            crd["metadata"]["name"]
            for crd in kube.list("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
            if _established(crd)
        }
        if names <= served:
            return
        if time.monotonic() > end:
            raise RehearsalError(
                "definitions aren't served",
                ", ".join(sorted(names - served)[:5]),
                f"not established after {seconds:.0f} s",
                "See 'python -m rehearsal logs kube-apiserver'",
            )
        time.sleep(0.2)


def objects(kube: Kube, seed: list[Obj]) -> None:
    """Apply the seed: namespaces first, then the rest in its order, several at a time."""
    _all((o for o in seed if o["kind"] == "Namespace"), lambda o: put(kube, o))
    _all((o for o in seed if o["kind"] != "Namespace"), lambda o: put(kube, o))


def put(kube: Kube, obj: Obj, manager: str = MANAGER) -> None:
    """Apply one object and, where the kind keeps it apart, its status."""
    status = obj.get("status")
    if not status:
        kube.apply(obj, manager=manager)
        return
    kube.apply({key: value for key, value in obj.items() if key != "status"}, manager=manager)
    try:
        # Not a merge patch: it takes a null (completionTime of a running update) for "delete this", also inside of lists.
        replace = [{"op": "add", "path": "/status", "value": status}]
        kube.patch(kube.path_of(obj), replace, kind="json", subresource="status")
    except NotFound:
        kube.apply(obj, manager=manager)  # no status sub-resource: then it's part of the object


def _all(items: Iterable[Obj], act: Callable[[Obj], object]) -> None:
    """Do it for all; raises one RehearsalError that tells every refusal."""

    def one(obj: Obj) -> str | None:
        try:
            _when_served(act, obj)
        except KubeError as error:
            return f"{obj['kind']} {obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}: {error}"
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        refused = [fault for fault in pool.map(one, items) if fault]
    if refused:
        raise RehearsalError(
            "the API server refuses objects of the seed",
            f"{len(refused)} of them",
            "; ".join(refused),
            "Correct rehearsal/seed.py or the schema in rehearsal/crds",
        )


def _when_served(act: Callable[[Obj], object], obj: Obj, seconds: float = 20.0) -> None:
    """Discovery learns of a definition a moment after it's established: wait for that."""
    end = time.monotonic() + seconds
    while True:
        try:
            act(obj)
            return
        except NotFound as error:
            if error.reason != "KindMissing" or time.monotonic() > end:
                raise
            time.sleep(0.2)


def _established(crd: Obj) -> bool:
    conditions = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)
