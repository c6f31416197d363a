# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client is to do: the service's URL, the Pods to read metrics from, how many requests of which kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .._wait.fields import dig, items, mapping
from .._wait.serving import address
from . import families

COMMON_LABELS = {"app.kubernetes.io/part-of": "llminferenceservice"}
ENGINE_LABELS = {**COMMON_LABELS, "kserve.io/component": "workload"}
PICKER_LABELS = {**COMMON_LABELS, "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}
AUTH_ANNOTATION = "security.opendatahub.io/enable-auth"
_SA = "/var/run/secrets/kubernetes.io/serviceaccount"


class PlanError(ValueError):
    """The service isn't in a state that can be measured."""


def selector(labels: Mapping[str, str], service: str) -> str:
    """Label selector of a service's Pods. Labels: kserve ``pkg/controller/*/llmisvc`` (name, part-of, component)."""
    return ",".join(f"{k}={v}" for k, v in sorted({**labels, "app.kubernetes.io/name": service}.items()))


def auth_on(service: Mapping[str, Any]) -> bool:
    """Whether the service asks for a token: it does unless the annotation is there and isn't "true"."""
    return str(mapping(service, "metadata.annotations").get(AUTH_ANNOTATION, "true")) == "true"


def wanted_replicas(service: Mapping[str, Any]) -> int:
    """How many Pods answer requests: the service's replicas (decode Pods, for a service with prefill)."""
    count = dig(service, "spec.replicas")
    return count if isinstance(count, int) and not isinstance(count, bool) else 1


def model_name(service: Mapping[str, Any]) -> str:
    """The name that requests have to use."""
    return str(dig(service, "spec.model.name") or dig(service, "metadata.name"))


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a Pod takes traffic now."""
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in items(pod, "status.conditions"))
    return ready and not dig(pod, "metadata.deletionTimestamp")


def engine_url(pod: Mapping[str, Any]) -> str:
    """The metrics URL of a vLLM Pod: port and scheme of its readiness probe (KServe serves TLS unless told not to)."""
    main = next((c for c in items(pod, "spec.containers") if c.get("name") == "main"), {})
    probe = mapping(main, "readinessProbe.httpGet") or mapping(main, "livenessProbe.httpGet")
    port = probe.get("port")
    if not isinstance(port, int):
        named = {p.get("name"): p.get("containerPort") for p in items(main, "ports")}
        port = named.get(port) or next(iter(named.values()), None) or 8000
    scheme = str(probe.get("scheme") or "HTTPS").lower()
    return f"{scheme}://{_host(pod)}:{port}/metrics"


def picker_url(pod: Mapping[str, Any]) -> str:
    """The metrics URL of an endpoint picker Pod (plain HTTP, guarded by TokenReview)."""
    ports = [p for c in items(pod, "spec.containers") for p in items(c, "ports")]
    port = next((p.get("containerPort") for p in ports if p.get("name") == "metrics"), 9090)
    return f"http://{_host(pod)}:{port}/metrics"


def _host(pod: Mapping[str, Any]) -> str:
    ip = str(dig(pod, "status.podIP") or "")
    return f"[{ip}]" if ":" in ip else ip


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


def build(service: Mapping[str, Any], engines: Iterable[Mapping[str, Any]], pickers: Iterable[Mapping[str, Any]],
          requests: int, nonce: str, seconds: float, url: str = "", verify_gateway: bool = True,
          denied_token: bool = False) -> dict[str, Any]:  # fmt: skip
    """The client's orders. :raises PlanError: no URL, or nothing to talk to."""
    base = url or address(service)
    if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
        raise PlanError(f"the service reports no usable URL ({base or 'none'}) in status.url or status.addresses")
    with_address = [p for p in engines if dig(p, "status.podIP")]
    if not with_address:
        raise PlanError("the service has no Pod with an address")
    return {
        "base_url": base,
        "model": model_name(service),
        "auth": auth_on(service),
        "verify_gateway": verify_gateway,
        "ca_files": [f"{_SA}/ca.crt", f"{_SA}/service-ca.crt", "/proof/gateway-ca.crt"],
        "token_file": f"{_SA}/token",
        "denied_token_file": "/denied/token" if denied_token else None,
        "timeout_seconds": min(120.0, seconds / 4),
        "deadline_seconds": seconds,
        "max_tokens": 8,
        "groups": {**groups(requests), "prefix_words": 250, "nonce": nonce},
        "engines": [{"pod": dig(p, "metadata.name"), "url": engine_url(p)} for p in with_address],
        "pickers": [{"pod": dig(p, "metadata.name"), "url": picker_url(p)} for p in pickers if dig(p, "status.podIP")],
        "engine_counter": families.ENGINE_SUCCESS,
        "keep": families.KEEP,
    }
