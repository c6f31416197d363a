# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rails, measured: a good fabric passes, a slow rail and a fall-back to TCP stop the run by name, and nothing is left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from play import Result, Site

from tests.integration.conftest import MEASURING, rehearsal_cli, start
from tests.integration.rehearsal.steps import break_

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide, pytest.mark.timeout(2400)]
STAGES = ["access", "discover", "assess", "plan", "features", "operators", "nodes", "fabric", "fabric_check"]
OPTIONS: dict[str, Any] = {
    "llmd_path": "pd_disaggregation", "llmd_rail_range": "10.90.0.0/16", "llmd_fabric_check_image": MEASURING,
    "llmd_allow_disruption": ["driver", "reboot", "drain"], "llmd_stages": STAGES,
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    rehearsal = start(f"measured-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10")
    yield Site(rehearsal, tmp_path_factory.mktemp("measured"))
    rehearsal_cli("down", "--name", rehearsal.name)


def findings(result: Result) -> dict[str, Any]:
    return {item["id"]: item for item in result.report["findings"] if item["id"] in ("fabric-transport", "fabric-bandwidth", "fabric-line-rate", "fabric-latency")}


def test_a_good_fabric_a_slow_rail_and_tcp(site: Site) -> None:
    result = site.run(**OPTIONS, llmd_timeout_minutes=15, timeout=1500)
    assert result.rc == 0, result.output[-4000:]
    found = findings(result)
    assert found["fabric-bandwidth"]["status"] == "pass" and "Gbit/s" in found["fabric-bandwidth"]["observed"]
    made = result.report["measured"]["fabric"]
    assert made["status"] == "pass" and made["numbers"]["links"] == 16 and made["numbers"]["least_gbit"] > 350
    assert made["matrix"]["columns"] == ["gpu-0 to gpu-1", "gpu-1 to gpu-0"] and len(made["matrix"]["rows"]) == 8
    assert "Rails, measured" in (result.folder / "report.html").read_text()
    for kind in ("pod", "service", "configmap"):
        left = site.rehearsal.get(kind, "-n", "llmd", "-l", "app.kubernetes.io/name=llmd-fabric-check")["items"]
        assert left == [], left

    break_(site.rehearsal, "rail-slow")
    result = site.run(**OPTIONS)
    assert result.rc != 0 and "rail 2 between gpu-0 to gpu-1" in result.message, result.output[-3000:]
    found = findings(result)
    assert (found["fabric-bandwidth"]["status"], found["fabric-line-rate"]["status"], found["fabric-latency"]["status"]) == ("fail", "warn", "warn")
    assert "on 2 of 16 links" in found["fabric-bandwidth"]["observed"]

    break_(site.rehearsal, "tcp-fallback")
    result = site.run(**OPTIONS)
    assert result.rc != 0 and "fall back to TCP" in result.message
    assert findings(result)["fabric-transport"]["status"] == "fail"

    break_(site.rehearsal)
    result = site.run(**{**OPTIONS, "llmd_fabric_check_image": None})
    assert result.rc == 0 and findings(result)["fabric-bandwidth"]["status"] == "unknown"
    assert "llmd_fabric_check_image" in json.dumps(findings(result))
    assert site.run(**OPTIONS).changed == 0
