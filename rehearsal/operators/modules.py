# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where stand-ins find the Go modules and the definitions that the rehearsal was built from; inside the sandbox nothing is downloaded."""

from __future__ import annotations

import os
from pathlib import Path

from rehearsal.crds import Crds, module_folder
from rehearsal.kube import Conflict, Kube, NotFound
from rehearsal.operators.objects import Object
from rehearsal.operators.settings import Settings


def definitions(settings: Settings, prefix: str) -> list[Object]:
    """CustomResourceDefinitions that the operator with this CSV prefix brings. Raises RehearsalError."""
    _use_caches(settings)
    return Crds.load().of(prefix)


def install(kube: Kube, crd: Object) -> None:
    """Create a definition; of one that is there already only the conversion is brought up to date.

    Not by server-side apply: its bookkeeping of a definition of a megabyte takes the API server many seconds.
    """
    path = kube.path("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    have = kube.get(f"{path}/{crd['metadata']['name']}")
    if have is None:
        try:
            kube.create(path, crd)
        except Conflict:
            return  # made by someone else this moment
    elif crd["spec"].get("conversion") and have["spec"].get("conversion") != crd["spec"]["conversion"]:
        kube.patch(f"{path}/{crd['metadata']['name']}", {"spec": {"conversion": crd["spec"]["conversion"]}})


def served(kube: Kube, api_version: str, kind: str) -> bool:
    """True when the API server serves the kind now."""
    try:
        kube.path(api_version, kind)
    except NotFound:
        return False
    return True


def module(settings: Settings, path: str, version: str) -> Path:
    """Folder of an unpacked Go module. Raises RehearsalError when the module cache lacks it."""
    _use_caches(settings)
    return module_folder(path, version)


def _use_caches(settings: Settings) -> None:
    """HOME is another one in the sandbox, so the caches' default places are, too."""
    for variable, key in (("GOMODCACHE", "gomodcache"), ("LLMD_CACHE", "cache")):
        if settings.data.get(key):
            os.environ[variable] = str(settings.data[key])
