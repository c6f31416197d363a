# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rehearsal for the whole run and what follows from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from play import Site

from tests.integration.conftest import Rehearsal, rehearsal_cli, start


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bare cluster of this test file's own."""
    name = f"site-{os.getpid()}-{tmp_path_factory.getbasetemp().name}"
    rehearsal: Rehearsal = start(name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10")
    yield Site(rehearsal, tmp_path_factory.mktemp("reports"))
    rehearsal_cli("down", "--name", name)
