# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push a prompt's KV blocks out of a Pod's GPU by other prompts, then ask for it again: can they come back from elsewhere?

The cache's size is on the metrics page (``vllm:cache_config_info``), and so is what was counted; how many tokens a prompt has is in its
answer's usage. Requests go to the Pod itself, since the picker would send other prompts to other Pods.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .pages import Pages
from .prompts import prompt
from .service import Service, ms

INFO = "vllm:cache_config_info{"
TOKENS_A_WORD = 1.5  # until the first answer tells
BLIND_SECONDS = 240.0  # of flooding a cache whose size isn't known
BATCH_FAULTS = 3  # batches without one good answer before it is given up


def run(service: Service, pages: Pages, orders: dict[str, Any]) -> dict[str, Any]:
    """Per Pod: what was sent, and the pages at each stage. All Pods at the same time."""
    engines = pages.engines[: int(orders.get("most_pods", 8))]
    with ThreadPoolExecutor(max_workers=max(1, len(engines))) as pool:
        found = list(pool.map(lambda engine: _Pod(service, pages, orders, engine).run(), engines))
    return {engine["pod"]: one for engine, one in zip(engines, found)}  # noqa: B905 - Python 3.9


class _Pod:
    def __init__(self, service: Service, pages: Pages, orders: dict[str, Any], engine: dict[str, Any]) -> None:
        self._service, self._pages, self._orders, self._engine = service, pages, orders, engine
        self._end = time.monotonic() + min(float(orders.get("seconds", 1200)), max(service.left() - 60, 1))
        self._per_word = TOKENS_A_WORD
        self._asked = self._answered = 0
        self._tokens: list[int] = []  # of each prompt, in their order; 0 for one that wasn't answered
        self._error: str | None = None

    def run(self) -> dict[str, Any]:
        start, before = time.monotonic(), self._pages.of(self._engine)
        capacity = gpu_tokens(str(before.get("text", "")))
        length = self._length(capacity)
        out: dict[str, Any] = {
            "capacity_tokens": capacity,
            "prompt_tokens": length,
            "version": self._service.version(self._engine),
            "before": before,
        }
        # the first one is asked alone: it shows how many tokens a word has
        words = [max(8, int(length / TOKENS_A_WORD))]
        first = self._ask(0, words[0])
        self._count([first])
        out["first"] = _told(0, first)
        if _tokens(first):
            self._per_word = _tokens(first) / words[0]
        self._flood(words, capacity, length)
        out["flooded"] = self._pages.of(self._engine)
        out.update(sent_tokens=self._sent, requests=self._asked, answered=self._answered, error=self._error, ms=ms(start))
        out["again"] = [self._again(number, words) for number in self._lost(capacity)]
        return out

    def _length(self, capacity: int | None) -> int:
        """Tokens of a prompt: far below the model's context and the cache's size, yet as few prompts as may be."""
        context = self._service.listed(self._engine).get("max_model_len")
        limits = [int(self._orders.get("most_tokens", 24000))]
        limits += [int(context * 0.7)] if isinstance(context, int) else [2000]
        limits += [capacity // 8] if capacity else []
        return max(32, min(limits))

    def _ask(self, number: int, words: int) -> dict[str, Any]:
        text = prompt(f"{self._orders.get('nonce', '')}evict-{self._engine['pod']}-{number}", words)
        return self._service.direct(self._engine, text)

    @property
    def _sent(self) -> int:
        return sum(self._tokens)

    def _count(self, records: list[dict[str, Any]]) -> int:
        """Adds up; returns how many were answered."""
        good = [record for record in records if record["status"] == 200]
        bad = [record for record in records if record["status"] != 200]
        self._asked += len(records)
        self._answered += len(good)
        self._tokens += [_tokens(record) for record in records]
        if bad:
            self._error = f"HTTP {bad[-1]['status']}: {bad[-1]['error']}" if bad[-1]["status"] else str(bad[-1]["error"])
        return len(good)

    def _flood(self, words: list[int], capacity: int | None, length: int) -> None:
        """Other prompts, several at once, until the cache must have lost the first ones or the time is over."""
        goal = capacity * float(self._orders.get("share", 1.3)) if capacity else float("inf")
        end = self._end if capacity else min(self._end, time.monotonic() + BLIND_SECONDS)
        batch, faults = int(self._orders.get("parallel", 8)), 0
        with ThreadPoolExecutor(max_workers=batch) as pool:
            while self._sent < goal and time.monotonic() < end and faults < BATCH_FAULTS:
                missing = max(1, min(batch, int((goal - self._sent) // length) + 1)) if capacity else batch
                numbers = range(len(words), len(words) + missing)
                each = max(8, int(length / self._per_word))
                words += [each] * missing
                faults = 0 if self._count(list(pool.map(self._ask, numbers, [each] * missing))) else faults + 1

    def _lost(self, capacity: int | None) -> list[int]:
        """Prompts to ask again: the newest that the GPU can't have any more (a CPU cache that is a little larger still has it), then older."""
        newest = 0
        for number in range(len(self._tokens)):
            if capacity and sum(self._tokens[number + 1 :]) >= capacity:
                newest = number
        return list(dict.fromkeys([newest, newest // 2, 0]))

    def _again(self, number: int, words: list[int]) -> dict[str, Any]:
        before = self._pages.of(self._engine)
        record = self._ask(number, words[number])
        return {**_told(number, record), "before": before, "after": self._settled(before)}

    def _settled(self, before: dict[str, Any]) -> dict[str, Any]:
        """The page once the request is counted."""
        end = time.monotonic() + 3
        while True:
            after = self._pages.of(self._engine)
            if after.get("text") != before.get("text") or time.monotonic() > end:
                time.sleep(0.3)  # counters of one request may come one after the other
                return self._pages.of(self._engine)
            time.sleep(0.05)


def gpu_tokens(text: str) -> int | None:
    """How many tokens the GPU's KV cache holds (all engines of the page), None where the page doesn't say."""
    out = 0
    for line in text.splitlines():
        if line.startswith(INFO):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if not (labels.get("num_gpu_blocks", "").isdigit() and labels.get("block_size", "").isdigit()):
                return None
            out += int(labels["num_gpu_blocks"]) * int(labels["block_size"])
    return out or None


def _tokens(record: dict[str, Any]) -> int:
    count = (record.get("usage") or {}).get("prompt_tokens")
    return count if isinstance(count, int) else 0


def _told(number: int, record: dict[str, Any]) -> dict[str, Any]:
    return {"number": number, "status": record["status"], "error": record["error"], "ms": record["ms"], "tokens": _tokens(record)}
