# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Path pd_disaggregation: prefill servers compute the prompt, decode servers fetch its KV cache over RDMA and go on.

Sources: reference rhoai-llmd 5.2 and 7 (rows 29-36). The sidecar beside a decode server, and its port, come from the preset.
"""

from __future__ import annotations

from typing import Any

from .arguments import checked, connector
from .pods import field_of, template, unique, variables
from .scheduling import tensor_arguments
from .shape import Pool
from .wish import Row, Wish

SIDE_CHANNEL_PORT = 5600  # vLLM before 0.11.1 took 5557, where a picker listens for KV events
SHM_GIB = 16  # the preset's 1 GiB is too little for what NCCL and UCX share within a pod
DECODE_PORT, PREFILL_PORT = 8001, 8000
COMPONENT = "app.kubernetes.io/component"
COMPONENTS = {"decode": "llminferenceservice-workload", "prefill": "llminferenceservice-workload-prefill"}


def workload(wish: Wish, decode: Pool, prefill: Pool) -> Row:
    """replicas, template and prefill of the service. Both pools get the same tensor parallelism: NIXL fails to connect unequal ones."""
    common = [*tensor_arguments(wish), *_connector(wish), *checked(wish.declared.get("vllm_args") or [], "llmd_vllm_args")]
    first = [*common, *checked(wish.declared.get("prefill_vllm_args") or [], "llmd_prefill_vllm_args")]
    return {
        "replicas": decode.replicas,
        "template": _template(wish, decode, common, DECODE_PORT),
        "prefill": {"replicas": prefill.replicas, "template": _template(wish, prefill, first, PREFILL_PORT)},
    }


def _connector(wish: Wish) -> list[str]:
    """A failed transfer fails the request, where vLLM can be told so: computing it again would hide a broken fabric."""
    policy: dict[str, Any] = {"kv_load_failure_policy": "fail"} if wish.dialect["failure_policy"] else {}
    return connector("NixlConnector", **policy)


def _template(wish: Wish, pool: Pool, arguments: list[str], port: int) -> Row:
    made = template(wish, pool, arguments, environment(wish, pool), port=port, shm_gib=SHM_GIB)
    return {**made, **apart(wish.name, pool.role)}


def environment(wish: Wish, pool: Pool) -> list[Row]:
    env = [
        field_of("VLLM_NIXL_SIDE_CHANNEL_HOST", "status.podIP"),
        *variables({
            "VLLM_NIXL_SIDE_CHANNEL_PORT": str(SIDE_CHANNEL_PORT),
            # A prefilled prompt waits for a decode server that has room; some versions drop it after two minutes.
            "VLLM_NIXL_ABORT_REQUEST_TIMEOUT": "1800",
            "UCX_PROTO_INFO": "yes",  # the log then names the transport, which is how a fall-back to TCP is noticed
        }),
    ]  # fmt: skip
    if wish.fabric.get("resources"):  # RDMA or nothing: with TCP allowed, a broken rail would only be slow
        env += variables({"UCX_TLS": "rc,sm,self,cuda_copy,cuda_ipc"})
    if pool.role == "prefill":  # longer than the sidecar keeps its connections, else it writes into closed ones
        env += variables({"VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "120"})
    return unique(env)


def apart(service: str, role: str) -> Row:
    """Never on one node with the other pool, so that KV crosses the fabric; and packed, so that the other pool finds a node.

    The spread constraint allows everything: it is there since a pod that has one isn't spread over the nodes by the scheduler's default.
    """
    other = "prefill" if role == "decode" else "decode"
    packed = {"weight": 100, "podAffinityTerm": _term(service, role)}
    return {
        "affinity": {
            "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_term(service, other)]},
            "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [packed]},
        },
        "topologySpreadConstraints": [
            {"maxSkew": 1000, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": _labels(service, role)}
        ],
    }


def _term(service: str, role: str) -> Row:
    return {"labelSelector": _labels(service, role), "topologyKey": "kubernetes.io/hostname"}


def _labels(service: str, role: str) -> Row:
    return {"matchLabels": {"app.kubernetes.io/name": service, COMPONENT: COMPONENTS[role]}}
