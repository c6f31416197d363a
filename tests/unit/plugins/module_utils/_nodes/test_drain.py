# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drain meets."""

from __future__ import annotations

from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._nodes import drain


def pod(name: str, owner: str | None = "ReplicaSet", node: str = "gpu-0", labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    refs = [{"kind": owner, "name": "x", "controller": True}] if owner else []
    meta = {"name": name, "namespace": "shop", "labels": labels or {"app": name}, "ownerReferences": refs}
    return drain.reduce_pod({"metadata": meta, "spec": {"nodeName": node}, "status": {"phase": "Running"}, **more})


def budget(name: str, selector: Any, allowed: int | None) -> dict[str, Any]:
    status = {"disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1}
    return drain.reduce_budget({"metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": selector}, "status": status})


def test_a_budget_without_room_blocks() -> None:
    (found,) = drain.blockers([pod("db"), pod("web")], [budget("db", {"matchLabels": {"app": "db"}}, 0)], ["gpu-0"])
    assert found == {"node": "gpu-0", "pod": "shop/db", "owner": "ReplicaSet x", "budget": "shop/db", "why": "1 healthy, 1 wanted: no disruption is allowed"}


def test_a_budget_with_room_does_not() -> None:
    assert drain.blockers([pod("db")], [budget("db", {"matchLabels": {"app": "db"}}, 1)], ["gpu-0"]) == []


def test_a_budget_whose_room_is_unknown_blocks() -> None:
    assert drain.blockers([pod("db")], [budget("db", {}, None)], ["gpu-0"])


def test_two_budgets_of_one_pod_forbid_every_eviction() -> None:
    (found,) = drain.blockers([pod("db")], [budget("a", {}, 1), budget("b", {}, 1)], ["gpu-0"])
    assert found["budget"] == "shop/a, shop/b" and "2 budgets" in found["why"]


def test_daemons_static_pods_finished_pods_and_other_nodes_do_not_matter() -> None:
    static = pod("static", None)
    static["stays"] = drain.reduce_pod({"metadata": {"annotations": {drain.STATIC: "x"}}})["stays"]
    pods = [pod("agent", "DaemonSet"), static, pod("done", status={"phase": "Succeeded"}), pod("far", node="gpu-1")]
    assert drain.blockers(pods, [budget("all", {}, 0)], ["gpu-0"]) == [] and drain.lost(pods, ["gpu-0"]) == []


def test_pods_without_a_controller_are_lost() -> None:
    bare = {"metadata": {"name": "debug", "namespace": "shop"}, "spec": {"nodeName": "gpu-0", "volumes": [{"name": "scratch", "emptyDir": {}}, {"name": "c", "configMap": {}}]}}
    assert drain.lost([drain.reduce_pod(bare)], ["gpu-0"]) == [{"node": "gpu-0", "pod": "shop/debug", "owner": None, "volumes": ["scratch"]}]
    assert drain.lost([pod("web")], ["gpu-0"]) == []


def test_selectors() -> None:
    term = {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}
    assert drain.selects(term, {"app": "db"}) and not drain.selects(term, {"app": "web"}) and not drain.selects(None, {})
    assert drain.selects({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}) and not drain.selects({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {})
