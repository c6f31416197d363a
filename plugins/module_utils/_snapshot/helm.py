# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments that Helm made: an operator may run without OLM knowing of it. Labels: helm.sh/docs/chart_best_practices/labels."""

from __future__ import annotations

from typing import Any

from .values import mapping, name_of, namespace_of, text

SELECTOR = "app.kubernetes.io/managed-by=Helm"


def deployment(obj: dict[str, Any]) -> dict[str, Any]:
    """One Deployment; chart is like "gpu-operator-v25.10.1"."""
    labels = mapping(obj, "metadata", "labels")
    return {
        "name": name_of(obj),
        "namespace": namespace_of(obj),
        "app": text(labels, "app.kubernetes.io/name"),
        "chart": text(labels, "helm.sh/chart"),
    }
