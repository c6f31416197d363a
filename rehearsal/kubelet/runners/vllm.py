# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vLLM: the pod's own script runs; the ``vllm`` that it finds on its PATH is ours (``../../shims/vllm.py``)."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import yaml

from rehearsal.errors import RehearsalError
from rehearsal.kubelet import rdma
from rehearsal.kubelet.quantity import parse
from rehearsal.kubelet.rootplan import HOST
from rehearsal.kubelet.runners.base import PRIVATE, PYTHON, SHIMS, Context, Launch, python_links, python_shim, script
from rehearsal.shims.engine import nvshmem
from rehearsal.shims.vllm_flags import flags_of, version_of

# Entry point of Red Hat's image; the presets name a command of their own.
ENTRYPOINT = ["python3", "-m", "vllm.entrypoints.openai.api_server"]
LOAD_SECONDS = 4.0
NEEDS_GPU = re.compile(r"cuda|rocm|vllm/vllm-openai")
DEVICES = ("nvidia.com/gpu", "amd.com/gpu")
FAULTS = ("kv_transfer", "kv_offload_silent", "missing_ranks")  # of a scenario, handed on to the process


def launch(context: Context) -> Launch:
    try:
        version = version_of(_table(), context.image)
    except LookupError as error:
        raise RehearsalError("vLLM can't be played", context.image, str(error)) from error
    settings = {
        "version": version, "flags": flags_of(_table(), version), "simulator": HOST + context.binary("llm-d-inference-sim"),
        "gpus": gpus(context), "load_seconds": context.delay("vllm-load", LOAD_SECONDS), "pod_ip": context.pod_ip,
        "transfer_scale": context.delay("kv-transfer", 1.0),
        "driver_parameters": context.driver_parameters() if nvshmem.by_gpu(context.env) else "",
        "faults": {name: context.scenario[name] for name in FAULTS if name in context.scenario},
    }
    return Launch(
        argv=context.command(ENTRYPOINT),
        links=python_links(),
        files={
            "/usr/local/bin/vllm": script(python_shim("vllm")),
            "/usr/local/bin/python3": (_python(), 0o755),
            f"{PRIVATE}/vllm.json": (json.dumps(settings), 0o644),
            **rdma.files(context.rdma, context.pod_ip, down=context.scenario.get("kv_transfer") == "tcp"),
        },
    )


def _python() -> str:
    """``python3 -m vllm.…`` is vLLM, too; everything else is plain Python."""
    shim = python_shim("vllm", "api_server")
    return (
        "#!/bin/sh\n"
        f'case "$1 $2" in "-m vllm.entrypoints.openai.api_server") shift 2; exec {shim} "$@";; esac\n'
        f'exec {HOST}{PYTHON} "$@"\n'
    )


def gpus(context: Context) -> int | None:
    """Devices that the container asked for; None for an image that needs none."""
    if not NEEDS_GPU.search(context.image):
        return None
    limits = (context.container.get("resources") or {}).get("limits") or {}
    return sum(int(parse(limits.get(name, 0))) for name in DEVICES)


@functools.cache
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((SHIMS / "vllm_flags.yaml").read_text(encoding="utf-8"))
    return loaded
