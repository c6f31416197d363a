# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence that KV blocks which the GPU lost come back from the CPU: they were stored, our own requests pushed them out, and when their prompt
came again they were loaded.

A connector that is configured, and says so in its log, proves nothing; nor do bytes that were only stored. vLLM before 0.18 has no series of the
offload: there the external prefix cache is the evidence, which only a KV connector moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import engine_log
from .evidence import Page, Rise, pages, risen
from .families import CACHE_HITS, LOADED, OFFLOADED, OUTSIDE_HITS, OUTSIDE_QUERIES, STORED
from .findings import Finding, finding

MOST_LOCAL = 0.5  # of the prompt's tokens: more found on the GPU, and it hadn't lost the prompt
LEAST_BACK = 0.5
SHOWN_SINCE = (0, 11)  # vLLM: from then on a KV connector has its external prefix cache on the page
_AGAIN = "Run the verify stage again while the service is quiet."
_CONFIGURE = ("Check the connector in VLLM_ADDITIONAL_ARGS (--kv-transfer-config with OffloadingConnector and a size, by the name that this vLLM has) and the "
              "Pod's log.")  # fmt: skip
_WORST = ("pass", "unknown", "fail")


def checks(subject: str, measured: Mapping[str, Any]) -> list[Finding]:
    """The three findings, each over all Pods: the worst one decides."""
    found = (measured.get("document") or {}).get("eviction") or {}
    pods = [str(p.get("name")) for p in measured.get("engines") or []]
    told = [_Pod(pod, found[pod], _lines(measured, pod)) for pod in pods if pod in found]
    if not told:
        return [finding("offload-evicted", "unknown", subject, "not measured", "our prompts outgrow the GPU's cache", _AGAIN)]
    return [
        _over(subject, "offload-evicted", "our prompts outgrow the GPU's KV cache, so that it loses the first ones", (p.evicted() for p in told)),
        _over(subject, "offload-stored", "KV blocks are copied from the GPU to the CPU", (p.stored() for p in told)),
        _over(subject, "offload-returned", "a prompt that the GPU has lost is loaded from the CPU when it comes again", (p.returned() for p in told)),
        *_unseen(subject, pods, found),
    ]


def _over(subject: str, name: str, expected: str, states: Iterable[tuple[str, str, str]]) -> Finding:
    all_ = list(states)
    worst = max((state for state, _text, _remedy in all_), key=_WORST.index)
    shown = [text for state, text, _remedy in all_ if state == worst]
    remedy = next(remedy for state, _text, remedy in all_ if state == worst)
    return finding(name, worst, subject, "; ".join(shown[:4]), expected, remedy)


def _unseen(subject: str, pods: list[str], found: Mapping[str, Any]) -> list[Finding]:
    """A remark on Pods that weren't tried."""
    missing = [pod for pod in pods if pod not in found]
    if not missing:
        return []
    return [finding("offload-pods", "warn", subject, f"{len(missing)} of {len(pods)} Pods weren't tried", "all Pods", _AGAIN, deciding=False)]


def _lines(measured: Mapping[str, Any], pod: str) -> list[str]:
    return list(((measured.get("logs") or {}).get(pod) or {}).get("lines") or [])


class _Pod:
    """What one Pod did: ``one`` is the client's entry of it."""

    def __init__(self, name: str, one: Mapping[str, Any], log: list[str]) -> None:
        self.name, self.one = name, one
        self.connectors = engine_log.connectors(log)
        self.again = [a for a in one.get("again") or [] if a.get("status") == 200 and a.get("tokens")]
        self.flood = self._between(one.get("before"), one.get("flooded"))

    def _between(self, before: Any, after: Any) -> dict[str, Page] | str:
        return pages({self.name: before or {}}, {self.name: after or {}}, [self.name])

    def evicted(self) -> tuple[str, str, str]:
        """Whether the GPU must have lost the prompts that are asked again."""
        sent, capacity = self.one.get("sent_tokens") or 0, self.one.get("capacity_tokens")
        told = f"{self.name}: {sent} tokens in {self.one.get('answered')} of {self.one.get('requests')} requests"
        fault = f" (last fault: {self.one['error']})" if self.one.get("error") else ""
        if capacity and sent < capacity:
            return "unknown", f"{told}, its GPU holds {capacity}{fault}", "Give the proof more time (verify_timeout_seconds), or the GPU a smaller KV cache."
        if not self.again:
            return "unknown", f"{told}; no prompt was asked again{fault}", _AGAIN
        if not self._lost():
            return "unknown", f"{told}; the GPU still has the prompts{'' if capacity else ', and its size is not known'}", _AGAIN
        return "pass", f"{told}, its GPU holds {capacity or 'less'}", ""

    def _lost(self) -> list[Mapping[str, Any]]:
        """The prompts asked again which the GPU hadn't any more."""
        out = []
        for one in self.again:
            local = risen(self._between(one.get("before"), one.get("after")), CACHE_HITS)
            if local.known and local.total < MOST_LOCAL * one["tokens"]:
                out.append(one)
        return out

    def stored(self) -> tuple[str, str, str]:
        """Bytes to the CPU; where there is no such series, that blocks came back says that they had been stored."""
        up = risen(self.flood, [OFFLOADED], transfer_type=STORED)
        if up.known:
            state = "pass" if up.total > 0 else "fail"
            return state, f"{self.name}: {up.total:.0f} bytes", _CONFIGURE
        if isinstance(self.flood, str) or "fell" in up.why:
            return "unknown", f"{self.name}: {up.why}", _AGAIN
        back = self._back()
        if back and back[0] > 0:
            return "pass", f"{self.name}: this vLLM has no series for it; blocks that came back had been stored", ""
        # from 0.18 on the series appears with the first copy: without it nothing was copied, or vLLM is older
        return self._nothing("no bytes are counted")

    def returned(self) -> tuple[str, str, str]:
        """Bytes, or tokens, that came back when the prompts were asked again."""
        lost = self._lost()
        if not lost:
            return "unknown", f"{self.name}: the GPU hadn't lost the prompts that were asked again", "See the check offload-evicted."
        if any(risen(self._of(one), [OFFLOADED]).known for one in lost):
            size = sum(risen(self._of(one), [OFFLOADED], transfer_type=LOADED).total for one in lost)
            if size > 0:
                return "pass", f"{self.name}: {size:.0f} bytes for {len(lost)} prompts", ""
            return "fail", f"{self.name}: 0 bytes for {len(lost)} prompts that the GPU had lost", self._too_small()
        back = self._back()
        if back is None:
            return self._nothing("the page has no external prefix cache")
        tokens, name = back
        wanted = max(one["tokens"] for one in lost) * LEAST_BACK
        if tokens >= wanted:
            return "pass", f"{self.name}: {name} {tokens:.0f} tokens", ""
        return self._nothing(f"{tokens:.0f} tokens of {len(lost)} prompts that the GPU had lost")

    def _of(self, one: Mapping[str, Any]) -> dict[str, Page] | str:
        return self._between(one.get("before"), one.get("after"))

    def _back(self) -> tuple[float, str] | None:
        """Most tokens of one prompt that came from elsewhere; None where that isn't counted."""
        hits: list[Rise] = [risen(self._of(one), OUTSIDE_HITS) for one in self._lost()]
        known = [h for h in hits if h.known]
        return max((h.total, h.name) for h in known) if known else None

    def _nothing(self, what: str) -> tuple[str, str, str]:
        """Nothing was seen: a failure where a connector was asked, and otherwise the connector isn't there."""
        asked = any(risen(self._of(one), OUTSIDE_QUERIES).total > 0 for one in self.again)
        if asked:
            made = f"{', '.join(sorted(self.connectors))} is configured, but " if self.connectors else "a connector was asked, but "
            return "fail", f"{self.name}: {made}{what}", self._too_small()
        if self.connectors:
            return "fail", f"{self.name}: {', '.join(sorted(self.connectors))} is configured and never asked: {what}", _CONFIGURE
        version = str(self.one.get("version") or "")
        at = re.match(r"(\d+)\.(\d+)", version)
        if at and tuple(map(int, at.groups())) >= SHOWN_SINCE:
            return "fail", f"{self.name}: {what}: no KV connector is configured in vLLM {version}", _CONFIGURE
        told = f"vLLM {version}" if version else "this vLLM, whose version isn't known,"
        return "unknown", f"{self.name}: {what}; {told} doesn't show whether a KV connector is configured", _CONFIGURE

    def _too_small(self) -> str:
        capacity = self.one.get("capacity_tokens")
        more = f" (more than {capacity} tokens)" if capacity else ""
        return ("Read the Pod's log for the offload's errors. When it copies to the CPU and nothing comes back, the CPU's part is smaller than the GPU's: "
                f"give it more memory than the GPU's KV cache has{more}, or the GPU less.")  # fmt: skip


def numbers(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Figures for the report: bytes both ways, and how long a prompt took when new and when it came back."""
    found = (measured.get("document") or {}).get("eviction") or {}
    told = [_Pod(pod, one, []) for pod, one in found.items()]
    stored = [risen(p.flood, [OFFLOADED], transfer_type=STORED) for p in told]
    loaded = [risen(p._of(one), [OFFLOADED], transfer_type=LOADED) for p in told for one in p.again]
    outside = [risen(p._of(one), OUTSIDE_HITS) for p in told for one in p.again]
    return {
        "gpu_cache_tokens": {p.name: p.one.get("capacity_tokens") for p in told},
        "evicting_tokens": {p.name: p.one.get("sent_tokens") for p in told},
        "bytes_to_cpu": sum(r.total for r in stored) if any(r.known for r in stored) else None,
        "bytes_from_cpu": sum(r.total for r in loaded) if any(r.known for r in loaded) else None,
        "tokens_from_outside": sum(r.total for r in outside) if any(r.known for r in outside) else None,
        "new_prompt_ms": {p.name: (p.one.get("first") or {}).get("ms") for p in told},
        "returned_prompt_ms": {p.name: p.again[0].get("ms") if p.again else None for p in told},
    }
