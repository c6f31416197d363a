# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rendered arguments, read as the release's vLLM reads them: by the rehearsal's parser and connectors, which come from vLLM's own sources."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._serving import dialects

from rehearsal.shims.engine import connectors, group
from rehearsal.shims.engine.release import Release
from rehearsal.shims.vllm_args import parse_serve
from rehearsal.shims.vllm_flags import flags_of

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.yaml"))
TABLE = yaml.safe_load((Path(__file__).parents[5] / "rehearsal" / "shims" / "vllm_flags.yaml").read_text())
BLOCK = 16 * 57344


def service(file: Path) -> dict[str, Any]:
    return next(one for one in yaml.safe_load_all(file.read_text()) if one["kind"] == "LLMInferenceService")


def templates(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Every pod template of a service."""
    return [part for part in (spec.get("template"), spec.get("worker"), (spec.get("prefill") or {}).get("template")) if part]


def words(template: dict[str, Any]) -> list[str]:
    env = template["containers"][0].get("env", [])
    return shlex.split(next((row["value"] for row in env if row["name"] == "VLLM_ADDITIONAL_ARGS"), ""))


def read(file: Path, template: dict[str, Any]) -> tuple[Any, connectors.Plan]:
    """What the release's vLLM makes of it; exits or raises as that one would."""
    version = dialects.of_release(file.name.split("-")[0])["vllm"]
    args = parse_serve(flags_of(TABLE, version), version, ["serve", "/mnt/models", *words(template)])
    release = Release(version)
    assert connectors.unknown_keys(args.kv_transfer_config, release) == []
    return args, connectors.plan(args.kv_transfer_config, None, None, release, BLOCK)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_every_golden_file_starts(file: Path) -> None:
    for template in templates(service(file)["spec"]):
        args, plan = read(file, template)
        assert ("pd_disaggregation" in file.stem) == plan.nixl
        assert ("offload" in file.stem) == bool(plan.blocks)
        if file.stem.endswith("one-node"):
            assert group.layout(args).size == 8 and args.enable_expert_parallel


def test_the_other_releases_key_ends_the_server() -> None:
    """The test above can fail: bytes where blocks are wanted."""
    (template,) = templates(service(GOLDEN[0].with_name("3.4-kv_cache_offload.yaml"))["spec"])
    with pytest.raises(connectors.Refused, match="num_cpu_blocks must be specified"):
        read(GOLDEN[0].with_name("3.3-kv_cache_offload.yaml"), template)


def test_the_offloaded_cache_is_as_large_as_declared() -> None:
    """Half of 256 GiB a GPU, less the server's own 32."""
    for release in ("3.3", "3.4"):
        (template,) = templates(service(GOLDEN[0].with_name(f"{release}-kv_cache_offload.yaml"))["spec"])
        assert read(GOLDEN[0].with_name(f"{release}-x.yaml"), template)[1].blocks * BLOCK / 2**30 == pytest.approx(96, abs=0.001)


def test_json_survives() -> None:
    (template,) = templates(service(GOLDEN[0].with_name("3.3-settings.yaml"))["spec"])
    assert json.loads(words(template)[-1]) == {"a": "it's"}
