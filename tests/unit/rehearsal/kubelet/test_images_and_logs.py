# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of images, and container logs."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.kubelet.api import parse_query
from rehearsal.kubelet.images import Images, parse
from rehearsal.kubelet.logs import LogFile, Pump, Query, last_lines, read

TOOLS = "sha256:" + "ab" * 32
IMAGES = Images.load({"payload_images": {"tools": TOOLS}})


@pytest.mark.parametrize(("image", "runner"), [
    ("registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:e6", "vllm"), ("registry.redhat.io/rhaii/vllm-rocm-rhel9@sha256:e6", "vllm"),
    ("ghcr.io/llm-d/llm-d-cuda:v0.8.0", "vllm"), ("registry.redhat.io/rhoai/odh-llm-d-inference-scheduler-rhel9@sha256:1", "epp"),
    ("ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.9.0", "epp"), ("ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.9.0", "disagg-sidecar"),
    ("registry.redhat.io/rhoai/odh-llm-d-routing-sidecar-rhel9@sha256:1", "disagg-sidecar"),
    ("registry.redhat.io/openshift-service-mesh/istio-proxyv2-rhel9@sha256:1", "gateway"), ("docker.io/istio/proxyv2:1.26.8", "gateway"),
    ("registry.redhat.io/rhoai/odh-kserve-storage-initializer-rhel9@sha256:1", "storage-initializer"),
    (f"quay.io/openshift-release-dev/ocp-v4.0-art-dev@{TOOLS}", "python"),
    ("quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:other", None), ("registry.redhat.io/rhoai/odh-rhel9-operator", None),
    ("registry.redhat.io/rhoai/odh-kserve-controller-rhel9@sha256:1", None), ("registry.redhat.io/openshift-service-mesh/istio-pilot-rhel9", None),
])
def test_which_program_stands_for_which_image(image: str, runner: str | None) -> None:
    assert IMAGES.runner(image) == runner


def test_one_image_with_a_program_makes_the_pod_real_unless_an_operator_plays_it() -> None:
    def pod(*images: str) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": "c", "image": image} for image in images]}}
    assert IMAGES.is_real(pod("example.com/x", "istio/proxyv2:1"))
    assert not IMAGES.is_real(pod("example.com/x"))
    assert not IMAGES.is_real(pod("nvcr.io/nvidia/driver:580", "istio/proxyv2:1"))


def test_a_models_own_image_is_told_by_kserves_container_names() -> None:
    assert IMAGES.runner_of({"name": "modelcar-init", "image": "quay.io/me/model:1"}) == "model-image"
    assert IMAGES.runner_of({"name": "other", "image": "quay.io/me/model:1"}) is None


@pytest.mark.parametrize(("entries", "words"), [
    ({"image": "x"}, "must be a list"), ([{"image": "x"}], "exactly the keys"), ([{"image": "x", "runner": "docker"}], "unknown runner 'docker'"),
    ([{"image": "(", "runner": "vllm"}], "no regular expression"),
])
def test_bad_tables_name_the_entry(entries: Any, words: str) -> None:
    with pytest.raises(RehearsalError, match=words):
        parse(entries, "images.yaml")


def written(path: Path, *lines: str) -> Path:
    with LogFile(path) as log:
        for line in lines:
            log.write("stdout", line.encode())
    return path


def text(path: Path, query: Query, alive: threading.Event | None = None) -> str:
    return b"".join(read(path, query, alive or threading.Event())).decode()


def test_logs_tail_limit_since_and_timestamps(tmp_path: Path) -> None:
    log = written(tmp_path / "0.log", "one", "two", "three")
    assert text(log, Query()) == "one\ntwo\nthree\n"
    assert text(log, Query(tail=1)) == "three\n" and text(log, Query(tail=0)) == ""
    assert text(log, Query(limit_bytes=5)) == "one\nt"
    assert text(log, Query(since="2999-01-01T00:00:00")) == ""
    assert text(log, Query(timestamps=True, tail=1))[10] == "T"
    assert last_lines(log, 2, 100) == "two\nthree\n" and last_lines(log, 2, 4) == "ree\n"
    assert text(tmp_path / "none.log", Query()) == ""


def test_a_follower_gets_what_comes_and_stops_when_the_container_ended(tmp_path: Path) -> None:
    log, alive = written(tmp_path / "0.log", "one"), threading.Event()
    alive.set()
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.extend(p for p in read(log, Query(follow=True), alive) if p))
    reader.start()
    written(log, "two")
    alive.clear()
    reader.join(5)
    assert not reader.is_alive() and b"".join(got) == b"one\ntwo\n"


def test_the_pump_splits_lines_and_marks_an_unfinished_one(tmp_path: Path) -> None:
    with LogFile(tmp_path / "0.log") as log:
        pipe = Pump().pipe(log, "stderr")
    os.write(pipe, b"a\nb")
    os.close(pipe)
    for _ in range(100):
        if text(tmp_path / "0.log", Query()) == "a\nb":
            break
        time.sleep(0.02)
    lines = (tmp_path / "0.log").read_text().splitlines()
    assert lines[0].endswith("stderr F a") and lines[1].endswith("stderr P b")


def test_log_options_of_the_api_server() -> None:
    query = parse_query({"follow": ["true"], "tailLines": ["5"], "sinceSeconds": ["60"], "limitBytes": ["9"]})
    assert query.follow and query.tail == 5 and query.limit_bytes == 9 and query.since
    with pytest.raises(ValueError, match="invalid literal"):
        parse_query({"tailLines": ["many"]})
