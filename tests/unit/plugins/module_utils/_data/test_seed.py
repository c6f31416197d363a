# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data against the support article's text itself, row by row. The text isn't ours, so it isn't in the repository: where it
lies beside the checkout (../shared/seed/) it is compared, elsewhere the hand-made table of _assess/test_matrix.py has to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts

ROOT = Path(__file__).resolve().parents[5]
TEXTS = sorted((ROOT.parent / "shared" / "seed").glob("support-article-*.txt"))
pytestmark = pytest.mark.skipif(not TEXTS, reason="the support article's text isn't beside this checkout")

PATHS = {
    "Intelligent Inference Scheduling": "inference_scheduling",
    "P/D Disaggregation": "pd_disaggregation",
    "KV Cache Management": "kv_cache_offload",
    "Wide Expert Parallelism": "wide_expert_parallelism",
}
RELEASES = ("3.3", "3.2", "3.0", "2.25")


def path_of(cell):
    return next(path for words, path in PATHS.items() if cell.startswith(words))


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def section(release):
    """The part of the article that is about one release."""
    text = TEXTS[0].read_text(encoding="utf-8")
    start = re.search(rf"^(?:GA|Tech Preview -) RHOAI {re.escape(release)}$", text, re.M)
    rest = text[start.end() :]
    end = re.search(r"^(?:GA|Tech Preview -) RHOAI [\d.]+$", rest, re.M)
    return rest[: end.start()] if end else rest


def hardware_rows(release):
    """(path, vendor, models, network, storage), as the article has them."""
    vendor = None
    for line in section(release).splitlines():
        found = re.match(r"^(NVIDIA|AMD): Hardware", line)
        if found:
            vendor = found.group(1).lower()
        elif line.startswith("Mixed Accelerator"):
            return
        elif vendor and line.startswith("|") and "---" not in line and "Well-Lit Path" not in line:
            path, _, models, network, storage = cells(line)
            yield (
                path_of(path),
                vendor,
                [model.strip() for model in models.split(",") if model.strip()],
                network,
                storage,
            )


def as_the_article_says(row):
    network = row["network"]
    if network["rdma"]:
        said = "HPC Fabric with RDMA • InfiniBand • RoCE" if network["rdma"] == ["infiniband", "roce"] else "?"
    elif network["ethernet_gbit"]:
        said = f"Standard DC Ethernet ({'/'.join(map(str, network['ethernet_gbit']))} GbE)"
    else:
        said = f"PCIe {network['pcie_generation']}+"
    storage = {
        "nvme_recommended": "Local SSD (NVMe Recommended)",
        "nvme_required": "High-speed NVMe SSDs.",
        "not_applicable": "Not Applicable",
    }
    return row["path"], row["vendor"], row["accelerators"], said, storage[row["storage"]]


@pytest.mark.parametrize("release", RELEASES)
def test_hardware_tables(release):
    ours = [as_the_article_says(row) for row in facts().matrix[release]["rows"]]
    assert ours == list(hardware_rows(release))


@pytest.mark.parametrize("release", RELEASES)
def test_mixed_accelerators(release):
    rows = [
        cells(line)
        for line in section(release).split("Mixed Accelerator Architectures")[1].splitlines()
        if line.startswith("|")
    ]
    stated = {path_of(row[0]): row[1] for row in rows if row[0] != "Feature" and "---" not in row[0]}
    ours = facts().matrix[release]["mixed_accelerators"]
    words = {"supported": "Supported", "unsupported": "Not supported"}
    assert {path: words[value] for path, value in ours.items() if value} == stated


def test_release_components():
    months = {"January": 1, "March": 3, "October": 10, "November": 11}
    text = TEXTS[0].read_text(encoding="utf-8")
    rows = [cells(line) for line in text.splitlines() if re.match(r"^\| (General|Tech)", line)]
    assert len(rows) == len(RELEASES)
    for tier, llm_d, rhoai, rhaiis, date in rows:
        data = facts().matrix[rhoai.removeprefix("RHOAI ")]
        assert data["tier"] == ("GA" if tier.startswith("General") else "TP")
        assert (data["components"]["llm_d"], data["components"]["rhaiis"]) == (llm_d, rhaiis.removeprefix("RHAIIS "))
        month, day, year = re.match(r"(\w+)(?: (\d+))?, (\d{4})", date).groups()
        assert data["date"] == f"{year}-{months[month]:02d}" + (f"-{int(day):02d}" if day else "")


def test_minimum_openshift():
    text = TEXTS[0].read_text(encoding="utf-8")
    preview, ga = re.search(r"\| OpenShift \| ([\d.]+)\+ \| ([\d.]+)\+", text).groups()
    assert facts().matrix["2.25"]["openshift"]["at_least"] == preview
    assert {facts().matrix[release]["openshift"]["at_least"] for release in ("3.0", "3.2", "3.3")} == {f"{ga}.0"}


@pytest.mark.parametrize("release", RELEASES)
def test_api_and_notes(release):
    text, data = TEXTS[0].read_text(encoding="utf-8"), facts().matrix[release]
    assert all(f"`{endpoint}`" in text for endpoint in data["api"]["supported"])
    notes = {note["id"]: note for note in data["notes"]}
    if release == "2.25":
        assert set(notes) == {"wep-multi-node"} and "not yet stable" in section(release)
        return
    said = section(release)
    assert "Wide Expert-Parallelism multi-node: Developer Preview" in said and notes["wep-multi-node"]["tier"] == "DP"
    assert "Blackwell B200" in said and notes["wep-b200"]["tier"] == "TP" and notes["wep-b200"]["on_request"]
    assert "Multi node on GB200 is not supported" in said and notes["gb200-multi-node"]["tier"] == "none"
