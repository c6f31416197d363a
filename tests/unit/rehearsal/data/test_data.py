# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles, releases and scenarios: all that are shipped are good, and broken ones are refused with file, place and reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import data
from rehearsal.errors import RehearsalError

PROFILES = sorted(path.stem for path in (data.ROOT / "profiles").glob("[a-z]*.yaml"))
RELEASES = sorted(path.stem for path in (data.ROOT / "openshift").glob("*.yaml"))
SCENARIOS = sorted(path.stem for path in (data.ROOT / "scenarios").glob("*.yaml"))


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = yaml.safe_load(path.read_text())
    edit(document)
    path.write_text(yaml.safe_dump(document))


@pytest.mark.parametrize("name", PROFILES)
def test_profile_is_written_out(name: str) -> None:
    profile = data.load_profile(name)
    assert profile["name"] == name and profile["description"] and profile["delays"]["driver-build"] > 0
    for node in profile["nodes"]:
        assert node["cpu"]["threads"] >= node["cpu"]["cores"] > 0
        assert all(len(gpu["uuid"]) == 40 for gpu in node["gpus"])
        assert all(disk["by_path"].startswith("/dev/disk/by-path/") for disk in node["disks"])
        macs = [nic["mac"] for nic in node["nics"]]
        assert len(set(macs)) == len(macs)


def test_nodes_have_no_device_in_common() -> None:
    nodes = data.load_profile("h200-roce")["nodes"]
    uuids = [gpu["uuid"] for node in nodes for gpu in node["gpus"]]
    serials = [disk["serial"] for node in nodes for disk in node["disks"]]
    assert len(set(uuids)) == len(uuids) == 16
    assert len(set(serials)) == len(serials)


def test_h200_roce_is_what_it_says() -> None:
    gpu = next(node for node in data.load_profile("h200-roce")["nodes"] if node["name"] == "gpu-0")
    assert [g["pci_id"] for g in gpu["gpus"]] == ["10de:2335"] * 8
    rails = [nic for nic in gpu["nics"] if nic["role"] == "rail"]
    assert [(nic["pci_id"], nic["link_layer"], nic["speed_mbps"], nic["rail"]) for nic in rails] == [
        ("15b3:1021", "Ethernet", 400000, rail) for rail in range(8)
    ]
    assert sum(disk["holds"] == "nothing" and disk["transport"] == "nvme" for disk in gpu["disks"]) == 8
    assert (gpu["memory_gib"], gpu["cpu"]["threads"], gpu["numa_nodes"], gpu["pcie_generation"]) == (2048, 224, 2, 5)


def test_gb200_trays_share_one_nvlink_domain() -> None:
    gpus = [gpu for node in data.load_profile("gb200")["nodes"] for gpu in node["gpus"]]
    assert len(gpus) == 16 and len({gpu["clique"] for gpu in gpus}) == 1
    assert {gpu["clique"] for node in data.load_profile("h200-roce")["nodes"] for gpu in node["gpus"]} == {None}


def test_infiniband_rails_have_the_other_pci_class() -> None:
    gpu = next(node for node in data.load_profile("h100-ib")["nodes"] if node["gpus"])
    assert {(nic["class"], nic["link_layer"]) for nic in gpu["nics"] if nic["role"] == "rail"} == {
        ("0207", "InfiniBand")
    }


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d.update(descripton="x"), "the top level: unknown key 'descripton', did you mean 'description'?"),
        (
            lambda d: d["servers"]["hgx-h200"]["gpus"][2].update(model="h20-sxm"),
            "servers.hgx-h200.gpus.2.model: unknown model 'h20-sxm'",
        ),
        (
            lambda d: d["servers"]["hgx-h200"]["gpus"][1].update(pci="0000:19:00.0"),
            "servers.hgx-h200: PCI address 0000:19:00.0 is used twice",
        ),
        (
            lambda d: d["servers"]["hgx-h200"]["nics"][0].update(numa=2),
            "servers.hgx-h200.nics.0.numa: 2, but the server has only 2",
        ),
        (
            lambda d: d["servers"]["hgx-h200"]["nics"][0].update(state="broken"),
            "servers.hgx-h200.nics.0.state: 'broken' isn't possible",
        ),
        (
            lambda d: d["servers"]["hgx-h200"]["disks"][0].pop("holds"),
            "servers.hgx-h200.disks: exactly one must hold the os",
        ),
        (
            lambda d: d["servers"]["hgx-h200"]["disks"][1].pop("pci"),
            "servers.hgx-h200.disks.1.pci: an NVMe drive needs its PCI address",
        ),
        (
            lambda d: d["servers"]["master"]["nics"][0].update(role="unused"),
            "servers.master.nics: none has the role 'machine'",
        ),
        (
            lambda d: d["nodes"][1].update(server="hgx-h20"),
            "nodes.1.server: unknown server 'hgx-h20': did you mean 'hgx-h200'?",
        ),
        (lambda d: d["nodes"][1].update(name="master"), "nodes.1.name: node 'master-0' is there twice"),
        (lambda d: d["nodes"].pop(1), "nodes: no node has the role 'worker'"),
        (
            lambda d: d.update(delays={"driver-biuld": 3}),
            "delays.driver-biuld: unknown delay, did you mean 'driver-build'?",
        ),
        (lambda d: d.update(delays={"reboot": -1}), "delays.reboot: -1 is less than the minimum of 0"),
    ],
)
def test_broken_profile_is_refused(folder: Path, edit: Callable[[dict[str, Any]], object], said: str) -> None:
    path = folder / "profiles" / "h200-roce.yaml"
    change(path, edit)
    with pytest.raises(RehearsalError) as caught:
        data.load_profile("h200-roce")
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.code == 2


def test_all_faults_are_told_at_once(folder: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["servers"]["hgx-h200"]["gpus"][0]["model"] = "nope"
        document["nodes"][0]["server"] = "nope"

    change(folder / "profiles" / "h200-roce.yaml", edit)
    with pytest.raises(RehearsalError, match=r"gpus\.0\.model.*nodes\.0\.server"):
        data.load_profile("h200-roce")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("description: [", "isn't valid YAML"),
        ("description: x\ndescription: y\n", "key 'description' is written twice"),
        ("- a\n", "the top level: ['a'] is not of type 'object'"),
        ("", "the top level: None is not of type 'object'"),
    ],
)
def test_unreadable_file(folder: Path, text: str, said: str) -> None:
    (folder / "profiles" / "mine.yaml").write_text(text)
    with pytest.raises(RehearsalError) as caught:
        data.load_profile("mine")
    assert said in str(caught.value) and "mine.yaml" in str(caught.value)


def test_a_new_file_is_a_new_profile(folder: Path) -> None:
    (folder / "profiles" / "mine.yaml").write_text((folder / "profiles" / "l40s.yaml").read_text())
    assert data.load_profile("mine")["name"] == "mine"
    assert "mine" in data.names("profiles")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (("h200-roc", "4.20", []), "Unknown profile 'h200-roc': did you mean 'h200-roce'? Known: a100-ethernet"),
        (
            ("h200-roce", "4.20.2", []),
            "Unknown version of OpenShift '4.20.2': did you mean '4.20.20'? Known: 4.18, 4.18.30",
        ),
        (("h200-roce", "4.20", ["epp-ded"]), "Unknown scenario 'epp-ded': did you mean 'epp-dead'? Known: api-conflict"),
        (("../profiles/h200-roce", "4.20", []), "Unknown profile '../profiles/h200-roce'"),
        (("_devices", "4.20", []), "Unknown profile '_devices'"),
    ],
)
def test_unknown_names(what: tuple[str, str, list[str]], said: str) -> None:
    with pytest.raises(RehearsalError) as caught:
        data.load(*what)
    assert said in str(caught.value)
    assert caught.value.code == 2


@pytest.mark.parametrize("name", RELEASES)
def test_release(name: str) -> None:
    release = data.load_openshift(name)
    version, _, target = name.partition("-to-")
    minor = version.rsplit(".", 1)[0]
    assert release["version"] == version
    assert release["history"][0]["version"] == version
    if target:
        assert release["upgrade"]["to"] == target and set(release["upgrade"]["updated"]) <= set(release["cluster_operators"])
    else:
        assert data.load_openshift(minor) == release
    assert release["kubernetes"].startswith(f"v1.{int(minor.split('.')[1]) + 13}.")
    assert len(set(release["payload_images"].values())) == len(release["payload_images"])


def test_aliases_are_not_shared() -> None:
    aliases = [alias for name in RELEASES for alias in data.load_openshift(name).get("aliases", [])]
    assert len(set(aliases)) == len(aliases)


def test_broken_release_is_refused(folder: Path) -> None:
    change(folder / "openshift" / "4.20.20.yaml", lambda d: (d.pop("rhcos"), d.update(kubernetes="1.33")))
    with pytest.raises(RehearsalError, match=r"'rhcos' is a required property.*kubernetes: '1.33' does not match"):
        data.load_openshift("4.20")


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    loaded = data.load("h200-roce", "4.20", [name])
    scenario = loaded["scenario"]
    assert scenario["names"] == [name]
    # its delays, if any, are the profile's now
    assert len(scenario) > 1 or loaded["profile"]["delays"] != data.load("h200-roce", "4.20", [])["profile"]["delays"]


def test_scenarios_are_merged(folder: Path) -> None:
    (folder / "scenarios" / "slow.yaml").write_text(
        "description: everything is slower\ndelays: {reboot: 30}\nimage_pull_failures: [abc]\n"
    )
    loaded = data.load("h200-roce", "4.20", ["slow", "csv-fails", "gpu-driver-never-ready", "slow"])
    assert loaded["profile"]["delays"]["reboot"] == 30
    assert loaded["scenario"]["image_pull_failures"][0] == "abc" and len(loaded["scenario"]["image_pull_failures"]) == 2
    assert loaded["scenario"]["gpu-driver-never-ready"] == {"node": "gpu-1"}
    assert loaded["scenario"]["names"] == ["slow", "csv-fails", "gpu-driver-never-ready"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "description: a driver fault somewhere\ngpu-driver-never-ready: {node: gpu-7}\n",
            "names node 'gpu-7' (profile h200-roce): did you mean",
        ),
        (
            "description: a fault of the interface\napi_faults: [{kind: '418', count: 1, after_seconds: 1}]\n",
            "api_faults.0.kind: '418' isn't possible",
        ),
        ("description: a fault of the interface\napi_faults: [{kind: '429', after_seconds: 1}]\n", "api_faults.0: "),
        ("description: nothing is in it at all\n", "the top level: "),
        ("description: an unknown thing is in it\nepp_dead: true\n", "unknown key 'epp_dead'"),
        (
            "description: a delay that nobody knows\ndelays: {rebot: 3}\n",
            "Unknown delay 'rebot' (mine): did you mean 'reboot'?",
        ),
    ],
)
def test_broken_scenario_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / "scenarios" / "mine.yaml").write_text(text)
    with pytest.raises(RehearsalError) as caught:
        data.load("h200-roce", "4.20", ["mine"])
    assert said in str(caught.value)


def test_contradicting_scenarios_are_refused(folder: Path) -> None:
    (folder / "scenarios" / "mine.yaml").write_text("description: another operator fails\ncsv-fails: {package: nfd}\n")
    with pytest.raises(RehearsalError, match="Scenarios 'csv-fails' and 'mine' contradict"):
        data.load("h200-roce", "4.20", ["csv-fails", "mine"])


def test_scenario_that_the_profile_cannot_play() -> None:
    with pytest.raises(RehearsalError, match="Scenario 'gpu-driver-never-ready' needs a gpu node"):
        data.load("cpu-only", "4.20", ["gpu-driver-never-ready"])
