# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does before and after a job, as far as our content depends on it. Not a controller: no API, no state.

Source: ansible/awx at e21dd0a; each function names its place there.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from jinja2 import StrictUndefined, sandbox

Row = dict[str, Any]
EMPTY: dict[str, tuple[type, ...]] = {
    "text": (str,), "textarea": (str,), "integer": (int,), "float": (int, float), "multiplechoice": (str,), "multiselect": (list,),
}  # fmt: skip


def wrong(question: Row, answer: Any) -> str | None:
    """awx/main/models/mixins.py, _survey_element_validation: why an answer isn't taken."""
    kind = question["type"]
    if not isinstance(answer, EMPTY[kind]) or (kind in ("integer", "float") and isinstance(answer, bool)):
        return f"{question['variable']}: {answer!r} isn't a {kind}"
    low, high = question.get("min"), question.get("max")
    size = len(answer) if kind in ("text", "textarea") else answer if kind in ("integer", "float") else None
    if size is not None and ((low is not None and size < low) or (high is not None and size > high)):
        return f"{question['variable']}: {answer!r} is out of bounds"
    given = answer if kind == "multiselect" else [answer] if kind == "multiplechoice" else []
    strange = [one for one in given if one not in question["choices"]]
    return f"{question['variable']}: {strange} isn't a choice" if strange else None


def answers(survey: Row, given: Row) -> Row:
    """awx/main/models/mixins.py, _update_unified_job_kwargs: the extra vars of a launch. :raises ValueError: what the controller refuses."""
    refused = [text for question in survey["spec"] if question["variable"] in given for text in [wrong(question, given[question["variable"]])] if text]
    strangers = set(given) - {question["variable"] for question in survey["spec"]}
    if refused or strangers:
        raise ValueError("; ".join([*refused, *(f"{one} isn't asked" for one in sorted(strangers))]))
    defaults = {q["variable"]: q["default"] for q in survey["spec"] if q.get("default") is not None and not wrong(q, q["default"])}
    return {**defaults, **given}


def inject(kind: Row, inputs: Row, write: Any) -> Row:
    """awx/main/models/credential.py, inject_credential: writes the files by ``write(text) -> path``, returns the extra vars."""
    space: Row = {name: value for name, value in inputs.items() if isinstance(value, bool) or value}
    for field in kind["inputs"]["fields"]:
        if field["type"] == "boolean":
            space.setdefault(field["id"], False)
    environment = sandbox.ImmutableSandboxedEnvironment()
    files = {
        label.partition(".")[2]: write(environment.from_string(text).render(**space)) for label, text in kind["injectors"]["file"].items()
    }
    space["tower"] = {"filename": files}
    return {name: environment.from_string(text).render(**space) for name, text in kind["injectors"]["extra_vars"].items()}


def check_credential_type(kind: Row) -> None:
    """awx/main/fields.py, CredentialTypeInjectorField.validate: every template renders with each field set, nothing undefined."""
    fields = {field["id"]: "EXAMPLE" for field in kind["inputs"]["fields"]}
    files = {label.partition(".")[2]: "EXAMPLE_FILENAME" for label in kind["injectors"]["file"]}
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for part in kind["injectors"].values():
        for text in part.values():
            environment.from_string(text).render({**fields, "tower": {"filename": files}})


def shown_environment(environment: dict[str, str]) -> dict[str, str]:
    """awx/main/models/credential.py, build_safe_env: values that are kept secret by their names."""
    hidden = re.compile(r"API|TOKEN|KEY|SECRET|PASS", re.I)
    return {name: "**********" if hidden.search(name) and not name.startswith("ANSIBLE_") else value for name, value in environment.items()}


def lists_as_playbook(path: str, text: str) -> bool:
    """awx/main/utils/ansible.py: whether a project's file is offered as a playbook."""
    hidden = [part for part in path.split("/")[:-1] if part.startswith(".") or part in ("roles", "tasks", "group_vars", "host_vars")]
    play = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?include|(ansible\.builtin\.)?import_playbook):\s*?.*?$")
    return not hidden and any(play.match(line) for line in text.splitlines())


class _Unsafe(yaml.SafeDumper):
    """awx/main/utils/safe_yaml.py: texts of extra vars are marked so that Ansible never renders them."""

    def represent_data(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", data)
        return super().represent_data(data)


def extra_vars_file(values: Row) -> str:
    """awx/main/tasks/jobs.py, _write_extra_vars_file."""
    return "".join(yaml.dump_all([{key: value}], None, Dumper=_Unsafe, default_flow_style=False) for key, value in values.items())


def sliced(hosts: list[str], number: int, count: int) -> list[str]:
    """awx/main/models/inventory.py, get_sliced_hosts: the hosts of slice *number* (from 1) of *count*."""
    return sorted(hosts)[number - 1 :: count]


def ancestors(*artifacts: Row) -> Row:
    """awx/main/models/workflow.py, get_job_kwargs: the artifacts of all jobs before, merged by name."""
    merged: Row = {}
    for one in artifacts:
        merged |= one
    return merged
