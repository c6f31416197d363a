# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options that every module talking to a cluster shares."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of `AUTH_SPEC` (a unit test compares both)."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, several paths with V(:) between them, or the content as a mapping.
      - It is never looked up by itself. Without this option, O(context) or O(host) the task fails.
    type: raw
  context:
    description:
      - Context of the kubeconfig; the default is its current context.
      - Given without O(kubeconfig), the context is looked up in C(~/.kube/config).
    type: str
  host:
    description: URL of the API server. Wins over the kubeconfig's.
    type: str
  api_key:
    description: Bearer token. Wins over the kubeconfig's.
    type: str
  username:
    description: User name for HTTP basic authentication (OpenShift's API doesn't offer it; proxies before it may).
    type: str
  password:
    description: Password for HTTP basic authentication.
    type: str
  validate_certs:
    description:
      - Whether the API server's certificate must be trusted.
      - The default is what the kubeconfig says, else true.
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description: Path of the CA certificates (PEM) that the API server's certificate must come from.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description: Path of a client certificate (PEM).
    type: path
    aliases: [cert_file]
  client_key:
    description: Path of the key of O(client_cert).
    type: path
    aliases: [key_file]
  proxy:
    description: URL (http) of a proxy on the way to the API server. Proxy settings of the environment aren't used.
    type: str
  no_proxy:
    description: Hosts and domains, with commas between them, that are reached without O(proxy).
    type: str
  proxy_headers:
    description: Headers for the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description: V(user:password) for the proxy.
        type: str
      basic_auth:
        description: V(user:password) for a basic authentication header.
        type: str
      user_agent:
        description: User agent to show to the proxy.
        type: str
  persist_config:
    description: Not used; here because kubernetes.core's modules share these options.
    type: bool
  impersonate_user:
    description: User to act as.
    type: str
  impersonate_groups:
    description: Groups to act as.
    type: list
    elements: str
  deadline_seconds:
    description:
      - How long one API call is repeated while the fault is passing (429, 5xx, reset, timeout).
    type: float
    default: 90
notes:
  - Connection options are never taken from C(K8S_AUTH_*) variables of the environment.
requirements:
  - python >= 3.11
  - PyYAML
  - kubernetes (only for kubeconfig users with C(exec) or C(auth-provider))
"""
