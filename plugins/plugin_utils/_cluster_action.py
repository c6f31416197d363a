# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our action plugins that talk to a cluster share: arguments, connection, progress lines, failures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.llmd.openshift.plugins.module_utils._access import lock, whoami
from ansible_collections.llmd.openshift.plugins.module_utils._access.lease import Locked
from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import AUTH_SPEC, Cluster


class ClusterAction(ActionBase):
    """An action that runs on the controller and talks to the API itself, so that it can show progress."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def arguments(self, spec: dict[str, Any]) -> dict[str, Any]:
        """The validated task arguments, connection options included."""
        _validation, args = self.validate_argument_spec(argument_spec={**AUTH_SPEC, **spec})
        return args

    def connect(self, args: dict[str, Any]) -> Cluster:
        """The cluster that the task's connection options name. :raises ClusterError:"""
        return Cluster.connect({key: args.get(key) for key in AUTH_SPEC})

    def beat(self, cluster: Cluster) -> Callable[[], None]:
        """What a long wait does between two looks: it keeps the run's lock, and ends when the run was killed.

        The returned function raises Locked when the lock was taken over, or when this worker has outlived its run.
        """
        run, renewal = os.getppid(), lock.Renewal(cluster, whoami.holder())

        def beat() -> None:
            if os.getppid() != run:
                raise Locked("The run has ended", f"process {run}", "ansible-playbook was killed", "Run again.")
            try:
                renewal.tick()
            except Locked:
                raise
            except ClusterError:
                return  # an API that doesn't answer is the wait's own matter; the lock outlives a minute without it

        return beat

    def show(self, host: str, line: str) -> None:
        """One progress line; it goes through Ansible's display, so AAP's output has it too."""
        Display().display(f"    [{host}] {line}")


def plain(value: Any) -> Any:
    """Task arguments without Ansible's data tags and lazy containers."""
    return json.loads(json.dumps(value))


def failure(message: str, error: Any = None, **more: Any) -> dict[str, Any]:
    """The result of a failed task; ``error`` is a ClusterError or anything with ``as_dict``."""
    result: dict[str, Any] = {"failed": True, "changed": False, "msg": message, **more}
    if hasattr(error, "as_dict"):
        result["error"] = error.as_dict()
    return result
