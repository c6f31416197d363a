# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways from one version of OpenShift AI to another through OLM's channels, and what is said where there is none."""

from __future__ import annotations

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data import versions
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._plan.decision import version_row
from ansible_collections.llmd.openshift.plugins.module_utils._plan.updates import Graph, route

ROW = facts().operators["rhods-operator"]


def way(installed, channel, release, offered=None):
    version = versions.parse(installed)
    assert version is not None
    return route(Graph(ROW, offered), version, channel, version_row(ROW, release, versions.parse("4.20.4")))


def shown(found):
    return [f"{hop.channel} {hop.csv.removeprefix('rhods-operator.')}" for hop in found.hops]


@pytest.mark.parametrize(
    ("installed", "channel", "release", "hops"),
    [
        ("3.2.1", "fast-3.x", "3.3", ["fast-3.x 3.3.0", "stable-3.3 3.3.6"]),
        ("3.2.1", "3.2-exception-support", "3.3", ["fast-3.x 3.3.0", "stable-3.3 3.3.6"]),
        ("3.2.0", "fast-3.x", "3.2", ["3.2-exception-support 3.2.1"]),
        ("3.3.0", "fast-3.x", "3.3", ["stable-3.3 3.3.6"]),
        ("3.0.0", "fast-3.x", "3.2", ["fast-3.x 3.2.1"]),
        ("3.3.6", "stable-3.3", "3.4", ["stable-3.4 3.4.3"]),
        ("2.25.4", "stable-2.25", "2.25", ["stable-2.25 2.25.10"]),
    ],
)
def test_the_way_with_the_fewest_updates(installed, channel, release, hops):
    assert shown(way(installed, channel, release)) == hops


@pytest.mark.parametrize(
    ("installed", "channel", "release", "why", "remedy"),
    [
        ("3.0.0", "fast-3.x", "3.3", "OLM goes from 3.0.0 to 3.3 by 3.2.1, 3.3.0, 3.3.6 only, and one release is taken at a time", 'llmd_release: "3.2" first'),
        ("3.3.6", "stable-3.3", "3.2", "3.3.6 is installed, which is newer than 3.2, and OLM never goes back", 'llmd_release: "3.3"'),
        ("2.25.10", "stable-2.25", "3.3", "only in channel support-required-upgrade, which Red Hat's support opens for a case", "support case"),
        ("2.25.10", "stable-2.25", "3.0", "no channel has an update from 2.25.10 to 3.0", 'llmd_release: "2.25"'),
    ],
)
def test_no_way_says_why_and_what_to_do(installed, channel, release, why, remedy):
    found = way(installed, channel, release)
    assert found.hops == () and why in found.why and remedy in found.remedy


def test_a_catalog_that_lacks_a_stop_is_told_what_to_mirror():
    lacking = {"fast-3.x": ["rhods-operator.3.2.1", "rhods-operator.3.3.1"], "stable-3.3": ["rhods-operator.3.3.6"]}
    found = way("3.2.1", "fast-3.x", "3.3", lacking)
    assert found.hops == () and found.why == "the catalog offers no update from 3.2.1 to 3.3"
    assert "Mirror rhods-operator.3.3.0 in channel fast-3.x" in found.remedy


def test_an_older_head_of_the_right_channel_will_do():
    older = {"fast-3.x": ["rhods-operator.3.3.0", "rhods-operator.3.3.1"], "stable-3.3": ["rhods-operator.3.3.4"]}
    assert shown(way("3.2.1", "fast-3.x", "3.3", older)) == ["fast-3.x 3.3.0", "stable-3.3 3.3.4"]
