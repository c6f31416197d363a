# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented options are those that the actions really take, and the action group has all that talk to a cluster."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.doc_fragments.cluster import ModuleDocFragment
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import AUTH_SPEC

ROOT = Path(__file__).resolve().parents[4]
BASE = "ansible_collections.llmd.openshift.plugins"
SHARED = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
NAMES = ["apply", "cluster_access", "cluster_snapshot", "inference_probe", "olm_subscription", "wait_for"]


def same(documented: dict[str, Any], real: dict[str, Any]) -> None:
    assert set(documented) == set(real)
    for name, option in real.items():
        assert documented[name].get("type", "str") == option.get("type", "str"), name
        assert documented[name].get("default") == option.get("default"), name
        assert bool(documented[name].get("required")) == bool(option.get("required")), name
        assert sorted(documented[name].get("aliases", [])) == sorted(option.get("aliases", [])), name
        assert documented[name].get("choices") == option.get("choices"), name


def test_connection_options() -> None:
    same(SHARED, {name: option for name, option in AUTH_SPEC.items()})


@pytest.mark.parametrize("name", NAMES)
def test_own_options(name: str) -> None:
    module = importlib.import_module(f"{BASE}.modules.{name}")
    action = importlib.import_module(f"{BASE}.action.{name}").ActionModule
    same(yaml.safe_load(module.DOCUMENTATION)["options"], action.SPEC)
    assert not set(action.SPEC) & set(AUTH_SPEC)
    assert yaml.safe_load(module.RETURN) and yaml.safe_load(module.EXAMPLES)


def test_the_action_group_has_all_of_them() -> None:
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["cluster"]
    assert set(NAMES) <= set(filter(lambda entry: isinstance(entry, str), group))


def test_secret_options_are_hidden_by_ansible() -> None:
    for name in ("api_key", "password"):
        assert AUTH_SPEC[name]["no_log"] is True
