# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of llmd.openshift.inference_probe: measures a service from inside the cluster (see plugins/modules/inference_probe.py)."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._probe.run import Orders, Probe, ProbeError
from ansible_collections.llmd.openshift.plugins.module_utils._proof import verdict
from ansible_collections.llmd.openshift.plugins.plugin_utils._cluster_action import ClusterAction, failure, leftovers


class ActionModule(ClusterAction):
    """Makes the client's Pod, reads what it measured, deletes everything; never reports a change."""

    SPEC = {
        "namespace": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "api_version": {"type": "str", "default": "serving.kserve.io/v1alpha1"},
        "path": {"type": "str", "choices": list(verdict.PATHS), "default": "inference_scheduling"},
        "image": {"type": "str", "required": True},
        "requests": {"type": "int", "default": 24},
        "url": {"type": "str"},
        "validate_gateway_certs": {"type": "bool", "default": True},
        "gateway_ca_cert": {"type": "str"},
        "timeout_seconds": {"type": "int", "default": 600},
    }

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The raw measurements. It keeps the run's lock meanwhile, since a measurement outlasts the lease."""
        try:
            orders = _orders(args)
            cluster = self.connect(args)
            if self._task.check_mode:
                text = f"check mode: would send {args['requests']} requests to {orders.subject}"
                return {"changed": False, "msg": text}
            probe = Probe(cluster, orders, beat=self.beat(cluster))
            with _terminable():
                measurements = probe.run()
        except ProbeError as error:
            return failure(str(error), failure=error.failure)
        return {"changed": False, "measurements": measurements, **leftovers(probe.left_behind)}


def _orders(args: dict[str, Any]) -> Orders:
    return Orders(
        args["namespace"], args["name"], args["api_version"], args["image"], args["requests"],
        args["timeout_seconds"], args["url"] or "", args["validate_gateway_certs"], args["gateway_ca_cert"] or "", args["path"],
    )  # fmt: skip


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM becomes an exception that passes the clean-up, so that a terminated task deletes what it made."""

    def stop(_number: int, _frame: Any) -> None:
        raise SystemExit(1)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
