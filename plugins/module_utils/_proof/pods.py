# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service's Pods: what each does, of which group it is, where its endpoints are.

Labels: kserve ``pkg/constants`` and ``pkg/controller/*/llmisvc`` (name, part-of, component, role); leader worker set
``api/leaderworkerset/v1`` (group-index, worker-index, size).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._wait.fields import dig, items, mapping

COMMON_LABELS = {"app.kubernetes.io/part-of": "llminferenceservice"}
ENGINE_LABELS = {**COMMON_LABELS, "kserve.io/component": "workload"}
PICKER_LABELS = {**COMMON_LABELS, "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}
ROLE, COMPONENT = "llm-d.ai/role", "app.kubernetes.io/component"
GROUPS = "leaderworkerset.sigs.k8s.io/"


def has(pod: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether the Pod has all these labels."""
    return labels.items() <= mapping(pod, "metadata.labels").items()


def selector(labels: Mapping[str, str], service: str) -> str:
    """Label selector of a service's Pods."""
    return ",".join(f"{k}={v}" for k, v in sorted({**labels, "app.kubernetes.io/name": service}.items()))


def name(pod: Mapping[str, Any]) -> str:
    """The Pod's name."""
    return str(dig(pod, "metadata.name") or "")


def role(pod: Mapping[str, Any]) -> str:
    """``prefill``, ``decode``, or ``both`` for a service that doesn't tell them apart."""
    labels = mapping(pod, "metadata.labels")
    if labels.get(ROLE) in ("prefill", "decode", "both"):
        return str(labels[ROLE])
    return "prefill" if "prefill" in str(labels.get(COMPONENT, "")) else "both"


def in_group(pod: Mapping[str, Any]) -> bool:
    """Whether a leader worker set made it."""
    return f"{GROUPS}name" in mapping(pod, "metadata.labels")


def place(pod: Mapping[str, Any]) -> dict[str, Any] | None:
    """Set, group, index and size of a Pod in a leader worker set; None for any other Pod."""
    if not in_group(pod):
        return None
    labels, notes = mapping(pod, "metadata.labels"), mapping(pod, "metadata.annotations")
    return {"set": str(labels[f"{GROUPS}name"]), "group": str(labels.get(f"{GROUPS}group-index", "")),
            "index": _number(labels.get(f"{GROUPS}worker-index")), "size": _number(notes.get(f"{GROUPS}size"))}  # fmt: skip


def _number(text: Any) -> int | None:
    return int(text) if str(text).isdigit() else None


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a Pod takes traffic now."""
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in items(pod, "status.conditions"))
    return ready and not dig(pod, "metadata.deletionTimestamp")


def main_container(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """vLLM's container."""
    return next((c for c in items(pod, "spec.containers") if c.get("name") == "main"), {})


def arguments(pod: Mapping[str, Any]) -> str:
    """What vLLM is started with, as far as the Pod's spec shows it (variables of the start script aren't put in)."""
    main = main_container(pod)
    words = [*(main.get("command") or []), *(main.get("args") or [])]
    words += [str(e.get("value")) for e in items(main, "env") if e.get("name") == "VLLM_ADDITIONAL_ARGS"]
    return " ".join(map(str, words))


def expert_parallel(pod: Mapping[str, Any]) -> bool | None:
    """Whether vLLM was started with expert parallelism; None when its command isn't in the Pod."""
    text = arguments(pod)
    return bool(re.search(r"--enable-expert-parallel|(?<!\w)-ep\b", text)) if "vllm" in text else None


def ranks(pod: Mapping[str, Any], parallelism: Mapping[str, Any]) -> int:
    """Data-parallel ranks of the Pod's group: as the service declares, else as vLLM is told (its last word counts)."""
    declared = parallelism.get("data")
    told = re.findall(r"--data-parallel-size[= ](\d+)", arguments(pod))
    return declared if isinstance(declared, int) else int(told[-1]) if told else 1


def api_url(pod: Mapping[str, Any]) -> str:
    """Where a vLLM Pod serves: port and scheme of its readiness probe (KServe serves TLS unless told not to)."""
    main = main_container(pod)
    probe = mapping(main, "readinessProbe.httpGet") or mapping(main, "livenessProbe.httpGet")
    port = probe.get("port")
    if not isinstance(port, int):
        named = {p.get("name"): p.get("containerPort") for p in items(main, "ports")}
        port = named.get(port) or next(iter(named.values()), None) or 8000
    scheme = str(probe.get("scheme") or "HTTPS").lower()
    return f"{scheme}://{_host(pod)}:{port}"


def picker_url(pod: Mapping[str, Any]) -> str:
    """The metrics URL of an endpoint picker Pod (plain HTTP, guarded by TokenReview)."""
    ports = [p for c in items(pod, "spec.containers") for p in items(c, "ports")]
    port = next((p.get("containerPort") for p in ports if p.get("name") == "metrics"), 9090)
    return f"http://{_host(pod)}:{port}/metrics"


def _host(pod: Mapping[str, Any]) -> str:
    ip = str(dig(pod, "status.podIP") or "")
    return f"[{ip}]" if ":" in ip else ip
