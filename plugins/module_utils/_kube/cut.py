# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaves out, before JSON is parsed, lists of objects that nobody will look at (managedFields, a node's images): half of a large answer.

An API server writes JSON without blanks, where a list of objects ends with "}]", and a quote in a text is always escaped. Should a text hold
"}]" all the same, what is left is no JSON any more (quotes no longer pair up), and the whole answer is parsed instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def parse(raw: bytes, keys: Iterable[str] = ()) -> Any:
    """The JSON document, with the lists under these keys emptied where that could be done. :raises ValueError: it isn't JSON."""
    shorter = raw
    for key in keys:
        shorter = _without(shorter, f'"{key}":[{{'.encode())
    if shorter is not raw:
        try:
            return json.loads(shorter)
        except ValueError:
            pass
    return json.loads(raw)


def _without(raw: bytes, mark: bytes) -> bytes:
    """The text without what stands between the brackets that follow each mark."""
    kept, at = [], 0
    start = raw.find(mark)
    while start >= 0:
        end = raw.find(b"}]", start)
        if end < 0:
            return raw
        kept.append(raw[at : start + len(mark) - 1])
        at = end + 1
        start = raw.find(mark, at)
    return b"".join([*kept, raw[at:]]) if kept else raw
