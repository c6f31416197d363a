# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One YAML file of unknown quality -> plain data, or the reason why not. Bounded in size, depth and time."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from functools import cache
from typing import Any

try:
    import yaml
except ImportError:  # `_data/files.py`, which always runs before, tells people so by name
    yaml = None  # type: ignore[assignment]

MAX_BYTES = 64 * 2**20  # a list of all nodes of the largest clusters is about half of that
# A star in front of a name may be an alias. Most are not (they stand in quoted texts), so a hit only means a closer look.
_MAYBE_ALIAS = re.compile(rb"(?m)(?:^|[\s\[{,:])\*[^\s*/]")


class Broken(Exception):
    """The file can't be used; the text says why."""


@cache
def _loaders() -> tuple[Any, Any]:
    """(the safe loader, one that leaves times as texts, which is how the API has them); libyaml's where it is there."""
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, shape) for tag, shape in rows if tag != "tag:yaml.org,2002:timestamp"]
        for first, rows in base.yaml_implicit_resolvers.items()
    }
    return base, type("_TextTimes", (base,), {"yaml_implicit_resolvers": resolvers})


def unpacked(raw: bytes, limit: int = MAX_BYTES) -> bytes:
    """The bytes behind gzip, if they are gzip'd; never more than the limit."""
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
                raw = stream.read(limit + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Broken("broken gzip data") from error
    if len(raw) > limit:
        raise Broken(f"larger than {limit // 2**20} MiB")
    return raw


def parse(raw: bytes) -> dict[str, Any]:
    """The one object in the file. Aliases are refused: `oc` writes none, and a few nested ones can stand for gigabytes."""
    data = unpacked(raw)
    if b"\0" in data:
        raise Broken("binary data, not YAML")
    base, loader = _loaders()
    try:
        if _MAYBE_ALIAS.search(data) and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, base)):
            raise Broken("YAML aliases, which oc never writes")
        found = yaml.load(data, Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError, OverflowError, TypeError) as error:
        raise Broken(_reason(error)) from error
    if not isinstance(found, dict):
        raise Broken("empty" if found is None else "not an object")
    return found


def _reason(error: BaseException) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    return (
        "not YAML"
        + (f", line {mark.line + 1}" if mark else "")
        + (f": {ascii(problem)[1:-1][:120]}" if problem else "")
    )
