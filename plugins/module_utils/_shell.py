# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module that talks to a cluster does alike: options, connection, secrets hidden, errors as one message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import AUTH_SPEC, Cluster
from ansible_collections.llmd.openshift.plugins.module_utils._kube.connection import secrets_in


def run(work: Callable[[AnsibleModule, Cluster], dict[str, Any]], spec: dict[str, Any], **options: Any) -> None:
    """Runs a module: `work` returns its result, a ClusterError becomes `msg` and `error`.

    :param spec: the module's own options; the connection options are added.
    :param options: further arguments of AnsibleModule.
    """
    module = AnsibleModule(argument_spec={**AUTH_SPEC, **spec}, supports_check_mode=True, **options)
    module.no_log_values.update(secrets_in(module.params.get("kubeconfig")))
    try:
        result = work(module, Cluster.connect(module.params))
    except ClusterError as error:
        module.fail_json(msg=str(error), error=error.as_dict())
    module.exit_json(**result)
