# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared model: what is rendered, what is checked on disk, and what a wait says meanwhile."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest
from ansible_collections.llmd.openshift.plugins.filter.model_cache_objects import objects
from ansible_collections.llmd.openshift.plugins.module_utils._storage import cache, checksums
from ansible_collections.llmd.openshift.plugins.module_utils._watch.progress import READ_SECONDS, Progress

DECLARED = {"model_cache": "shared", "model_uri": "hf://Qwen/Qwen3-32B", "namespace": "llmd", "service_name": "qwen", "storage_class": "nfs",
            "model_cache_gib": 100, "model_credentials_secret": "hf-token", "model_name": "Qwen/Qwen3-32B"}  # fmt: skip
IMAGE = "registry.example.com/storage-initializer@sha256:0"


def part(made, kind):
    return next(one for one in made if one["kind"] == kind)


# ---- objects ----


def test_the_service_reads_the_claim():
    made = cache.served(DECLARED)
    assert made["model_uri"].startswith("pvc://qwen-models/qwen-qwen3-32b-") and made["model_name"] == DECLARED["model_name"]
    assert cache.served({**DECLARED, "model_uri": "hf://Qwen/Qwen3-32B:abc"})["model_uri"] != made["model_uri"]  # another revision, another folder


@pytest.mark.parametrize("more", [
    {"model_cache": "lvms"}, {"model_cache": "none"}, {"model_uri": "oci://r/m:1"}, {"model_uri": "pvc://a/b"}, {"model_uri": None},
])  # fmt: skip
def test_what_needs_no_download_stays_as_declared(more):
    declared = {**DECLARED, **more}
    assert cache.served(declared) is declared and objects(declared, IMAGE) == []


def test_claim_job_and_script():
    made = objects(DECLARED, IMAGE)
    claim, job = part(made, "PersistentVolumeClaim"), part(made, "Job")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"] and claim["spec"]["storageClassName"] == "nfs"
    pod = job["spec"]["template"]["spec"]
    (progress,), (download,) = pod["initContainers"], pod["containers"]
    folder = cache.served(DECLARED)["model_uri"].removeprefix("pvc://qwen-models/")
    assert download["command"][-2:] == ["hf://Qwen/Qwen3-32B", f"/mnt/models/{folder}"] and download["image"] == IMAGE
    assert pod["restartPolicy"] == "OnFailure"  # in place, so that download and check both run again
    assert progress["restartPolicy"] == "Always" and progress["command"][-1] == "61"  # GiB of its profile
    assert part(made, "ConfigMap")["data"]["checksums.py"].startswith("# Copyright")


@pytest.mark.parametrize(("download", "check", "code", "said"), [(0, 0, 0, "d u t c check t "), (3, 0, 3, "d u t "), (0, 1, 1, "d u t c check t ")])
def test_the_container_downloads_then_checks(tmp_path, download, check, code, said):
    """The shell line itself, with made-up programs: a failure of either is the container's, and then both run again."""
    for name, ends, words in (("initializer", download, "d"), ("python3", check, "c")):
        (tmp_path / name).write_text(f'#!/bin/sh\n[ "$1" = {cache.SCRIPT} ] && shift\necho {words} "$@" >> {tmp_path}/said\nexit {ends}\n')
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(["/bin/sh", "-c", cache.DOWNLOAD, str(tmp_path / "initializer"), "u", "t"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert done.returncode == code and " ".join((tmp_path / "said").read_text().split()) == said.strip()


def test_the_token_is_named_and_never_there():
    made = objects(DECLARED, IMAGE)
    containers = part(made, "Job")["spec"]["template"]["spec"]
    given = [one["name"] for one in containers["initContainers"] + containers["containers"] if "envFrom" in one]
    assert given == ["download"] and "HF_TOKEN" not in json.dumps(made)
    assert "envFrom" not in json.dumps(objects({**DECLARED, "model_credentials_secret": None}, IMAGE))


def test_another_model_has_another_job_on_the_same_claim():
    one, other = objects(DECLARED, IMAGE), objects({**DECLARED, "model_uri": "s3://bucket/llama"}, IMAGE)
    assert part(one, "Job")["metadata"]["name"] != part(other, "Job")["metadata"]["name"]
    assert part(one, "PersistentVolumeClaim") == part(other, "PersistentVolumeClaim")


# ---- checksums ----


def download(folder, name, data, etag=None):
    """A file and what huggingface_hub notes beside it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    note = folder / ".cache" / "huggingface" / "download" / f"{name}.metadata"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{'c' * 40}\n{etag or hashlib.sha256(data).hexdigest()}\n1700000000.0\n")
    return note


def blob(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def test_a_whole_download(tmp_path, capsys):
    download(tmp_path, "model.safetensors", b"weights" * 1000)
    download(tmp_path, "sub/config.json", b"{}", blob(b"{}"))
    download(tmp_path, "odd.txt", b"x", "W/strange")  # an ETag that is no checksum
    assert checksums.main(["check", str(tmp_path)]) == 0
    assert "3 files" in capsys.readouterr().out and checksums.stated(str(tmp_path))["sub/config.json"] == blob(b"{}")


@pytest.mark.parametrize("harm", ["bit", "short", "gone"])
def test_a_damaged_file_is_deleted_so_that_it_is_fetched_again(tmp_path, capsys, harm):
    download(tmp_path, "good.json", b"{}", blob(b"{}"))
    note = download(tmp_path, "model.safetensors", b"weights" * 1000)
    path = tmp_path / "model.safetensors"
    path.write_bytes({"bit": b"Weights" + b"weights" * 999, "short": b"weights", "gone": b""}[harm])
    if harm == "gone":
        path.unlink()
    assert checksums.main(["check", str(tmp_path)]) == 1
    assert "model.safetensors" in capsys.readouterr().out
    assert not path.exists() and not note.exists() and (tmp_path / "good.json").exists()


def test_a_source_without_checksums_is_said_to_have_none(tmp_path, capsys):
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert checksums.main(["check", str(tmp_path)]) == 0 and "0 have the checksum" in capsys.readouterr().out


def test_nothing_is_no_model(tmp_path):
    assert checksums.main(["check", str(tmp_path / "nowhere")]) == 1


# ---- progress ----


class Log:
    """Evidence that counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def last_line(self, namespace, pod, container):
        self.asked += 1
        return f"{namespace}/{pod}/{container}: {self.asked}.0 of about 61 GiB"


def test_progress_is_read_now_and_then():
    log, now = Log(), [0.0]
    progress = Progress(log, lambda: now[0])
    pods = [{"metadata": {"name": "p", "namespace": "n"}, "status": {"phase": "Running"}}]
    assert progress.told("progress", pods) == "n/p/progress: 1.0 of about 61 GiB" == progress.told("progress", pods)
    now[0] = READ_SECONDS
    assert progress.told("progress", pods).endswith("2.0 of about 61 GiB")
    assert progress.told("", pods) == "" == progress.told("progress", []) and log.asked == 2
