# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same content for Automation Platform's pattern service: meta/pattern.json and the argument specs of its playbooks.

Source of the format: ansible/pattern-service, specifications/pattern-specification-1.0.0. It knows no workflow, schedule or
credential type; the role aap applies those.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .objects import PATTERN
from .survey import survey

Row = dict[str, Any]

TITLE = "Take OpenShift clusters to proven llm-d inference"
SHORT = "Assess, plan, provision, verify and diagnose llm-d on OpenShift"
LABEL = "llm-d"
IMAGE = "llmd/openshift_ee"


def pattern(content: Row, options: Iterable[Row], releases: Iterable[str]) -> Row:
    """meta/pattern.json. Templates that talk to the controller itself are left to the role: a pattern has no credential for them."""
    options, releases = list(options), list(releases)
    return {
        "schema_version": "1.0.0",
        "name": PATTERN,
        "title": TITLE,
        "description": "Says which llm-d paths a cluster can serve, plans the way there with its disruption, and proves by counters that the path works.",
        "short_description": SHORT,
        "tags": ["openshift", "llm", "inference", "gpu", "llmd"],
        "aap_resources": {
            "controller_project": {"name": "llm-d", "description": "The collection llmd.openshift."},
            "controller_execution_environment": {
                "name": "llm-d",
                "description": "Built from execution-environment.yml of llmd.openshift.",
                "image_name": IMAGE,
                "pull": "missing",
            },
            "controller_labels": [LABEL],
            "controller_job_templates": [
                _template(row, content["questions"], options, releases) for row in content["templates"] if row.get("clusters", True)
            ],
        },
    }


def _template(row: Row, titles: Row, options: list[Row], releases: list[str]) -> Row:
    return {
        "name": row["title"],
        "description": row["description"],
        "execution_environment": "llm-d",
        "playbook": row["playbook"],
        "primary": bool(row.get("primary")),
        "labels": [LABEL],
        "ask_credential_on_launch": True,
        "ask_inventory_on_launch": True,
        "ask_verbosity_on_launch": True,
        "survey": survey(row["title"], row["description"], row["asks"], titles, options, releases),
    }


def argument_spec(row: Row, options: Iterable[Row]) -> Row:
    """<playbook>.meta.yml of one template. Values are those of a survey: all may be left out, and are checked by the first task."""
    known = {option["name"]: option for option in options}
    return {
        "short_description": row["title"],
        "description": row["description"],
        "argument_specs": {
            row["id"]: {
                "short_description": row["title"],
                "description": ["Further variables of a cluster belong into its inventory (docs/variables.md)."],
                "options": {one: _argument(known[one]) for one in row.get("asks", [])},
                "examples": "\n".join(f"{one}: {json.dumps(known[one].get('example'))}" for one in row.get("asks", [])) or "{}",
            }
        },
    }


def _argument(option: Row) -> Row:
    made = {"type": option["type"], "required": False, "description": option["description"]}
    return made | {key: option[key] for key in ("elements", "choices") if key in option}
