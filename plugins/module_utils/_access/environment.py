# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`K8S_AUTH_*` variables that would win over the declared connection. Pure: the environment is handed in.

kubernetes.core's modules and lookups take host and token from these before they look at a kubeconfig
(kubernetes.core 6.6, module_utils/k8s/client.py), and AAP's built-in credential sets them. Our own modules never read
them, so a play would talk to two clusters at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared

PREFIX = "K8S_AUTH_"
# variable (without prefix) -> connection option; source: kubernetes.core module_utils/args_common.py AUTH_ARG_MAP
OPTION = {
    "KUBECONFIG": "kubeconfig", "CONTEXT": "context", "HOST": "host", "API_KEY": "api_key", "USERNAME": "username",
    "PASSWORD": "password", "VERIFY_SSL": "validate_certs", "SSL_CA_CERT": "ca_cert", "CERT_FILE": "client_cert",
    "KEY_FILE": "client_key", "PROXY": "proxy", "NO_PROXY": "no_proxy", "IMPERSONATE_USER": "impersonate_user",
    "IMPERSONATE_GROUPS": "impersonate_groups",
}  # fmt: skip


def winning(environment: Mapping[str, str], params: Mapping[str, Any]) -> list[str]:
    """Names of the set variables that a task without that option would take."""
    return sorted(
        PREFIX + name
        for name, option in OPTION.items()
        if environment.get(PREFIX + name) and params.get(option) in (None, "", [])
    )


def refuse_winning(environment: Mapping[str, str], params: Mapping[str, Any]) -> None:
    """:raises Misdeclared: such a variable is set; the message names it (never its value)."""
    names = winning(environment, params)
    if names:
        options = ", ".join(f"llmd_{_declared(OPTION[name[len(PREFIX) :]])}" for name in names)
        raise Misdeclared(
            "The environment would lead to another cluster", ", ".join(names),
            "kubernetes.core's modules and lookups prefer it to the declared connection",
            f"Unset it (env -u {' -u '.join(names)} ansible-playbook …), or declare it: {options}.",
        )  # fmt: skip


def _declared(option: str) -> str:
    return {"api_key": "token"}.get(option, option)
