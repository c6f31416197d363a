# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON that other tools wrote and that is shown as evidence: what isn't of a known form is refused with what it looks like. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class UnknownFormat(ValueError):
    """The file isn't what a known tool writes."""


def json_object(content: str) -> Mapping[str, Any]:
    """The object that a file holds. :raises UnknownFormat: where it holds none."""
    try:
        data = json.loads(content)
    except ValueError as error:
        raise UnknownFormat(f"it isn't JSON ({error})") from None
    if not isinstance(data, Mapping):
        raise UnknownFormat(f"it is a JSON {type(data).__name__}, not an object")
    return data


def keys_of(data: Mapping[str, Any]) -> str:
    """The first keys of an object that isn't known, in words."""
    return f"its keys are {', '.join(sorted(map(str, data))[:6]) or 'none'}"
