# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client is to do: the service's URL, the Pods to read metrics from, how many requests of which kind."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .._serving.arguments import VARIABLE
from .._wait.fields import dig, mapping
from .._wait.serving import address
from . import families, pods

AUTH_ANNOTATION = "security.opendatahub.io/enable-auth"
_SA = "/var/run/secrets/kubernetes.io/serviceaccount"
FEW = 12  # requests where each one by itself shows what it has to


class PlanError(ValueError):
    """The service isn't in a state that can be measured."""


def auth_on(service: Mapping[str, Any]) -> bool:
    """Whether the service asks for a token: it does unless the annotation is there and isn't "true"."""
    return str(mapping(service, "metadata.annotations").get(AUTH_ANNOTATION, "true")) == "true"


def replicas(service: Mapping[str, Any], part: str = "spec") -> int:
    """How many Pods (or groups of Pods) of ``spec`` or ``spec.prefill`` are wanted."""
    count = dig(service, f"{part}.replicas")
    return count if isinstance(count, int) and not isinstance(count, bool) else 1


def prefill_replicas(service: Mapping[str, Any]) -> int | None:
    """How many of them only compute prompts; None when the service has no prefill part."""
    return replicas(service, "spec.prefill") if mapping(service, "spec.prefill") else None


def model_name(service: Mapping[str, Any]) -> str:
    """The name that requests have to use."""
    return str(dig(service, "spec.model.name") or dig(service, "metadata.name"))


def adapters(service: Mapping[str, Any]) -> list[str]:
    """Names of the LoRA adapters that vLLM is told to serve, as llmd_lora_adapters renders them."""
    containers = dig(service, "spec.template.containers")
    env = [row for one in containers or [] if one.get("name") == "main" for row in one.get("env") or []]
    words = [word for row in env if row.get("name") == VARIABLE for word in shlex.split(str(row.get("value") or ""))]
    if "--lora-modules" not in words:
        return []
    found = []
    for word in words[words.index("--lora-modules") + 1 :]:
        if not word.startswith("{"):
            break
        found.append(str(json.loads(word)["name"]))
    return found


def parallelism(service: Mapping[str, Any], prefill: bool = False) -> Mapping[str, Any]:
    """How the service, or its prefill part, is divided into ranks."""
    return mapping(service, "spec.prefill.parallelism" if prefill else "spec.parallelism")


def group_sizes(service: Mapping[str, Any]) -> dict[str, int | None]:
    """Pods of a group: kserve makes data / dataLocal of them, or pipeline; None where there are no groups."""
    return {"main": _group_size(mapping(service, "spec")), "prefill": _group_size(mapping(service, "spec.prefill"))}


def _group_size(part: Mapping[str, Any]) -> int | None:
    found = mapping(part, "parallelism")
    data, local = found.get("data"), found.get("dataLocal")
    if not part.get("worker") or not (isinstance(data, int) and isinstance(local, int) and local):
        return None
    return max(1, data // local)


def groups(requests: int) -> dict[str, int]:
    """How the number of requests is divided: a few groups that share a prefix, the rest with one of their own.

    24 requests are 3 groups of 5 and 9 alone: then 11 of the 12 followers on their group's first Pod would happen by
    chance in 0.3 % of all tries with two Pods, and all 12 first prefixes on one Pod in 0.05 %.
    """
    if requests < 10:
        raise PlanError(f"{requests} requests are too few to tell a choice from chance: ask for 10 or more")
    shared = 3 if requests >= 15 else 2
    size = max(3, requests * 5 // 8 // shared)
    return {"shared": shared, "size": size, "own": requests - shared * size}


def build(path: str, service: Mapping[str, Any], engines: Iterable[Mapping[str, Any]], pickers: Iterable[Mapping[str, Any]],
          requests: int, nonce: str, seconds: float, url: str = "", verify_gateway: bool = True,
          denied_token: bool = False) -> dict[str, Any]:  # fmt: skip
    """The client's orders. :raises PlanError: no URL, or nothing to talk to."""
    base = url or address(service)
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise PlanError(f"the service reports no usable URL ({base or 'none'}) in status.url or status.addresses")
    known = [p for p in engines if dig(p, "status.podIP")]
    if not known:
        raise PlanError("the service has no Pod with an address")
    return {
        "base_url": base,
        "model": model_name(service),
        "adapters": adapters(service),
        "auth": auth_on(service),
        "verify_gateway": verify_gateway,
        "ca_files": [f"{_SA}/ca.crt", f"{_SA}/service-ca.crt", "/proof/gateway-ca.crt"],
        "token_file": f"{_SA}/token",
        "denied_token_file": "/denied/token" if denied_token else None,
        "timeout_seconds": min(120.0, seconds / 4),
        "deadline_seconds": seconds,
        "max_tokens": 8,
        "groups": {**_groups(path, requests), "prefix_words": 250, "nonce": nonce},
        "engines": [_engine(p) for p in known],
        "pickers": [{"pod": pods.name(p), "url": pods.picker_url(p)} for p in pickers if dig(p, "status.podIP")],
        "engine_counter": families.ENGINE_SUCCESS,
        "keep": {
            "pickers": families.KEEP_PICKER,
            "engines": [*families.KEEP_ENGINE[path], *(families.KEEP_SPLIT if mapping(service, "spec.prefill") else [])],
        },
        **_disaggregated(service, known, nonce),
        **_extra(path, service, known, nonce),
    }


def _engine(pod: Mapping[str, Any]) -> dict[str, str]:
    api = pods.api_url(pod)
    return {"pod": pods.name(pod), "api": api, "url": f"{api}/metrics"}


def _groups(path: str, requests: int) -> dict[str, int]:
    """Only a choice among equals needs many requests with the same prefix."""
    return groups(requests) if path == "inference_scheduling" else {"shared": 0, "size": 0, "own": min(requests, FEW)}


def _disaggregated(service: Mapping[str, Any], engines: list[Mapping[str, Any]], nonce: str) -> dict[str, Any]:
    """With a prefill part a request has two Pods: both have to count it, and both have to know each other first."""
    if not mapping(service, "spec.prefill"):
        return {}
    sets = [[pods.name(p) for p in engines if (pods.role(p) == "prefill") == prefill] for prefill in (True, False)]
    warmup = {"sets": sets, "least": 2 * max(map(len, sets)), "seconds": 90, "words": 250, "nonce": nonce}
    return {"settle": sets, "warmup": warmup}


def _extra(path: str, service: Mapping[str, Any], engines: list[Mapping[str, Any]], nonce: str) -> dict[str, Any]:
    if path == "kv_cache_offload":
        return {"eviction": {"share": 1.3, "parallel": 8, "most_tokens": 24000, "most_pods": 8, "seconds": 1200, "nonce": nonce}}
    if path == "wide_expert_parallelism":
        wanted = {pods.name(p): pods.ranks(p, parallelism(service, pods.role(p) == "prefill")) for p in engines}
        return {"ranks": {"pods": wanted, "each": 2, "words": 60, "nonce": nonce}}
    return {}
