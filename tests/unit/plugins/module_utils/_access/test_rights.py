# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights: what a stage needs, RBAC's matching, and the ClusterRole that is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._access.rights import Need, granted, needed, roles_for
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._errors import Misdeclared

ROOT = Path(__file__).resolve().parents[5]
RBAC = yaml.safe_load((ROOT / "data/rbac.yml").read_text())
NAMES = {"service": "llmd"}


def rules(*resource: dict, urls: tuple[dict, ...] = ()) -> dict:
    return {"resourceRules": list(resource), "nonResourceRules": list(urls)}


def rule(groups, resources, verbs, names=None) -> dict:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs, "resourceNames": names or []}


def test_data_fit_their_schema():
    assert files.problems(RBAC, "rbac") == []


@pytest.mark.parametrize("stage", RBAC["stages"])
def test_every_stage_resolves_without_wildcards_and_dangerous_rights(stage):
    for need in needed(RBAC, [stage], NAMES):
        assert "*" not in str(need)
        assert need.verb not in ("escalate", "bind", "impersonate")
        assert not need.resource.startswith("secrets"), "a Secret only by name, and only where one is declared"
        assert need.namespace is None or not need.namespace.startswith("@")


def test_stages_up_to_plan_only_read():
    assert {need.verb for need in needed(RBAC, ["access", "discover", "assess", "plan", "report"], NAMES)} <= {
        "get",
        "list",
    }


def test_unknown_stage_and_namespace():
    with pytest.raises(Misdeclared, match=r"flying.*Use one of: access"):
        needed(RBAC, ["flying"], NAMES)
    with pytest.raises(Misdeclared, match="service"):
        needed(RBAC, ["serving"], {})


@pytest.mark.parametrize(
    ("need", "given", "expected"),
    [
        (Need("get", "", "pods"), rule([""], ["pods"], ["get"]), True),
        (Need("get", "", "pods"), rule(["*"], ["*"], ["*"]), True),
        (Need("get", "", "pods"), rule([""], ["pods"], ["list"]), False),
        (Need("get", "", "pods"), rule(["apps"], ["pods"], ["get"]), False),
        (Need("get", "", "pods/log"), rule([""], ["pods"], ["get"]), False),
        (Need("get", "", "pods/log"), rule([""], ["*/log"], ["get"]), True),
        (Need("get", "", "pods/log"), rule([""], ["pods/log"], ["get"]), True),
        (Need("get", "", "pods"), rule([""], ["pods"], ["get"], ["x"]), False),
        (Need("get", "", "pods", name="x"), rule([""], ["pods"], ["get"], ["x"]), True),
    ],
)
def test_matching(need, given, expected):
    assert granted(need, rules(given)) is expected
    assert granted(need, rules()) is False


@pytest.mark.parametrize(
    ("urls", "expected"), [(["/metrics"], True), (["/met*"], True), (["*"], True), (["/healthz"], False)]
)
def test_urls(urls, expected):
    given = rules(urls=({"nonResourceURLs": urls, "verbs": ["get"]},))
    assert granted(Need("get", url="/metrics"), given) is expected


def test_printed_roles_grant_exactly_what_is_missing():
    missing = needed(RBAC, ["operators", "verify"], NAMES)
    objects = roles_for(missing, "system:serviceaccount:automation:llmd")
    for namespace in (None, "llmd", "llmd-openshift", "openshift"):
        role = next(
            o for o in objects if o["kind"] in ("Role", "ClusterRole") and o["metadata"].get("namespace") == namespace
        )
        wanted = [need for need in missing if need.namespace == namespace]
        as_review = rules(
            *[r for r in role["rules"] if "apiGroups" in r],
            urls=tuple(r for r in role["rules"] if "nonResourceURLs" in r),
        )
        assert all(granted(need, as_review) for need in wanted)
        given = sum(
            len(r["verbs"]) * len(r.get("resources", []) or r.get("nonResourceURLs", [])) for r in role["rules"]
        )
        assert given == len(wanted)
    binding = next(o for o in objects if o["kind"] == "ClusterRoleBinding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "namespace": "automation", "name": "llmd"}]
    assert yaml.safe_dump_all(objects)


def test_without_a_known_user_only_roles_are_printed():
    assert [o["kind"] for o in roles_for([Need("get", "", "nodes")], None)] == ["ClusterRole"]
    assert roles_for([Need("get", "", "nodes")], "kube:admin")[1]["subjects"][0]["kind"] == "User"


def test_the_declared_secret_is_needed_by_name_alone():
    names = {**NAMES, "model_credentials_secret": "hf-token"}
    secrets = [need for need in needed(RBAC, ["serving"], names) if need.resource == "secrets"]
    assert {need.verb for need in secrets} == {"get", "list", "watch"}
    assert {(need.name, need.namespace) for need in secrets} == {("hf-token", names["service"])}
