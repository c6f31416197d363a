# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cluster_access: identity, environment, rights, lock, on a virtual OpenShift."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import yaml

from tests.integration.collection.plays import ROOT, play

pytestmark = pytest.mark.rehearsal
MODULE = "llmd.openshift.cluster_access"


@pytest.fixture
def cluster_id(rehearsal: Any) -> str:
    return str(rehearsal.get("clusterversion", "version")["spec"]["clusterID"])


@pytest.fixture(autouse=True)
def free_lock(rehearsal: Any) -> None:
    rehearsal.kubectl("delete", "lease", "llmd-openshift", "-n", "llmd-openshift", "--ignore-not-found", check=False)


def test_right_and_wrong_cluster_and_no_write(rehearsal, tmp_path, cluster_id):
    api_url = rehearsal.get("infrastructure", "cluster")["status"]["apiServerURL"]
    before = rehearsal.audit_size()
    by_id, by_url, wrong, unnamed = play(
        tmp_path, rehearsal,
        {MODULE: {"cluster_id": cluster_id, "stages": ["access", "discover", "operators", "serving", "verify"]}},
        {MODULE: {"api_url": api_url}},
        {MODULE: {"cluster_id": "11111111-2222-3333-4444-555555555555", "state": "locked"}},
        {MODULE: {"cluster_id": ""}},
    )  # fmt: skip
    assert by_id["rights"]["missing"] == [] and by_id["rights"]["checked"] > 50 and by_id["changed"] is False
    assert by_url["cluster"]["id"] == cluster_id
    assert wrong["failed"] and cluster_id in wrong["msg"] and "11111111" in wrong["msg"]
    assert wrong["error"]["kind"] == "WrongCluster"
    assert unnamed["failed"] and cluster_id in unnamed["msg"]
    ours = [event for event in rehearsal.audit(before) if event.get("userAgent", "").startswith("llmd.openshift")]
    writes = [event for event in ours if event["verb"] not in ("get", "list") and "review" not in event["requestURI"]]
    assert ours and writes == []


def test_environment_that_would_win_is_refused(rehearsal, tmp_path, cluster_id):
    (result,) = play(
        tmp_path, rehearsal, {MODULE: {"cluster_id": cluster_id}}, env={"K8S_AUTH_HOST": "https://127.0.0.1:1"}
    )
    assert result["failed"] and "K8S_AUTH_HOST" in result["msg"]


def test_missing_rights_are_printed_and_the_printed_role_is_enough(rehearsal, tmp_path, cluster_id):
    space = f"access-{uuid.uuid4().hex[:8]}"
    rehearsal.kubectl("create", "namespace", space)
    rehearsal.kubectl("create", "serviceaccount", "llmd", "-n", space)
    user = f"system:serviceaccount:{space}:llmd"
    task = {MODULE: {"cluster_id": cluster_id, "stages": ["discover", "operators"], "impersonate_user": user,
                     "impersonate_groups": ["system:serviceaccounts", "system:authenticated"]}}  # fmt: skip
    (blind,) = play(tmp_path, rehearsal, task)
    assert blind["failed"] and "doesn't say its cluster id" in blind["msg"]
    reader = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": space},
              "rules": [{"apiGroups": ["config.openshift.io"], "resources": ["*"], "verbs": ["get", "list"]}]}  # fmt: skip
    rehearsal.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(reader))
    rehearsal.kubectl("create", "clusterrolebinding", space, f"--clusterrole={space}", f"--serviceaccount={space}:llmd")
    (lacking,) = play(tmp_path, rehearsal, task)
    assert lacking["failed"] and "patch installplans.operators.coreos.com" in lacking["msg"]
    assert not any("config.openshift.io" in need for need in lacking["rights"]["missing"])
    objects = list(yaml.safe_load_all(lacking["cluster_role"]))
    for obj in objects:
        if obj["metadata"].get("namespace") == "llmd-openshift":
            rehearsal.kubectl("create", "namespace", "llmd-openshift", check=False)
    rehearsal.kubectl("apply", "-f", "-", stdin=lacking["cluster_role"])
    (enough,) = play(tmp_path, rehearsal, task)
    assert not enough["failed"] and enough["rights"]["missing"] == []
    rehearsal.kubectl("delete", "-f", "-", stdin=lacking["cluster_role"])
    rehearsal.kubectl("delete", "clusterrole,clusterrolebinding", space)
    rehearsal.kubectl("delete", "namespace", space, "--wait=false")


def test_a_right_in_one_namespace_is_no_right_over_the_cluster(rehearsal, tmp_path, cluster_id):
    user = f"limited-{uuid.uuid4().hex[:8]}"
    rehearsal.kubectl("create", "rolebinding", user, "--clusterrole=cluster-admin", f"--user={user}", "-n", "default")
    reader = ["create", "clusterrole", user, "--verb=get", "--resource=clusterversions.config.openshift.io"]
    rehearsal.kubectl(*reader)
    rehearsal.kubectl("create", "clusterrolebinding", user, f"--clusterrole={user}", f"--user={user}")
    result, = play(
        tmp_path, rehearsal,
        {MODULE: {"cluster_id": cluster_id, "stages": ["discover"], "impersonate_user": user,
                  "impersonate_groups": ["system:authenticated"]}},
    )  # fmt: skip
    assert result["failed"] and "list nodes" in result["rights"]["missing"]
    rehearsal.kubectl("delete", "clusterrole,clusterrolebinding", user)
    rehearsal.kubectl("delete", "rolebinding", user, "-n", "default")


def lease(rehearsal: Any) -> dict[str, Any]:
    return rehearsal.get("lease", "llmd-openshift", "-n", "llmd-openshift")


def test_lock(rehearsal, tmp_path, cluster_id):
    # Ours from the beginning: other tests make this namespace by hand.
    rehearsal.kubectl("delete", "namespace", "llmd-openshift", "--ignore-not-found", "--wait", "--timeout=60s")
    lock = {"cluster_id": cluster_id, "state": "locked"}
    mine, again, other, taken, lost, freed, twice = play(
        tmp_path, rehearsal,
        {MODULE: lock},
        {MODULE: lock},
        {MODULE: {**lock, "holder": "other@b:2"}},
        {MODULE: {**lock, "holder": "other@b:2", "takeover": True}},
        {MODULE: lock},
        {MODULE: {"state": "unlocked", "holder": "other@b:2"}},
        {MODULE: {"state": "unlocked"}},
    )  # fmt: skip
    assert (mine["lock"]["action"], again["lock"]["action"]) == ("acquired", "renewed")
    assert mine["lock"]["holder"] == again["lock"]["holder"] and again["changed"] is False
    assert other["failed"] and other["error"]["kind"] == "Locked" and mine["lock"]["holder"] in other["msg"]
    assert (taken["lock"]["action"], taken["lock"]["previous"]) == ("taken_over", mine["lock"]["holder"])
    assert lost["failed"] and "other@b:2" in lost["msg"]
    assert (freed["lock"]["action"], twice["lock"]["action"]) == ("released", "none")
    assert lease(rehearsal)["spec"]["holderIdentity"] == ""
    space = rehearsal.get("namespace", "llmd-openshift")
    assert space["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "llmd-openshift"


def test_check_mode_takes_no_lock(rehearsal, tmp_path, cluster_id):
    (result,) = play(tmp_path, rehearsal, {MODULE: {"cluster_id": cluster_id, "state": "locked"}}, check=True)
    assert result["lock"]["action"] == "acquired" and result["lock"]["expires"] is None
    assert "NotFound" in rehearsal.kubectl("get", "lease", "llmd-openshift", "-n", "llmd-openshift", check=False)


def test_lock_of_a_run_that_died_on_this_machine_is_free(rehearsal, tmp_path, cluster_id):
    lock = {MODULE: {"cluster_id": cluster_id, "state": "locked"}}
    (first,) = play(tmp_path, rehearsal, lock)  # its ansible-playbook ended without unlocking
    (second,) = play(tmp_path, rehearsal, lock)
    assert (second["lock"]["action"], second["lock"]["previous"]) == ("taken_over", first["lock"]["holder"])


def test_table_of_rights_fits_the_lock(rehearsal):
    """The namespace that the data name for the lock is the one that is used."""
    stages = yaml.safe_load((ROOT / "data/rbac.yml").read_text())["stages"]
    assert [rule["namespace"] for rule in stages["lock"]["rules"] if "namespace" in rule] == ["llmd-openshift"]
