# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of network resources in a container, and the stand-ins of perftest's tools: two processes that meet, and each failure in the tool's words."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from rehearsal.kubelet import grants, rdma
from rehearsal.kubelet.runners import perftest as runner
from rehearsal.kubelet.runners.base import Context
from rehearsal.shims import fio, perftest

Obj = dict[str, Any]
NICS: list[Obj] = [
    {"name": f"ens{rail}", "pci": f"0000:{rail + 1}a:00.0", "rdma": f"mlx5_{rail}", "role": "rail", "rail": rail, "link_layer": "Ethernet", "state": "up",
     "speed_mbps": 400000, "mtu": 9000, "driver": "mlx5_core"} for rail in (0, 1)
] + [{"name": "eno1", "pci": "0000:31:00.0", "rdma": None, "role": "machine"}]


def state(is_rdma: bool = True) -> Obj:
    """Two rails with two virtual functions each."""
    spec, status = [], []
    for nic in NICS[:2]:
        spec.append({"pciAddress": nic["pci"], "vfGroups": [{"resourceName": f"rail_{nic['rail']}", "vfRange": "0-1", "isRdma": is_rdma}]})
        status.append({"pciAddress": nic["pci"], "Vfs": [{"vfID": number, "pciAddress": f"{nic['pci'][:-1]}{number + 1}"} for number in (0, 1)]})
    return {"spec": {"interfaces": spec}, "status": {"interfaces": status}}


def pod(*attached: str) -> Obj:
    rows = [{"name": "ovn"}, *({"name": "n", "device-info": {"type": "pci", "pci": {"pci-address": pci}}} for pci in attached)]
    return {"metadata": {"name": "p", "namespace": "n", "annotations": {grants.STATUS: json.dumps(rows)}}, "spec": {"nodeName": "gpu-1"}}


def asks(**resources: int) -> Obj:
    return {"name": "c", "resources": {"limits": {key.replace("__", "/").replace("openshift", "openshift.io").replace("nvidia", "nvidia.com"): str(count)
                                                  for key, count in resources.items()}}}  # fmt: skip


def test_a_container_sees_the_functions_that_multus_attached() -> None:
    found, told = grants.granted(pod("0000:2a:00.2"), asks(openshift__rail_1=1), NICS, state())
    assert told == {"PCIDEVICE_OPENSHIFT_IO_RAIL_1": "0000:2a:00.2"}
    assert [(nic["rdma"], nic["pci"]) for nic in found or []] == [("mlx5_1", "0000:2a:00.2")]
    files = rdma.files(found or [], "10.244.0.9")
    assert "PCI_SLOT_NAME=0000:2a:00.2\n" in files[f"{rdma.ROOT}/mlx5_1/device/uevent"][0]


def test_a_resource_without_rdma_is_named_and_shows_no_device() -> None:
    found, told = grants.granted(pod(), asks(openshift__rail_0=1), NICS, state(is_rdma=False))
    assert found == [] and told == {"PCIDEVICE_OPENSHIFT_IO_RAIL_0": "0000:1a:00.1"}


def test_whole_cards_and_shared_ones() -> None:
    found, told = grants.granted(pod("0000:1a:00.0"), asks(nvidia__hostdev=1), NICS, None)
    assert [nic["rdma"] for nic in found or []] == ["mlx5_0"] and told == {"PCIDEVICE_NVIDIA_COM_HOSTDEV": "0000:1a:00.0"}
    assert grants.granted(pod(), asks(rdma__shared=1), NICS, state()) == (None, {})
    assert grants.granted(pod(), asks(nvidia__gpu=8), NICS, state()) == (None, {})


def context(scenario: Obj, nics: list[Obj] = NICS[:2]) -> Context:
    return Context(pod(), {"name": "c", "image": "x/perftest@sha256:0"}, {}, "10.244.0.9", Path("/x"), {}, lambda _name, seconds: seconds, scenario, nics)


def test_settings_follow_profile_and_scenario() -> None:
    made = runner.devices(context({}), down=False)
    assert made["mlx5_0"] == {"link_layer": "Ethernet", "active": True, "rate_gbps": 400.0, "delay": 1.0, "jumbo": True}
    slow = runner.devices(context({"slow_rails": {"node": "gpu-1", "rails": [1], "share": 0.2, "delay": 6}}), down=False)
    assert (slow["mlx5_0"]["rate_gbps"], slow["mlx5_1"]["rate_gbps"], slow["mlx5_1"]["delay"]) == (400.0, 80.0, 6)
    assert runner.devices(context({"slow_rails": {"node": "gpu-0", "rails": [1], "share": 0.2}}), down=False) == made
    launched = runner.launch(context({"kv_transfer": "tcp"}))
    assert not json.loads(launched.files["/.rehearsal/perftest.json"][0])["devices"]["mlx5_0"]["active"]


# ---- the tools ----


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "perftest.json"
    path.write_text(json.dumps({"devices": runner.devices(context({}), down=False), "scale": 0.05}))
    monkeypatch.setattr(perftest, "SETTINGS", path)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def both(tool: str, *words: str) -> list[int]:
    """Server and client of a tool in one process; the codes."""
    port, codes = str(free_port()), []
    server = threading.Thread(target=lambda: codes.append(perftest.main([tool, "-d", "mlx5_0", "-p", port, *words])))
    server.start()
    time.sleep(0.3)
    codes.append(perftest.main([tool, "-d", "mlx5_1", "-p", port, *words, "127.0.0.1"]))
    server.join(10)
    return codes


def test_bandwidth_as_perftest_prints_it(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert both("ib_write_bw", "-F", "-q", "4", "-s", "1048576", "--report_gbits", "-D", "2") == [0, 0]
    lines = capsys.readouterr().out.splitlines()
    row = lines[lines.index(" #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]") + 1].split()
    assert row[0] == "1048576" and 385 < float(row[3]) < 393 and len(row) == 5
    assert any("Device         : mlx5_1" in line for line in lines)


def test_mebibytes_unless_gigabits_are_asked_for(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both("ib_write_bw", "-n", "100")
    lines = capsys.readouterr().out.splitlines()
    row = next(lines[at + 1].split() for at, line in enumerate(lines) if "BW average[MiB/sec]" in line)
    assert 45000 < float(row[3]) < 47500


def test_latency(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert both("ib_read_lat", "-F", "-s", "2", "-n", "1000") == [0, 0]
    lines = capsys.readouterr().out.splitlines()
    row = next(lines[at + 1].split() for at, line in enumerate(lines) if "t_typical[usec]" in line)
    assert row[:2] == ["2", "1000"] and 2.4 < float(row[4]) < 2.8


@pytest.mark.parametrize(("change", "words", "text"), [
    ({}, ["-d", "mlx5_9"], "IB device mlx5_9 not found\n Unable to find the Infiniband/RoCE device"),
    ({"active": False}, ["-d", "mlx5_0"], " Port number 1 state is Down\n Couldn't set the link layer"),
    ({}, ["-d", "mlx5_0", "127.0.0.1"], "Couldn't connect to 127.0.0.1:"),
])  # fmt: skip
def test_failures_in_the_tools_words(settings: Path, capsys: pytest.CaptureFixture[str], change: Obj, words: list[str], text: str) -> None:
    made = json.loads(settings.read_text())
    made["devices"]["mlx5_0"].update(change)
    settings.write_text(json.dumps(made))
    assert perftest.main(["ib_write_bw", "-p", str(free_port()), *words]) == 1
    assert text in capsys.readouterr().err


def test_fio_prints_its_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "perftest.json"
    path.write_text(json.dumps({"scale": 0.0, "disk_mib": 670.0}))
    monkeypatch.setattr(fio, "SETTINGS", path)
    words = ["--name=read", "--rw=read", "--bs=1M", "--runtime=30", "--time_based", "--output-format=json"]
    assert fio.main([f"--filename={tmp_path}/file", *words]) == 0
    (job,) = json.loads(capsys.readouterr().out)["jobs"]
    assert job["read"]["bw_bytes"] == 670 * 2**20 and job["write"]["bw_bytes"] == 0
    assert fio.main(["--filename=/nowhere/at/all/file", *words]) == 1 and "No such file" in capsys.readouterr().err


def test_slow_disks_are_the_nodes() -> None:
    rates = [json.loads(runner.launch(context({"slow_disks": {"node": node, "share": 0.1}})).files["/.rehearsal/perftest.json"][0])["disk_mib"]
             for node in ("gpu-0", "gpu-1")]  # fmt: skip
    assert rates == [runner.DISK_MIB, runner.DISK_MIB / 10]


def test_without_any_device(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.write_text(json.dumps({"devices": {}, "scale": 1}))
    assert perftest.main(["ib_read_lat"]) == 1 and "No IB devices found" in capsys.readouterr().err
