# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as inventories, `-e key=value`, surveys and YAML give them, turned into the type of their option.

Each function returns the value, or raises Wrong with the reason. Values may be Ansible's tagged subclasses of str, list and
dict, so nothing here compares exact types, and everything that comes out is plain.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from .shown import shown

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


class Wrong(Exception):
    """Why a value isn't acceptable: a clause that follows the option's name."""


def plain(value: Any) -> Any:
    """A deep copy of plain types only."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return "".join(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


def to_str(value: Any) -> str:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)  # a release or a quantity that was written without quotes
    raise Wrong(f"must be text, not {shown(value)}")


def to_int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() and value.isascii() and len(value) < 20:
        return int(value)
    raise Wrong(f"must be a whole number, not {shown(value)}")


def to_float(value: Any) -> float:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if math.isfinite(number):
            return number
    raise Wrong(f"must be a number, not {shown(value)}")


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if isinstance(value, (int, str)) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise Wrong(f"must be true or false, not {shown(value)}")


def to_list(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return plain(value)
    if isinstance(value, str):  # -e llmd_allow_disruption=reboot,drain, or JSON
        parsed = _json(value)
        if isinstance(parsed, list):
            return parsed
        if parsed is None and "{" not in value:
            return [part.strip() for part in plain(value).split(",") if part.strip()]
    raise Wrong(f"must be a list, not {shown(value)}")


def to_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return plain(value)
    parsed = _json(value) if isinstance(value, str) else None
    if isinstance(parsed, dict):
        return parsed
    raise Wrong(f"must be a mapping of keys to values, not {shown(value)}")


def to_path(value: Any) -> str:
    if isinstance(value, str) and "\0" not in value:
        return plain(value)
    raise Wrong(f"must be the path of a file, not {shown(value)}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


BY_TYPE: dict[str, Callable[[Any], Any]] = {
    "str": to_str, "int": to_int, "float": to_float, "bool": to_bool, "list": to_list, "dict": to_dict, "path": to_path,
}  # fmt: skip
