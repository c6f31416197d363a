# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by the tests of the rehearsal's data: a writable copy of the data, and CRD schemas as strict JSON Schemas."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rehearsal import crds, data
from rehearsal.errors import RehearsalError

Check = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data files that `data` reads instead of the real ones."""
    for name in ("profiles", "openshift", "scenarios", "catalogs", "schema"):
        shutil.copytree(data.ROOT / name, tmp_path / name)
    monkeypatch.setattr(data, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def hand_written() -> crds.Crds:
    """Only the schemas of rehearsal/crds: no Go needed."""
    return crds.Crds(list(crds.hand_written(data.ROOT / "crds")))


@pytest.fixture(scope="session")
def known() -> crds.Crds:
    """Hand-written schemas and those of the Go module cache."""
    try:
        return crds.Crds.load()
    except (RehearsalError, OSError) as error:
        pytest.skip(f"the Go modules with the CRDs can't be read: {error}")


def strict(schema: Any) -> Any:
    """A CRD's schema as JSON Schema that refuses what server-side apply refuses: fields it doesn't declare."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(value) for key, value in schema.items()}
    if found.get("x-kubernetes-int-or-string"):
        found["type"] = ["integer", "string"]
    if found.get("nullable") and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    closed = "properties" in found and "additionalProperties" not in found
    if closed and "type" in found and not found.get("x-kubernetes-preserve-unknown-fields"):
        found["additionalProperties"] = False
    return found


@pytest.fixture(scope="session")
def faults_of() -> Callable[[crds.Crds, dict[str, Any]], list[str]]:
    """What the API server would have against an object of a custom kind (CEL rules apart)."""

    validators: dict[tuple[int, str, str], jsonschema.Draft202012Validator] = {}

    def validator(known: crds.Crds, api_version: str, kind: str) -> jsonschema.Draft202012Validator:
        group, version = api_version.split("/")
        [served] = [v for v in known.get(f"{group}/{kind}")["spec"]["versions"] if v["name"] == version]
        schema = strict(copy.deepcopy(served["schema"]["openAPIV3Schema"]))
        for key in ("apiVersion", "kind", "metadata"):  # the API server checks them by itself
            schema["properties"][key] = {}
        return jsonschema.Draft202012Validator(schema)

    def check(known: crds.Crds, obj: dict[str, Any]) -> list[str]:
        key = (id(known), obj["apiVersion"], obj["kind"])
        if key not in validators:
            validators[key] = validator(known, obj["apiVersion"], obj["kind"])
        return [f"{error.json_path}: {error.message}" for error in validators[key].iter_errors(obj)]

    return check
