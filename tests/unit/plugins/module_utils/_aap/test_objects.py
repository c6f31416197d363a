# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's objects: arguments that its modules take, an order in which each finds what it names."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.llmd.openshift.plugins.module_utils._aap.objects import (
    PLAYBOOKS,
    Object,
    Settings,
    approval,
    objects,
    removals,
)
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts

from tests.controller import behaviour

ROOT = Path(__file__).resolve().parents[5]
SPECS = json.loads((ROOT / "tests/unit/data/controller_specs.json").read_text())["modules"]
CONTENT = files.load(files.ROOT / "aap.yml", "aap")
LEAST = Settings(
    organization="Platform", prefix="llm-d", project_url="https://git.example.com/llmd.openshift.git", controller_credential="controller",
    execution_environment="registry.example.com/llmd/openshift_ee:1.0", inventory_path="inventories/example/hosts.yml",
)  # fmt: skip
FULL = dataclasses.replace(
    LEAST, project_branch="v1", project_credential="git", inventory_url="https://git.example.com/clusters.git", registry_credential="registry",
    cluster_credentials=("clusters",), notification={"type": "email", "configuration": {"host": "mail"}}, slices=4, approval_minutes=60,
)  # fmt: skip
# argument -> module of the object that it names
NAMES = {
    "project": "project", "source_project": "project", "inventory": "inventory", "execution_environment": "execution_environment",
    "notification_templates_error": "notification_template", "notification_templates_success": "notification_template",
    "notification_templates_approvals": "notification_template", "workflow_job_template": "workflow_job_template",
    "unified_job_template": "job_template", "success_nodes": "workflow_job_template_node", "failure_nodes": "workflow_job_template_node",
    "always_nodes": "workflow_job_template_node",
}  # fmt: skip


def made(settings=FULL, content=CONTENT):
    data = facts()
    return objects(content, data.declaration["options"], data.releases, settings)


def problems(one: Object) -> list[str]:
    spec = SPECS[one.module]
    rest = {key: value for key, value in spec.items() if key in ("mutually_exclusive",) and value}
    result = ArgumentSpecValidator(spec["argument_spec"], **rest).validate(one.args)
    return result.error_messages


def lost(found: list[Object]) -> list[str]:
    """Names that nothing before the object bears."""
    there: dict[str, set[str]] = {}
    missing = []
    for one in found:
        for argument, module in NAMES.items():
            if argument == "execution_environment" and one.module == "execution_environment":
                continue
            value = one.args.get(argument, [])
            missing += [f"{one}: {argument} {name}" for name in ([value] if isinstance(value, str) else value) if name not in there.get(module, ())]
        there.setdefault(one.module, set()).add(one.args.get("name") or one.args["identifier"])
    return missing


@pytest.mark.parametrize("settings", [LEAST, FULL], ids=["least", "full"])
def test_the_modules_take_every_argument_and_find_what_is_named(settings):
    found = made(settings)
    assert [text for one in found for text in problems(one)] == []
    assert lost(found) == []


def test_a_wrong_argument_and_a_wrong_order_are_found():
    assert problems(Object("job_template", {"name": "x", "ask_limit": True, "askk": True}))
    assert problems(Object("project", {"scm_type": "hg", "name": "x"}))
    assert lost(list(reversed(made())))


def test_removal_takes_users_first_and_keeps_no_name():
    gone = removals(made())
    assert [text for one in gone for text in problems(one)] == []
    assert gone[-1].module == "credential_type" and all(one.args["state"] == "absent" for one in gone)
    order = [one.module for one in gone]
    assert order.index("workflow_job_template") < order.index("job_template") < order.index("inventory") < order.index("project")
    assert {str(one) for one in gone} == {str(one) for one in made() if one.module != "workflow_job_template_node"}


def test_jobs_for_clusters_ask_for_limit_and_credential_and_the_others_touch_no_cluster():
    templates = {one.args["name"]: one.args for one in made() if one.module == "job_template"}
    for row in CONTENT["templates"]:
        args = templates[f"llm-d {row['id']}"]
        assert bool(args.get("ask_limit_on_launch")) is row.get("clusters", True), row["id"]
        assert args.get("credentials", []) == (["clusters"] if row.get("clusters", True) else ["controller"] if row.get("controller") else [])
        assert not args.get("ask_variables_on_launch"), "anybody could then give llmd_kubeconfig"


@pytest.mark.parametrize("row", CONTENT["templates"], ids=lambda row: row["id"])
def test_each_template_has_a_playbook_that_does_what_the_collection_has(row):
    text = (ROOT / PLAYBOOKS / row["playbook"]).read_text()
    assert behaviour.lists_as_playbook(f"{PLAYBOOKS}/{row['playbook']}", text), "the controller would refuse the template"
    plays = yaml.safe_load(text)
    for play in plays:
        imported = play.get("ansible.builtin.import_playbook")
        if imported:
            assert (ROOT / "playbooks" / f"{imported.rpartition('.')[2]}.yml").exists(), imported
        elif row.get("clusters", True):
            raise AssertionError("a template that talks to clusters only imports a playbook of the collection")


def test_the_workflow_asks_before_it_writes_and_always_reports():
    nodes = {node["id"]: node for node in CONTENT["workflow"]["nodes"]}
    writers = {"provision", "teardown"}

    def before(target):
        return [node for node in nodes.values() if target in node.get("success", []) + node.get("always", [])]

    for node in nodes.values():
        if node.get("template") in writers:
            assert [one["id"] for one in before(node["id"])] == ["approval"]
        if node["id"] != "report":
            assert "report" in node.get("failure", []) + node.get("always", []), node["id"]
    assert set(CONTENT["workflow"]["asks"]) <= {name for row in CONTENT["templates"] for name in row.get("asks", [])}


def test_the_approval_is_that_of_the_workflow():
    one = approval("Approve", "text", "llm-d inference", "Platform")
    assert problems(one) == []
    (node,) = [found for found in made() if found.args.get("identifier") == one.args["identifier"]]
    assert node.args["workflow_job_template"] == "llm-d inference" and "approval_node" in node.args


def test_chats_get_one_line_and_webhooks_the_controllers_own_json():
    def messages(kind):
        found = made(dataclasses.replace(FULL, notification={"type": kind, "configuration": {}}))
        return next(one.args.get("messages") for one in found if one.module == "notification_template")

    assert messages("webhook") is None
    assert "body" in messages("email")["workflow_approval"]["running"]
    assert '"body"' not in json.dumps(messages("slack")) and messages("slack")["workflow_approval"]["running"]["message"]

