# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the SR-IOV stand-in share: its cards, its nodes, its configuration."""

from __future__ import annotations

import re
from typing import Any

from rehearsal.operators.runtime import Object, StandIn
from rehearsal.operators.sriov_nics import Cards
from rehearsal.operators.sriov_reboot import Nodes

API = "sriovnetwork.openshift.io/v1"
CONFIG = (API, "SriovOperatorConfig")


class SriovBase(StandIn):
    """The stand-in as its config daemons, its drain controller and its webhooks see it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cards = Cards(self.state / "run" / "nics.json")
        self.nodes = Nodes(self)

    def configs(self) -> list[Object]:
        """The SriovOperatorConfig `default`, if there is one."""
        return [obj for obj in self.objects(*CONFIG, self.namespace) if obj["metadata"]["name"] == "default"]

    def config_spec(self) -> Object:
        """Its spec; {} without one."""
        found = self.configs()
        return (found[0].get("spec") or {}) if found else {}

    def server(self, node: str) -> dict[str, Any] | None:
        """The node's hardware in the profile."""
        return next((item for item in self.profile["nodes"] if item["name"] == node), None)

    def minor(self) -> int:
        """Minor version of the operator, as in sriov-network-operator.v4.20.0-202510220911; 99 when its name has none."""
        found = re.search(r"\.v4\.(\d+)\.", self.csv["metadata"]["name"] if self.csv else "")
        return int(found.group(1)) if found else 99
