# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives and the shared model: only empty drives are taken, a lost one is named, one download serves all replicas."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from play import Site

from tests.integration.collection.plays import play
from tests.integration.conftest import MEASURING, rehearsal_cli, start
from tests.integration.rehearsal.steps import apply, break_, install, until

pytestmark = [pytest.mark.rehearsal, pytest.mark.wide, pytest.mark.timeout(2400)]
LSO, LVMS = "openshift-local-storage", "openshift-lvm-storage"
WORKERS = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "node-role.kubernetes.io/worker", "operator": "Exists"}]}]}
STAGES = ["access", "discover", "assess", "plan", "operators", "storage"]
MODEL = "hf://meta-llama/Llama-3.1-8B-Instruct"  # one whose licence must be accepted


def cluster(tmp_path_factory: pytest.TempPathFactory, name: str, *args: str) -> Iterator[Site]:
    rehearsal = start(f"{name}-{os.getpid()}", "--profile", "h200-roce", "--openshift", "4.20", "--speed", "10", *args)
    yield Site(rehearsal, tmp_path_factory.mktemp(name))
    rehearsal_cli("down", "--name", rehearsal.name)


# ---- drives ----


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster whose drives the Local Storage Operator has looked at; one of the last GPU node holds a file system."""
    for site in cluster(tmp_path_factory, "drives", "--scenario", "disk-with-data"):
        install(site.rehearsal, (LSO, "local-storage-operator", "stable", "redhat-operators", True), ("openshift-nfd", "nfd", "stable", "redhat-operators", True))
        apply(
            site.rehearsal,
            {"apiVersion": "local.storage.openshift.io/v1alpha1", "kind": "LocalVolumeDiscovery", "metadata": {"name": "auto-discover-devices", "namespace": LSO},
             "spec": {"nodeSelector": WORKERS}},
            {"apiVersion": "nfd.openshift.io/v1", "kind": "NodeFeatureDiscovery", "metadata": {"name": "nfd-instance", "namespace": "openshift-nfd"},
             "spec": {"workerConfig": {"configData": 'sources: {pci: {deviceClassWhitelist: ["02", "03", "12", "0108"]}}'}}},
        )  # fmt: skip
        until("results", lambda site=site: len(devices(site, "gpu-1")) > 8 and devices(site, "gpu-0"))
        until("features", lambda site=site: len(site.rehearsal.get("nodefeatures", "-A")["items"]) >= 2)
        yield site


def devices(site: Site, node: str) -> dict[str, dict[str, Any]]:
    found = json.loads(site.rehearsal.kubectl("get", "localvolumediscoveryresult", "-n", LSO, "-o", "json"))["items"]
    rows = [row for item in found if item["spec"]["nodeName"] == node for row in (item.get("status") or {}).get("discoveredDevices") or []]
    return {row["path"]: row for row in rows}


def test_a_drive_with_data_stops_the_run_before_any_change(drives: Site) -> None:
    full = devices(drives, "gpu-1")["/dev/nvme1n1"]
    assert full["fstype"] == "xfs"
    for options, words in (
        ({"llmd_nvme_paths": [full["deviceID"]]}, ("nvme1n1 of node gpu-1: holds xfs",)),
        ({"llmd_nvme_min_gib": 9000}, ("no empty NVMe drive of at least 9000 GiB", "3577 GiB, less than llmd_nvme_min_gib")),
    ):
        result = drives.run(**options)
        assert result.rc != 0
        found = [item for item in result.report["findings"] if item["id"] == "drive-choice"]
        assert {item["status"] for item in found} == {"fail"}
        assert all(word in json.dumps(found) for word in words), found
        assert "Nothing was changed" in result.message


def test_exactly_the_empty_drives_are_taken(drives: Site) -> None:
    result = drives.run(llmd_stages=STAGES)
    assert result.rc == 0, result.output[-3000:]
    taken = until("the volume group", lambda: groups(drives), 120)
    found = drives.rehearsal.get("lvmcluster", "llmd", "-n", LVMS)
    paths = found["spec"]["storage"]["deviceClasses"][0]["deviceSelector"]["optionalPaths"]
    empty = [row["deviceID"] for node in ("gpu-0", "gpu-1") for row in devices(drives, node).values() if row["path"].endswith("n1") and not row["fstype"]]
    assert len(paths) == 15 and devices(drives, "gpu-1")["/dev/nvme1n1"]["deviceID"] not in paths, (paths, empty)
    assert "/dev/nvme1n1" not in taken["gpu-1"] and len(taken["gpu-1"]) == 7 and len(taken["gpu-0"]) == 8
    again = drives.run(llmd_stages=STAGES)
    assert again.rc == 0 and again.changed == 0, again.output[-3000:]


def groups(site: Site) -> dict[str, list[str]] | None:
    """Node -> drives of the volume group, once it is Ready on both."""
    status = site.rehearsal.get("lvmcluster", "llmd", "-n", LVMS).get("status") or {}
    rows = [row for item in status.get("deviceClassStatuses") or [] for row in item["nodeStatus"]]
    ready = {row["node"]: row["devices"] for row in rows if row.get("status") == "Ready"}
    return ready if len(ready) == 2 else None


def test_slow_drives_are_named(drives: Site) -> None:
    """The playbook disk_check, on the volume group that is there now; it leaves nothing behind."""
    options = {"playbook": "playbooks/disk_check.yml", "llmd_disk_check_image": MEASURING}
    unjudged = drives.run(**options)
    assert (unjudged.rc, rate(unjudged)["status"]) == (0, "unknown") and "llmd_nvme_read_mib" in rate(unjudged)["remedy"], unjudged.output[-3000:]
    good = drives.run(**options, llmd_nvme_read_mib=5000)
    assert (good.rc, rate(good)["status"]) == (0, "pass") and "gpu-1 reads 6700 MiB/s" in rate(good)["observed"], good.output[-3000:]
    break_(drives.rehearsal, "disk-with-data", "disk-slow")
    slow = drives.run(**options, llmd_nvme_read_mib=5000)
    break_(drives.rehearsal, "disk-with-data")
    assert slow.rc != 0 and "gpu-1 reads 670 MiB/s" in slow.message and "gpu-0" not in slow.message and "PCIe lanes" in slow.message, slow.message
    for kind in ("pod", "pvc"):
        assert drives.rehearsal.get(kind, "-n", "llmd")["items"] == []


def rate(result: Any) -> dict[str, Any]:
    (found,) = [item for item in result.report["findings"] if item["id"] == "drive-read-rate"]
    return dict(found)


def test_a_drive_that_vanished_is_named(drives: Site, tmp_path: Path) -> None:
    """A group of thick volumes stays Ready without it, so nothing else would say so."""
    break_(drives.rehearsal, "disk-with-data", "disk-vanishes")
    until("the loss", lambda: "[unknown]" in (groups(drives) or {}).get("gpu-1", []), 120)
    target = {"api_version": "lvm.topolvm.io/v1alpha1", "kind": "LVMCluster", "name": "llmd", "namespace": LVMS}
    (made,) = play(tmp_path, drives.rehearsal, {"llmd.openshift.wait_for": {"objects": [target], "timeout_seconds": 60}})
    assert made["failed"] and "volume group nvme on gpu-1 is gone" in made["msg"] and "Put the drive back" in made["msg"]


# ---- one download for all ----


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster with a file server's volume that many pods can read."""
    for site in cluster(tmp_path_factory, "shared"):
        spec = {"capacity": {"storage": "200Gi"}, "accessModes": ["ReadWriteMany"], "storageClassName": "files", "nfs": {"server": "192.0.2.7", "path": "/models"}}
        apply(
            site.rehearsal,
            {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "files"}, "provisioner": "kubernetes.io/no-provisioner"},
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "models"}, "spec": spec},
        )
        yield site


def test_one_download_serves_all_replicas(shared: Site) -> None:
    options = {"llmd_model_cache": "shared", "llmd_storage_class": "files", "llmd_model_uri": MODEL, "llmd_model_name": "llama",
               "llmd_model_credentials_secret": "hf-token", "llmd_timeout_minutes": 10}  # fmt: skip
    result = shared.run(**options)
    assert result.rc != 0 and "hf-token" in result.message, result.output[-3000:]
    secret(shared, "hf_planted_secret")
    result = shared.run("-vvv", **options)
    assert result.rc == 0, result.output[-4000:]
    assert result.report["outcome"] == "proven" and "hf_planted_secret" not in result.output + json.dumps(result.report)

    (job,) = shared.rehearsal.get("job", "-n", "llmd")["items"]
    assert job["status"]["succeeded"] == 1
    pod = shared.rehearsal.get("pod", "-n", "llmd", "-l", "app.kubernetes.io/component=model-download")["items"][0]["metadata"]["name"]
    assert "Successfully copied hf://meta-llama" in shared.rehearsal.kubectl("logs", "-n", "llmd", pod, "-c", "download")
    assert "have the checksum that their source gave" in shared.rehearsal.kubectl("logs", "-n", "llmd", pod, "-c", "download")
    engines = shared.rehearsal.get("pod", "-n", "llmd", "-l", "app.kubernetes.io/part-of=llminferenceservice,kserve.io/component=workload")["items"]
    assert len(engines) == 2
    for engine in engines:
        claims = [volume["persistentVolumeClaim"]["claimName"] for volume in engine["spec"]["volumes"] if "persistentVolumeClaim" in volume]
        assert claims == ["llmd-models"], engine["spec"]["volumes"]

    again = shared.run(**options)
    assert again.rc == 0 and again.changed == 0, again.output[-3000:]


def test_downloads_that_go_wrong(shared: Site) -> None:
    """A full volume stops the run by name; an interrupted download goes on by itself, a damaged file is fetched again; a claim that nobody fills is named."""
    secret(shared, "hf_planted_secret")
    stages = ["access", "discover", "assess", "plan", "operators", "platform", "model_cache"]
    options = {"llmd_model_cache": "shared", "llmd_storage_class": "files", "llmd_model_credentials_secret": "hf-token", "llmd_stages": stages}

    def download(number: int, **more: Any) -> Any:
        return shared.run(**{**options, "llmd_model_uri": f"hf://Qwen/Qwen3-{number}B", "llmd_model_name": f"m{number}", **more})

    break_(shared.rehearsal, "model-volume-full")
    full = download(1)
    assert full.rc != 0 and "No space left on device" in full.message and "llmd_model_cache_gib" in full.message, full.message
    break_(shared.rehearsal)
    again = download(1)
    assert again.rc == 0, again.output[-3000:]

    for number, scenario, tries, words in ((2, "download-interrupted", 2, "Read timed out"), (3, "download-damaged", 1, "Damaged and deleted")):
        break_(shared.rehearsal, scenario)
        made = download(number)
        break_(shared.rehearsal)
        assert made.rc == 0, made.output[-3000:]
        pod = newest(shared)
        status = next(row for row in pod["status"]["containerStatuses"] if row["name"] == "download")
        assert status["restartCount"] == tries
        before = shared.rehearsal.kubectl("logs", "-n", "llmd", pod["metadata"]["name"], "-c", "download", "--previous")
        assert words in before, before

    waits = download(4, llmd_service_name="other", llmd_timeout_minutes=1)
    assert waits.rc != 0 and "PersistentVolumeClaim llmd/other-models" in waits.message and "files" in waits.message, waits.message


def newest(site: Site) -> dict[str, Any]:
    pods = site.rehearsal.get("pod", "-n", "llmd", "-l", "app.kubernetes.io/component=model-download")["items"]
    return dict(max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"])))


def secret(site: Site, token: str) -> None:
    data = {"HF_TOKEN": base64.b64encode(token.encode()).decode()}
    apply(site.rehearsal, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hf-token", "namespace": "llmd"}, "data": data})
