# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.fabric_check: measures the rails between the nodes (see plugins/modules/fabric_check.py)."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._assess.look import number, rows, text
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._perf.run import Orders, run
from ansible_collections.llmd.openshift.plugins.module_utils._perf.verdict import bounds
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, leftovers


class ActionModule(ClusterAction):
    """Makes one Pod a node, reads what the tools measured, deletes everything; never reports a change."""

    SPEC = {
        "namespace": {"type": "str", "required": True},
        "image": {"type": "str"},
        "path": {"type": "str", "required": True},
        "fabric": {"type": "dict", "required": True},
        "snapshot": {"type": "dict", "default": {}},
        "pass_gbit": {"type": "float"},
        "warn_gbit": {"type": "float"},
        "tolerations": {"type": "list", "elements": "dict", "default": []},
        "timeout_seconds": {"type": "int", "default": 600},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The verdict; without an image nothing is asked of the cluster, and the answer is unknown."""
        if args["path"] not in facts().thresholds["fabric_gbit"]:
            return {"changed": False, "check": {}, "msg": f"the path {args['path']} needs no fabric between nodes"}
        own = {"fabric_pass_gbit": args["pass_gbit"], "fabric_warn_gbit": args["warn_gbit"]}
        orders = Orders(
            args["namespace"], args["image"] or "", args["path"], args["fabric"], bounds(facts().thresholds, args["path"], own), args["timeout_seconds"],
            args["tolerations"] or [], _lines(args["fabric"], args["snapshot"]),
        )  # fmt: skip
        if self._task.check_mode:
            return {"changed": False, "check": {}, "msg": "check mode: the fabric isn't measured"}
        host = str(task_vars.get("inventory_hostname", "cluster"))
        cluster = self.connect(args) if orders.image else None
        check, left = run(cluster, orders, lambda line: self.show(host, line), self.beat(cluster) if cluster else lambda: None)
        return {"changed": False, "check": check, "msg": _message(check), **leftovers(left)}


def _lines(fabric: dict[str, Any], snapshot: dict[str, Any]) -> dict[tuple[str, int], float | None]:
    """(node, rail) -> line rate of the card in Gbit/s, by its PCI address."""
    speeds = {
        (text(node, "name"), text(nic, "pci")): speed / 1000
        for node in rows(snapshot, "nodes") or []
        for nic in rows(node, "nics") or []
        if (speed := number(nic, "speed_mbps"))
    }
    return {(node, rail["index"]): speeds.get((node, nic["pci"])) for rail in fabric.get("rails") or [] for node, nic in (rail.get("nics") or {}).items()}


def _message(check: dict[str, Any]) -> str:
    """What is wrong, in one text; else what was measured."""
    bad = [f"{one['subject']}: {one['observed']} ({one['expected']} expected). {one['remedy']}" for one in check["findings"] if one["status"] == "fail"]
    if bad:
        return f"The fabric isn't good enough. {' '.join(bad)}"
    return "; ".join(f"{one['status']}: {one['observed']}" for one in check["findings"])
