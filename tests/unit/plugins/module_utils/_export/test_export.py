# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests in waves; the folder that takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared
from ansible_collections.llmd.openshift.plugins.module_utils._export import folder, waves
from ansible_collections.llmd.openshift.plugins.module_utils._export.readme import readme

STAGES = ["operators", "features", "platform"]


def obj(kind: str, name: str, **meta: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **meta}}


def call(stage: str, *objects: dict[str, Any], after: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"place": STAGES.index(stage), "stage": stage, "task": f"Declare {stage}", "objects": list(objects), "after": after or [], "wait_crds": False}


KUADRANT = {"api_version": "kuadrant.io/v1beta1", "kind": "Kuadrant", "name": "kuadrant", "namespace": "kuadrant-system"}


def made() -> waves.Export:
    ours = obj("Namespace", "a", labels={"app.kubernetes.io/managed-by": "llmd-openshift", "x": "y"})
    return waves.export(
        [
            call("operators", ours, obj("Secret", "s", namespace="a")),
            call("platform", obj("Namespace", "a")),  # again: it is there already
            call("platform", obj("Kuadrant", "k", namespace="a")),
            call("platform", after=[KUADRANT]),  # a wait of its own counts for what comes after it
            {**call("platform", obj("Authorino", "z", namespace="a"), after=[KUADRANT]), "wait_crds": True},
        ]
    )


def test_each_call_is_a_wave_numbered_by_its_stage_and_an_object_comes_once():
    assert [(wave.number, wave.file) for wave in made().waves] == [
        (0, "00-operators-namespace.yaml"), (20, "20-platform-kuadrant.yaml"), (21, "21-platform-authorino.yaml"),
    ]  # fmt: skip


def test_manifests_have_argos_marks_and_neither_our_label_nor_a_secret():
    first, kuadrant, _last = made().waves
    meta = first.objects[0]["metadata"]
    assert meta["labels"] == {"x": "y"}
    assert meta["annotations"][waves.WAVE] == "0" and "Prune=false" in meta["annotations"][waves.OPTIONS]
    assert "Prune" not in kuadrant.objects[0]["metadata"]["annotations"][waves.OPTIONS]
    assert made().secrets == ("Secret a/s",)
    assert all(one["kind"] != "Secret" for wave in made().waves for one in wave.objects)


def test_the_readme_names_waits_approvals_and_what_is_missing():
    plan = {
        "operators": [
            {"action": "install", "package": "nfd", "namespace": "openshift-nfd", "subscription": "nfd", "expected_csvs": ["nfd.4.20.0"]},
            {"action": "adopt", "package": "x", "namespace": "x", "subscription": "theirs", "expected_csvs": ["theirs.1"]},
        ],
        "context": {"machine_pools": [{"name": "llmd-gpu", "moved": ["gpu-0"]}]},
    }
    text = readme(made(), plan, {"path": "inference_scheduling", "release": "3.3", "namespace": "llmd", "model_credentials_secret": "hf"}, {"nfd": ["dep.v1"]})
    assert "| 21 | `21-platform-authorino.yaml` | Authorino a/z | Kuadrant kuadrant-system/kuadrant is ready; served: Authorino |" in text
    assert "| openshift-nfd | nfd | nfd.4.20.0, dep.v1 |" in text and "theirs.1" not in text
    for word in ("Secret llmd/hf", "Secret a/s", "Node gpu-0"):
        assert word in text, word
    bare = readme(made(), {}, {}, {})
    assert "Approvals" not in bare and "| - Secret llmd" not in bare


def test_a_second_export_writes_nothing_and_an_older_file_of_ours_goes(tmp_path: Path):
    target = tmp_path / "gitops" / "gpu1"
    assert sorted(folder.write(target, {"a.yaml": "1\n", "b.yaml": "2\n"})) == [folder.MARK, "a.yaml", "b.yaml"]
    assert folder.write(target, {"a.yaml": "1\n", "b.yaml": "2\n"}) == []
    (target / "kustomization.yaml").write_text("mine")
    assert sorted(folder.write(target, {"a.yaml": "3\n"}, check=True)) == [folder.MARK, "a.yaml", "b.yaml"]
    assert (target / "a.yaml").read_text() == "1\n" and (target / "b.yaml").exists()
    folder.write(target, {"a.yaml": "3\n"})
    assert sorted(entry.name for entry in target.iterdir()) == [folder.MARK, "a.yaml", "kustomization.yaml"]


def test_a_folder_of_somebody_else_is_refused_by_name(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(Misdeclared, match="holds other files"):
        folder.write(tmp_path, {"a.yaml": "1"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(Misdeclared, match="it is a file"):
        folder.write(tmp_path / "notes.txt", {"a.yaml": "1"})


def test_a_mark_with_paths_in_it_removes_nothing_elsewhere(tmp_path: Path):
    outside = tmp_path / "keep.yaml"
    outside.write_text("x")
    target = tmp_path / "out"
    target.mkdir()
    (target / folder.MARK).write_text(json.dumps({"files": ["../keep.yaml", 5, "gone.yaml"]}))
    folder.write(target, {"a.yaml": "1"})
    assert outside.exists()
