# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fabric check: what the tools print, the ring, the verdict with the broken case beside each good one, and the script itself in a shell."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
from ansible_collections.llmd.openshift.plugins.module_utils._perf import fabric, output, run
from ansible_collections.llmd.openshift.plugins.module_utils._perf.output import Section
from ansible_collections.llmd.openshift.plugins.module_utils._perf.verdict import (
    Bounds,
    bounds,
    check,
    links,
    unmeasured,
)
from hypothesis import given, settings
from hypothesis import strategies as st

PD, WEP = "pd_disaggregation", "wide_expert_parallelism"
BW = """---------------------------------------------------------------------------------------
                    RDMA_Write BW Test
 Dual-port       : OFF\t\tDevice         : mlx5_0
---------------------------------------------------------------------------------------
 #bytes     #iterations    BW peak[{unit}]    BW average[{unit}]   MsgRate[Mpps]
 1048576    371237           0.00               {value:.2f}\t\t     0.046417
---------------------------------------------------------------------------------------
"""
LAT = """ #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]   99% percentile[usec]   99.9% percentile[usec]\x20
 2       1000          2.51           5.92         {value:.2f}     \t       2.60        \t0.09   \t\t2.77    \t\t5.92
"""
LAT_BY_DURATION = " #bytes        #iterations       t_avg[usec]    tps average\n 2       384615            2.60        384615.38\n"
REFUSED = "Couldn't connect to 172.30.1.2:18515\nUnable to open file descriptor for socket connection\n Unable to init the socket connection\n"
DOWN = " Port number 1 state is Down\n Couldn't set the link layer\n Couldn't get context for the device\n"


# ---- output ----


@pytest.mark.parametrize(("unit", "value", "gbit"), [
    ("Gb/sec", 389.27, 389.27), ("MB/sec", 46406.25, 389.28), ("MiB/sec", 46406.25, 389.28), ("furlongs/sec", 1.0, None),
])  # fmt: skip
def test_bandwidth_in_whatever_unit(unit, value, gbit):
    """perftest writes MB/sec where it counts MiB; taken as 10^6 it would be 4.9 % low."""
    found = output.gbit(BW.format(unit=unit, value=value))
    assert found is None if gbit is None else found == pytest.approx(gbit, rel=1e-3)


def test_latency_is_the_typical_one():
    assert output.usec(LAT.format(value=2.59)) == 2.59
    assert output.usec(LAT_BY_DURATION) == 2.6
    assert output.usec(BW.format(unit="Gb/sec", value=1)) is None and output.gbit(LAT.format(value=2.59)) is None


@pytest.mark.parametrize("text", ["", "#bytes", "#bytes #iterations BW average[Gb/sec]\n x y z", "\x00\xff", REFUSED, DOWN])
def test_what_is_no_table(text):
    assert output.gbit(text) is None and output.usec(text) is None


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_log_is_survived(text):
    output.gbit(text), output.usec(text), output.sections(text), output.why(text), output.fio_mib(text)


def test_words_of_a_failure():
    assert output.why(REFUSED).startswith("Couldn't connect to 172.30.1.2:18515")
    assert output.why(DOWN) == "Port number 1 state is Down"
    assert output.why("") == "it said nothing"


def test_sections_of_a_log():
    log = f"noise\n@llmd rail=0 tool=ib_write_bw role=client device=mlx5_0 rc=0\n{BW.format(unit='Gb/sec', value=390)}"
    log += "@llmd rail=1 tool=none role=device device= rc=1\nno RDMA device\n@llmd end\n"
    found, whole = output.sections(log)
    assert whole and [(one.rail, one.role, one.device, one.code) for one in found] == [(0, "client", "mlx5_0", 0), (1, "device", "", 1)]
    assert output.gbit(found[0].text) == 390
    assert output.sections(log.replace("@llmd end\n", "")) == (found, False)


def test_fio():
    document = 'fio: note\n{"jobs": [{"read": {"bw_bytes": 7340032000}, "write": {"bw_bytes": 0}}]}'
    assert output.fio_mib(document) == {"read": 7000.0}
    assert output.fio_mib("{}") is None and output.fio_mib("no") is None


# ---- design ----


@pytest.mark.parametrize("count", [2, 3, 7, 200])
def test_the_ring_has_each_node_once_as_client_and_as_server(count):
    pairs = fabric.ring([f"g{number}" for number in range(count)])
    assert len(pairs) == count and all(client != server for client, server in pairs)
    assert sorted(client for client, _ in pairs) == sorted(server for _, server in pairs)
    assert fabric.ring(["g0"]) == []


DESIGN = {
    "needed": True, "nodes": ["gpu-0", "gpu-1"],
    "rails": [{"index": index, "resource": f"openshift.io/llmd_rail_{index}", "network": f"llmd-rail-{index}",
               "nics": {node: {"name": f"ens{index}", "pci": f"0000:{index + 1}a:00.0"} for node in ("gpu-0", "gpu-1")}} for index in (0, 1)],
    "pod": {"annotations": {"k8s.v1.cni.cncf.io/networks": "llmd-rail-0,llmd-rail-1"}, "env": [], "capabilities": ["IPC_LOCK"],
            "resources": {"openshift.io/llmd_rail_0": "1", "openshift.io/llmd_rail_1": "1"}},
}  # fmt: skip


def test_rails_are_those_that_a_pod_gets():
    assert [rail.variable for rail in fabric.rails(DESIGN)] == ["PCIDEVICE_OPENSHIFT_IO_LLMD_RAIL_0", "PCIDEVICE_OPENSHIFT_IO_LLMD_RAIL_1"]
    less = {**DESIGN, "pod": {**DESIGN["pod"], "resources": {"openshift.io/llmd_rail_1": "1"}}}
    assert [rail.index for rail in fabric.rails(less)] == [1]
    existing = {"rails": [], "pod": {"resources": {"rdma/roce": "1"}}}
    assert [(rail.index, rail.variable) for rail in fabric.rails(existing)] == [(0, "PCIDEVICE_RDMA_ROCE")]
    assert fabric.rails({"rails": [], "pod": {}}) == []


@pytest.mark.parametrize(("budget", "count", "each"), [(600, 8, 10), (240, 8, 10), (200, 8, 6), (160, 8, None), (600, 16, 10)])
def test_the_budget_decides_how_long_a_run_is(budget, count, each):
    assert fabric.seconds_each(budget, count) == each


def test_a_pod_has_the_devices_of_a_model_server_and_no_privilege():
    made = fabric.pod("n", "ns", "gpu-1", 0, "i@sha256:0", "172.30.0.9", fabric.rails(DESIGN), 10, 600, DESIGN, [{"operator": "Exists"}], {"uid": "u"})
    container = made["spec"]["containers"][0]
    assert container["resources"]["limits"]["openshift.io/llmd_rail_1"] == "1" == container["resources"]["requests"]["openshift.io/llmd_rail_1"]
    assert made["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"] == "llmd-rail-0,llmd-rail-1"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]} and "env" not in str(DESIGN["pod"]["capabilities"])
    assert made["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "gpu-1"} and made["spec"]["tolerations"] == [{"operator": "Exists"}]
    words = {item["name"]: item["value"] for item in container["env"]}
    assert words["LLMD_RAILS"].split()[1] == "1:PCIDEVICE_OPENSHIFT_IO_LLMD_RAIL_1:0000:2a:00.0" and words["LLMD_PEER"] == "172.30.0.9"
    service = fabric.service("n", "ns", "gpu-1", 0, 2, {"uid": "u"})
    assert service["spec"]["selector"].items() <= made["metadata"]["labels"].items() and len(service["spec"]["ports"]) == 4


# ---- verdict ----

LIMIT = bounds(facts().thresholds, PD, {})


def measured(nodes=("a", "b", "c", "d"), rails=(0, 1), speed=390.0, usec=2.6, **wrong):
    """A whole set of links; wrong: "a_b_1" -> another speed, or a text."""
    found = []
    for client, server in fabric.ring(nodes):
        for rail in rails:
            odd = wrong.get(f"{client}_{server}_{rail}", speed)
            text = BW.format(unit="Gb/sec", value=odd) if isinstance(odd, float) else odd
            logs = {client: [Section(rail, "ib_write_bw", "client", "mlx5_0", 0 if isinstance(odd, float) else 1, text),
                             Section(rail, "ib_read_lat", "client", "mlx5_0", 0, LAT.format(value=usec))]}  # fmt: skip
            lines = {(node, rail): 400.0 for node in nodes}
            found += links([(client, server)], [rail], logs, lines)
    return found


def statuses(made):
    return {one["id"]: one["status"] for one in made["findings"]}


def test_a_good_fabric():
    made = check(measured(), LIMIT, PD)
    assert made["status"] == "pass" and statuses(made) == {"fabric-transport": "pass", "fabric-bandwidth": "pass"}
    assert made["matrix"]["columns"] == ["a to b", "b to c", "c to d", "d to a"] and len(made["matrix"]["rows"]) == 2
    assert made["numbers"] == {"links": 8, "least_gbit": 390.0, "median_gbit": 390.0}


@pytest.mark.parametrize(("speed", "status"), [(180.0, "pass"), (179.0, "warn"), (100.0, "warn"), (99.0, "fail")])
def test_bounds_of_red_hats_validator(speed, status):
    made = check(measured(speed=speed), Bounds(LIMIT.per, LIMIT.good, LIMIT.least, LIMIT.source, share=0.1), PD)
    assert statuses(made)["fabric-bandwidth"] == status == made["status"]


def test_the_sites_own_bounds_win():
    own = bounds(facts().thresholds, PD, {"fabric_pass_gbit": 395})
    assert (own.good, own.least) == (395, 100) and "declaration" in own.source
    assert check(measured(), own, PD)["status"] == "warn"
    assert bounds(facts().thresholds, PD, {"fabric_warn_gbit": 500}).least == 180  # never above what is good


def test_wide_expert_parallelism_counts_all_rails_together():
    limit = bounds(facts().thresholds, WEP, {})
    assert statuses(check(measured(speed=180.0, rails=(0, 1)), limit, WEP))["fabric-bandwidth"] == "pass"  # 360 of two rails
    assert statuses(check(measured(speed=120.0), limit, WEP))["fabric-bandwidth"] == "warn"
    assert statuses(check(measured(speed=90.0), limit, WEP))["fabric-bandwidth"] == "fail"


def test_one_card_among_many_is_named():
    """Both links of b's rail 1 are slow: it is b's card, not its neighbours'."""
    made = check(measured(a_b_1=80.0, b_c_1=81.0), LIMIT, PD)
    bad = next(one for one in made["findings"] if one["id"] == "fabric-bandwidth")
    assert (made["status"], bad["status"]) == ("fail", "fail") and bad["subject"] == "rail 1 of node b"
    assert "80 to 81 Gbit/s on 2 of 8 links" in bad["observed"] and bad["remedy"]


def test_one_direction_alone_blames_nobody():
    bad = next(one for one in check(measured(a_b_1=80.0), LIMIT, PD)["findings"] if one["status"] == "fail")
    assert bad["subject"] == "rail 1 between a to b"


def test_of_two_nodes_either_can_be_it():
    bad = next(one for one in check(measured(("a", "b"), a_b_1=80.0, b_a_1=80.0), LIMIT, PD)["findings"] if one["status"] == "fail")
    assert bad["subject"] == "rail 1 between a to b, b to a"


def test_a_rail_that_is_bad_everywhere_is_the_rail():
    wrong = {f"{client}_{server}_0": 50.0 for client, server in fabric.ring("abcd")}
    bad = next(one for one in check(measured(**wrong), LIMIT, PD)["findings"] if one["id"] == "fabric-bandwidth")
    assert bad["subject"] == "rail 0 between all nodes"


def test_a_rail_far_below_its_line_rate_is_a_warning():
    made = check(measured(a_b_1=250.0, b_c_1=250.0), LIMIT, PD)
    assert statuses(made) == {"fabric-transport": "pass", "fabric-bandwidth": "pass", "fabric-line-rate": "warn"} and made["status"] == "warn"
    assert made["matrix"]["rows"][1]["cells"][0]["status"] == "warn"


def test_late_answers_are_a_warning():
    found = measured()
    late = [one if one.rail or one.source != "a" else type(one)(**{**one.__dict__, "usec": 20.0}) for one in found]
    assert statuses(check(late, LIMIT, PD))["fabric-latency"] == "warn"


def test_nothing_gets_through_is_a_failure_with_the_tools_words():
    made = check(measured(a_b_0=REFUSED), LIMIT, PD)
    bad = next(one for one in made["findings"] if one["status"] == "fail")
    assert "nothing gets through: a: Couldn't connect" in bad["observed"] and made["matrix"]["rows"][0]["cells"][0]["gbit"] is None


def test_a_server_that_failed_tells_more_than_its_client():
    logs = {"a": [Section(0, "ib_write_bw", "client", "mlx5_0", 1, REFUSED)], "b": [Section(0, "ib_write_bw", "server", "mlx5_0", 1, "Couldn't allocate MR\n")]}
    (link,) = links([("a", "b")], [0], logs, {})
    assert link.broken == "b: Couldn't allocate MR"


@pytest.mark.parametrize("section", [
    Section(0, "none", "device", "", 1, "no RDMA device for PCI address 0000:1a:00.1 in /sys/class/infiniband"),
    Section(0, "none", "port", "mlx5_0", 1, "port 1 of mlx5_0 is 1: DOWN, so its state is no use"),
])  # fmt: skip
def test_no_rdma_means_tcp(section):
    made = check(links([("a", "b"), ("b", "a")], [0], {"b": [section]}, {}), LIMIT, PD)
    bad = next(one for one in made["findings"] if one["id"] == "fabric-transport")
    assert made["status"] == "fail" and "fall back to TCP" in bad["observed"] and "b: " in bad["observed"]


def test_a_pod_that_says_nothing_of_a_rail():
    (link,) = links([("a", "b")], [0], {}, {})
    assert "measured nothing" in link.broken and check([link], LIMIT, PD)["status"] == "fail"


def test_unmeasured_is_unknown_and_never_a_pass():
    assert unmeasured("no image", PD)["status"] == "unknown" == check([], LIMIT, PD)["status"]


# ---- run without a cluster ----


@pytest.mark.parametrize(("more", "word"), [
    ({"image": ""}, "no image"), ({"image": "x:latest"}, "digest"), ({"fabric": {"nodes": ["a", "b"], "pod": {}}}, "no device"),
    ({"fabric": {**DESIGN, "nodes": ["a"]}}, "single node"), ({"seconds": 130}, "too few"),
])  # fmt: skip
def test_what_keeps_it_from_measuring_asks_the_cluster_nothing(more, word):
    orders = run.Orders(**{"namespace": "n", "image": "x@sha256:0", "path": PD, "fabric": DESIGN, "bounds": LIMIT, **more})
    made, left = run.run(None, orders, print, print)
    assert made["status"] == "unknown" and word in made["findings"][0]["observed"] and made["findings"][0]["remedy"] and not left


# ---- the script ----

FAKE = """#!/bin/sh
name=$(basename "$0")
case "$*" in *" -p $REFUSE"*) echo "Couldn't connect"; exit 1 ;; esac
case "$*" in *172.30.*) [ "$name" = ib_write_bw ] && cat "$FAKES/bw" || cat "$FAKES/lat" ;; *) sleep 0.2 ;; esac
echo "called $name $*"
"""


@pytest.fixture
def shell(tmp_path):
    """The script with two cards in a made-up /sys and tools that answer at once."""
    (tmp_path / "bw").write_text(BW.format(unit="Gb/sec", value=388.0))
    (tmp_path / "lat").write_text(LAT.format(value=2.5))
    for tool in ("ib_write_bw", "ib_read_lat"):
        (tmp_path / tool).write_text(FAKE)
        (tmp_path / tool).chmod(0o755)
    for number, pci in enumerate(("0000:1a:00.2", "0000:2a:00.2")):
        card = tmp_path / "sys" / f"mlx5_{number}"
        for path, text in {
            "device/uevent": f"DRIVER=mlx5_core\nPCI_SLOT_NAME={pci}\n", "ports/1/state": "4: ACTIVE\n", "ports/1/gid_attrs/types/0": "IB/RoCE v1\n",
            "ports/1/gid_attrs/types/1": "RoCE v2\n", "ports/1/gids/1": "fe80:0000:0000:0000:0000:0000:0000:0001\n", "ports/1/gid_attrs/types/3": "RoCE v2\n",
            "ports/1/gids/3": "0000:0000:0000:0000:0000:ffff:0a5a:0005\n",
        }.items():  # fmt: skip
            (card / path).parent.mkdir(parents=True, exist_ok=True)
            (card / path).write_text(text)
    script = tmp_path / "check.sh"
    script.write_text(fabric.SCRIPT.replace("/sys/class/infiniband", str(tmp_path / "sys")))

    def call(**env):
        words = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAKES": str(tmp_path), "REFUSE": "none", "LLMD_PEER": "172.30.0.9", "LLMD_EACH": "1",
                 "LLMD_BUDGET": "20", "LLMD_PATIENCE": "1", "LLMD_PORT": "18515",
                 "LLMD_RAILS": "0:PCIDEVICE_X_0: 1:PCIDEVICE_X_1:".replace(": ", ":0000:99:00.0 ") + "0000:2A:00.2", **env}  # fmt: skip
        done = subprocess.run(["sh", str(script)], env=words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return output.sections(done.stdout)

    return call


def test_the_script_measures_each_rail_on_its_own_device(shell):
    found, whole = shell(PCIDEVICE_X_0="0000:1a:00.2,0000:1a:00.3")
    assert whole
    clients = [(one.rail, one.tool, one.device, one.code) for one in found if one.role == "client"]
    assert clients == [(0, "ib_write_bw", "mlx5_0", 0), (0, "ib_read_lat", "mlx5_0", 0), (1, "ib_write_bw", "mlx5_1", 0), (1, "ib_read_lat", "mlx5_1", 0)]
    assert output.gbit(found[0].text) == 388.0 and output.usec(found[1].text) == 2.5
    assert "-x 3" in found[0].text and "-p 18515 172.30.0.9" in found[0].text and "-p 18517" in found[2].text
    assert [one for one in found if one.role == "server"] == []  # only what failed is told


def test_the_script_says_where_there_is_no_device_and_no_port(shell, tmp_path):
    (tmp_path / "sys" / "mlx5_1" / "ports" / "1" / "state").write_text("1: DOWN\n")
    found, whole = shell()
    assert whole and [(one.rail, one.role) for one in found if one.role in ("device", "port")] == [(0, "device"), (1, "port")]
    assert "0000:99:00.0" in found[0].text and "DOWN" in found[1].text


def test_the_script_is_patient_once_and_then_goes_on(shell):
    begin = time.monotonic()
    found, whole = shell(PCIDEVICE_X_0="0000:1a:00.2", REFUSE="18515", LLMD_PATIENCE="2")
    assert whole and time.monotonic() - begin < 15
    assert [one.code for one in found if one.role == "client"] == [1, 0, 0, 0]


def test_the_script_says_which_tool_is_missing():
    done = subprocess.run(["/bin/sh", "-c", fabric.SCRIPT], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "@llmd missing ib_write_bw\n")
