# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that are broken, lie or mean harm, as must-gathers, through the whole playbook: one run over all of them, nothing executed, no false yes."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.plugins.action.test_offline import play
from tests.unit.plugins.module_utils._assess.test_profiles import RECORDED

PRODUCT = "nvidia.com/gpu.product"
Objects = dict[str, Any]
NON_ASCII = "Ünïcödé-节点-🚀"


def is_node(path: str) -> bool:
    return "/core/nodes/" in path


def gpu_nodes(objects: Objects) -> list[Any]:
    return [one for path, one in objects.items() if is_node(path) and "/gpu-" in path]


def version_of(objects: Objects) -> Any:
    return next(one for path, one in objects.items() if path.endswith("clusterversions/version.yaml"))


def hostile(objects: Objects, mark: Path) -> None:
    """Texts that a template, a browser, a terminal or a spreadsheet would act on, wherever a stranger may put text."""
    jinja = "{{ lookup('ansible.builtin.pipe', 'touch " + str(mark) + "') }}"
    for node in gpu_nodes(objects):
        node["metadata"]["labels"].update({PRODUCT: jinja, "nvidia.com/gpu.count": "{% raw %}8", "topology.kubernetes.io/zone": NON_ASCII})
        node["status"]["nodeInfo"].update(kernelVersion=f"\x1b[31m<script>alert(1)</script>{jinja}", osImage=NON_ASCII)
        for condition in node["status"]["conditions"]:
            condition.update(message=jinja, reason="=cmd|' /C calc'!A0")
            condition["status"] = "False" if condition["type"] == "Ready" else condition["status"]
    version_of(objects)["status"]["history"][0]["version"] = jinja


def lying(objects: Objects, _mark: Path) -> None:
    """GPU feature discovery counts 8 GPUs, the device plugin gives 7."""
    for node in gpu_nodes(objects):
        node["metadata"]["labels"].update({PRODUCT: "NVIDIA-H200", "nvidia.com/gpu.count": "8"})
        node["status"]["capacity"]["nvidia.com/gpu"] = "8"
        node["status"]["allocatable"]["nvidia.com/gpu"] = "7"


def windows(objects: Objects, _mark: Path) -> None:
    for path in [path for path in objects if is_node(path) and path.endswith("/gpu-1.yaml")]:
        objects[path]["metadata"]["labels"].update({"kubernetes.io/os": "windows", PRODUCT: "NVIDIA-L40S"})


def without_status(objects: Objects, _mark: Path) -> None:
    for one in objects.values():
        one.pop("status", None)


def no_nodes_gathered(objects: Objects, _mark: Path) -> None:
    for path in [path for path in objects if is_node(path)]:
        del objects[path]


def zero_nodes(objects: Objects, mark: Path) -> None:
    where = next(path for path in objects if is_node(path)).split("/nodes/")[0]
    no_nodes_gathered(objects, mark)
    objects[f"{where}/nodes.yaml"] = {"apiVersion": "v1", "kind": "NodeList", "items": []}


def of_version(number: str) -> Callable[[Objects, Path], None]:
    def change(objects: Objects, _mark: Path) -> None:
        version_of(objects)["status"]["history"] = [{"state": "Completed", "version": number}]

    return change


def half(objects: Objects, _mark: Path) -> None:
    for path in [path for path in objects if "clusterversion" not in path]:
        del objects[path]


def twice(objects: Objects, _mark: Path) -> None:
    """The folder of a second image holds the same nodes again."""
    for path in [path for path in objects if is_node(path)]:
        folder, _slash, rest = path.partition("/cluster-scoped-resources/")
        objects[f"{folder}-second/cluster-scoped-resources/{rest}"] = objects[path]


CHANGES: dict[str, Callable[[Objects, Path], None]] = {
    "hostile": hostile, "lying": lying, "windows": windows, "statusless": without_status, "gone": no_nodes_gathered, "zero": zero_nodes,
    "candidate": of_version("4.20.0-rc.3"), "five": of_version("5.0.0"), "half": half, "twice": twice,
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bad")
    hosts = {}
    for name, change in CHANGES.items():
        objects: Objects = {}
        with tarfile.open(RECORDED / "h200-roce.must-gather.tar.gz") as archive:
            for member in archive:
                if member.name.endswith(".yaml"):
                    objects[member.name] = yaml.load(archive.extractfile(member).read(), Loader=yaml.CSafeLoader)
        change(objects, folder / "owned")
        for path, document in objects.items():
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True), encoding="utf-8")
        hosts[name] = {"llmd_must_gather": str(folder / name)}
    done = play(folder, hosts)
    reports = {name: json.loads((folder / "out" / name / "report.json").read_text()) for name in hosts}
    return {"folder": folder, "done": done, "reports": reports}


def verdict(told: dict[str, Any], name: str) -> str:
    return told["reports"][name]["paths"]["inference_scheduling"]["verdict"]


def test_no_traceback_and_every_host_has_its_report(told):
    said = told["done"].stdout + told["done"].stderr
    assert "Traceback" not in said and told["done"].returncode == 0, said
    assert {one["outcome"] for one in told["reports"].values()} == {"read only"}


def test_texts_of_a_cluster_are_never_executed(told):
    assert not (told["folder"] / "owned").exists()
    out = told["folder"] / "out" / "hostile"
    assert "{{ lookup(" in json.dumps(json.loads((out / "snapshot.json").read_text()))
    page = (out / "report.html").read_text()
    assert "<script>alert(1)</script>" not in page and "&lt;script&gt;" in page
    for file in ("report.html", "report.md", "junit.xml"):
        assert "\x1b" not in (out / file).read_text(), file
    assert "\x1b[31m" not in told["done"].stdout
    assert NON_ASCII in (out / "snapshot.json").read_text() or json.dumps(NON_ASCII)[1:-1] in (out / "snapshot.json").read_text()
    assert verdict(told, "hostile") == "unknown"


def test_labels_that_lie_are_found_out(told):
    found = [item for item in told["reports"]["lying"]["findings"] if item["id"] == "gpu-health"]
    assert {item["status"] for item in found} == {"warn"} and "7 of 8" in found[0]["observed"]


def test_a_windows_node_is_nobodys_candidate(told):
    assert verdict(told, "windows") == "supported"
    (present,) = [item for item in told["reports"]["windows"]["findings"] if item["id"] == "accelerator-present"]
    assert "gpu-0" in present["observed"] and "gpu-1" not in present["observed"]


@pytest.mark.parametrize(
    ("name", "word"),
    [("statusless", "unknown"), ("gone", "unknown"), ("half", "unknown"), ("zero", "unsupported"), ("candidate", "unknown"), ("five", "unknown")],
)
def test_what_is_not_known_is_no_yes(told, name, word):
    assert verdict(told, name) == word


def test_nodes_that_were_gathered_twice_count_once(told):
    assert verdict(told, "twice") == "supported"
    names = [node["name"] for node in told["reports"]["twice"]["nodes"]]
    assert len(names) == len(set(names))
