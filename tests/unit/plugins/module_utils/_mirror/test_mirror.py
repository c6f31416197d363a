# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror list of a plan, and what a cluster's mirrors lack."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._assess import rules_catalogs
from ansible_collections.llmd.openshift.plugins.module_utils._assess.model import Case
from ansible_collections.llmd.openshift.plugins.module_utils._assess.nodes import candidates
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._mirror import image_set
from ansible_collections.llmd.openshift.plugins.module_utils._mirror.packages import packages
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import cluster, olm

TABLE = files.load(files.ROOT / "mirror.yml", "mirror")


def operator(package: str, csv: str | None, channel: str | None = "stable", *brought: str) -> dict[str, Any]:
    return {
        "package": package, "csv": csv, "channel": channel, "catalog": "", "catalog_namespace": "", "namespace": "ns", "expected_csvs": [csv, *brought] if csv else [],
    }  # fmt: skip


SNAPSHOT: dict[str, Any] = {
    "openshift": {"version": "4.20.4"},
    "operators": [{"package": "servicemeshoperator3", "installed_csv": "servicemeshoperator3.v3.1.0", "channel": "stable", "namespace": "openshift-operators"}],
    "csvs": [],
    "catalogs": [],
    "packages": [{"package": "dns-operator", "catalog": "redhat-operators", "catalog_namespace": "m", "channels": [], "default_channel": "stable"}],
}


def listed(*operators: dict[str, Any], **declared: Any) -> dict[str, Any]:
    plan = {"operators": list(operators)}
    found = packages(plan, SNAPSHOT, facts(), TABLE, "3.3")
    made = image_set.image_set(found, image_set.index_images(found, SNAPSHOT, TABLE), image_set.further_images(declared, TABLE, "nvidia"))
    return {one["name"]: (group["catalog"], one["channels"][0]) for group in made["mirror"]["operators"] for one in group["packages"]}


def test_exact_versions_with_what_comes_along():
    found = listed(operator("rhcl-operator", "rhcl-operator.v1.4.3", "stable", "dns-operator.v1.4.0"), operator("nfd", "nfd.4.20.0-2026"))
    index = "registry.redhat.io/redhat/redhat-operator-index:v4.20"
    assert found["rhcl-operator"] == (index, {"name": "stable", "minVersion": "1.4.3", "maxVersion": "1.4.3"})
    assert found["dns-operator"] == (index, {"name": "stable", "minVersion": "1.4.0", "maxVersion": "1.4.0"})
    assert found["nfd"][1]["minVersion"] == "4.20.0-2026"
    assert found["servicemeshoperator3"][1] == {"name": "stable", "minVersion": "3.1.0", "maxVersion": "3.1.0"}
    assert found["limitador-operator"][1] == {"name": "stable"}, "its version isn't known, so none is made up"


def test_what_the_catalog_lacks_is_listed_by_the_data():
    found = packages({"operators": [operator("rhods-operator", None, None), operator("lvms-operator", None, None)]}, SNAPSHOT, facts(), TABLE, "3.3")
    rhods = next(one for one in found if one.name == "rhods-operator")
    lvms = next(one for one in found if one.name == "lvms-operator")
    assert (rhods.channel, rhods.csv, rhods.version) == ("stable-3.3", "rhods-operator.3.3.6", "3.3.6")
    assert (lvms.channel, lvms.low, lvms.csv) == ("stable-4.20", "4.20.0", "") and "isn't known" in lvms.note


def test_notes_name_what_cannot_be_mirrored_or_has_no_digest():
    found = packages({"operators": [operator("nfd", "nfd.4.20.0-2026")]}, SNAPSHOT, facts(), TABLE, "3.3")
    catalogs = image_set.index_images(found, SNAPSHOT, TABLE)
    said = "\n".join(image_set.notes(found, {"model_uri": "hf://a/b", "probe_image": "x.io/tools:1"}, TABLE, "amd", catalogs, ["nfd"]))
    for word in ("huggingface.co", "x.io/tools:1: named by tag", "amdgpu-driver", "nfd: its images aren't shown"):
        assert word in said, word
    assert image_set.further_images({"model_uri": "oci://r.io/m@sha256:1"}, TABLE, "nvidia") == ["r.io/m@sha256:1"]
    assert "openshift" not in image_set.index_images(found, {"openshift": {"version": None}, "catalogs": []}, TABLE)


def test_a_catalog_of_the_sites_own_is_taken_as_the_cluster_has_it():
    own = {**operator("nfd", "nfd.4.20.0-2026"), "catalog": "cs-mirror", "catalog_namespace": "m"}
    found = packages({"operators": [own]}, SNAPSHOT, facts(), TABLE, "3.3")
    there = {**SNAPSHOT, "catalogs": [{"name": "cs-mirror", "image": "mirror.example.com/index:v4.20"}]}
    assert image_set.index_images(found, there, TABLE)["cs-mirror"] == "mirror.example.com/index:v4.20"
    assert "cs-mirror" not in image_set.index_images(found, SNAPSHOT, TABLE)


@pytest.mark.parametrize(
    ("image", "repository"),
    [("a.io/x/y@sha256:1", "a.io/x/y"), ("a.io:5000/x@sha256:1", "a.io:5000/x"), ("a.io:5000/x:v1", "a.io:5000/x"), ("quay.io/k", "quay.io/k")],
)
def test_repositories_of_images(image, repository):
    assert olm._repositories([image]) == [repository]
    assert olm._repositories(None) == []


def test_sources_of_mirror_sets():
    new = {"metadata": {"name": "a"}, "spec": {"imageDigestMirrors": [{"source": "registry.redhat.io", "mirrors": ["m.example.com"]}]}}
    old = {"metadata": {"name": "b"}, "spec": {"repositoryDigestMirrors": [{"source": "nvcr.io/nvidia"}, {"source": 5}]}}
    made = cluster.mirrors(None, [cluster.mirror_set(new)], [], [cluster.mirror_set(old)])
    assert (made["digest"], made["policies"], made["sources"]) == (["a"], ["b"], ["nvcr.io/nvidia", "registry.redhat.io"])
    assert cluster.mirrors(None, None, None, None)["sources"] is None


def judged(sources: list[str] | None, repositories: list[str]) -> list[tuple[str, str]]:
    channel = {"name": "stable", "current_csv": "nfd.4.20.0", "entries": [], "repositories": repositories}
    packages_ = [{"package": "nfd", "catalog": "redhat-operators", "catalog_namespace": "m", "channels": [channel], "default_channel": "stable"}]
    snapshot = {"mirrors": {"sources": sources}, "packages": packages_, "nodes": []}
    case = Case(snapshot, {}, facts(), "3.3", "inference_scheduling", candidates(snapshot, {}))
    return [(finding.status, finding.observed) for finding in rules_catalogs.mirror_sources(case)]


def test_a_repository_without_a_mirror_is_named():
    assert judged(["registry.redhat.io"], ["registry.redhat.io/openshift4/nfd"]) == [("pass", "its images have mirrors")]
    assert judged(["*.redhat.io"], ["registry.redhat.io/openshift4/nfd"])[0][0] == "pass"
    assert judged(["registry.redhat.io/openshift4"], ["registry.redhat.io/openshift4x/nfd"]) == [("warn", "no mirror set has a source for registry.redhat.io/openshift4x/nfd")]


def test_nothing_is_said_without_mirror_sets_or_where_the_catalog_tells_no_images():
    assert judged([], ["registry.redhat.io/x"]) == [] and judged(None, ["registry.redhat.io/x"]) == []
    assert judged(["registry.redhat.io"], []) == []
