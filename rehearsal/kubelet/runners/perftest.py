# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images with measuring tools (and a shell): the pod's own command runs; the tools that it finds on its PATH are ours (``../../shims/{perftest,fio}.py``).

What a card is worth comes from the profile (speed, link layer, MTU), less what a scenario takes away (``slow_rails``, ``slow_disks``).
"""

from __future__ import annotations

import json
from typing import Any

from rehearsal.kubelet import rdma
from rehearsal.kubelet.runners.base import PRIVATE, Context, Launch, python_links, python_shim, script
from rehearsal.shims.perftest import JUMBO_MTU

Obj = dict[str, Any]
ENTRYPOINT = ["/bin/sh"]
TOOLS = {"ib_write_bw": ("perftest", "ib_write_bw"), "ib_read_lat": ("perftest", "ib_read_lat"), "fio": ("fio",)}
DISK_MIB = 6700.0  # an NVMe drive of PCIe generation 4 reads so fast (general knowledge, reference hardware.md 5.2)


def launch(context: Context) -> Launch:
    down = context.scenario.get("kv_transfer") == "tcp"
    slow = context.scenario.get("slow_disks") or {}
    share = slow.get("share", 1.0) if slow.get("node") == context.pod["spec"].get("nodeName") else 1.0
    settings = {"devices": devices(context, down), "scale": context.delay("perftest", 1.0), "disk_mib": DISK_MIB * share}
    return Launch(
        argv=context.command(ENTRYPOINT),
        links=python_links(),
        files={
            **{f"/usr/local/bin/{tool}": script(python_shim(*words)) for tool, words in TOOLS.items()},
            f"{PRIVATE}/perftest.json": (json.dumps(settings), 0o644),
            **rdma.files(context.rdma, context.pod_ip, down=down),
        },
    )


def devices(context: Context, down: bool) -> dict[str, Obj]:
    """RDMA device -> what the tools find of it."""
    node = context.pod["spec"].get("nodeName")
    slow = context.scenario.get("slow_rails") or {}
    found = {}
    for nic in context.rdma:
        ill = slow if slow.get("node") == node and nic.get("rail") in (slow.get("rails") or [0]) else {}
        layer = nic.get("link_layer") or "Ethernet"
        found[nic["rdma"]] = {
            "link_layer": layer,
            "active": nic.get("state", "up") == "up" and not down,
            "rate_gbps": nic["speed_mbps"] / 1000 * ill.get("share", 1.0),
            "delay": ill.get("delay", 1.0),
            "jumbo": layer == "InfiniBand" or int(nic.get("mtu") or 1500) >= JUMBO_MTU,
        }
    return found
