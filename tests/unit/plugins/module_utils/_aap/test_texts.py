# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential type's files and variables, and the texts of notifications, as the controller renders them."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._aap import results
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from jinja2 import ChainableUndefined, StrictUndefined, UndefinedError, sandbox

from tests.controller import behaviour

CONTENT = files.load(files.ROOT / "aap.yml", "aap")
KIND = CONTENT["credential_type"]
SECRET = 's3"cr{{ et: #x'


def injected(**inputs):
    written: list[str] = []

    def write(text):
        written.append(text)
        return f"/runner/env/tmp{len(written)}"

    extra_vars = behaviour.inject(KIND, inputs, write)
    return extra_vars, {f"/runner/env/tmp{number}": text for number, text in enumerate(written, start=1)}


def test_the_controller_takes_the_type():
    behaviour.check_credential_type(KIND)
    broken = {**KIND, "injectors": {"file": {}, "extra_vars": {"llmd_kubeconfig": "{{ tower.filename.kubeconfg }}"}}}
    with pytest.raises(UndefinedError):
        behaviour.check_credential_type(broken)


def test_a_kubeconfig_goes_through_as_it_is():
    extra_vars, written = injected(kubeconfig="apiVersion: v1\nkind: Config\n")
    assert written[extra_vars["llmd_kubeconfig"]] == "apiVersion: v1\nkind: Config\n"
    assert extra_vars["llmd_ca_cert"] == "" and extra_vars["llmd_validate_certs"] == "true"


def test_url_and_token_become_a_kubeconfig_whatever_they_hold():
    extra_vars, written = injected(host="https://api.example.com:6443", token=SECRET, ca_cert="-----BEGIN CERTIFICATE-----\n")
    config = yaml.safe_load(written[extra_vars["llmd_kubeconfig"]])
    assert config["clusters"][0]["cluster"]["server"] == "https://api.example.com:6443"
    assert config["users"][0]["user"]["token"] == SECRET
    assert written[extra_vars["llmd_ca_cert"]] == "-----BEGIN CERTIFICATE-----\n"


def test_no_secret_is_in_a_variable():
    extra_vars, _written = injected(host="https://api", token=SECRET, kubeconfig=SECRET, ca_cert="x", skip_tls_verify=True)
    assert SECRET not in str(extra_vars) and extra_vars["llmd_validate_certs"] == "false"
    assert {field["id"] for field in KIND["inputs"]["fields"] if field.get("secret")} == {"kubeconfig", "token"}


MESSAGES = [
    (event, kind, text)
    for event, part in {**CONTENT["messages"], **CONTENT["messages"]["workflow_approval"]}.items()
    if event != "workflow_approval"
    for kind, text in part.items()
]
CONTEXT = {"url": "https://aap/1", "workflow_url": "https://aap/2", "approval_node_name": "Approve llm-d on cluster-a: driver on 2 nodes"}


def shown(text, artifacts, undefined=ChainableUndefined):
    job = {"name": "llm-d provision", "artifacts": artifacts}
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=undefined)
    return environment.from_string(text).render(job=job, **CONTEXT)


@pytest.mark.parametrize(("event", "kind", "text"), MESSAGES, ids=[f"{event}-{kind}" for event, kind, _text in MESSAGES])
def test_texts_render_with_and_without_artifacts(event, kind, text):
    """With {} strictly, as the controller checks them (api/serializers.py, validate_messages); with results, as it sends them."""
    assert "https://aap/" in shown(text, {}, StrictUndefined)
    assert "https://aap/" in shown(text, None)
    if kind == "message":
        assert "\n" not in shown(text, {})


def test_texts_name_the_clusters():
    bad = {"host": "cluster-b", "outcome": "failed", "stage": "nodes", "failure": "gpu-0 doesn't return", "release": "3.3", "path": "x"}
    good = {"host": "cluster-a", "outcome": "proven", "stage": None, "failure": None, "release": "3.3", "path": "x"}
    artifacts = {results.name("cluster-a"): good, results.name("cluster-b"): bad, "other": 1}
    failed = shown(CONTENT["messages"]["error"]["message"], artifacts)
    assert "cluster-b at nodes; " in failed and "cluster-a" not in failed
    ended = shown(CONTENT["messages"]["success"]["message"], {results.name("cluster-a"): good})
    assert re.fullmatch(r"llm-d provision: cluster-a proven; https://aap/1", ended), ended
    assert "cluster-b, stage nodes: gpu-0 doesn't return" in shown(CONTENT["messages"]["error"]["body"], artifacts)
