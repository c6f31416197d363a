# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Survey questions of the controller, made from options of data/declaration.yml.

A question that is left empty must leave the inventory's value alone, so none has a default of its own. The controller turns an
empty default into an answer wherever it is valid (awx/main/models/mixins.py), hence at least one character is asked of texts;
and its UI needs the key (frontend/awx/common/SurveyStep.tsx in ansible/ansible-ui).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]

TRUTH = ["true", "false"]
LONGEST = 4096  # characters of a text that the controller takes


class Unaskable(Exception):
    """An option that no survey may ask for."""


def survey(name: str, description: str, asked: Iterable[str], titles: Mapping[str, str], options: Iterable[Row], releases: Iterable[str]) -> Row:
    """A survey of the options *asked*, in that order.

    :param titles: what the people see, by option. :raises Unaskable: an option is secret, or isn't there.
    """
    known = {option["name"]: option for option in options}
    missing = [one for one in asked if one not in known or one not in titles]
    if missing:
        raise Unaskable(f"{', '.join(missing)}: not an option of data/declaration.yml with a title in data/aap.yml")
    return {
        "name": name,
        "description": description,
        "spec": [question(known[one], titles[one], list(releases)) for one in asked],
    }


def question(option: Row, title: str, releases: list[str]) -> Row:
    """One question. The value that the controller hands on has a type that the declaration takes."""
    if option.get("secret"):
        raise Unaskable(f"{option['name']} is secret: it belongs into a credential, answers are shown")
    return {
        "question_name": title,
        "question_description": f"{option['description']} ({option['name']}). Empty: as the inventory says.",
        "variable": option["name"],
        "required": False,
        "default": "",
        **_kind(option, releases),
    }


def _kind(option: Row, releases: list[str]) -> Row:
    """Type, and what goes with it. Limits are whole numbers in the controller; others are left to our own check."""
    kind = option["type"]
    choices = releases if option.get("choices_from") == "releases" else option.get("choices")
    if choices:
        return {"type": "multiselect" if kind == "list" else "multiplechoice", "choices": list(choices)}
    if kind == "bool":
        return {"type": "multiplechoice", "choices": TRUTH}
    if kind in ("int", "float"):
        limits = {key: option[key] for key in ("min", "max") if isinstance(option.get(key), int)}
        return {"type": "integer" if kind == "int" else "float", **limits}
    text = {"min": 1, "max": LONGEST}
    return {"type": "textarea" if kind in ("list", "dict") else "text", **text}
