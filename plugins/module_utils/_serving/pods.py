# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod of a model server: what is set beside the preset's own image, script, probes and TLS.

Sources: reference rhoai-llmd 4.4 (merge rules: env, volumes and mounts by name; script and arguments as a whole), 6.2 (loading takes up to 80 minutes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .arguments import environment
from .shape import Pool
from .wish import Row, Wish

# KServe's storage initializer downloads into the volume of this name, and keeps one that the service brings itself.
MODEL_VOLUME = "kserve-provision-location"
SHARED_MEMORY = "dshm"  # the preset's volume on /dev/shm
# Presets up to 3.3 end a server that isn't healthy after two and a half minutes, and those of 3.4 after ten: large models load longer.
STARTUP_SECONDS, STARTUP_PERIOD = 4800, 10
# A server that is to end goes on for a while: the picker and the gateway learn of it, and what it has begun ends well. vLLM itself drops its requests at
# SIGTERM. As the presets of 3.5 (red-hat-data-services/kserve rhoai-3.5 config-llm-template.yaml); those before end it at once.
DRAIN_SECONDS, GRACE_SECONDS = 15, 60


def template(wish: Wish, pool: Pool, arguments: Iterable[str], env: Iterable[Row] = (), *, port: int | None = 8000,
             shm_gib: int | None = None, capabilities: Iterable[str] = (), image: str | None = None) -> Row:  # fmt: skip
    """Pod template of one pool. port: where vLLM answers; None for a follower of a group, which answers nobody."""
    declared = wish.declared
    main = _container(wish, pool, [*environment(arguments), *env], port, capabilities)
    made: Row = {"containers": [{**main, **({"image": image} if image else {})}]}
    if port and not wish.dialect["drains"]:
        made["terminationGracePeriodSeconds"] = GRACE_SECONDS
    if needs_account(wish):
        made["serviceAccountName"] = wish.account
    for key, option in (("nodeSelector", "node_selector"), ("tolerations", "tolerations")):
        if declared.get(option):
            made[key] = declared[option]
    volumes = [_shared_memory(shm_gib)] if shm_gib else []
    if wish.storage_class and downloads(str(declared["model_uri"])):
        volumes.append(_model_volume(wish.storage_class, int(declared["model_cache_gib"])))
    return {**made, **({"volumes": volumes} if volumes else {})}


def needs_account(wish: Wish) -> bool:
    """Model credentials and capabilities are both given to an account; without them the namespace's default one will do."""
    return bool(wish.declared.get("model_credentials_secret") or wish.fabric.get("capabilities"))


def field_of(name: str, path: str) -> Row:
    """A variable with a field of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def variables(values: Mapping[str, str]) -> list[Row]:
    return [{"name": name, "value": value} for name, value in values.items()]


def unique(env: Iterable[Row]) -> list[Row]:
    """One variable of each name; the last one counts, at the place of the first."""
    found: dict[str, Row] = {}
    for variable in env:
        found[variable["name"]] = variable
    return list(found.values())


def _container(wish: Wish, pool: Pool, env: list[Row], port: int | None, capabilities: Iterable[str]) -> Row:
    resources = {"cpu": pool.cpu, "memory": pool.memory, wish.gpu_resource: str(pool.gpus), **(wish.fabric.get("resources") or {})}
    made: Row = {"name": "main", "resources": {"limits": resources, "requests": dict(resources)}}
    wanted = unique([*env, *(wish.fabric.get("env") or [])])
    if wanted:
        made["env"] = wanted
    added = sorted({*capabilities, *(wish.fabric.get("capabilities") or [])})
    if added:
        made["securityContext"] = {"capabilities": {"add": added}}
    if port:
        probe = {"httpGet": {"path": "/health", "port": port, "scheme": "HTTPS"}}
        if not wish.dialect["drains"]:
            made["lifecycle"] = {"preStop": {"exec": {"command": ["/bin/sleep", str(DRAIN_SECONDS)]}}}
        made["startupProbe"] = {**probe, "periodSeconds": STARTUP_PERIOD, "failureThreshold": STARTUP_SECONDS // STARTUP_PERIOD}
    return made


def downloads(uri: str) -> bool:
    """Whether a storage initializer copies the model to the pod (oci:// is mounted, pvc:// is there already)."""
    return uri.split("://", 1)[0] in ("hf", "s3")


def _shared_memory(gib: int) -> Row:
    return {"name": SHARED_MEMORY, "emptyDir": {"medium": "Memory", "sizeLimit": f"{gib}Gi"}}


def _model_volume(storage_class: str, gib: int) -> Row:
    """A volume on the node's NVMe that lives as long as the pod."""
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": f"{gib}Gi"}}}
    return {"name": MODEL_VOLUME, "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}
