# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fabric check from start to end: Pods on all nodes of the fabric, their logs, the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._assess.look import names
from . import fabric as design
from .bench import Bench, NotMeasured
from .output import Section, sections
from .verdict import Bounds, check, links, unmeasured


@dataclass(frozen=True)
class Orders:
    """What to measure. lines: (node, rail) -> Gbit/s of the card's port, where it is known."""

    namespace: str
    image: str
    path: str
    fabric: Mapping[str, Any]
    bounds: Bounds
    seconds: int = 600
    tolerations: Sequence[Mapping[str, Any]] = ()
    lines: Mapping[tuple[str, int], float | None] = field(default_factory=dict)


def run(cluster: Any, orders: Orders, show: Callable[[str], None], beat: Callable[[], None]) -> tuple[dict[str, Any], list[str]]:
    """(the result, what couldn't be deleted). Whatever keeps it from measuring makes the result unknown. :raises ClusterError: the API said no."""
    refused = _refused(orders)
    if refused:
        return refused, []
    bench = Bench(cluster, orders.namespace, "llmd-fabric", design.SELECTOR, show, beat)
    bench.sweep("Pod", "Service", "ConfigMap")
    try:
        return _measured(bench, orders), bench.left_behind
    except NotMeasured as error:
        return unmeasured(str(error), orders.path, error.todo), bench.left_behind
    finally:
        bench.clear()


def _refused(orders: Orders) -> dict[str, Any] | None:
    """Why nothing is measured at all."""
    rails, pairs = design.rails(orders.fabric), design.ring(orders.fabric.get("nodes") or [])
    if not orders.image:
        return unmeasured("no image with the tools is declared, so the fabric wasn't measured", orders.path)
    if "@sha256:" not in orders.image:
        return unmeasured(f"image {orders.image} isn't named by digest", orders.path, "Give llmd_fabric_check_image as NAME@sha256:...")
    if not rails:
        return unmeasured("the fabric gives Pods no device", orders.path, "Let role fabric set up the rails first.")
    if not pairs:
        return unmeasured("the fabric has a single node, which has no peer", orders.path, "Add a node.")
    if design.seconds_each(orders.seconds, len(rails)) is None:
        least = design.START_SECONDS + len(rails) * (design.LEAST_SECONDS + 4)
        return unmeasured(f"{orders.seconds} s are too few for {len(rails)} rails", orders.path, f"Give llmd_fabric_check_minutes {-(-least // 60)} or more.")
    return None


def _measured(bench: Bench, orders: Orders) -> dict[str, Any]:
    rails, pairs = design.rails(orders.fabric), design.ring(orders.fabric["nodes"])
    each = design.seconds_each(orders.seconds, len(rails)) or design.LEAST_SECONDS
    nodes = [client for client, _server in pairs]
    owner = bench.owner(design.config(bench.name, orders.namespace))
    addresses = {
        node: str(bench.create(design.service(bench.name, orders.namespace, node, number, len(rails), owner))["spec"]["clusterIP"])
        for number, node in enumerate(nodes)
    }
    pods = {}
    for number, (client, server) in enumerate(pairs):
        made = design.pod(
            bench.name, orders.namespace, client, number, orders.image, addresses[server], rails, each, orders.seconds, orders.fabric,
            orders.tolerations, owner,
        )  # fmt: skip
        pods[client] = bench.create(made)["metadata"]["name"]
    bench.completed(list(pods.values()), orders.seconds + 90.0)
    logs = {node: _sections(bench.log(pod, "check"), pod, orders.namespace) for node, pod in pods.items()}
    found = links(pairs, [rail.index for rail in rails], logs, orders.lines)
    return check(found, orders.bounds, orders.path)


def _sections(log: str, pod: str, namespace: str) -> list[Section]:
    """:raises NotMeasured: the image lacks a tool, or the log is cut off."""
    where = f"Pod {namespace}/{pod}"
    lacking = [line.removeprefix("@llmd missing ") for line in log.splitlines() if line.startswith("@llmd missing ")]
    if lacking:
        raise NotMeasured(where, f"its image has no {names(lacking)}", "Declare an image with perftest and coreutils (llmd_fabric_check_image).")
    found, whole = sections(log)
    if not whole:
        last = log.strip().splitlines()[-1][:160] if log.strip() else "nothing"
        raise NotMeasured(where, f"its log breaks off: {last}", "See whether the node or the Pod was disturbed, and run again.")
    return found
