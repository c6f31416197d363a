# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Path wide_expert_parallelism: one model over many GPUs, each rank with its part of the experts.

Over several nodes a group is a LeaderWorkerSet (KServe makes it from `worker` and `parallelism`); within one node it is a plain pod whose vLLM is told
the sizes. Sources: reference rhoai-llmd 5.4, 4.1 (data / dataLocal = pods of a group), 7 row 37 (shared memory).
"""

from __future__ import annotations

from .arguments import checked
from .pods import template, unique, variables
from .shape import Pool
from .wish import Refused, Row, Wish

SHM_GIB = 16
COMPONENTS = ("llminferenceservice-workload-leader", "llminferenceservice-workload-worker")
# Of the preset for groups, whose list a list of ours replaces as a whole.
CAPABILITIES = ("IPC_LOCK", "SYS_RAWIO", "NET_RAW")


def workload(wish: Wish, pool: Pool) -> Row:
    if wish.model is not None and not wish.model.experts:
        raise Refused(
            f"wide_expert_parallelism: {wish.declared['model_name']} has no experts that could be spread. Declare a mixture-of-experts model, or another path."
        )
    user = checked(wish.declared.get("vllm_args") or [], "llmd_vllm_args")
    backend = str(wish.declared["all2all_backend"])
    flags = [f"--all2all-backend={backend}"] if wish.dialect["all2all"] == "flag" else []
    env = environment(wish, {"VLLM_ALL2ALL_BACKEND": backend} if not flags else {})
    if pool.pods == 1:
        sizes = [f"--data-parallel-size={pool.ranks}", "--enable-expert-parallel"]
        tensor = [f"--tensor-parallel-size={wish.tensor}"] if wish.tensor > 1 else []
        return {"replicas": pool.replicas, "template": template(wish, pool, [*tensor, *sizes, *flags, *user], env, shm_gib=SHM_GIB)}
    capabilities = CAPABILITIES if wish.fabric.get("capabilities") else ()
    arguments, apart = [*flags, *user], _apart(wish.name)
    return {
        "replicas": pool.replicas,
        "parallelism": {"data": pool.pods * pool.ranks, "dataLocal": pool.ranks, "expert": True, "tensor": wish.tensor},
        "template": {**template(wish, pool, arguments, env, shm_gib=SHM_GIB, capabilities=capabilities), **apart},
        "worker": {**template(wish, pool, arguments, env, port=None, shm_gib=SHM_GIB, capabilities=capabilities), **apart},
    }


def environment(wish: Wish, more: dict[str, str]) -> list[Row]:
    env = {
        **more,
        "VLLM_ENGINE_READY_TIMEOUT_S": "3600",  # ranks wait for the slowest one to load its weights
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    if wish.fabric.get("resources"):
        env |= {
            # Ranks find each other over the pod network, which every pod has; what is much goes over the rails.
            "GLOO_SOCKET_IFNAME": "eth0", "NCCL_SOCKET_IFNAME": "eth0", "NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME": "eth0",
            "NCCL_IB_TIMEOUT": "100", "NCCL_DEBUG": "WARN",
            # DeepEP: the GPU itself posts to the network card.
            "NVSHMEM_REMOTE_TRANSPORT": "ibgda", "NVSHMEM_IB_ENABLE_IBGDA": "1", "NVSHMEM_IBGDA_NIC_HANDLER": "gpu",
            "NVSHMEM_BOOTSTRAP_TIMEOUT": "300",
        }  # fmt: skip
    return unique(variables(env))


def _apart(service: str) -> Row:
    """A group over several nodes has one pod on each."""
    labels = {
        "matchLabels": {"app.kubernetes.io/name": service},
        "matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "In", "values": list(COMPONENTS)}],
    }
    term = {"labelSelector": labels, "topologyKey": "kubernetes.io/hostname"}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
