# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the control plane: their files, command lines and health checks. Nothing is started here."""

from __future__ import annotations

import base64
import json
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from rehearsal.kube import Kube, KubeError
from rehearsal.pki import Authority, key_pair, write
from rehearsal.sandbox import API_ADDRESS, BRIDGE_ADDRESS, SERVICE_CIDR

ETCD_URL = "http://127.0.0.1:2379"
ISSUER = "https://kubernetes.default.svc"
KUBELET_PORT = 10250
MANY_NODES = 250
# user -> groups: "admin" is what people get (OpenShift's installer names its user system:admin), the others are parts.
USERS = {
    "system:admin": ["system:masters"],
    "system:kube-controller-manager": [],
    "system:kube-scheduler": [],
    "system:nodes:kwok": ["system:masters"],
    "system:serviceaccount:openshift-operator-lifecycle-manager:olm-operator-serviceaccount": ["system:masters"],
    "rehearsal:operators": ["system:masters"],
    "rehearsal:supervisor": ["system:masters"],
}
NAMES_OF_API = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "127.0.0.1",
    API_ADDRESS,
    BRIDGE_ADDRESS,
)
# Everything at metadata level (who, what, user agent, answer), except the heartbeats that would fill the disk.
AUDIT_POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "namespaces": ["kube-node-lease"], "resources": [{"group": "coordination.k8s.io"}]},
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},
        {"level": "Metadata"},
    ],
}


@dataclass
class Program:
    """One long-running process. ``ready`` is asked again and again until it's True; None = ready when started."""

    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    pass_fds: tuple[int, ...] = ()


class Files:
    """Keys, certificates, tokens and kubeconfigs of one rehearsal, made new for each start.

    A saved state brings its certificate authority and its key for ServiceAccount tokens: objects in the cluster rest on them.
    """

    def __init__(self, state: Path, public_url: str) -> None:
        self.state = state
        self.folder = state / "run" / "pki"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority.kept(self.folder, "kube-apiserver-lb-signer")
        self.front_proxy = Authority(self.folder, "front-proxy-signer")
        self.api = self.authority.issue("kube-apiserver", NAMES_OF_API)
        self.kubelet = self.authority.issue("kubelet", (BRIDGE_ADDRESS, "localhost", "127.0.0.1"))
        self.proxy_client = self.front_proxy.issue("front-proxy-client", client=True)
        self.accounts = key_pair(self.folder, "service-account")
        self.tokens = {user: secrets.token_hex(24) for user in USERS}
        rows = [f'{token},{user},{user},"{",".join(USERS[user])}"' for user, token in self.tokens.items()]
        self.token_file = write(self.folder / "tokens.csv", ("\n".join(rows) + "\n").encode())
        self.audit_policy = write(self.folder / "audit-policy.json", json.dumps(AUDIT_POLICY).encode())
        self.admin = self._kubeconfig(state / "kubeconfig", public_url, "system:admin", context="admin")

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig for a part inside the sandbox."""
        path = self.folder / f"{user.replace(':', '-')}.kubeconfig"
        return path if path.exists() else self._kubeconfig(path, f"https://{API_ADDRESS}:443", user, context="inside")

    def _kubeconfig(self, path: Path, server: str, user: str, context: str) -> Path:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "preferences": {},
            "clusters": [
                {
                    "name": "rehearsal",
                    "cluster": {
                        "server": server,
                        "certificate-authority-data": _base64(self.authority.path.read_bytes()),
                    },
                }
            ],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": context, "context": {"cluster": "rehearsal", "user": user, "namespace": "default"}}],
        }
        return write(path, json.dumps(config, indent=1).encode())


def etcd(binary: str, state: Path) -> Program:
    argv = [
        binary,
        f"--data-dir={state / 'etcd'}",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--quota-backend-bytes=4294967296",
        "--auto-compaction-retention=5m",
        "--log-level=warn",
    ]
    return Program("etcd", argv, ready=answers(f"{ETCD_URL}/health"))


def apiserver(binary: str, files: Files) -> Program:
    """kube-apiserver on port 443 of every address: 10.96.0.1 (in-cluster), the bridge, loopback."""
    argv = [
        binary,
        f"--etcd-servers={ETCD_URL}",
        "--bind-address=0.0.0.0",
        "--secure-port=443",
        f"--advertise-address={API_ADDRESS}",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        f"--cert-dir={files.folder}",
        f"--tls-cert-file={files.api[0]}",
        f"--tls-private-key-file={files.api[1]}",
        f"--client-ca-file={files.authority.path}",
        f"--token-auth-file={files.token_file}",
        f"--service-account-key-file={files.accounts[0]}",
        f"--service-account-signing-key-file={files.accounts[1]}",
        f"--service-account-issuer={ISSUER}",
        f"--api-audiences={ISSUER}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        f"--requestheader-client-ca-file={files.front_proxy.path}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={files.proxy_client[0]}",
        f"--proxy-client-key-file={files.proxy_client[1]}",
        "--kubelet-preferred-address-types=InternalIP",
        # kubectl's WebSocket goes through to the kubelet, instead of being translated to SPDY.
        "--feature-gates=TranslateStreamCloseWebsocketRequests=false",
        "--enable-aggregator-routing=false",
        f"--audit-policy-file={files.audit_policy}",
        f"--audit-log-path={files.state / 'audit.log'}",
        "--audit-log-maxsize=1000",
        "--audit-log-maxbackup=1",
        "--max-requests-inflight=0",
        "--max-mutating-requests-inflight=0",
        "--enable-priority-and-fairness=false",
        "--profiling=false",
    ]
    return Program("kube-apiserver", argv, ready=_api_ready(files))


def controller_manager(binary: str, files: Files, nodes: int = 0) -> Program:
    config = files.kubeconfig("system:kube-controller-manager")
    argv = [
        binary,
        *_three(config),
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        f"--service-account-private-key-file={files.accounts[1]}",
        f"--root-ca-file={files.authority.path}",
        f"--cluster-signing-cert-file={files.authority.path}",
        f"--cluster-signing-key-file={files.authority.key_path}",
        "--use-service-account-credentials=true",
        f"--node-monitor-grace-period={_lease_seconds(nodes) * 5 // 4}s",
        # A bare-metal OpenShift has neither a cloud nor this controller's node addresses.
        "--controllers=*,-nodeipam,-node-route-controller,-cloud-node-lifecycle-controller",
    ]
    return Program("kube-controller-manager", argv, ready=answers("https://127.0.0.1:10257/healthz"))


def scheduler(binary: str, files: Files) -> Program:
    argv = [
        binary,
        *_three(files.kubeconfig("system:kube-scheduler")),
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
    ]
    return Program("kube-scheduler", argv, ready=answers("https://127.0.0.1:10259/healthz"))


def kwok(binary: str, files: Files, stages: Path, nodes: int = 0) -> Program:
    """KWOK keeps nodes with the label type=kwok alive and plays plain pods, by the stages of a local file."""
    argv = [
        binary,
        f"--kubeconfig={files.kubeconfig('system:nodes:kwok')}",
        f"--config={stages}",
        "--manage-nodes-with-label-selector=type=kwok",
        "--cidr=10.245.0.1/16",
        f"--node-ip={BRIDGE_ADDRESS}",
        f"--node-port={KUBELET_PORT}",
        f"--node-lease-duration-seconds={_lease_seconds(nodes)}",  # renewed after a quarter of it
        "--server-address=127.0.0.1:10247",
    ]
    return Program("kwok", argv, ready=answers("http://127.0.0.1:10247/healthz"))


def _lease_seconds(nodes: int) -> int:
    """How long a node's lease lasts: a fleet's heartbeats would keep the API server of one machine busy."""
    return 40 if nodes <= MANY_NODES else 160


def listens(port: int) -> Callable[[], bool]:
    """A health check for a part without a health page: whether its port takes connections."""

    def ready() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2.0).close()
        except OSError:
            return False
        return True

    return ready


def _three(config: Path) -> list[str]:
    return [f"--{use}kubeconfig={config}" for use in ("", "authentication-", "authorization-")]


def _api_ready(files: Files) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            kube = Kube.from_kubeconfig(files.kubeconfig("rehearsal:supervisor"), "rehearsal")
            return kube.text("/readyz") == "ok"
        except (KubeError, OSError):
            return False

    return ready


def answers(url: str) -> Callable[[], bool]:
    """A health check: whether a page answers 200. Certificates aren't checked: it's our own loopback."""

    def ready() -> bool:
        try:
            with urllib3.PoolManager(cert_reqs="CERT_NONE", retries=False, timeout=2.0) as pool:
                return pool.request("GET", url).status == 200
        except (urllib3.exceptions.HTTPError, OSError):
            return False

    return ready


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
