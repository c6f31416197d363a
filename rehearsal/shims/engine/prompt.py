# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to the hashes of its prompt's blocks (pure).

The simulator splits prompts by a regular expression (llm-d-inference-sim v0.10.2, pkg/tokenizer); the same one is used here, so that both count alike.
"""

from __future__ import annotations

import re
from typing import Any

Obj = dict[str, Any]
_TOKEN = re.compile(r"""(?:\{|\}|:|,|-|\.|\?|!|;|@|\#|\$|%|\^|&|\*|\(|\)|\+|_|~|/|\\|>|<|\[|\]|=|"|'|\w+)\s*""", re.ASCII)
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


def tokens(path: str, body: Obj) -> list[Any]:
    """The tokens of a request's prompt: words, or the ids that the client gave."""
    if path == CHAT:
        messages = [m for m in body.get("messages") or [] if isinstance(m, dict)]
        return _split("".join(f"### {m.get('role', '')}: {_plain(m.get('content'))}\n" for m in messages))
    prompt = body.get("prompt", "")
    if isinstance(prompt, list):
        return [word for part in prompt for word in ([part] if isinstance(part, int) else tokens(path, {"prompt": part}))]
    return _split(str(prompt))


def _split(text: str) -> list[Any]:
    return list(_TOKEN.findall(text))


def _plain(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and part.get("type") == "text")
    return "" if content is None else str(content)


def block_hashes(words: list[Any], size: int, salt: str = "") -> list[int]:
    """One hash a full block of ``size`` tokens; each depends on all tokens before it."""
    found: list[int] = []
    before = hash(salt)
    for start in range(0, len(words) - size + 1, size):
        before = hash((before, tuple(words[start:start + size])))
        found.append(before)
    return found
