# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on OpenShift's history, mirrored catalogs, pieces of the pod network and the state of the authentication; new kinds of quirks."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts

from tests.unit.plugins.module_utils._assess import clusters
from tests.unit.plugins.module_utils._assess.clusters import node, snapshot


def declared(**more):
    return clusters.declared(**{"kv_cache_gib_per_gpu": 4, "model_cache_gib": 100, "rail_subnets": [], **more})


def one(made, rule):
    return next(item for item in made["findings"] if item["id"] == rule)


def ids(made):
    return {item["id"] for item in made["findings"]}


GOOD = snapshot(node("g0"), node("g1"))


def history(*entries, upgrading=False, version="4.20.4"):
    rows = [{"version": number, "state": state, "started": None, "completed": None} for number, state in entries]
    return {**GOOD, "openshift": {**GOOD["openshift"], "version": version, "upgrading": upgrading, "history": rows}}


# ---- history ----


@pytest.mark.parametrize(
    ("entries", "upgrading", "status", "words"),
    [
        ([("4.20.4", "Completed"), ("4.19.9", "Completed")], False, "pass", "4.19.9, 4.20.4"),
        ([("4.20.4", "Completed"), ("4.20.3", "Partial"), ("4.19.9", "Completed")], False, "warn", "the update to 4.20.3 was given up"),
        ([("4.21.0", "Partial"), ("4.20.4", "Completed")], False, "warn", "has stopped half-way"),
        ([("4.21.0", "Partial"), ("4.20.4", "Completed")], True, "pass", "4.21.0 (Partial)"),
        ([("4.20.4", "Completed"), ("4.21.0", "Completed")], False, "warn", "went back to 4.20.4"),
        ([(None, "Completed")], False, "unknown", "isn't known"),
        ([], False, "unknown", "isn't known"),
    ],
)  # fmt: skip
def test_history(judged, entries, upgrading, status, words):
    found = one(judged(history(*entries, upgrading=upgrading), declared()), "openshift-history")
    assert found["status"] == status and words in found["observed"]


def test_an_update_under_way_is_what_to_wait_for(judged):
    made = judged(history(("4.20.4", "Partial"), ("4.19.9", "Completed"), upgrading=True, version="4.19.9"), declared())
    found = one(made, "openshift-version")
    assert made["chosen"]["verdict"] == "unsupported" and "an update to 4.20.4 is under way" in found["observed"]
    assert found["remedy"] == "Wait until the update to 4.20.4 has ended."


def test_an_update_that_does_not_help_is_not_waited_for(judged):
    made = judged(history(("4.19.20", "Partial"), ("4.19.9", "Completed"), upgrading=True, version="4.19.9"), declared())
    assert "4.20.0 or newer" in one(made, "openshift-version")["remedy"]


# ---- age of the data ----


@pytest.mark.parametrize(("today", "status"), [(datetime.date(2026, 11, 24), "pass"), (datetime.date(2028, 1, 1), "warn")])
def test_an_old_matrix_is_told(today, status):
    made = assess(GOOD, declared(), facts(), today)
    assert one(made, "matrix-age")["status"] == status and made["chosen"]["verdict"] == "supported"


def test_a_release_without_rows_has_no_age():
    assert "matrix-age" not in ids(assess(GOOD, declared(release="9.9"), facts(), datetime.date(2028, 1, 1)))


# ---- disconnected ----

CONNECTED = {"digest": [], "tag": [], "policies": [], "default_catalogs_disabled": False}


@pytest.mark.parametrize(
    ("image", "status"),
    [
        ("registry.redhat.io/redhat/redhat-operator-index:v4.20", "pass"),
        ("mirror.example.com:8443/olm/redhat/redhat-operator-index:v4.20", "warn"),
        ("mirror.example.com/redhat/certified-operator-index@sha256:aa", "warn"),
        ("quay.io/mine/some-index:1", "pass"),
        (None, "pass"),
    ],
)
def test_mirrored_catalogs(judged, image, status):
    catalogs = [{"name": "cs-redhat", "namespace": "openshift-marketplace", "state": "READY", "image": image}]
    found = one(judged({**GOOD, "mirrors": CONNECTED, "catalogs": catalogs}, declared(model_uri="hf://a/b")), "disconnected")
    assert found["status"] == status and ("cs-redhat" in found["observed"]) is (status == "warn")


def test_the_older_form_of_mirror_sets(judged):
    found = one(judged({**GOOD, "mirrors": {**CONNECTED, "policies": ["icsp"]}}, declared(model_uri="hf://a/b")), "disconnected")
    assert found["status"] == "warn" and "icsp" in found["observed"]


# ---- pods' addresses ----


@pytest.mark.parametrize(("prefix", "pods", "status"), [(23, 250, "pass"), (25, 250, "warn"), (25, None, "pass"), (24, 250, "pass"), (24, 500, "warn")])
def test_a_nodes_piece_of_the_pod_network(judged, prefix, pods, status):
    networks = {"type": "OVNKubernetes", "cluster": ["10.128.0.0/14"], "host_prefixes": [prefix], "service": ["172.30.0.0/16"], "machine": []}
    cluster = snapshot(node("g0", pods=pods), networks=networks)
    assert one(judged(cluster, declared()), "pod-addresses")["status"] == status


# ---- authentication ----


def kuadrant(status, **more):
    condition = {"type": "Ready", "status": status, "reason": "MissingDependency", "message": "[Gateway API provider] is not installed", **more}
    return {"metadata": {"name": "kuadrant", "namespace": "kuadrant-system"}, "status": {"conditions": [condition] if status else []}}


@pytest.mark.parametrize(("status", "wanted"), [("True", "pass"), ("False", "warn"), ("Unknown", "unknown"), (None, "unknown")])
def test_auth_stack(judged, status, wanted):
    found = one(judged({**GOOD, "objects": {"Kuadrant": [kuadrant(status)]}}, declared()), "auth-stack")
    assert found["status"] == wanted and found["subject"] == "Kuadrant kuadrant-system/kuadrant"
    assert ("delete the pod of kuadrant-operator" in found["remedy"]) is (status in ("False", "Unknown"))


def test_no_authentication_no_question(judged):
    assert "auth-stack" not in ids(judged({**GOOD, "objects": {"Kuadrant": [kuadrant("False")]}}, declared(auth=False)))
    assert "auth-stack" not in ids(judged(GOOD, declared()))


# ---- quirks ----


def rhcl(namespace, version="1.4.1"):
    return {"package": "rhcl-operator", "namespace": namespace, "installed_csv": f"rhcl-operator.v{version}"}


@pytest.mark.parametrize(("namespace", "there"), [("openshift-operators", True), ("kuadrant-system", False)])
def test_a_quirk_of_a_namespace(judged, namespace, there):
    made = judged({**GOOD, "operators": [rhcl(namespace)]}, declared())
    assert ("connectivity-link-beside-service-mesh" in ids(made)) is there
    assert "rhcl-before-1-4-3-memory" in ids(made)


def test_a_quirk_of_network_cards(judged):
    cluster = snapshot(node("g0"))
    cluster["nodes"][0]["nics"][1]["pci_id"] = "14e4:1760"
    made = judged(cluster, declared(path="pd_disaggregation"))
    assert "roce-set-up-knows-mlx5-only" in ids(made) and "roce-set-up-knows-mlx5-only" not in ids(judged(GOOD, declared()))


def test_a_quirk_of_amd_without_internet(judged):
    amd = snapshot(node("g0", "MI300X"), mirrors=CONNECTED)
    assert "amd-driver-of-the-host" in ids(judged(amd, declared())) and "amd-driver-needs-internet" not in ids(judged(amd, declared()))
    assert "amd-driver-needs-internet" in ids(judged({**amd, "mirrors": {**CONNECTED, "digest": ["m"]}}, declared()))


def test_a_quirk_of_downloads(judged):
    assert "rhoai-2-25-downloads" in ids(judged(GOOD, declared(release="2.25")))
    assert "rhoai-2-25-downloads" not in ids(judged(GOOD, declared(release="2.25", model_uri="oci://registry.example.com/m:1")))


# ---- pools ----


def test_a_pool_that_only_a_cordoned_machine_keeps_updating_is_told_and_stops_nothing(judged):
    pools = [{"name": "worker", "paused": False, "degraded": False, "updating": True, "config": "x", "message": None}]
    nodes = [{**node(name), "pool": "worker", "machine_config": "x", "ready": True, "schedulable": name != "g1"} for name in ("g0", "g1")]
    found = one(judged({**snapshot(*nodes), "pools": pools}, declared()), "pool-health")
    assert found["status"] == "warn" and "updating in name only" in found["observed"] and "g1" in found["observed"]
    moving = [{**nodes[0], "machine_config": "old"}, nodes[1]]
    assert one(judged({**snapshot(*moving), "pools": pools}, declared()), "pool-health")["status"] == "fail"
