# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that need a cluster which serves already start from a saved state: the main job ran once, before the state was saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from play import Site

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]


def test_a_cluster_that_serves_is_proven_again(from_saved: Callable[..., Any], tmp_path: Path) -> None:
    def serve(rehearsal: Any) -> None:
        done = Site(rehearsal, tmp_path / "first").run()
        assert done.rc == 0, done.output

    one = from_saved("ready-to-serve", serve, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10")
    again = Site(one, tmp_path / "again").run()
    assert again.rc == 0, again.output
    assert again.report["outcome"] == "proven"
