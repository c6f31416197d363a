# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shims: vLLM's command line by version, its early failures, the simulator's flags, and the storage initializer."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.kubelet.runners import gateway, storage, vllm
from rehearsal.kubelet.runners.base import Context
from rehearsal.shims import storage_initializer
from rehearsal.shims import vllm as shim
from rehearsal.shims.vllm_args import human_number, normalise, parse_api_server, parse_serve
from rehearsal.shims.vllm_flags import flags_of, version_of

TABLE = yaml.safe_load((Path(shim.__file__).parent / "vllm_flags.yaml").read_text())


def serve(line: str, version: str = "0.13.0") -> argparse.Namespace:
    return parse_serve(flags_of(TABLE, version), version, ["serve", *line.split()])


@pytest.mark.parametrize(("image", "version"), [
    ("registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:ffff", "0.13.0"), ("registry.redhat.io/rhaiis/vllm-cuda-rhel9@sha256:094db84a11", "0.11.2"),
    ("registry.redhat.io/rhaii/vllm-rocm-rhel9@sha256:ffff", "0.18.0"), ("ghcr.io/llm-d/llm-d-cuda:v0.8.0", "0.19.1"),
])
def test_version_of_an_image(image: str, version: str) -> None:
    assert version_of(TABLE, image) == version


def test_an_unknown_image_says_where_to_add_it() -> None:
    with pytest.raises(LookupError, match=r"vllm_flags\.yaml"):
        version_of(TABLE, "example.com/mystery")


@pytest.mark.parametrize(("flag", "first"), [("disable-access-log-for-endpoints", "0.18.0"), ("shutdown-timeout", "0.18.0"), ("kv-offloading-size", "0.11.2")])
def test_flags_that_came_later(flag: str, first: str) -> None:
    for version in TABLE["versions"]:
        known = {row["name"] for row in flags_of(TABLE, version)}
        assert (flag in known) == (TABLE["versions"].index(version) >= TABLE["versions"].index(first))


def test_a_version_between_two_known_ones_has_the_lower_ones_flags() -> None:
    assert flags_of(TABLE, "0.10.1.1") == flags_of(TABLE, "0.10.2")
    assert flags_of(TABLE, "0.14.0") == flags_of(TABLE, "0.13.0")
    assert flags_of(TABLE, "9.0") == flags_of(TABLE, "0.24.0")


def test_kserves_preset_line_is_understood() -> None:
    args = serve("/mnt/models --served-model-name q publishers/n/models/q --port 8000 --disable-uvicorn-access-log --enable-ssl-refresh "
                 "--ssl-certfile /c --ssl-keyfile /k --tensor-parallel-size 2")
    assert args.model_tag == "/mnt/models" and args.served_model_name == ["q", "publishers/n/models/q"] and args.tensor_parallel_size == 2


@pytest.mark.parametrize(("line", "version", "words"), [
    ("m --num-foo 3", "0.13.0", "vllm: error: unrecognized arguments: --num-foo 3"),
    ("m --shutdown-timeout 5", "0.13.0", "unrecognized arguments: --shutdown-timeout 5"),
    ("m --swap-space 4", "0.18.0", "unrecognized arguments"),
    ("m --port http", "0.13.0", "vllm serve: error: argument --port: invalid int value: 'http'"),
    ("m --dtype int3", "0.13.0", "invalid choice: 'int3'"),
    ("m --kv-transfer-config {x", "0.13.0", "cannot be converted to JSON"),
    ("m --max-model-len 1x", "0.13.0", "invalid human_readable_int value"),
])
def test_bad_lines_end_with_status_2_and_argparses_words(line: str, version: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        serve(line, version)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_version_is_the_images(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_serve([], "0.13.0", ["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == "0.13.0\n"


def test_spellings_that_vllm_accepts() -> None:
    args = serve("--model m --max_model_len=8k -tp 4 --no-enable-prefix-caching --kv_transfer_config.kv_connector X "
                 "--kv-transfer-config.extra.n 3 --gpu-memory-util 0.5")
    assert (args.model_tag, args.max_model_len, args.tensor_parallel_size, args.enable_prefix_caching) == ("m", 8000, 4, False)
    assert args.kv_transfer_config == {"kv_connector": "X", "extra": {"n": 3}}
    assert args.gpu_memory_utilization == 0.5  # argparse takes an unambiguous beginning


def test_a_dot_in_a_value_is_no_json_argument() -> None:
    assert normalise(["--gpu_memory_utilization=0.9", "--a.b+", "x,y", "-v"]) == ["--gpu-memory-utilization=0.9", "-v", "--a", '{"b": ["x", "y"]}']


def test_the_images_own_entry_point() -> None:
    assert parse_api_server(flags_of(TABLE, "0.13.0"), ["--model", "m", "--port", "1"]).model == "m"


@pytest.mark.parametrize(("text", "number"), [("8192", 8192), ("32k", 32000), ("32K", 32768), ("1.5M", 1572864)])
def test_human_numbers(text: str, number: int) -> None:
    assert human_number(text) == number


def test_human_numbers_that_are_none() -> None:
    for text in ("1.5", "k", "1kk", "-1"):
        with pytest.raises(ValueError):
            human_number(text)


def model(folder: Path, length: int = 4096) -> str:
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": length}))
    return str(folder)


def test_context_length_comes_from_flag_or_model(tmp_path: Path) -> None:
    here = model(tmp_path)
    assert shim.context_length(serve("m"), here) == 4096
    assert shim.context_length(serve("m --max-model-len 100"), here) == 100
    with pytest.raises(shim.EngineError, match="greater than the derived max_model_len"):
        shim.context_length(serve("m --max-model-len 9999"), here)


def test_an_empty_model_folder_is_an_error_as_in_vllm(tmp_path: Path) -> None:
    with pytest.raises(shim.EngineError, match="Invalid repository ID or local directory specified"):
        shim.context_length(serve("m"), str(tmp_path))


@pytest.mark.parametrize(("line", "gpus", "words"), [
    ("m", 0, "Failed to infer device type"), ("m -tp 4", 1, r"World size \(4\) is larger than the number of available GPUs \(1\)"),
    ("m -tp 2 -dp 8 -dpl 2", 2, "World size"), ("m -tp 4", 4, None), ("m", None, None), ("m -tp 4 --distributed-executor-backend ray", 1, None),
])
def test_devices(line: str, gpus: int | None, words: str | None) -> None:
    if words is None:
        shim.check_devices(serve(line), gpus)
    else:
        with pytest.raises(shim.EngineError, match=words):
            shim.check_devices(serve(line), gpus)


def test_the_simulators_flags() -> None:
    words = shim.translate(serve("/mnt/models --served-model-name a b --port 8001 --ssl-certfile c --ssl-keyfile k --gpu-memory-utilization 0.9 "
                                 "--lora-modules x=/p"), "/mnt/models", 100, 16, 64)
    line = " ".join(words)
    assert line.startswith("--model a --served-model-name a b --max-model-len 100")
    assert "ssl" not in line and "--port" not in line and "gpu-memory" not in line and "--block-size 16" in line and "--kv-cache-size 64" in line
    assert '--lora-modules {"name": "x", "path": "/p", "base_model_name": "a"}' in line


def test_without_prefix_caching_the_simulator_has_no_cache() -> None:
    assert "--enable-kvcache" in shim.translate(serve("m"), "m", 1, 16, 64)
    assert "--enable-kvcache" not in shim.translate(serve("m --no-enable-prefix-caching"), "m", 1, 16, 64)


def settings(version: str = "0.13.0", **more: Any) -> dict[str, Any]:
    return {"version": version, "gpus": 8, "simulator": "/sim", "pod_ip": "10.0.0.1", "load_seconds": 0, **more}


def test_what_is_to_be_served() -> None:
    line = "m --served-model-name a b --port 8001 --ssl-certfile c --ssl-keyfile k -dp 4 -dpl 2 --block-size 48 --max-model-len 1000 -tp 2"
    job = shim.make_job(serve(line), "m", settings())
    assert (job.names, job.port, job.certificate, job.key, job.tensor_parallel) == (["a", "b"], 8001, "c", "k", 2)
    assert (job.layout.size, job.layout.local, job.block_size, job.blocks) == (4, 2, 16, 8192)
    assert job.command[0] == "/sim" and job.env["POD_IP"] == "10.0.0.1"


def test_a_prompt_that_could_never_fit_is_refused() -> None:
    with pytest.raises(shim.EngineError, match="To serve at least one request"):
        shim.make_job(serve("m --max-model-len 1000 --num-gpu-blocks-override 10"), "m", settings())


def test_scenarios_reach_the_process() -> None:
    faults = {"kv_transfer": "fails", "kv_offload_silent": True, "missing_ranks": [-1]}
    job = shim.make_job(serve("m"), "m", settings(faults=faults))
    assert (job.faults.transfers, job.faults.offload_silent, job.faults.missing) == ("fails", True, [-1])
    assert shim.make_job(serve("m"), "m", settings()).faults.transfers == ""


def test_headers_that_vllm_hasnt_are_switched_off() -> None:
    assert shim.environment({"POD_NAME": "x", "POD_NAMESPACE": "y", "A": "1"}, "10.0.0.1") == {"A": "1", "POD_IP": "10.0.0.1"}


def context(image: str, binaries: dict[str, str] | None = None, **container: Any) -> Context:
    pod = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {}}
    return Context(pod, {"name": "c", "image": image, **container}, {}, "10.244.1.1", Path("/state"), binaries or {}, lambda name, default: default, {})


@pytest.mark.parametrize(("image", "limits", "count"), [
    ("rhaiis/vllm-cuda-rhel9", {"nvidia.com/gpu": "2"}, 2), ("rhaiis/vllm-rocm-rhel9", {"amd.com/gpu": 1}, 1), ("rhaiis/vllm-cuda-rhel9", {}, 0),
    ("rhaii/vllm-cpu-rhel9", {}, None),
])
def test_gpus_of_a_container(image: str, limits: dict[str, Any], count: int | None) -> None:
    assert vllm.gpus(context(image, resources={"limits": limits})) == count


def test_a_missing_program_is_told() -> None:
    with pytest.raises(Exception, match="program 'llm-d-inference-sim' is missing"):
        vllm.launch(context("registry.redhat.io/rhaiis/vllm-cuda-rhel9"))


def test_envoys_start_file_points_to_the_gateways_files() -> None:
    start = gateway.bootstrap("router~1~x", "gw.ns", Path("/state/run/gateway/ns/gw"))
    assert start["dynamic_resources"]["lds_config"]["path_config_source"]["path"] == "/state/run/gateway/ns/gw/lds.yaml"
    assert start["admin"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 15000}


@pytest.mark.parametrize("uri", ["hf://Qwen/Qwen3-8B", "hf://Qwen/Qwen3-8B:main"])
def test_open_models_need_no_token(uri: str) -> None:
    assert storage_initializer.check(uri, {}, list(storage_initializer.GATED)) == "Qwen/Qwen3-8B"


@pytest.mark.parametrize(("uri", "env", "words"), [
    ("hf://meta-llama/Llama-3.1-8B", {}, "Set HF_TOKEN or request access"), ("hf://me/secret", {}, "Set HF_TOKEN or request access"),
    ("hf://Qwen/Qwen3-8B", {"HF_TOKEN": "wrong"}, "HuggingFace authentication failed"), ("hf://only-one-part", {}, "Invalid Hugging Face URI format"),
    ("hf:///x", {}, "owner cannot be empty"), ("hf://a/", {}, "name cannot be empty"), ("s3://bucket/m", {}, "S3 authentication failed"),
    ("s3:///m", {}, "No model found"), ("ftp://x/y", {}, "Cannot recognize storage type"), ("gs://b/m", {}, "has no gs:// sources"),
])
def test_models_that_cannot_be_had(uri: str, env: dict[str, str], words: str) -> None:
    with pytest.raises(storage_initializer.StorageError, match=words):
        storage_initializer.check(uri, env, ["^meta-llama/", "secret"])


@pytest.mark.parametrize(("uri", "env"), [
    ("hf://meta-llama/Llama-3.1-8B", {"HF_TOKEN": "hf_abc"}), ("s3://b/m", {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}),
    ("s3://b/m", {"awsAnonymousCredential": "true"}),
])
def test_credentials_open_the_door(uri: str, env: dict[str, str]) -> None:
    assert storage_initializer.check(uri, env, list(storage_initializer.GATED))


def test_the_initializer_writes_a_model_that_the_vllm_shim_accepts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "storage.json"
    settings.write_text(json.dumps({"seconds": 0, "gated_models": ["secret"]}))
    monkeypatch.setattr(storage_initializer, "SETTINGS", settings)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert storage_initializer.main(["hf://me/secret", str(tmp_path / "m")]) == 1
    assert "restricted" in capsys.readouterr().out and not (tmp_path / "m").exists()
    assert storage_initializer.main(["hf://Qwen/Qwen3-8B", str(tmp_path / "m")]) == 0
    assert shim.context_length(serve("m"), str(tmp_path / "m")) == storage_initializer.CONTEXT_LENGTH
    assert storage_initializer.main(["odd"]) == 1


def test_downloads_that_go_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "storage.json"
    monkeypatch.setattr(storage_initializer, "SETTINGS", settings)

    def fetch(trouble: str | None, folder: str) -> tuple[int, str]:
        settings.write_text(json.dumps({"seconds": 0, "download": trouble}))
        return storage_initializer.main(["hf://Qwen/Qwen3-8B", str(tmp_path / folder)]), capsys.readouterr().out

    tries = [fetch("interrupted", "a") for _ in range(3)]
    assert [code for code, _said in tries] == [1, 1, 0] and "Read timed out" in tries[0][1]
    assert (tmp_path / "a" / "model.safetensors").exists() and not list((tmp_path / "a").rglob("*.incomplete"))
    assert fetch("full", "b")[0] == 1 and "[Errno 28] No space left on device" in fetch("full", "b")[1]
    good = (tmp_path / "a" / "model.safetensors").read_bytes()
    assert fetch("damaged", "c")[0] == 0
    bad = (tmp_path / "c" / "model.safetensors").read_bytes()
    assert len(bad) == len(good) and bad != good
    assert fetch("damaged", "c")[0] == 0 and (tmp_path / "c" / "model.safetensors").read_bytes() == good


def test_a_model_image_has_the_same_files() -> None:
    launch = storage.model_image(context("quay.io/me/model:1", args=["sh", "-c", "sleep 1"]))
    assert launch.argv[0] == "sh" and "/models/config.json" in launch.files


def test_a_good_token_of_an_account_without_access_is_refused() -> None:
    with pytest.raises(storage_initializer.StorageError) as refused:
        storage_initializer.check("hf://Qwen/Qwen3-8B", {"HF_TOKEN": "hf_abc"}, [], ["."])
    assert "403 Client Error" in refused.value.detail and "not in the authorized list" in refused.value.detail
    with pytest.raises(storage_initializer.StorageError) as without:
        storage_initializer.check("hf://Qwen/Qwen3-8B", {}, [], ["."])
    assert "401 Client Error" in without.value.detail
