# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what around the model servers: their account, the SCC that grants capabilities, and the NetworkPolicy.

Sources: reference rhoai-llmd 3.5 (KServe binds the SCC for groups of pods only), 7 rows 34, 54, 55.
"""

from __future__ import annotations

from .dialects import releases_with
from .pods import needs_account
from .wish import Refused, Row, Wish

GATEWAY_NAMESPACE = "openshift-ingress"
MONITORING_NAMESPACES = ("openshift-monitoring", "openshift-user-workload-monitoring")
SCC_ROLE = "openshift-ai-llminferenceservice-scc"


def able(wish: Wish) -> None:
    """Raises Refused where the release would let everybody in, although authentication is declared."""
    if wish.declared["auth"] and not wish.dialect["auth"]:
        raise Refused(
            f"llmd_auth: RHOAI {wish.release} can't ask for a token, since its controller makes no AuthPolicy: everybody who reaches the gateway could use the"
            f" model. Choose llmd_release {releases_with(lambda row: row['auth'])}, or declare llmd_auth: false."
        )


def objects(wish: Wish) -> list[Row]:
    """What the service needs around it."""
    capable = [_scc_binding(wish)] if wish.fabric.get("capabilities") else []
    return [*([_account(wish)] if needs_account(wish) else []), *capable, _network_policy(wish)]


def possible(wish: Wish) -> list[Row]:
    """Whatever `objects` makes for some path, by name: what isn't needed any more is removed."""
    return [_account(wish), _scc_binding(wish)]


def _account(wish: Wish) -> Row:
    """KServe reads the credentials of the model store from the Secrets that the pod's ServiceAccount names."""
    secret = wish.declared.get("model_credentials_secret")
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": wish.account, "namespace": wish.namespace},
        **({"secrets": [{"name": secret}]} if secret else {}),
    }


def _scc_binding(wish: Wish) -> Row:
    """RDMA pins memory, for which a pod needs IPC_LOCK; OpenShift AI's own SCC allows it."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{wish.name}-llmd-scc", "namespace": wish.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": SCC_ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": wish.account, "namespace": wish.namespace}],
    }


def _network_policy(wish: Wish) -> Row:
    """Only the gateway, the service's own namespace (picker, other model servers, probe) and monitoring reach the pods of the service."""
    others = (GATEWAY_NAMESPACE, *MONITORING_NAMESPACES)
    sources: list[Row] = [
        {"podSelector": {}},
        *({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}} for namespace in others),
    ]
    labels = {"app.kubernetes.io/name": wish.name, "app.kubernetes.io/part-of": "llminferenceservice"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{wish.name}-llmd", "namespace": wish.namespace},
        "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": [{"from": sources}]},
    }
