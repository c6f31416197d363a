# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads of a model that break, bring wrong bytes or find no room, in a Pod with KServe's storage initializer; plain kubectl.

Texts: KServe v0.20.0 python/storage and huggingface_hub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import DOWNLOAD, Rehearsal
from tests.integration.rehearsal.steps import apply, break_, one_cluster, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide]
WEIGHTS = "/mnt/models/model.safetensors"


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    yield from one_cluster(request, "downloads", "--profile", "cpu-only", "--openshift", "4.20", "--speed", "10")


def download(cluster: Rehearsal, name: str) -> None:
    """The volume outlives the container's restarts; what came is looked at by a second container."""
    mounts = [{"name": "models", "mountPath": "/mnt/models"}]
    fetch = {"name": "fetch", "image": DOWNLOAD, "args": ["hf://Qwen/Qwen3-8B", "/mnt/models"], "volumeMounts": mounts}
    see = {"name": "see", "image": cluster.tools, "command": ["python3", "-c", f"import hashlib; print(hashlib.sha256(open('{WEIGHTS}', 'rb').read()).hexdigest())"],
           "volumeMounts": mounts}  # fmt: skip
    spec = {"initContainers": [fetch], "containers": [see], "restartPolicy": "OnFailure", "volumes": [{"name": "models", "emptyDir": {}}]}
    apply(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec})


def fetched(cluster: Rehearsal, name: str) -> dict[str, Any]:
    rows = cluster.get("pod", name)["status"].get("initContainerStatuses") or [{}]
    return dict(rows[0])


def seen(cluster: Rehearsal, name: str) -> str:
    until("the download", lambda: cluster.get("pod", name)["status"].get("phase") == "Succeeded")
    return cluster.kubectl("logs", name, "-c", "see").strip()


def test_scenario_download_interrupted(cluster: Rehearsal) -> None:
    break_(cluster, "download-interrupted")
    download(cluster, "interrupted")
    until("the third try", lambda: fetched(cluster, "interrupted").get("restartCount") == 2)
    assert "Read timed out" in cluster.kubectl("logs", "interrupted", "-c", "fetch", "--previous")
    assert seen(cluster, "interrupted") == good()
    break_(cluster)


def test_scenario_download_damaged(cluster: Rehearsal) -> None:
    break_(cluster, "download-damaged")
    download(cluster, "damaged")
    assert seen(cluster, "damaged") != good()
    assert fetched(cluster, "damaged")["restartCount"] == 0 and "Successfully copied" in cluster.kubectl("logs", "damaged", "-c", "fetch")
    break_(cluster)
    download(cluster, "sound")
    assert seen(cluster, "sound") == good()


def test_scenario_model_volume_full(cluster: Rehearsal) -> None:
    break_(cluster, "model-volume-full")
    download(cluster, "full")
    until("a crash", lambda: fetched(cluster, "full").get("restartCount", 0) >= 1)
    log = cluster.kubectl("logs", "full", "-c", "fetch", "--previous")
    assert "No space left on device" in log and "Not enough free disk space to download the file" in log
    break_(cluster)


def good() -> str:
    """The tiny model's weights: a safetensors file without tensors."""
    return hashlib.sha256(b"\x02\x00\x00\x00\x00\x00\x00\x00{}").hexdigest()
