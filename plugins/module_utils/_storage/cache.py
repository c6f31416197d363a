# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model on one volume for all replicas: downloaded once by a Job, checked, and then served from the claim (docs/adr/0011).

KServe's own means do the work: the image of its storage initializer downloads (with its resume), and the service names the claim as pvc://.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
SHARED = "shared"
MOUNT = "/mnt/models"
INITIALIZER = "/storage-initializer/scripts/initializer-entrypoint"  # the image's own entry point
SCRIPT = "/check/checksums.py"
# One container for both: what fails in either starts again with the download, which goes on from the files that are whole.
DOWNLOAD = f'"$0" "$1" "$2" && exec python3 {SCRIPT} check "$2"'
MEMORY = "8Gi"  # huggingface_hub fetches several large files at once
TRIES = 20  # a download goes on where it was interrupted, so trying again costs little


def is_shared(declared: Mapping[str, Any]) -> bool:
    """oci:// is mounted by the kubelet and kept on the node already; pvc:// is there."""
    return declared.get("model_cache") == SHARED and str(declared.get("model_uri") or "").startswith(("hf://", "s3://"))


def served(declared: Mapping[str, Any]) -> Mapping[str, Any]:
    """The declaration as the service shows it: the claim is its model where that is shared."""
    if not is_shared(declared):
        return declared
    return {**declared, "model_uri": f"pvc://{claim(declared)}/{folder(str(declared['model_uri']))}"}


def claim(declared: Mapping[str, Any]) -> str:
    return f"{declared['service_name']}-models"


def folder(uri: str) -> str:
    """One folder a model, so that another one doesn't overwrite it: readable, and unlike any other's."""
    words = re.sub(r"[^a-z0-9]+", "-", uri.partition("://")[2].lower()).strip("-")
    return f"{words[:40].strip('-')}-{hashlib.sha256(uri.encode()).hexdigest()[:8]}"


def job_name(declared: Mapping[str, Any]) -> str:
    return f"{declared['service_name']}-model-{hashlib.sha256(str(declared['model_uri']).encode()).hexdigest()[:8]}"


def objects(declared: Mapping[str, Any], image: str, script: str, gib: float | None) -> list[Row]:
    """Claim, script and Job. `gib`: what is expected, for the progress line."""
    namespace = declared["namespace"]
    volume = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim(declared), "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteMany"], "storageClassName": declared["storage_class"],
                 "resources": {"requests": {"storage": f"{declared['model_cache_gib']}Gi"}}},
    }  # fmt: skip
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": job_name(declared), "namespace": namespace}, "data": {"checksums.py": script}}
    return [volume, config, _job(declared, image, gib)]


def _job(declared: Mapping[str, Any], image: str, gib: float | None) -> Row:
    name, uri = job_name(declared), str(declared["model_uri"])
    target = f"{MOUNT}/{folder(uri)}"
    expected = f"{gib:.0f}" if gib else "unknown"
    secret = declared.get("model_credentials_secret")
    credentials = {"envFrom": [{"secretRef": {"name": secret}}]} if secret else {}
    progress = {**_container("progress", image, ["python3", SCRIPT, "progress", target, expected], "128Mi"), "restartPolicy": "Always"}
    download = {**_container("download", image, ["/bin/sh", "-c", DOWNLOAD, INITIALIZER, uri, target], MEMORY), **credentials}
    spec = {
        "restartPolicy": "OnFailure", "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 10,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [progress], "containers": [download],
        "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": claim(declared)}}, {"name": "check", "configMap": {"name": name}},
                    {"name": "tmp", "emptyDir": {}}],
    }  # fmt: skip
    labels = {"app.kubernetes.io/component": "model-download"}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": declared["namespace"]},
        "spec": {"backoffLimit": TRIES, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }  # fmt: skip


def _container(name: str, image: str, command: list[str], memory: str) -> Row:
    return {
        "name": name, "image": image, "command": command, "env": [{"name": "HOME", "value": "/tmp"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": memory}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "models", "mountPath": MOUNT},
            {"name": "check", "mountPath": "/check", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }  # fmt: skip
