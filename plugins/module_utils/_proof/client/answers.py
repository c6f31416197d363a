# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies: streams, texts, errors."""

from __future__ import annotations

import json
import time
from typing import Any


def read_stream(answer: Any, start: float) -> dict[str, Any]:
    """Server-sent events of a completion: how many, when the first came, whether [DONE] ended them, the usage."""
    out: dict[str, Any] = {"chunks": 0, "first_ms": None, "done": False, "usage": None, "text_length": 0, "bad_chunks": 0}
    for raw in answer:
        line = raw.decode("utf-8", "replace").strip()
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            out["done"] = True
            break
        try:
            chunk = json.loads(data)
        except ValueError:
            out["bad_chunks"] += 1
            continue
        out["chunks"] += 1
        if out["first_ms"] is None:
            out["first_ms"] = round((time.monotonic() - start) * 1000, 1)
        out["usage"] = chunk.get("usage") or out["usage"]
        out["text_length"] += len(text_of(chunk))
    return out


def text_of(answer: dict[str, Any]) -> str:
    """The text of a whole answer or of one chunk, chat or not (also what a reasoning model thinks aloud)."""
    out = ""
    for choice in answer.get("choices") or []:
        part = choice.get("message") or choice.get("delta") or {}
        for value in (choice.get("text"), part.get("content"), part.get("reasoning_content"), part.get("reasoning")):
            out += value if isinstance(value, str) else ""
    return out


def error_of(text: str) -> dict[str, Any] | None:
    """Message, type and code of an error in OpenAI's form (new: inside ``error``; old: at the top); None for anything else."""
    try:
        body = json.loads(text)
    except ValueError:
        return None
    inner = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return None
    return {key: str(inner[key])[:200] for key in ("message", "type", "code") if inner.get(key) is not None}
