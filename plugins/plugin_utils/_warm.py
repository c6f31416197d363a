# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads Jinja plugins and the data files once a run, in the process that all workers are forked from.

Ansible looks a filter of a collection up in all its filter files, and for a test loads all files of tests. In a worker,
which lives for one task, that costs more CPU time than most tasks' work. Three tasks of a run need the data.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from ansible.plugins.loader import filter_loader, test_loader
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts

FILTERS = Path(__file__).resolve().parents[1] / "filter"


def warm() -> None:
    """Whatever can't be loaded is left to the task that uses it, which tells what is wrong with it."""
    for file in sorted(FILTERS.glob("*.py")):
        with contextlib.suppress(Exception):
            filter_loader.get(f"llmd.openshift.{file.stem}")
    with contextlib.suppress(Exception):
        test_loader.get("ansible.builtin.defined")
    with contextlib.suppress(DataError):
        facts()
