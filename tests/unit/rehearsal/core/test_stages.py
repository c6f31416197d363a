# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KWOK's stages: pods that run as processes are excluded, others are not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import parts, paths, stages
from rehearsal.errors import RehearsalError


def stage(kind: str) -> dict[str, Any]:
    first = {"key": ".status.phase", "operator": "In", "values": ["Pending"]}
    return {
        "metadata": {"name": "s"},
        "spec": {"resourceRef": {"kind": kind}, "selector": {"matchExpressions": [first]}},
    }


def test_pod_stages_get_one_more_expression_and_node_stages_none() -> None:
    pod = stages.adapt(stage("Pod"), ["a/vllm", 'b"c'])
    added = pod["spec"]["selector"]["matchExpressions"][1]
    assert (added["operator"], added["values"]) == ("NotIn", ["true"])
    assert json.dumps('(?:a/vllm)|(?:b"c)') in added["key"], "quoted for jq"
    assert stages.adapt(stage("Node"), ["a"]) == stage("Node")
    assert stages.adapt(stage("Pod"), []) == stage("Pod")


def test_patterns_are_regular_expressions_that_re2_knows() -> None:
    for pattern in stages.real_images():
        assert not re.search(r"\(\?[=!<]|\\\d", pattern), (
            f"look-around and back-references aren't known to RE2: {pattern}"
        )


def test_exact_images_are_escaped() -> None:
    assert stages.real_images(["repo@sha256:a.b"])[-1] == r"repo@sha256:a\.b"


def test_a_wrong_pattern_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    (tmp_path / "images.yaml").write_text(yaml.safe_dump([{"image": "a(", "runner": "vllm"}]), encoding="utf-8")
    with pytest.raises(RehearsalError, match="images.yaml"):
        stages.real_images()


def test_stage_file_is_made_of_the_module_caches_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "go_mod_cache", lambda: tmp_path)
    with pytest.raises(RehearsalError, match="KWOK's stages"):
        stages.write(tmp_path / "out", ["x"])
    folder = tmp_path / f"{stages.MODULE}@v{parts.CORE.pinned(stages.MODULE)}" / "kustomize" / "stage" / "pod" / "fast"
    folder.mkdir(parents=True)
    (folder / "kustomization.yaml").write_text("kind: Kustomization\n", encoding="utf-8")
    (folder / "pod-ready.yaml").write_text(yaml.safe_dump(stage("Pod")), encoding="utf-8")
    written = list(yaml.safe_load_all(stages.write(tmp_path / "out", ["x"]).read_text(encoding="utf-8")))
    assert [len(document["spec"]["selector"]["matchExpressions"]) for document in written] == [2]
