# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of the controller, each as (module, arguments), in an order in which each finds those that it names.

The modules are those of ansible.controller and awx.awx, which have the same names and arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .survey import survey

Row = dict[str, Any]

PATTERN = "llmd_inference"
PLAYBOOKS = f"extensions/patterns/{PATTERN}/playbooks"
APPROVAL = "approval"  # identifier of the workflow's approval node
# What names an object, by module. A node goes with its workflow.
IDENTITY: dict[str, tuple[str, ...]] = {
    "credential_type": ("name",),
    "execution_environment": ("name", "organization"),
    "project": ("name", "organization"),
    "inventory": ("name", "organization"),
    "inventory_source": ("name", "inventory", "organization"),
    "notification_template": ("name", "organization"),
    "job_template": ("name", "organization"),
    "workflow_job_template": ("name", "organization"),
    "schedule": ("name", "organization"),
}


@dataclass(frozen=True)
class Settings:
    """What a site says. Names of credentials are those of existing ones: secrets never pass through here.

    :ivar inventory_url: Git repository of the inventory; None takes it from the project.
    :ivar cluster_credentials: attached to the job templates that talk to clusters; may be none where hosts bring their own.
    :ivar controller_credential: with it the workflow writes the plan's disruption into its approval.
    :ivar notification: `{"type", "configuration"}` of a notification template, or None.
    """

    organization: str
    prefix: str
    project_url: str
    execution_environment: str
    controller_credential: str
    inventory_path: str
    project_branch: str = ""
    project_credential: str | None = None
    inventory_url: str | None = None
    registry_credential: str | None = None
    cluster_credentials: tuple[str, ...] = ()
    notification: Mapping[str, Any] | None = None
    slices: int = 1
    approval_minutes: int = 0
    schedules: bool = True
    timezone: str = "UTC"
    collection: str = "ansible.controller"

    def named(self, what: str) -> str:
        """The object's name in the controller."""
        return f"{self.prefix} {what}"


@dataclass(frozen=True)
class Object:
    """One object of the controller."""

    module: str
    args: Row

    def __str__(self) -> str:
        return f"{self.module} {self.args.get('name') or self.args.get('identifier')}"


def objects(content: Row, options: Iterable[Row], releases: Iterable[str], settings: Settings) -> list[Object]:
    """*content* is data/aap.yml, *options* and *releases* are what surveys are made from."""
    asks = _Asks(content["questions"], list(options), list(releases))
    return [
        *_ground(content, settings),
        *[_job_template(row, content["workflow"]["id"], asks, settings) for row in content["templates"]],
        *_workflow(content["workflow"], asks, settings),
        *(_schedules(content["schedules"], settings) if settings.schedules else []),
    ]


def removals(applied: Iterable[Object]) -> list[Object]:
    """The same objects as absent, users before what they use. A credential type goes last; the controller keeps it while credentials need it."""
    return [
        Object(one.module, {**{key: one.args[key] for key in IDENTITY[one.module] if key in one.args}, "state": "absent"})
        for one in reversed(list(applied))
        if one.module in IDENTITY
    ]


@dataclass(frozen=True)
class _Asks:
    titles: Mapping[str, str]
    options: list[Row]
    releases: list[str]

    def survey(self, row: Row) -> Row:
        """The arguments of a template that asks; none when it asks nothing."""
        if "asks" not in row:
            return {"survey_enabled": False}
        spec = survey(row["title"], row["description"], row["asks"], self.titles, self.options, self.releases)
        return {"survey_enabled": True, "survey_spec": spec}


def _ground(content: Row, settings: Settings) -> list[Object]:
    kind = content["credential_type"]
    made = [
        Object("credential_type", {**kind, "name": settings.named(kind["name"]), "kind": "cloud"}),
        Object(
            "execution_environment",
            {
                "name": settings.prefix, "organization": settings.organization, "image": settings.execution_environment,
                "pull": "missing", **_given(credential=settings.registry_credential),
            },
        ),
        _project(settings.prefix, settings.project_url, settings),
    ]  # fmt: skip
    if settings.inventory_url:
        made.append(_project(settings.named("clusters"), settings.inventory_url, settings, branch=""))
    inventory = settings.named("clusters")
    made += [
        Object("inventory", {"name": inventory, "organization": settings.organization, "description": "One host is one cluster."}),
        Object(
            "inventory_source",
            {
                "name": inventory, "inventory": inventory, "organization": settings.organization, "source": "scm",
                "source_project": inventory if settings.inventory_url else settings.prefix, "source_path": settings.inventory_path,
                "update_on_launch": True, "overwrite": True, "overwrite_vars": True,
            },
        ),
    ]  # fmt: skip
    if settings.notification:
        made.append(_notification(content["messages"], settings.notification, settings))
    return made


def _project(name: str, url: str, settings: Settings, branch: str | None = None) -> Object:
    where = {"scm_type": "git", "scm_url": url, "scm_branch": settings.project_branch if branch is None else branch}
    args = {"name": name, "organization": settings.organization, **where, "scm_update_on_launch": True}
    return Object("project", {**args, **_given(credential=settings.project_credential)})


def _notification(messages: Row, wish: Mapping[str, Any], settings: Settings) -> Object:
    """Mails have a subject and a body, chats one line; the body of a webhook is JSON, which the controller writes itself."""
    args = {
        "name": settings.prefix, "organization": settings.organization,
        "notification_type": wish["type"], "notification_configuration": dict(wish["configuration"]),
    }  # fmt: skip
    if wish["type"] != "webhook":
        args["messages"] = messages if wish["type"] == "email" else _without_body(messages)
    return Object("notification_template", args)


def _without_body(messages: Row) -> Row:
    return {key: _without_body(part) if isinstance(part, dict) else part for key, part in messages.items() if key != "body"}


def _job_template(row: Row, workflow: str, asks: _Asks, settings: Settings) -> Object:
    args: Row = {
        "name": settings.named(row["id"]), "description": row["description"], "organization": settings.organization,
        "job_type": "run", "inventory": settings.named("clusters"), "project": settings.prefix, "playbook": f"{PLAYBOOKS}/{row['playbook']}",
        "execution_environment": settings.prefix, "ask_verbosity_on_launch": True, **asks.survey(row), **_notified(settings),
    }  # fmt: skip
    if row.get("controller"):
        args["credentials"] = [settings.controller_credential]
        args["extra_vars"] = {
            "aap_organization": settings.organization,
            "aap_workflow": settings.named(workflow),
            "aap_collection": settings.collection,
        }
    if row.get("clusters", True):
        # The lock in the cluster keeps two jobs apart; the controller's own rule would make jobs for other clusters wait, too.
        args |= {"credentials": list(settings.cluster_credentials), "ask_credential_on_launch": True, "ask_limit_on_launch": True}
        args |= {"ask_job_type_on_launch": True, "ask_diff_mode_on_launch": True, "allow_simultaneous": True}
    if row.get("sliced"):
        args |= {"job_slice_count": settings.slices, "ask_job_slice_count_on_launch": True}
    return Object("job_template", args)


def _notified(settings: Settings, *kinds: str) -> Row:
    return {f"notification_templates_{kind}": [settings.prefix] for kind in (kinds or ("error",))} if settings.notification else {}


def _workflow(row: Row, asks: _Asks, settings: Settings) -> list[Object]:
    name = settings.named(row["id"])
    template: Row = {
        "name": name, "description": row["description"], "organization": settings.organization, "ask_limit_on_launch": True,
        # One at a time: the text of the approval belongs to the template.
        "allow_simultaneous": False, **asks.survey(row), **_notified(settings, "success", "error", "approvals"),
    }  # fmt: skip
    nodes = [_node(node, name, settings) for node in reversed(row["nodes"])]  # a node names those after it
    return [Object("workflow_job_template", template), *nodes]


def _node(node: Row, workflow: str, settings: Settings) -> Object:
    args: Row = {"identifier": node["id"], "workflow_job_template": workflow, "organization": settings.organization}
    if "approval" in node:
        args["approval_node"] = {"name": node["approval"], "description": "", "timeout": settings.approval_minutes * 60}
    else:
        args |= {"unified_job_template": settings.named(node["template"]), "lookup_organization": settings.organization}
    return Object("workflow_job_template_node", args | {f"{kind}_nodes": node[kind] for kind in ("success", "failure", "always") if kind in node})


def approval(name: str, text: str, workflow: str, organization: str) -> Object:
    """The approval node of *workflow* with the plan's words, which the controller shows to the approver."""
    args: Row = {"identifier": APPROVAL, "workflow_job_template": workflow, "organization": organization}
    return Object("workflow_job_template_node", args | {"approval_node": {"name": name, "description": text}})


def _schedules(rows: list[Row], settings: Settings) -> list[Object]:
    return [
        Object(
            "schedule",
            {
                "name": settings.named(row["id"]), "organization": settings.organization, "enabled": True,
                "unified_job_template": settings.named(row["template"]),
                "rrule": f"DTSTART;TZID={settings.timezone}:20260101T{row['hour']:02}0000 RRULE:FREQ=DAILY;INTERVAL=1",
            },
        )
        for row in rows
    ]  # fmt: skip


def _given(**values: Any) -> Row:
    return {key: value for key, value in values.items() if value}
