# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogs: every version is reachable, chains of updates are whole, each CSV owns CRDs that exist, and faults are told."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import catalog_render, crds, data
from rehearsal.errors import RehearsalError

CATALOGS = ("redhat-operators", "certified-operators")
MINORS = ("4.19", "4.20", "4.21")
WANTED = {
    "redhat-operators": {
        "rhods-operator", "openshift-cert-manager-operator", "leader-worker-set", "rhcl-operator", "authorino-operator", "limitador-operator",
        "dns-operator", "servicemeshoperator3", "nfd", "lvms-operator", "local-storage-operator", "sriov-network-operator",
        "kernel-module-management", "metallb-operator",
    },
    "certified-operators": {"gpu-operator-certified", "nvidia-network-operator", "amd-gpu-operator"},
}  # fmt: skip


def fake_crd(reference: str) -> dict[str, Any]:
    """A definition with the group and kind that were asked for, and two versions."""
    group, kind = reference.split("/")
    versions = [{"name": name, "served": True, "storage": name == "v2", "schema": {}} for name in ("v1", "v2")]
    plural = f"{kind.lower()}s"
    return {
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": {"kind": kind, "plural": plural}, "versions": versions},
    }


def manifests(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        json.loads(base64.b64decode(row["value"]["data"]))
        for row in bundle["properties"]
        if row["type"] == "olm.bundle.object"
    ]


def csv_of(blobs: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [bundle] = [blob for blob in blobs if blob["schema"] == "olm.bundle" and blob["name"] == name]
    return manifests(bundle)[0]


def packages(blobs: list[dict[str, Any]]) -> set[str]:
    return {blob["name"] for blob in blobs if blob["schema"] == "olm.package"}


@pytest.fixture(params=CATALOGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("minor", MINORS)
def test_catalog_is_consistent(name: str, minor: str) -> None:
    blobs = catalog_render.render(data.load_catalog(name), fake_crd, minor)
    bundles = {blob["name"]: blob["package"] for blob in blobs if blob["schema"] == "olm.bundle"}
    channels = {(blob["package"], blob["name"]): blob["entries"] for blob in blobs if blob["schema"] == "olm.channel"}
    assert packages(blobs) == WANTED[name]
    for blob in blobs:
        if blob["schema"] == "olm.package":
            assert (blob["name"], blob["defaultChannel"]) in channels
    for (package, _), entries in channels.items():
        names = [entry["name"] for entry in entries]
        assert all(bundles[entry] == package for entry in names)
        replaced = Counter(entry["replaces"] for entry in entries if "replaces" in entry)
        assert set(replaced) <= set(names) and max(replaced.values(), default=0) <= 1
        heads = set(names) - set(replaced)
        assert len(heads) == 1
    reachable = {entry["name"] for entries in channels.values() for entry in entries}
    assert set(bundles) == reachable


def test_every_owned_crd_exists(name: str, known: crds.Crds) -> None:
    for blob in catalog_render.render(data.load_catalog(name), known.get, "4.20"):
        if blob["schema"] != "olm.bundle":
            continue
        csv, *definitions = manifests(blob)
        owned = {row["name"] for row in csv["spec"]["customresourcedefinitions"]["owned"]}
        assert owned == {definition["metadata"]["name"] for definition in definitions}


def test_required_packages_are_in_the_catalog() -> None:
    catalog = data.load_catalog("redhat-operators")
    names = {package["package"] for package in catalog["packages"]}
    needed = {
        needed
        for package in catalog["packages"]
        for row in package["versions"].values()
        for needed in row.get("needs", {})
    }
    assert needed == {"authorino-operator", "limitador-operator", "dns-operator"}
    assert needed <= names


@pytest.mark.parametrize(
    ("package", "channel", "csv"),
    [
        ("rhods-operator", "stable-3.3", "rhods-operator.3.3.6"),
        ("rhods-operator", "stable-3.4", "rhods-operator.3.4.3"),
        ("rhods-operator", "fast-3.x", "rhods-operator.3.3.1"),
        ("rhods-operator", "stable-2.25", "rhods-operator.2.25.10"),
        ("lvms-operator", "stable-4.20", "lvms-operator.v4.20.1"),
        ("servicemeshoperator3", "stable", "servicemeshoperator3.v3.4.1"),
    ],
)
def test_channel_heads(package: str, channel: str, csv: str) -> None:
    blobs = catalog_render.render(data.load_catalog("redhat-operators"), fake_crd, "4.20")
    [entries] = [
        blob["entries"]
        for blob in blobs
        if blob["schema"] == "olm.channel" and (blob["package"], blob["name"]) == (package, channel)
    ]
    assert entries[-1]["name"] == csv


def test_release_pins_are_in_the_catalog() -> None:
    for release in data.names("openshift"):
        openshift = data.load_openshift(release)
        if "service_mesh" not in openshift:
            assert not openshift["gateway_api"], "who has a Gateway API has it by Service Mesh"
            continue
        blobs = catalog_render.render(data.load_catalog("redhat-operators"), fake_crd, openshift["catalog"].lstrip("v"))
        channel = openshift["service_mesh"]["channel"]
        entries = [
            b["entries"]
            for b in blobs
            if b["schema"] == "olm.channel" and (b["package"], b["name"]) == ("servicemeshoperator3", channel)
        ]
        assert openshift["service_mesh"]["csv"] in {entry["name"] for entry in entries[0]}


def test_openshift_range() -> None:
    catalog = data.load_catalog("certified-operators")
    seen = {
        minor: {
            blob["name"] for blob in catalog_render.render(catalog, fake_crd, minor) if blob["schema"] == "olm.bundle"
        }
        for minor in MINORS
    }
    assert "gpu-operator-certified.v25.3.4" in seen["4.19"] and "gpu-operator-certified.v25.3.4" not in seen["4.20"]
    assert "gpu-operator-certified.v25.10.1" in seen["4.20"] and "gpu-operator-certified.v25.10.1" not in seen["4.21"]


def test_default_channel_of_another_minor_falls_back() -> None:
    package = next(p for p in data.load_catalog("redhat-operators")["packages"] if p["package"] == "lvms-operator")
    catalog = {"publisher": "Red Hat", "packages": [package]}
    for minor in MINORS:
        [head] = [blob for blob in catalog_render.render(catalog, fake_crd, minor) if blob["schema"] == "olm.package"]
        assert head["defaultChannel"] == f"stable-{minor}"


def test_install_modes_and_namespaces() -> None:
    blobs = [blob for name in CATALOGS for blob in catalog_render.render(data.load_catalog(name), fake_crd, "4.20")]

    def modes(name: str) -> set[str]:
        return {row["type"] for row in csv_of(blobs, name)["spec"]["installModes"] if row["supported"]}

    assert modes("leader-worker-set.v1.0.0") == {"OwnNamespace"}
    assert modes("rhods-operator.3.3.0") == {"AllNamespaces"}
    assert modes("amd-gpu-operator.v1.5.2") == {"AllNamespaces"}
    assert modes("gpu-operator-certified.v25.10.1") == {"OwnNamespace", "SingleNamespace"}
    lvms = csv_of(blobs, "lvms-operator.v4.20.0")["metadata"]["annotations"]
    assert lvms["operatorframework.io/suggested-namespace"] == "openshift-lvm-storage"


def test_csv_has_what_olm_installs() -> None:
    blobs = catalog_render.render(data.load_catalog("redhat-operators"), fake_crd, "4.20")
    csv = csv_of(blobs, "rhods-operator.3.3.2")
    [deployment] = csv["spec"]["install"]["spec"]["deployments"]
    accounts = {row["serviceAccountName"] for row in csv["spec"]["install"]["spec"]["clusterPermissions"]}
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] in accounts
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert "progressDeadlineSeconds" not in deployment["spec"]
    assert all("@sha256:" in row["image"] for row in csv["spec"]["relatedImages"])


def test_one_version_of_a_crd() -> None:
    catalog = data.load_catalog("redhat-operators")
    blobs = catalog_render.render(catalog, fake_crd, "4.20")
    [old] = [blob for blob in blobs if blob["name"] == "rhods-operator.2.25.0"]
    definition = next(m for m in manifests(old)[1:] if m["spec"]["names"]["kind"] == "DSCInitialization")
    assert [(v["name"], v["served"], v["storage"]) for v in definition["spec"]["versions"]] == [("v1", True, True)]
    package = {
        **catalog["packages"][0],
        "owns": ["a.b/Kind@v9"],
        "versions": {"3.3.0": {}},
        "channels": {"stable-3.x": ["3.3.0"]},
    }
    with pytest.raises(ValueError, match="a.b/Kind has no version v9"):
        catalog_render.render({"publisher": "x", "packages": [package]}, fake_crd)


def test_scenario_package_missing() -> None:
    scenario = data.load("h200-roce", "4.20", ["package-missing"])["scenario"]
    blobs = catalog_render.render(data.load_catalog("redhat-operators"), fake_crd, "4.20", scenario)
    assert WANTED["redhat-operators"] - packages(blobs) == {"leader-worker-set", "rhcl-operator"}


def test_scenario_csv_fails() -> None:
    scenario = data.load("h200-roce", "4.20", ["csv-fails"])["scenario"]
    blobs = catalog_render.render(data.load_catalog("redhat-operators"), fake_crd, "4.20", scenario)
    [failing] = csv_of(blobs, "cert-manager-operator.v1.18.0")["spec"]["install"]["spec"]["deployments"]
    [well] = csv_of(blobs, "leader-worker-set.v1.0.0")["spec"]["install"]["spec"]["deployments"]
    assert failing["spec"]["progressDeadlineSeconds"] == 15
    assert "progressDeadlineSeconds" not in well["spec"]


def test_examples_are_accepted(hand_written: crds.Crds, faults_of: Any) -> None:
    blobs = catalog_render.render(data.load_catalog("certified-operators"), fake_crd, "4.20")
    examples = [
        e
        for b in blobs
        if b["schema"] == "olm.bundle"
        for e in json.loads(manifests(b)[0]["metadata"]["annotations"]["alm-examples"])
    ]
    assert {example["kind"] for example in examples} == {"ClusterPolicy", "DeviceConfig", "NicClusterPolicy"}
    for example in examples:
        assert faults_of(hand_written, example) == []


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda p: p["channels"].update(stable=["9.9.9"]), "channel stable: unknown version"),
        (lambda p: p.update(channels={"stable": [next(iter(p["versions"]))]}), "is in no channel"),
        (lambda p: p.update(default_channel="stabel"), "unknown default channel, did you mean 'stable'?"),
        (
            lambda p: p.update(install_modes=["AllNamespace"]),
            "'AllNamespace' isn't possible, did you mean 'AllNamespaces'?",
        ),
        (lambda p: p.update(owns=["Kind"]), "does not match"),
    ],
)
def test_broken_catalog_is_refused(folder: Path, edit: Any, said: str) -> None:
    path = folder / "catalogs" / "redhat-operators.yaml"
    document = yaml.safe_load(path.read_text())
    for package in document["packages"]:
        for row in package["versions"].values():
            row.pop("created", None)
    edit(next(p for p in document["packages"] if p["package"] == "kernel-module-management"))
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(RehearsalError) as caught:
        data.load_catalog("redhat-operators")
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_a_packed_bundle_is_an_image_with_a_description() -> None:
    package = "openshift-cert-manager-operator"
    blobs = catalog_render.render(data.load_catalog("redhat-operators"), fake_crd, "4.20", {"unpack-failure": {"package": package}})
    packed = [blob for blob in blobs if blob["schema"] == "olm.bundle" and blob["package"] == package]
    assert packed and all("cert-manager/openshift-cert-manager-operator-bundle@sha256:" in blob["image"] for blob in packed)
    kinds = {prop["type"] for blob in packed for prop in blob["properties"]}
    assert "olm.csv.metadata" in kinds and "olm.bundle.object" not in kinds
    assert all(not blob["image"] for blob in blobs if blob["schema"] == "olm.bundle" and blob["package"] != package)


def test_a_variant_of_a_definition_is_asked_for_by_its_name() -> None:
    asked: list[str] = []

    def crd(name: str) -> dict:
        asked.append(name)
        return fake_crd(name.partition("@")[0])

    package = {**data.load_catalog("redhat-operators")["packages"][0], "versions": {"2.25.10": {"owns": ["a.b/Kind@2.25"]}}, "channels": {"stable": ["2.25.10"]},
               "default_channel": "stable"}
    catalog_render.render({"publisher": "x", "packages": [package]}, crd)
    assert asked == ["a.b/Kind@2.25"]


def test_an_entry_has_the_range_that_it_may_replace() -> None:
    """3.2.1 goes to 3.3.0 in fast-3.x, from which stable-3.3 leads to its head at once; stable-3.3 has no way from 3.2."""
    blobs = catalog_render.render(data.load_catalog("redhat-operators"), fake_crd, "4.20")
    channels = {blob["name"]: {entry["name"].removeprefix("rhods-operator."): entry for entry in blob["entries"]}
                for blob in blobs if blob["schema"] == "olm.channel" and blob["package"] == "rhods-operator"}  # fmt: skip
    step = channels["fast-3.x"]["3.3.0"]
    assert (step["replaces"], step["skipRange"]) == ("rhods-operator.3.2.1", ">=3.2.0 <3.3.0")
    assert channels["stable-3.3"]["3.3.6"]["skipRange"] == ">=3.3.0 <3.3.6" and "replaces" not in channels["stable-3.3"]["3.3.0"]
    assert "skipRange" not in channels["stable-3.3"]["3.3.0"]
