# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One list of settings in five places: the action, its documentation, the pure settings, the role's specs and its README."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import yaml
from ansible_collections.llmd.openshift.plugins.action import aap_content
from ansible_collections.llmd.openshift.plugins.module_utils._aap.objects import Settings
from ansible_collections.llmd.openshift.plugins.modules import aap_content as documented

ROLE = Path(__file__).resolve().parents[4] / "roles" / "aap"


def test_the_same_settings_everywhere() -> None:
    names = set(aap_content.SPEC) - {"state"}
    assert names == {field.name for field in dataclasses.fields(Settings)}
    options = yaml.safe_load(documented.DOCUMENTATION)["options"]
    assert set(options) == {*names, "state"}
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert {name.removeprefix("aap_") for name in specs} == {*names, "state"}
    tasks = yaml.safe_load((ROLE / "tasks/main.yml").read_text())
    assert set(tasks[0]["llmd.openshift.aap_content"]) == {*names, "state"}
    readme = (ROLE / "README.md").read_text()
    assert [name for name in specs if f"`{name}`" not in readme] == []


def test_types_defaults_and_needs_agree() -> None:
    options = yaml.safe_load(documented.DOCUMENTATION)["options"]
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    for name, real in aap_content.SPEC.items():
        for key, usual in (("type", "str"), ("default", None), ("choices", None), ("required", False), ("elements", None)):
            assert options[name].get(key, usual) == real.get(key, usual), (name, key)
        assert defaults.get(f"aap_{name}") == real.get("default"), name
        assert bool(specs[f"aap_{name}"].get("required")) == bool(real.get("required")), name
