# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in a log: the way that UCX took, by process, and known troubles."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.llmd.openshift.plugins.module_utils._proof import engine_log

sys.path.insert(0, str(Path(__file__).parent))
from measured import table


def test_the_way_to_another_node() -> None:
    lines = engine_log.kept(table("rc_mlx5/mlx5_0:1"))
    assert engine_log.transports(lines) == {"rc_mlx5/mlx5_0:1"} and engine_log.is_rdma("rc_mlx5/mlx5_0:1")


def test_one_line_of_log_level_info() -> None:
    line = "[1.2] [d:1    :0]   ucp_worker.c:1888 UCX  INFO  ucp_context_0 inter-node cfg#1 rma(tcp/eth0) am(tcp/eth0)"
    assert engine_log.transports(engine_log.kept(line)) == {"tcp/eth0"} and not engine_log.is_rdma("tcp/eth0")


def test_several_ways_in_one_row() -> None:
    lines = engine_log.kept(table("50% on rc_mlx5/mlx5_0:1 and 50% on rc_mlx5/mlx5_4:1"))
    assert engine_log.transports(lines) == {"rc_mlx5/mlx5_0:1", "rc_mlx5/mlx5_4:1"}


def test_ways_within_a_node_are_no_evidence() -> None:
    assert engine_log.transports(engine_log.kept(table("rc_mlx5/mlx5_0:1", "intra"))) == set()


def test_tables_of_two_processes_do_not_mix() -> None:
    inside, outside = table("tcp/lo", "intra", 7).splitlines(), table("rc_mlx5/mlx5_3:1", "inter", 8).splitlines()
    mixed = "\n".join(line for pair in zip(inside, outside, strict=True) for line in pair)
    assert engine_log.transports(engine_log.kept(mixed)) == {"rc_mlx5/mlx5_3:1"}


def test_other_lines_that_look_alike() -> None:
    assert engine_log.kept("INFO: GET http://x/tcp/eth0\nsome text about rc_mlx5/mlx5_0:1\n") == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nixl_cu12._bindings.nixlRemoteDisconnectError: NIXL_ERR_REMOTE_DISCONNECT", "can't be read"),
        ("nixl_cu12._bindings.nixlBackendError: NIXL_ERR_BACKEND", "no common transport"),
        ("RuntimeError: Remote NIXL agent engine ID mismatch. Expected a,received b.", "another engine"),
        ("RuntimeError: NIXL compatibility hash mismatch. Local: 1, Remote: 2.", "different settings"),
        ("zmq.error.Again: Resource temporarily unavailable", "side channel"),
        ("UCX  WARN  transport 'rc' is not available, please use one or more of: tcp", "no RDMA device"),
        ("[Infer RoCE] Skipping inactive or down HCA: mlx5_0", "port in the Pod is down"),
    ],
)
def test_troubles(line: str, words: str) -> None:
    (found,) = engine_log.troubles(engine_log.kept(f"noise\n{line}\nnoise\n{line}\n"))
    assert words in found.what and found.repair.endswith(".")


def test_a_log_of_any_length_leaves_few_lines() -> None:
    text = "\n".join(f"NIXL_ERR_BACKEND {number}" for number in range(5000)) + "\n" + "\n".join(table(f"rc_mlx5/mlx5_{n}:1", process=n) for n in range(200))
    lines = engine_log.kept(text)
    assert len(lines) <= engine_log.LINES and all(len(line) <= 320 for line in lines)


def test_connectors() -> None:
    lines = engine_log.kept("(EngineCore_DP0 pid=1) INFO [factory.py:64] Creating v1 connector with name: OffloadingConnector and engine_id: dp0")
    assert engine_log.connectors(lines) == {"OffloadingConnector"}
