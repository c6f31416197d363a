# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's number of GPUs, and what the log of a driver that crashes means."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._wait import accelerators
from ansible_collections.llmd.openshift.plugins.module_utils._wait.causes import cause

WANTED = {"resource": "nvidia.com/gpu", "equals": 8}


def node(gpus: str | None, **labels: str) -> dict[str, Any]:
    shown = {} if gpus is None else {"nvidia.com/gpu": gpus}
    return {"metadata": {"labels": labels}, "status": {"allocatable": shown, "conditions": [{"type": "Ready", "status": "True"}]}}


@pytest.mark.parametrize(
    ("gpus", "phase", "reason"),
    [
        ("8", "done", "Allocatable"),
        (None, "waiting", "NotAllocatable"),
        ("0", "waiting", "NotAllocatable"),
        ("7", "failed", "TooFewGpus"),
        ("32", "failed", "TooManyGpus"),
    ],
)
def test_the_number_is_that_of_the_bus(gpus: str | None, phase: str, reason: str) -> None:
    state = accelerators.gpus(node(gpus), WANTED)
    assert (state.phase, state.reason) == (phase, reason) and (phase != "failed" or state.grace == accelerators.COUNT_GRACE)


def test_seven_of_eight_says_where_to_look() -> None:
    state = accelerators.gpus(node("7"), WANTED)
    assert "7 allocatable, 8 expected" in state.detail and "Xid" in state.repair


def test_a_mig_layout_that_was_set_up_half_way() -> None:
    state = accelerators.gpus(node("4", **{accelerators.MIG_STATE: "failed", "nvidia.com/mig.config": "all-1g.18gb"}), WANTED)
    assert (state.phase, state.reason, state.grace) == ("failed", "MigFailed", 0.0) and "all-1g.18gb" in state.detail and "all-disabled" in state.repair


@pytest.mark.parametrize(
    ("log", "words", "repair"),
    [
        ("+ modprobe nvidia\nmodprobe: ERROR: could not insert 'nvidia': No such device\n", "finds no GPU", "NVRM"),
        ("could not insert 'nvidia': No such device\nNVRM: a driver such as: nouveau, rivafb was loaded\n", "nouveau holds", "modprobe.blacklist=nouveau"),
        ("modprobe: ERROR: could not insert 'nvidia': Key was rejected by service\n", "Secure Boot refuses", "firmware"),
        ("ERROR: The nvidia kernel module was not created.\n", "doesn't build", "llmd_gpu_driver_version"),
        ("[Errno 28] No space left on device\n", "volume is full", "llmd_model_cache_gib"),
        ("Could not unload NVIDIA driver kernel modules, driver is in use\nFailed to uninstall\n", "uses the GPUs", "GPU pods"),
    ],
)
def test_known_words_of_a_log(log: str, words: str, repair: str) -> None:
    found = cause(log)
    assert found is not None and words in found.meaning and repair in found.repair and found.line in log


def test_unknown_words_are_shown_and_no_more() -> None:
    found = cause("one\ntwo\n\n")
    assert found is not None and (found.line, found.meaning, found.repair) == ("two", "", "") and cause(" \n") is None
