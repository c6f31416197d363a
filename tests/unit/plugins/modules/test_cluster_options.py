# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented connection options are those that the modules really take."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.doc_fragments.cluster import ModuleDocFragment
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import AUTH_SPEC
from ansible_collections.llmd.openshift.plugins.modules import apply, cluster_access, cluster_snapshot

SHARED = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]


def same(documented: dict[str, Any], real: dict[str, Any]) -> None:
    assert set(documented) == set(real)
    for name, option in real.items():
        assert documented[name].get("type", "str") == option.get("type", "str"), name
        assert documented[name].get("default") == option.get("default"), name
        assert sorted(documented[name].get("aliases", [])) == sorted(option.get("aliases", [])), name
        assert documented[name].get("choices") == option.get("choices"), name


def test_connection_options():
    same(SHARED, {name: option for name, option in AUTH_SPEC.items()})


@pytest.mark.parametrize("module", [apply, cluster_access, cluster_snapshot])
def test_own_options(module: Any):
    documented = yaml.safe_load(module.DOCUMENTATION)
    same(documented["options"], module.SPEC)
    assert not set(module.SPEC) & set(AUTH_SPEC)
    assert yaml.safe_load(module.RETURN) and yaml.safe_load(module.EXAMPLES)


def test_secret_options_are_hidden_by_ansible():
    for name in ("api_key", "password"):
        assert AUTH_SPEC[name]["no_log"] is True
