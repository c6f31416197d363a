# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KWOK's stages: its own ones from the module cache, told to leave the process kubelet's pods alone.

They go into a local file, not into the cluster: a real OpenShift has no kind ``Stage``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from rehearsal import parts, paths
from rehearsal.errors import RehearsalError

MODULE = "sigs.k8s.io/kwok"
FOLDERS = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
# A pod with additional networks starts when Multus has attached them; CNI isn't asked for a pod of the host's network.
WAITS_FOR_NETWORKS = (
    '(.metadata.annotations["k8s.v1.cni.cncf.io/networks"] // "") != "" and (.spec.hostNetwork | not)'
    ' and (.metadata.annotations["k8s.v1.cni.cncf.io/network-status"] // "") == ""'
)
IMAGES_OF_POD = "[.spec.containers[]?.image, .spec.initContainers[]?.image] | any(test($pattern))"


def write(target: Path, images: list[str]) -> Path:
    """Write the stage file for kwok. ``images``: patterns of the images whose pods are real processes."""
    root = parts.go_mod_cache() / f"{MODULE}@v{parts.CORE.pinned(MODULE)}" / "kustomize" / "stage"
    stages = [
        adapt(yaml.safe_load(path.read_text(encoding="utf-8")), images)
        for folder in FOLDERS
        for path in sorted((root / folder).glob("*.yaml"))
        if path.name != "kustomization.yaml"
    ]
    if not stages:
        raise RehearsalError(
            "KWOK's stages weren't found", str(root), "the module cache lacks them", "Run 'python -m rehearsal build'"
        )
    target.write_text("---\n".join(json.dumps(stage, indent=1) + "\n" for stage in stages), encoding="utf-8")
    return target


def adapt(stage: dict[str, Any], images: list[str]) -> dict[str, Any]:
    """Add to a Pod's stage: only for pods none of whose images is run as a process; readiness waits for additional networks."""
    if stage["spec"]["resourceRef"]["kind"] == "Pod" and stage["metadata"]["name"] == "pod-ready":
        waiting = {"key": WAITS_FOR_NETWORKS, "operator": "NotIn", "values": ["true"]}
        stage["spec"]["selector"].setdefault("matchExpressions", []).append(waiting)
    if stage["spec"]["resourceRef"]["kind"] != "Pod" or not images:
        return stage
    pattern = "|".join(f"(?:{image})" for image in images)
    expression = {
        "key": IMAGES_OF_POD.replace("$pattern", json.dumps(pattern)),
        "operator": "NotIn",
        "values": ["true"],
    }
    stage["spec"]["selector"].setdefault("matchExpressions", []).append(expression)
    return stage


def real_images(digests: list[str] | None = None) -> list[str]:
    """Patterns from images.yaml (each is searched in the image's name), plus exact images."""
    path = paths.PACKAGE / "images.yaml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    patterns = []
    for row in rows:
        try:
            re.compile(row["image"])
        except (re.error, KeyError, TypeError) as error:
            raise RehearsalError(
                "a row of images.yaml is wrong", str(row), str(error), "Give a regular expression"
            ) from error
        patterns.append(row["image"])
    return patterns + [re.escape(digest) for digest in digests or []]
