# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Must-gathers: whole, half, broken, hostile. What isn't there is unknown and named; nothing is ever taken for "not installed"."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.errors import DataError
from ansible_collections.llmd.openshift.plugins.module_utils._mustgather import api, documents, layout, snapshot, store
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import collect
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[5]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "data/schema/snapshot.json").read_text()))
CATALOG = files.read(files.ROOT / "accelerators.yml")
IMAGE = "must-gather.local.1/registry-example-com-4000-mirror-sha256-aa"
CLUSTER = f"{IMAGE}/cluster-scoped-resources"
NODE = f"{CLUSTER}/core/nodes/gpu-0.yaml"
FEATURE = f"{IMAGE}/namespaces/openshift-nfd/nfd.k8s-sigs.io/nodefeatures/gpu-0.yaml"
NFD_SUB = f"{IMAGE}/namespaces/openshift-nfd/operators.coreos.com/subscriptions/nfd.yaml"


def obj(kind: str, name: str, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    meta = {"name": name, **({"namespace": namespace} if namespace else {}), "managedFields": [{"manager": "x"}]}
    return {"apiVersion": "v1", "kind": kind, "metadata": {**meta, **more.pop("metadata", {})}, **more}


def objects() -> dict[str, Any]:
    """A small must-gather, as path -> document (or bytes)."""
    devices = [
        {"attributes": {"vendor": "10de", "device": "2335", "class": "0302"}},
        {"attributes": {"vendor": "15b3", "device": "1021", "class": "0200"}},
    ]
    feature = obj(
        "NodeFeature", "gpu-0", "openshift-nfd", metadata={"labels": {"nfd.node.kubernetes.io/node-name": "gpu-0"}}
    )
    feature["spec"] = {"features": {"instances": {"pci.device": {"elements": devices}}}}
    version = obj("ClusterVersion", "version", spec={"clusterID": "11111111-1111-4111-8111-111111111111"})
    version["status"] = {"history": [{"state": "Completed", "version": "4.20.4"}]}
    labels = {"node-role.kubernetes.io/worker": ""}
    return {
        f"{IMAGE}/version": b"openshift/must-gather\n4.20.4\n",
        f"{IMAGE}/timestamp": b"now",
        f"{IMAGE}/namespaces/x/pods/y/y/logs/current.log": b"&a *a noise",
        f"{CLUSTER}/config.openshift.io/clusterversions/version.yaml": version,
        f"{CLUSTER}/config.openshift.io/infrastructures.yaml": {
            "kind": "InfrastructureList",
            "items": [obj("Infrastructure", "cluster", status={"infrastructureName": "x-1", "platformStatus": {"type": "BareMetal"}})],
        },
        NODE: obj("Node", "gpu-0", metadata={"labels": labels}, status={"capacity": {"cpu": "8"}}),
        FEATURE: feature,
        NFD_SUB: obj("Subscription", "nfd", "openshift-nfd", spec={"name": "nfd"}),
        f"{IMAGE}/namespaces/a/operators.coreos.com/clusterserviceversions/nfd.v1.yaml": obj(
            "ClusterServiceVersion", "nfd.v1", "a", metadata={"labels": {"olm.copiedFrom": "openshift-nfd"}}
        ),
        f"{IMAGE}/namespaces/openshift-nfd/operators.coreos.com/clusterserviceversions/nfd.v1.yaml": obj(
            "ClusterServiceVersion", "nfd.v1", "openshift-nfd", status={"phase": "Succeeded"}
        ),
        f"{IMAGE}/namespaces/m/operators.coreos.com/catalogsources/redhat-operators.yaml": obj("CatalogSource", "redhat-operators", "m"),
    }  # fmt: skip


def raw(document: Any) -> bytes:
    return document if isinstance(document, bytes) else b"---\n" + yaml.safe_dump(document).encode()


def folder(tmp_path: Path, parts: dict[str, Any]) -> str:
    for name, document in parts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw(document))
    return str(tmp_path)


def read(where: str | Path) -> dict[str, Any]:
    found = snapshot.of_must_gather(str(where), CATALOG, ["nfd"], "2026-11-24T10:00:00Z")
    SCHEMA.validate(found)
    return found


def why(found: dict[str, Any], what: str) -> str:
    return next(row["why"] for row in found["unreadable"] if row["what"] == what)


def test_a_folder(tmp_path):
    found = read(folder(tmp_path, objects()))
    assert found["openshift"]["version"] == "4.20.4" and found["platform"]["type"] == "BareMetal"
    (node,) = found["nodes"]
    assert node["accelerators"]["model"] == "H200" and node["roles"] == ["worker"] and node["cpu"] == 8
    assert [row["package"] for row in found["operators"]] == ["nfd"]
    assert [(row["namespace"], row["phase"]) for row in found["csvs"]] == [("openshift-nfd", "Succeeded")]


def test_what_is_not_gathered_is_unknown_and_named(tmp_path):
    found = read(folder(tmp_path, objects()))
    assert found["objects"]["ClusterPolicy"] is None and found["packages"] is None and found["crds"] is None
    for what in (
        "clusterpolicies.nvidia.com",
        "packagemanifests.packages.operators.coreos.com",
        "poddisruptionbudgets.policy",
    ):
        assert why(found, what) == api.NOT_THERE


def packed(parts: dict[str, Any], mode: str, prefix: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, document in parts.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(raw(document))
            archive.addfile(info, io.BytesIO(raw(document)))
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize("prefix", ["", "./", "deeper/still/"])
def test_archives_give_the_same(tmp_path, mode, prefix):
    (tmp_path / "mg.tar").write_bytes(packed(objects(), mode, prefix))
    assert read(tmp_path / "mg.tar") == read(folder(tmp_path / "folder", objects()))


def test_a_second_images_folder_adds_what_the_default_gather_lacks(tmp_path):
    parts = objects()
    parts["must-gather.local.1/quay-io-nvidia-gather/cluster-scoped-resources/nvidia.com/clusterpolicies/p.yaml"] = obj(
        "ClusterPolicy", "p"
    )
    parts["must-gather.local.1/quay-io-nvidia-gather/cluster-scoped-resources/core/nodes/gpu-0.yaml"] = parts[NODE]
    found = read(folder(tmp_path, parts))
    assert [row["metadata"]["name"] for row in found["objects"]["ClusterPolicy"]] == ["p"] and len(found["nodes"]) == 1


def test_gzipped_parts_are_read(tmp_path):
    parts = objects()
    parts[f"{FEATURE}.gz"] = gzip.compress(raw(parts.pop(FEATURE)))
    assert read(folder(tmp_path, parts))["nodes"][0]["accelerators"]["model"] == "H200"


def test_half_a_must_gather_is_unknown(tmp_path):
    parts = {name: part for name, part in objects().items() if "operators.coreos.com" not in name and name != FEATURE}
    found = read(folder(tmp_path, parts))
    assert found["operators"] is None and why(found, "subscriptions.operators.coreos.com") == api.NOT_THERE
    assert found["nodes"][0]["accelerators"]["source"] == "none"


def test_no_subscription_is_none_only_where_olm_was_gathered(tmp_path):
    parts = objects()
    del parts[NFD_SUB]
    assert read(folder(tmp_path / "gathered", parts))["operators"] == []
    del parts[f"{IMAGE}/version"]  # what oc adm inspect leaves behind when the gather pod can't start
    assert read(folder(tmp_path / "inspected", parts))["operators"] is None


def bomb() -> bytes:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)]
    return ("metadata: {name: gpu-0}\n" + "\n".join(lines)).encode()


BROKEN = {
    "binary junk": (bytes(range(256)) * 20, "binary"),
    "invalid utf-8": (b"a: \xff\xfe\xfa", "not YAML"),
    "bomb": (bomb(), "aliases"),
    "deep": (b"a: " + b"[" * 50000, "not YAML"),
    "half": (b"kind: Node\nmetadata: {name: gpu-0", "not YAML"),
    "empty": (b"", "empty"),
    "a list": (b"- a\n- b\n", "not an object"),
    "two documents": (b"a: 1\n---\nb: 2\n", "not YAML"),
    "broken gzip": (gzip.compress(b"a: b" * 1000, mtime=0)[:20], "gzip"),
    "huge number": (b"a: " + b"9" * 10000, "not YAML"),
    "python tag": (b"a: !!python/object/apply:os.system [id]", "not YAML"),
    "no name": (b"kind: Node\nmetadata: 3\n", "no name"),
    "text": (b"Error from server (Forbidden): nodes is forbidden", "no name"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_node_is_there_and_unknown(tmp_path, kind):
    content, reason = BROKEN[kind]
    found = read(folder(tmp_path, {**objects(), NODE: content}))
    assert [node["name"] for node in found["nodes"]] == ["gpu-0"] and found["nodes"][0]["ready"] is None
    assert reason in why(found, NODE)


@pytest.mark.parametrize("kind", ["binary junk", "bomb", "half"])
def test_a_broken_subscription_makes_the_operators_unknown(tmp_path, kind):
    found = read(folder(tmp_path, {**objects(), NFD_SUB: BROKEN[kind][0]}))
    assert found["operators"] is None and NFD_SUB in why(found, "subscriptions.operators.coreos.com")


def test_a_broken_list_is_unknown(tmp_path):
    found = read(folder(tmp_path, {**objects(), f"{CLUSTER}/config.openshift.io/infrastructures.yaml": b"items: 3"}))
    assert found["platform"]["type"] is None and "infrastructures.yaml" in why(
        found, "infrastructures.config.openshift.io"
    )


def test_texts_with_stars_are_no_aliases(tmp_path):
    node = {
        **objects()[NODE],
        "spec": {"note": "run *this* now, */5 * * * *", "taints": [{"key": "a", "value": "2026-11-24T10:00:00Z"}]},
    }
    found = read(folder(tmp_path, {**objects(), NODE: raw(node).replace(b"'", b'"')}))
    assert found["nodes"][0]["taints"][0]["value"] == "2026-11-24T10:00:00Z"


def test_times_stay_texts():
    assert documents.parse(b"a: 2026-11-24T10:00:00Z") == {"a": "2026-11-24T10:00:00Z"}


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MAX_BYTES", 1000)
    found = read(folder(tmp_path, {**objects(), NODE: b"#" * 2000}))
    assert "larger than" in why(found, NODE) and found["nodes"][0]["roles"] == []


def test_a_gzipped_bomb_is_bounded():
    with pytest.raises(documents.Broken, match="larger than"):
        documents.parse(gzip.compress(b" " * (documents.MAX_BYTES + 10), mtime=0))


def test_links_are_not_followed(tmp_path):
    (tmp_path / "secret").write_text("kind: Node\nmetadata: {name: stolen}\n")
    where = folder(tmp_path / "mg", objects())
    os.symlink(tmp_path / "secret", Path(where, CLUSTER, "core/nodes/link.yaml"))
    archive = tmp_path / "mg.tar"
    with tarfile.open(archive, "w") as made:
        made.add(where, arcname=".")
    for path in (where, archive):
        assert [node["name"] for node in read(path)["nodes"]] == ["gpu-0"]


def test_an_archive_that_grows_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "FREE_BYTES", 10**6)
    (tmp_path / "mg.tar.gz").write_bytes(packed({"x.log": b"0" * 10**7, **objects()}, "w:gz"))
    with pytest.raises(DataError, match="grows more than any real"):
        read(tmp_path / "mg.tar.gz")


def test_an_archive_that_ends_in_the_middle_says_so(tmp_path):
    parts = {**objects(), "z/cluster-scoped-resources/core/nodes/z.yaml": b"#" + os.urandom(90000).hex().encode()}
    (tmp_path / "mg.tar").write_bytes(packed(parts, "w")[:-100000])
    found = read(tmp_path / "mg.tar")
    assert "the archive ends in the middle" in [row["why"] for row in found["unreadable"]]


@pytest.mark.parametrize("content", [None, b"", b"junk" * 1000, gzip.compress(b"junk", mtime=0)])
def test_what_is_no_must_gather_is_refused(tmp_path, content):
    where = tmp_path / "here"
    if content is None:
        where.mkdir()
    else:
        where.write_bytes(content)
    with pytest.raises(DataError, match="must-gather"):
        read(where)
    with pytest.raises(DataError, match="no such folder or file"):
        read(tmp_path / "nowhere")


def test_two_clusters_in_one_folder_are_refused(tmp_path):
    other = obj("ClusterVersion", "version", spec={"clusterID": "22222222-2222-4222-8222-222222222222"})
    parts = {
        **objects(),
        "must-gather.local.2/i/cluster-scoped-resources/config.openshift.io/clusterversions/version.yaml": other,
    }
    with pytest.raises(DataError, match="more than one"):
        read(folder(tmp_path, parts))


def test_discovery_says_what_is_absent(tmp_path):
    groups = {"kind": "APIGroupDiscoveryList", "items": [api._group("nodefeatures.nfd.k8s-sigs.io")]}
    found = read(folder(tmp_path, {**objects(), f"{IMAGE}/aggregated-discovery-apis.yaml": groups}))
    assert why(found, "clusterpolicies.nvidia.com") == "absent" and found["nodes"][0]["accelerators"]["model"] == "H200"


def test_crds_come_from_names_alone(tmp_path):
    found = read(
        folder(tmp_path, {**objects(), f"{CLUSTER}/apiextensions.k8s.io/customresourcedefinitions/a.b.io.yaml": b"\0"})
    )
    assert found["crds"] == {"a.b.io": {"established": None, "versions": []}}


class Asked(dict):
    """A dictionary that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key, default=None):
        self.names.add(key)
        return default


def test_everything_that_is_asked_for_is_known(tmp_path, monkeypatch):
    asked = Asked()
    monkeypatch.setattr(collect.kinds, "served", lambda _discovery: asked)
    monkeypatch.setattr(collect.kinds, "crds", lambda *_: None)
    read(folder(tmp_path, objects()))
    assert asked.names <= {*api.ASKED, *api.PARTIAL}


def test_hostile_names_are_made_visible(tmp_path):
    name = f"{IMAGE}/cluster-scoped-resources/core/nodes/\x1b[31m{{{{ 1-1 }}}}<b>.yaml"
    found = read(folder(tmp_path, {**objects(), name: b"\0"}))
    noted = [row["what"] for row in found["unreadable"] if "<b>" in row["what"]]
    assert noted and "\x1b" not in noted[0]


@pytest.mark.parametrize(
    ("path", "resource", "name"),
    [
        ("a/cluster-scoped-resources/core/nodes/x.yaml", "nodes", "x"),
        ("cluster-scoped-resources/core/nodes.yaml", "nodes", None),
        ("a/b/namespaces/n/operators.coreos.com/subscriptions/s.v1.yaml", "subscriptions.operators.coreos.com", "s.v1"),
        ("a/namespaces/n/core/configmaps.yaml", "configmaps", None),
    ],
)
def test_layout(path, resource, name):
    found = layout.place(path)
    assert (found.resource, found.name) == (resource, name)


@pytest.mark.parametrize(
    "path", ["a/namespaces/n/pods/p/c/logs/current.log", "a/version", "cluster-scoped-resources/x.yaml", "", "/"]
)
def test_other_files_are_left_alone(path):
    assert layout.place(path) is None


# ---- a saved snapshot ----


def test_a_saved_snapshot_comes_back(tmp_path):
    made = read(folder(tmp_path / "mg", objects()))
    for name, content in (
        ("s.json", json.dumps(made).encode()),
        ("s.json.gz", gzip.compress(json.dumps(made).encode())),
    ):
        (tmp_path / name).write_bytes(content)
        assert snapshot.of_file(str(tmp_path / name)) == made


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"{" * 100000, b"\xff", b'{"schema": 2}', gzip.compress(b"{}", mtime=0)[:9]]
)
def test_what_is_no_snapshot_is_refused(tmp_path, content):
    (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(DataError, match="snapshot"):
        snapshot.of_file(str(tmp_path / "s.json"))


@pytest.mark.parametrize(
    ("declared", "url", "refused"),
    [
        ("11111111-1111-4111-8111-111111111111", None, False),
        ("22222222-2222-4222-8222-222222222222", None, True),
        (None, "https://api.one:6443/", False),
        (None, "https://api.two:6443", True),
        (None, None, False),
    ],
)
def test_files_of_another_cluster_are_seen(declared, url, refused):
    facts = {"cluster": {"id": "11111111-1111-4111-8111-111111111111", "api_url": "https://api.one:6443"}}
    assert bool(snapshot.other_cluster(facts, declared, url)) is refused


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_junk_in_any_file_gives_no_other_exception(tmp_path_factory, data):
    parts = objects()
    for name in data.draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=4)):
        whole = raw(parts[name])
        cut = data.draw(st.integers(0, len(whole)))
        parts[name] = data.draw(
            st.sampled_from([whole[:cut], whole[cut:], whole[:cut] + data.draw(st.binary(max_size=30)) + whole[cut:]])
        )
    read(folder(tmp_path_factory.mktemp("junk"), parts))
