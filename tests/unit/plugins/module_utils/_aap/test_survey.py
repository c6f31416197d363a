# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys: typed as the declaration wants it, and silent where nobody answers."""

from __future__ import annotations

import json

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._aap.survey import Unaskable, question, survey
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.check import check

from tests.controller import behaviour

CONTENT = files.load(files.ROOT / "aap.yml", "aap")
DATA = facts()
OPTIONS = {option["name"]: option for option in DATA.declaration["options"]}
ASKING = [row for row in [*CONTENT["templates"], CONTENT["workflow"]] if "asks" in row]
HOST = {"llmd_kubeconfig": "/x", "llmd_cluster_id": "2f6a1f5e-6a57-4a0c-9c3e-0b8d3a0d8f10"}


def of(row):
    return survey(row["title"], row["description"], row["asks"], CONTENT["questions"], DATA.declaration["options"], DATA.releases)


@pytest.mark.parametrize("row", ASKING, ids=lambda row: row["id"])
def test_who_answers_nothing_changes_nothing(row):
    assert behaviour.answers(of(row), {}) == {}


def test_a_default_would_hide_the_inventory():
    """The case that the empty default and the least length are for: the controller makes answers of valid defaults."""
    one = question(OPTIONS["llmd_model_uri"], "Model", DATA.releases)
    loose = {key: value for key, value in one.items() if key != "min"}
    assert behaviour.answers({"spec": [one]}, {}) == {}
    assert behaviour.answers({"spec": [loose]}, {}) == {"llmd_model_uri": ""}


def answer(option, kind):
    """The option's example, as that kind of question hands it on."""
    value = option["example"]
    if kind == "multiplechoice":
        return json.dumps(value) if isinstance(value, bool) else value
    return json.dumps(value) if kind in ("text", "textarea") and not isinstance(value, str) else value


@pytest.mark.parametrize("row", ASKING, ids=lambda row: row["id"])
def test_answers_that_the_controller_takes_are_values_that_the_declaration_takes(row):
    given = {one["variable"]: answer(OPTIONS[one["variable"]], one["type"]) for one in of(row)["spec"]}
    values, errors = check(DATA.declaration, {**HOST, **behaviour.answers(of(row), given)}, DATA.releases, ["access"])
    assert errors == []
    assert {name: values[name.removeprefix("llmd_")] for name in given} == {name: OPTIONS[name]["example"] for name in given}


@pytest.mark.parametrize(
    ("name", "answer"),
    [("llmd_release", "9.9"), ("llmd_path", ""), ("llmd_replicas", "2"), ("llmd_replicas", 0), ("llmd_allow_disruption", "driver"),
     ("llmd_allow_disruption", ["reboots"]), ("llmd_lock_takeover", True), ("llmd_model_uri", ""), ("llmd_probe_requests", 1000001)],
)  # fmt: skip
def test_the_controller_refuses_what_the_declaration_would_refuse(name, answer):
    with pytest.raises(ValueError, match=name):
        behaviour.answers({"spec": [question(OPTIONS[name], "A title", DATA.releases)]}, {name: answer})


def test_what_passes_the_controller_may_still_be_wrong_and_is_named():
    given = behaviour.answers({"spec": [question(OPTIONS["llmd_model_uri"], "Model", DATA.releases)]}, {"llmd_model_uri": "ftp://x"})
    _values, errors = check(DATA.declaration, {**HOST, **given}, DATA.releases, ["access"])
    assert len(errors) == 1 and "llmd_model_uri" in errors[0]


def test_secrets_are_never_asked():
    with pytest.raises(Unaskable, match="llmd_token"):
        question(OPTIONS["llmd_token"], "Token", DATA.releases)
    asked = {name for row in ASKING for name in row["asks"]}
    assert not {name for name in asked if OPTIONS[name].get("secret")} and asked <= set(OPTIONS)


def test_an_option_without_title_or_row_is_named():
    with pytest.raises(Unaskable, match="llmd_relase"):
        survey("x", "y", ["llmd_relase"], {}, DATA.declaration["options"], DATA.releases)


def test_every_title_is_used():
    assert {name for row in ASKING for name in row["asks"]} == set(CONTENT["questions"])
