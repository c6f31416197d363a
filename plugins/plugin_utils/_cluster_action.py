# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our action plugins that talk to a cluster share: arguments, connection, progress lines, failures, hidden secrets.

They work in the controller's own worker instead of starting a Python of their own, which would cost more CPU time than
their whole work; imports at the top of an action's file happen once a run, in the process that all workers are forked from.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.llmd.openshift.plugins.module_utils._access import lock, whoami
from ansible_collections.llmd.openshift.plugins.module_utils._access.lease import Locked
from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import AUTH_SPEC, Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._kube.connection import secrets_in
from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import WaitFailed


class ClusterAction(ActionBase):
    """An action that runs on the controller and talks to the API itself, so that it can show progress.

    A subclass names its options in ``SPEC`` (the connection options are added) and does its work in :meth:`work`.
    """

    SPEC: dict[str, Any] = {}

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Validates the arguments, works, and returns the result without any secret that the arguments hold."""
        whoami.end_with_run()
        super().run(tmp, task_vars)
        args = self.arguments()
        try:
            result = self.work(args, task_vars or {})
        except ClusterError as error:
            result = failure(str(error), error)
        hidden = _secrets(args) | self.secrets(args)
        return remove_values(result, hidden) if hidden else result

    def work(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The task's result. A ClusterError that comes out becomes a failed result with ``msg`` and ``error``."""
        raise NotImplementedError

    def secrets(self, args: dict[str, Any]) -> set[str]:
        """Values besides the connection's that must not appear in the result."""
        return set()

    def arguments(self, spec: dict[str, Any] | None = None) -> dict[str, Any]:
        """The validated task arguments as plain data, connection options included; ``spec`` stands for :attr:`SPEC`."""
        spec = {**AUTH_SPEC, **(self.SPEC if spec is None else spec)}
        _validation, args = self.validate_argument_spec(argument_spec=spec)
        return {name: plain(args.get(name)) for name in spec}

    def connect(self, args: dict[str, Any]) -> Cluster:
        """The cluster that the task's connection options name. :raises ClusterError:"""
        return Cluster.connect({key: args.get(key) for key in AUTH_SPEC})

    def beat(self, cluster: Cluster) -> Callable[[], None]:
        """What a long wait does between two looks: it keeps the run's lock, and ends when the run was killed.

        The returned function raises Locked when the lock was taken over, or when this worker has outlived its run.
        """
        renewal = lock.Renewal(cluster, whoami.holder())

        def beat() -> None:
            if whoami.outlived():  # where the kernel doesn't end it, see whoami.end_with_run
                raise Locked("The run has ended", f"process {whoami.run_pid()}", "ansible-playbook was killed", "Run again.")
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


def _secrets(args: dict[str, Any]) -> set[str]:
    """The connection's secrets: options that Ansible hides, and what a kubeconfig given as a mapping holds."""
    found = secrets_in(args["kubeconfig"])
    for spec, values in ((AUTH_SPEC, args), (AUTH_SPEC["proxy_headers"]["options"], args["proxy_headers"] or {})):
        found |= {str(values[name]) for name, option in spec.items() if option.get("no_log") and values.get(name)}
    return found


def plain(value: Any) -> Any:
    """Task arguments without Ansible's data tags and lazy containers, as JSON would carry them to a module."""
    return None if value is None else json.loads(json.dumps(value, default=_jsonable))


def _jsonable(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.datetime)):  # unquoted in YAML
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)  # a value from Ansible Vault decrypts itself so (ansible-core before 2.19)


def failure(message: str, error: Any = None, **more: Any) -> dict[str, Any]:
    """The result of a failed task; ``error`` is a ClusterError or anything with ``as_dict``."""
    result: dict[str, Any] = {"failed": True, "changed": False, "msg": message, **more}
    if hasattr(error, "as_dict"):
        result["error"] = error.as_dict()
    return result


def leftovers(names: list[str]) -> dict[str, Any]:
    """The warnings of a result about short-lived objects that couldn't be deleted."""
    return {"warnings": [f"not deleted, the next run does it: {name}" for name in names]} if names else {}


def failed_wait(error: WaitFailed) -> dict[str, Any]:
    """The result of a wait that didn't work out: each object's state, and the one at fault."""
    result = failure(str(error), error.error, waited=error.results, timed_out=error.timed_out)
    if error.failure:
        result["failure"] = error.failure.as_dict()
    return result
