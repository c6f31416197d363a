# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the assessment share."""

from __future__ import annotations

import datetime

import pytest

TODAY = datetime.date(2026, 11, 24)


@pytest.fixture
def judged():
    """assess() with today's data: judged(snapshot, declared, ...)."""
    # Here and not above: pytest reads this file before pytest-ansible makes collections importable.
    from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess
    from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts

    def run(snapshot, declared, **more):
        return assess(snapshot, declared, facts(), TODAY, **more)

    return run
