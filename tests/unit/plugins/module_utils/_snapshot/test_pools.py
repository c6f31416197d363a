# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MachineConfigPools of a snapshot."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot.pools import reduce


@pytest.mark.parametrize(
    ("notes", "by"),
    [
        ({}, None),
        ({"llmd.openshift.io/paused-by": "llmd-openshift"}, "llmd-openshift"),
        ({"sriovnetwork.openshift.io/state": "Paused"}, "sriov-network-operator"),
        ({"sriovnetwork.openshift.io/state": "Idle"}, None),
    ],
)
def test_who_paused_it(notes: dict[str, str], by: str | None) -> None:
    pool: dict[str, Any] = {"metadata": {"name": "worker", "annotations": notes}, "spec": {"paused": True}, "status": {}}
    assert (reduce(pool)["paused"], reduce(pool)["paused_by"]) == (True, by)
