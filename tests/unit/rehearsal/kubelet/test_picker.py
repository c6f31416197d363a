# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint picker of release 2.25: flags in camel case only, read as Go's flag package reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.kubelet.runners.base import Context, Launch
from rehearsal.kubelet.runners.picker import endpoint_picker, modern
from rehearsal.operators.rhoai_release import Release

PRESET = ["--poolName", "p", "--poolNamespace", "n", "--zap-encoder", "json", "--grpcPort", "9002", "--grpcHealthPort", "9003", "--secureServing",
          "--modelServerMetricsScheme", "https", "--modelServerMetricsHttpsInsecureSkipVerify", "--certPath", "/etc/ssl/certs"]


def launch(image: str, args: list[str], tmp_path: Path) -> Launch:
    program = tmp_path / "epp"
    program.touch()
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {}}
    container = {"name": "main", "image": image, "args": args}
    return endpoint_picker(Context(pod, container, {}, "10.244.1.1", Path("/state"), {"epp": str(program)}, lambda name, default: default, {}))


@pytest.mark.parametrize("image", [Release("2.25.10").image("picker"), "ghcr.io/llm-d/llm-d-inference-scheduler:v0.2.0"])
def test_the_presets_flags_reach_todays_picker(image: str, tmp_path: Path) -> None:
    assert launch(image, PRESET, tmp_path).argv == [
        "/app/epp", "--pool-name=p", "--pool-namespace=n", "--zap-encoder=json", "--grpc-port=9002", "--grpc-health-port=9003", "--secure-serving",
        "--model-server-metrics-scheme=https", "--model-server-metrics-https-insecure-skip-verify", "--cert-path=/etc/ssl/certs"]


@pytest.mark.parametrize("image", [Release("3.3.6").image("picker"), "ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0"])
def test_later_pickers_get_their_words_unchanged(image: str, tmp_path: Path) -> None:
    assert launch(image, ["--pool-name", "p"], tmp_path).argv == ["/app/epp", "--pool-name", "p"]


def test_a_later_releases_flag_ends_it_in_gos_words(tmp_path: Path) -> None:
    refused = launch(Release("2.25.10").image("picker"), ["--pool-name", "p"], tmp_path)
    assert refused.argv[0] == "/bin/sh" and "exit 2" in refused.argv[2]
    assert refused.argv[3].startswith("flag provided but not defined: -pool-name\n")


@pytest.mark.parametrize(("words", "wanted"), [
    (["-configText", "a: 1\n- b"], ["--config-text=a: 1\n- b"]),
    (["--secureServing=false"], ["--secure-serving=false"]),
    (["--destinationEndpointHintKey", "x", "-v=4"], ["--v=4"]),
    (["--config-text", "of the controller"], ["--config-text=of the controller"]),
    (["--poolName", "p", "word", "--grpcPort", "1"], ["--pool-name=p"]),  # the first word that is no flag ends them
])
def test_as_gos_flag_package_reads(words: list[str], wanted: list[str]) -> None:
    assert modern(words) == wanted


@pytest.mark.parametrize(("words", "told"), [(["--tracing=true"], "not defined: -tracing"), (["--poolName"], "needs an argument: -poolName")])
def test_refused(words: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        modern(words)


def test_the_log_s_flags_have_dashes_in_every_release() -> None:
    assert Release("2.25.10").picker_flag("--zap-encoder") == "--zap-encoder"
    assert Release("2.25.10").picker_flag("--pool-name") == "--poolName"
