# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CustomResourceDefinitions: what is read, what is dropped, which errors a wrong table gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import crds, paths
from rehearsal.crds import Crds, Entry
from rehearsal.errors import RehearsalError


def definition(kind: str = "Widget", **schema: Any) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com", "creationTimestamp": None, "annotations": {"a": "b"}},
        "spec": {
            "group": "example.com",
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "conversion": {"strategy": "Webhook"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def test_explanations_go_but_properties_called_description_stay() -> None:
    schema: dict[str, Any] = {
        "description": "text",
        "properties": {
            "description": {"type": "string", "description": "text"},
            "list": {"items": {"description": "text"}},
        },
        "anyOf": [{"description": "text", "required": ["description"]}],
        "allOf": None,
    }
    crds.strip(schema)
    assert schema["properties"] == {"description": {"type": "string"}, "list": {"items": {}}}
    assert schema["anyOf"] == [{"required": ["description"]}]
    assert "description" not in schema


def test_trim_keeps_what_the_api_server_needs() -> None:
    trimmed = crds.trim(definition(type="object"))
    assert trimmed["metadata"] == {"name": "widgets.example.com", "annotations": {"a": "b"}}
    assert "conversion" not in trimmed["spec"]


def test_parse_skips_other_objects_patches_and_reads_a_bare_equals_sign() -> None:
    patch = {"kind": "CustomResourceDefinition", "metadata": {"name": "x"}, "spec": {"conversion": {}}}
    text = yaml.safe_dump_all([definition(), {"kind": "Namespace", "metadata": {"name": "n"}}, patch])
    text += "---\nkind: Other\nvalue: =\n"
    assert [crd["metadata"]["name"] for crd in crds.parse(text)] == ["widgets.example.com"]


def test_found_by_either_name_and_hand_written_wins() -> None:
    table, mine = definition(), definition(type="object")
    known = Crds([Entry("bare", table), Entry("widget-operator.", mine)])
    assert known.get("widgets.example.com") is mine
    assert known.get("example.com/Widget") is mine
    assert known.bare({}) == [] and known.of("widget-operator.") == [mine]
    with pytest.raises(RehearsalError, match="Gadget"):
        known.get("example.com/Gadget")


def test_needs_depends_on_the_release() -> None:
    known = Crds([Entry("bare", definition(), needs="gateway_api")])
    assert len(known.bare({"gateway_api": True})) == 1
    assert known.bare({"gateway_api": False}) == known.bare({}) == []


def test_hand_written_file_must_say_when(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# when: nfd.\n" + yaml.safe_dump(definition()), encoding="utf-8")
    assert [entry.when for entry in crds.hand_written(tmp_path)] == ["nfd."]
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(definition("Gadget")), encoding="utf-8")
    with pytest.raises(RehearsalError, match="b.yaml"):
        list(crds.hand_written(tmp_path))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go module cache that holds one module, and an empty cache of ours."""
    folder = tmp_path / "mod" / "github.com" / "!upper" / "thing@v1.0.0" / "crds"
    folder.mkdir(parents=True)
    monkeypatch.setattr("rehearsal.parts.go_mod_cache", lambda: tmp_path / "mod")
    monkeypatch.setenv("LLMD_CACHE", str(tmp_path / "cache"))
    return folder


def table(tmp_path: Path, **row: Any) -> Path:
    path = tmp_path / "table.yaml"
    full = {"module": "github.com/Upper/thing", "version": "v1.0.0", "path": "crds/*.yaml", "when": "bare", **row}
    path.write_text(yaml.safe_dump([full]), encoding="utf-8")
    return path


def test_table_reads_the_default_feature_set_once(module: Path, tmp_path: Path) -> None:
    for name in ("w-Default.yaml", "w-CustomNoUpgrade.yaml"):
        (module / name).write_text(yaml.safe_dump(definition(name.split("-")[1][0] + "idget")), encoding="utf-8")
    rows = table(tmp_path)
    names = [entry.crd["spec"]["names"]["kind"] for entry in crds.from_table(rows)]
    assert names == ["Didget"]
    (module / "w-Default.yaml").unlink()
    assert [entry.crd["spec"]["names"]["kind"] for entry in crds.from_table(rows)] == names, "from the cache"


def test_table_that_names_an_absent_kind_is_refused(module: Path, tmp_path: Path) -> None:
    (module / "w.yaml").write_text(yaml.safe_dump_all([definition(), definition("Gadget")]), encoding="utf-8")
    kept = crds.from_table(table(tmp_path, kinds=["Gadget"]))
    assert [entry.crd["spec"]["names"]["kind"] for entry in kept] == ["Gadget"]
    with pytest.raises(RehearsalError, match="Gizmo"):
        list(crds.from_table(table(tmp_path, kinds=["Widget", "Gizmo"])))


def test_the_table_is_well_formed() -> None:
    rows = yaml.safe_load((paths.PACKAGE / "crd_table.yaml").read_text(encoding="utf-8"))
    for row in rows:
        assert set(row) <= {"module", "version", "path", "kinds", "when", "needs"}, row
        assert re.fullmatch(r"v\d+\.\d+\.\d+(-\S+)?", row["version"]), row
        assert row["when"] == "bare" or row["when"].endswith("."), row
        assert "needs" not in row or row["when"] == "bare", row
