# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a GitOps tool look after an object? Its marks, and its field managers where it leaves none.

Sources: argo-cd common/common.go (tracking annotation and label, ArgoCDSSAManager); fluxcd kustomize-controller and helm-controller (labels).
"""

from __future__ import annotations

from typing import Any

from .values import mapping, rows, text

MARKS = {
    "argocd.argoproj.io/tracking-id": "argocd",
    "argocd.argoproj.io/instance": "argocd",
    "kustomize.toolkit.fluxcd.io/name": "flux",
    "helm.toolkit.fluxcd.io/name": "flux",
}
MANAGERS = {
    "argocd-controller": "argocd",
    "argocd-application-controller": "argocd",
    "kustomize-controller": "flux",
    "helm-controller": "flux",
}
TITLES = {"argocd": "Argo CD", "flux": "Flux"}


def tool(obj: Any) -> str | None:
    """ "argocd" or "flux"; None where none of them shows."""
    marks = {**mapping(obj, "metadata", "labels"), **mapping(obj, "metadata", "annotations")}
    for mark, name in MARKS.items():
        if mark in marks:
            return name
    notes = [note for note in rows(obj, "metadata", "managedFields") if not note.get("subresource")]
    return next((MANAGERS[manager] for note in notes if (manager := text(note, "manager")) in MANAGERS), None)
