# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole declaration against its specification: every error at once, or the values with their defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .coerce import BY_TYPE, Wrong, plain
from .formats import FORMATS
from .shown import shown
from .words import hint

PREFIX = "llmd_"
Option = dict[str, Any]


def check(
    spec: Mapping[str, Any], given: Mapping[str, Any], releases: Iterable[str], stages: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """(values by option name without the prefix, errors).

    spec: data/declaration.yml; given: the user's llmd_* variables, evaluated; releases: those of the support matrix;
    stages: what this run will do. None and empty text count as "not given". Secrets are checked and left out of the values.
    """
    options: dict[str, Option] = {option["name"]: option for option in spec["options"]}
    errors = unknown_names(given, options, spec["internal"])
    present = {name: given[name] for name in options if not _empty(given.get(name))}
    values: dict[str, Any] = {}
    for name, option in options.items():
        value, error = _one(option, present, list(releases))
        if error:
            errors.append(error)
        elif not option.get("secret"):
            values[name.removeprefix(PREFIX)] = value
    errors += _conditions(options, present, values, set(stages))
    if not errors:
        _derive(values)
    return values, errors


def unknown_names(given: Iterable[str], options: Mapping[str, Option], internal: Collection[str]) -> list[str]:
    known = {*options, *internal}
    families = tuple(name.rstrip("*") for name in internal if name.endswith("*"))
    strange = [name for name in sorted(map(str, given)) if name not in known and not name.startswith(families)]
    return [f"{name}: no such option.{hint(name, options)}" for name in strange]


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _one(option: Option, present: Mapping[str, Any], releases: list[str]) -> tuple[Any, str | None]:
    name = option["name"]
    if name not in present:
        return plain(option.get("default")), None
    try:
        value = BY_TYPE[option["type"]](present[name])
        if option["type"] == "list":
            value = [_element(option, item) for item in value]
        _bounds(option, value)
        _choice(option, value, releases)
        if "format" in option:
            FORMATS[option["format"]](value)
    except Wrong as wrong:
        if option.get("secret"):
            return None, f"{name}: isn't usable as {option['type']} (the value is kept secret)."
        unit = f" (in {option['unit']})" if "unit" in option else ""
        return None, f"{name}{unit}: {wrong}".rstrip(".") + ("" if str(wrong).endswith("?") else ".")
    return value, None


def _element(option: Option, item: Any) -> Any:
    try:
        return BY_TYPE[option["elements"]](item)
    except Wrong as wrong:
        raise Wrong(f"has an element that {wrong}") from None


def _bounds(option: Option, value: Any) -> None:
    low, high = option.get("min"), option.get("max")
    if (low is not None and value < low) or (high is not None and value > high):
        raise Wrong(f"must be from {low} to {high}, not {shown(value)}")


def _choice(option: Option, value: Any, releases: list[str]) -> None:
    choices = releases if option.get("choices_from") == "releases" else option.get("choices")
    if choices is None:
        return
    for item in value if isinstance(value, list) else [value]:
        if item not in choices:
            raise Wrong(f"{shown(item)} isn't known; known are {', '.join(choices)}.{hint(item, choices)}".rstrip("."))


def _conditions(
    options: Mapping[str, Option], present: Mapping[str, Any], values: Mapping[str, Any], stages: set[str]
) -> list[str]:
    errors = []
    for name, option in options.items():
        if name in present:
            beyond = sorted(stages - set(option["only_for"])) if "only_for" in option else []
            if beyond:
                errors.append(
                    f"{name}: can't be given to a run with the stage {', '.join(beyond)}; only assess and plan take it."
                )
            errors += [f"{name}: needs {other} too." for other in option.get("needs", []) if other not in present]
            errors += [
                f"{name}: can't be given together with {other}."
                for other in option.get("excludes", [])
                if other in present
            ]
        else:
            errors += _missing(name, option, present, values, stages)
    return errors


def _missing(
    name: str, option: Option, present: Mapping[str, Any], values: Mapping[str, Any], stages: set[str]
) -> list[str]:
    others = option.get("needed_unless", [])
    needed = option.get("required") or stages & set(option.get("needed_for", []))
    if needed and not any(other in present for other in others):
        instead = "".join(f" (or {other})" for other in others)
        return [f"{name}{instead}: must be given. {option['description']} Example: {shown(option.get('example'))}."]
    condition = option.get("needed_if")
    if condition and values.get(condition["option"].removeprefix(PREFIX)) == condition["is"]:
        return [f"{name}: must be given with {condition['option']}. {option['description']}"]
    return []


def _derive(values: dict[str, Any]) -> None:
    """Defaults that follow from other options."""
    if values.get("model_name") is None:
        scheme, _separator, rest = str(values.get("model_uri") or "").partition("://")
        values["model_name"] = rest.partition(":")[0] if scheme == "hf" else values["service_name"]
