# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`_k8s.Cluster` against a real API server."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import (
    Cluster,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KindMissing,
    NotFound,
    Unauthorized,
)

pytestmark = pytest.mark.rehearsal


@pytest.fixture
def cluster(rehearsal: Any) -> Cluster:
    return Cluster.connect({"kubeconfig": str(rehearsal)})


@pytest.fixture
def space(rehearsal: Any) -> Any:
    """A namespace of the test's own."""
    name = f"k8s-{uuid.uuid4().hex[:8]}"
    rehearsal.kubectl("create", "namespace", name)
    yield name
    rehearsal.kubectl("delete", "namespace", name, "--wait=false")


def config_map(space: str, name: str = "x", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": space}, "data": data}


def test_paths_come_from_discovery_and_a_new_kind_is_seen_at_once(rehearsal, cluster):
    assert cluster.path("config.openshift.io/v1", "ClusterVersion", name="version").endswith("/clusterversions/version")
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    with pytest.raises(KindMissing, match=f"Thing .{group}/v1."):
        cluster.path(f"{group}/v1", "Thing")
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"things.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"}, "versions": [
            {"name": "v1", "served": True, "storage": True,
             "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]},
    }  # fmt: skip
    cluster.apply(crd)
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                assert cluster.path(f"{group}/v1", "Thing", "a") == f"/apis/{group}/v1/namespaces/a/things"
                assert cluster.list(cluster.path(f"{group}/v1", "Thing")) == []
                break
            except KindMissing:
                time.sleep(0.2)
        else:
            pytest.fail("the new kind never appeared")
    finally:
        assert cluster.delete(
            cluster.path("apiextensions.k8s.io/v1", "CustomResourceDefinition", name=f"things.{group}")
        )


def test_objects_come_and_go(cluster, space):
    path = cluster.path("v1", "ConfigMap", space, "x")
    assert cluster.get(path) is None
    made = cluster.create(cluster.path("v1", "ConfigMap", space), config_map(space, a="1"))
    with pytest.raises(Conflict, match="already exists"):
        cluster.create(cluster.path("v1", "ConfigMap", space), config_map(space))
    changed = cluster.patch(path, {"data": {"b": "2"}})
    assert changed["data"] == {"a": "1", "b": "2"}
    with pytest.raises(Conflict):
        cluster.replace(path, made)  # a stale resourceVersion
    with pytest.raises(Conflict):
        cluster.delete(path, uid="00000000-0000-0000-0000-000000000000")
    assert cluster.delete(path, uid=made["metadata"]["uid"]) is True
    assert cluster.delete(path) is False


def test_errors_say_which_object_and_what_to_do(cluster, space):
    with pytest.raises(NotFound, match="no-such-namespace"):
        cluster.apply(config_map("no-such-namespace"))
    with pytest.raises(Invalid, match="422"):
        cluster.apply({**config_map(space), "metadata": {"name": "UPPER", "namespace": space}})
    with pytest.raises(KindMissing):
        cluster.list("/apis/nothing.example/v1/things")


def test_field_conflict_names_manager_and_field(rehearsal, cluster, space):
    rehearsal.kubectl(
        "apply", "--server-side", "--field-manager=somebody", "-f", "-", stdin=json.dumps(config_map(space, a="1"))
    )
    with pytest.raises(Conflict) as caught:
        cluster.apply(config_map(space, a="2"))
    assert "somebody" in str(caught.value) and caught.value.details["causes"][0]["field"] == ".data.a"
    assert cluster.apply(config_map(space, a="2"), force=True)["data"] == {"a": "2"}
    assert cluster.apply(config_map(space, a="3"), dry_run=True)["data"] == {"a": "3"}
    assert cluster.get(cluster.path("v1", "ConfigMap", space, "x"))["data"] == {"a": "2"}


def test_pages_and_reduce(cluster, space):
    for number in range(7):
        cluster.apply(config_map(space, f"c{number}"))
    path = cluster.path("v1", "ConfigMap", space)
    everything = cluster.list(path, limit=2, reduce=lambda obj: (obj["kind"], obj["metadata"]["name"]))
    assert {name for _kind, name in everything} >= {f"c{number}" for number in range(7)}
    assert {kind for kind, _name in everything} == {"ConfigMap"}
    assert cluster.list(path, field_selector="metadata.name=c3")[0]["metadata"]["name"] == "c3"
    small = cluster.list("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", metadata_only=True)
    assert small and all("spec" not in obj for obj in small)


def test_watch(cluster, space):
    path = cluster.path("v1", "ConfigMap", space)
    _items, version = cluster.list_versioned(path)

    def change() -> None:
        time.sleep(0.3)
        cluster.apply(config_map(space, a="1"))
        cluster.delete(f"{path}/x")

    thread = threading.Thread(target=change)
    thread.start()
    seen = []
    for kind, obj in cluster.watch(path, version, 20):
        if obj["metadata"]["name"] == "x":
            seen.append(kind)
        if kind == "DELETED":
            break
    thread.join()
    assert seen == ["ADDED", "DELETED"]
    started = time.monotonic()
    assert list(cluster.watch(path, cluster.list_versioned(path)[1], 1.5)) == []
    assert time.monotonic() - started < 6


def test_watch_of_a_compacted_past(cluster):
    with pytest.raises(Gone):
        list(cluster.watch("/apis/config.openshift.io/v1/clusterversions", "1", 5))


def test_wrong_token_and_missing_right(rehearsal, cluster):
    ca = {"kubeconfig": str(rehearsal), "api_key": "wrong", "deadline_seconds": 5}
    started = time.monotonic()
    with pytest.raises(Unauthorized, match="fresh token"):
        Cluster.connect(ca).get("/api/v1/nodes")
    assert time.monotonic() - started < 5
    nobody = Cluster.connect({"kubeconfig": str(rehearsal), "impersonate_user": "nobody"})
    with pytest.raises(Forbidden, match=r"nobody.*cannot list.*nodes"):
        nobody.list("/api/v1/nodes")


def test_clocks_agree(cluster):
    assert abs(cluster.server_time().timestamp() - time.time()) < 5
