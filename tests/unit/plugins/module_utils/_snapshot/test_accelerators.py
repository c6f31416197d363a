# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GPUs from labels, from PCI ids, and what is unknown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.llmd.openshift.plugins.module_utils._data import files
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import accelerators, disks, features, nics

ROOT = Path(__file__).resolve().parents[5]
CATALOG = yaml.safe_load((ROOT / "data/accelerators.yml").read_text())


def feature(*devices: tuple[str, str], **more: Any) -> dict[str, Any]:
    """Facts of a NodeFeature object with these (vendor:device, class) devices."""
    elements = [
        {"attributes": {"vendor": pci.split(":")[0], "device": pci.split(":")[1], "class": pci_class}}
        for pci, pci_class in (("8086:1234", "0600"), *devices)
    ]
    spec = {"features": {"instances": {"pci.device": {"elements": elements}, **more}}}
    obj = {"metadata": {"name": "x", "labels": {features.NODE_NAME: "n"}}, "spec": spec}
    return features.by_node([features.reduce(obj)])["n"]


def gpus(labels=None, capacity=None, allocatable=None, facts=None) -> dict[str, Any]:
    return accelerators.describe(labels or {}, capacity or {}, allocatable or capacity or {}, facts, CATALOG)


def gfd(product: str, count: str = "8", **more: str) -> dict[str, str]:
    return {"nvidia.com/gpu.product": product, "nvidia.com/gpu.count": count, "nvidia.com/gpu.memory": "143771", **more}


def test_data():
    assert files.problems(CATALOG, "accelerators") == []
    ids = [row["id"] for row in CATALOG["gpus"]]
    assert len(ids) == len(set(ids))
    for row in CATALOG["products"]:
        re.compile(row["pattern"])


@pytest.mark.parametrize(
    ("product", "model"),
    [
        ("NVIDIA-H200", "H200"), ("NVIDIA-H200-NVL", "H200"), ("NVIDIA-H20", "unlisted"), ("NVIDIA-H100-80GB-HBM3", "H100"),
        ("A100-SXM4-80GB", "A100"), ("NVIDIA-A10", "unlisted"), ("NVIDIA-A100-SXM4-40GB-SHARED", "A100"),
        ("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb", "H100"), ("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED", "H100"),
        ("NVIDIA-GB200", "GB200"), ("NVIDIA-B200", "B200"), ("NVIDIA-L40S", "L40S"), ("XNVIDIA-H200", "unlisted"),
        ("", "unlisted"), ("{{ lookup('pipe','id') }}", "unlisted"),
    ],
)  # fmt: skip
def test_models_of_products(product: str, model: str):
    assert accelerators.model_of_product(product, CATALOG) == model


def test_labels_of_a_running_driver():
    found = gpus(gfd("NVIDIA-H200"), {"nvidia.com/gpu": 8}, None, feature(*[("10de:2335", "0302")] * 8))
    assert (found["vendor"], found["model"], found["count"], found["memory_mib"], found["source"]) == (
        "nvidia", "H200", 8, 143771, "gfd",
    )  # fmt: skip
    assert found["health"] is None and found["mig"] is None and len(found["pci_ids"]) == 8


def test_before_any_driver_the_pci_bus_tells():
    found = gpus(facts=feature(*[("10de:2330", "0302")] * 4, ("10de:22a3", "0680"), ("1a03:2000", "0300")))
    assert (found["model"], found["count"], found["source"], found["memory_mib"]) == ("H100", 4, "nodefeature", None)


def test_unknown_device_is_unlisted_and_never_a_pass():
    assert gpus(facts=feature(("10de:ffff", "0302")))["model"] == "unlisted"


def test_no_gpu_is_known_only_where_devices_are_known():
    assert gpus(facts=feature(("15b3:1021", "0200")))["count"] == 0
    assert gpus()["count"] is None and gpus()["source"] == "none"
    hinted = gpus({"feature.node.kubernetes.io/pci-10de.present": "true"})
    assert (hinted["vendor"], hinted["count"], hinted["model"]) == ("nvidia", None, None)


def test_two_models_in_one_node_have_no_single_model():
    found = gpus(facts=feature(("10de:2335", "0302"), ("10de:2330", "0302")))
    assert found["model"] is None and found["count"] == 2 and "H100, H200" in found["health"]


@pytest.mark.parametrize(
    ("labels", "capacity", "allocatable", "facts", "words"),
    [
        (gfd("NVIDIA-H100-80GB-HBM3-MIG-INVALID", "0"), {}, {}, None, "no valid layout"),
        (gfd("NVIDIA-H200", "7"), {}, {}, feature(*[("10de:2335", "0302")] * 8), "reports 7 GPUs, the PCI bus 8"),
        (gfd("NVIDIA-H200"), {"nvidia.com/gpu": 8}, {"nvidia.com/gpu": 6}, None, "only 6 of 8"),
        (
            gfd("NVIDIA-H200", **{"nvidia.com/gpu-driver-upgrade-state": "upgrade-failed"}),
            {},
            {},
            None,
            "upgrade failed",
        ),
    ],
)
def test_health(labels, capacity, allocatable, facts, words):
    assert words in accelerators.describe(labels, capacity, allocatable, facts, CATALOG)["health"]


def test_mig():
    assert gpus(gfd("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"))["mig"] == "1g.10gb"
    assert gpus(gfd("NVIDIA-H100-80GB-HBM3", **{"nvidia.com/mig-1g.10gb.count": "2"}))["mig"] == "1g.10gb"


def test_amd():
    labels = {"amd.com/gpu.device-id": "74a1", "beta.amd.com/gpu.device-id.74a1": "8",
              "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM", "amd.com/gpu.vram": "192G"}  # fmt: skip
    found = gpus(labels)
    assert (found["vendor"], found["model"], found["count"], found["memory_mib"], found["source"]) == (
        "amd", "MI300X", 8, 196608, "labeller",
    )  # fmt: skip
    mixed = gpus({"beta.amd.com/gpu.device-id.74a1": "4", "beta.amd.com/gpu.device-id.74a5": "4"})
    assert mixed["model"] is None and mixed["count"] == 8
    assert gpus(facts=feature(("1002:74a1", "1200")))["model"] == "MI300X"


def test_cards_and_links_are_not_guessed_together():
    links = {"network.device": {"elements": [
        {"attributes": {"name": "ens1f0np0", "speed": "400000", "operstate": "up", "sriov_totalvfs": "16"}},
        {"attributes": {"name": "lo", "speed": "-1"}}, {"attributes": {}}]}}  # fmt: skip
    facts = feature(("15b3:1021", "0200"), ("15b3:1021", "0207"), **links)
    found = nics.describe(facts, None)
    assert [(row["pci_id"], row["link_layer"]) for row in found if row["pci_id"]] == [
        ("15b3:1021", "Ethernet"), ("15b3:1021", "InfiniBand"),
    ]  # fmt: skip
    assert [(row["name"], row["speed_mbps"]) for row in found if row["name"]] == [("ens1f0np0", 400000), ("lo", None)]
    assert nics.rdma_capable({}, {}, found, CATALOG) is True


def card(pci: str, vfs: int, pci_class: str = "0200") -> dict[str, Any]:
    return {"id": pci, "vendor": pci[:4], "class": pci_class, "vfs": vfs}


def link(name: str, vfs: int, speed: int = 400000) -> dict[str, Any]:
    return {"name": name, "speed_mbps": speed, "state": "up", "vfs": vfs}


def test_cards_and_links_with_the_same_number_of_functions_belong_together():
    facts = {
        "pci": [card("15b3:1021", 16), card("15b3:1021", 16), card("14e4:16d7", 8)],
        "links": [link("a", 16), link("b", 16), link("c", 8, 25000)],
    }
    found = nics.describe(facts, None)
    assert [(row["pci_id"], row["speed_mbps"], row["name"]) for row in found] == [
        ("14e4:16d7", 25000, "c"), ("15b3:1021", 400000, "a"), ("15b3:1021", 400000, "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cards", "links"),
    [
        ([card("15b3:1021", 16), card("15b3:101d", 16)], [link("a", 16), link("b", 16)]),  # two kinds of card
        ([card("15b3:1021", 16), card("15b3:1021", 16)], [link("a", 16)]),  # a card without link
        ([card("15b3:1021", 16)], [link("a", 8)]),
        ([card("15b3:1021", 0)], [link("a", 0)]),  # no number to go by
    ],
)
def test_what_is_ambiguous_stays_apart(cards, links):
    found = nics.describe({"pci": cards, "links": links}, None)
    assert len(found) == len(cards) + len(links)
    assert all(row["pci_id"] is None or row["name"] is None for row in found)


def test_sriov_operators_list_joins_both():
    state = {"metadata": {"name": "n"}, "status": {"interfaces": [
        {"name": "ens1", "vendor": "15b3", "deviceID": "1021", "linkSpeed": "400000 Mb/s", "linkType": "IB", "totalvfs": 8,
         "linkAdminState": "UP"}, {"linkSpeed": 5}]}}  # fmt: skip
    name, found = nics.from_sriov(state)
    assert name == "n" and found[0] == {
        "name": "ens1", "pci_id": "15b3:1021", "class": "0207", "link_layer": "InfiniBand", "speed_mbps": 400000,
        "state": "up", "sriov_totalvfs": 8, "pci": None, "mac": None, "driver": None, "mtu": None, "sriov_numvfs": 0,
    }  # fmt: skip
    told = nics.describe(None, found)
    assert told is not None and [row["name"] for row in told] == ["ens1", None] and "mac" not in told[0] and told[0]["uplink"] is None


def test_the_card_of_the_nodes_own_network():
    noted = {nics.GATEWAY: '{"default":{"mode":"shared","mac-address":"02:AA:bb:00:00:01"}}'}
    assert nics.gateway_macs(noted) == ["02:aa:bb:00:00:01"]
    assert nics.gateway_macs({}) is nics.gateway_macs({nics.GATEWAY: "{"}) is nics.gateway_macs({nics.GATEWAY: '{"default":{}}'}) is None
    state = {"metadata": {"name": "n"}, "status": {"interfaces": [
        {"name": "eno1", "vendor": "15b3", "deviceID": "1021", "mac": "02:aa:BB:00:00:01", "pciAddress": "0000:22:00.0", "numVfs": 4, "mtu": 9000},
        {"name": "ens1", "vendor": "15b3", "deviceID": "1021", "mac": "02:aa:bb:00:00:02", "linkSpeed": "-1 Mb/s", "linkAdminState": "up"}]}}  # fmt: skip
    own, other = nics.describe(None, nics.from_sriov(state)[1], nics.gateway_macs(noted)) or []
    assert (own["uplink"], own["pci"], own["sriov_numvfs"], own["mtu"]) == (True, "0000:22:00.0", 4, 9000)
    assert (other["uplink"], other["state"], other["speed_mbps"], other["sriov_totalvfs"]) == (False, "down", None, 0)
    assert [row["uplink"] for row in nics.describe(None, nics.from_sriov(state)[1], None) or []] == [None, None], "not noted, not known"


def test_cards_that_the_sriov_operator_does_not_support_are_kept():
    state = {"metadata": {"name": "n"}, "status": {"interfaces": [{"name": "ens1", "vendor": "15b3", "deviceID": "1021", "totalvfs": 16}]}}
    facts = feature(("15b3:1021", "0200"), ("14e4:1760", "0200"), ("15b3:101e", "0200"))
    told = nics.describe(facts, nics.from_sriov(state)[1], None) or []
    assert [row["pci_id"] for row in told] == ["15b3:1021", "14e4:1760"], "the third is a virtual function of the first"


def test_rdma_is_unknown_without_cards():
    assert nics.rdma_capable({}, {}, None, CATALOG) is None
    assert nics.rdma_capable({}, {"rdma/roce_gdr": 1}, None, CATALOG) is True
    assert nics.rdma_capable({"feature.node.kubernetes.io/rdma.capable": "true"}, {}, None, CATALOG) is True
    assert nics.rdma_capable({"feature.node.kubernetes.io/pci-0207_15b3.present": "true"}, {}, None, CATALOG) is True
    assert nics.rdma_capable({"feature.node.kubernetes.io/pci-0200_8086.present": "true"}, {}, None, CATALOG) is None
    assert nics.rdma_capable({}, {}, nics.describe(feature(("8086:1521", "0200")), None), CATALOG) is False


def test_nvme():
    blocks = {
        "storage.block": {
            "elements": [{"attributes": {"name": name}} for name in ("nvme1n1", "nvme0n1", "nvme0n1p1", "sda")]
        }
    }
    found = disks.describe(feature(("144d:a80a", "0108"), ("144d:a80a", "0108"), **blocks))
    assert found["count"] == 2 and [row["name"] for row in found["devices"]] == ["nvme0n1", "nvme1n1"]
    assert found["devices"][0] == {"name": "nvme0n1", "size_bytes": None, "in_use": None, "why": None}
    assert disks.describe(None) == {"count": None, "devices": []}
