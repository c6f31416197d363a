# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker whose run was killed: real processes, forked as ansible-core does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

RUN = """
import multiprocessing, os, sys, time
from ansible_collections.llmd.openshift.plugins.module_utils._access import whoami

def worker():
    os.setsid()  # as ansible-core 2.19 does
    if sys.argv[1] == "bound":
        whoami.end_with_run()
    print("works for", whoami.run_pid(), flush=True)
    for _ in range(1000):
        if whoami.outlived():
            print("outlives", whoami.run_pid(), flush=True)
            return
        time.sleep(0.01)

made = multiprocessing.get_context("fork").Process(target=worker)
made.start()
made.join()
"""


def killed_run(kind: str) -> tuple[int, list[str]]:
    """The pid of a run that got SIGKILL while its worker worked, and all that the worker said until it ended."""
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", RUN, kind], stdout=subprocess.PIPE, text=True, start_new_session=True, env=os.environ | {"PYTHONPATH": path}
    ) as run:
        assert run.stdout
        lines = [run.stdout.readline()]
        os.killpg(run.pid, signal.SIGKILL)
        return run.pid, [line.strip() for line in lines + run.stdout.readlines()]


def test_an_orphan_knows_its_run_and_that_it_is_gone() -> None:
    """In the name of its new parent (1, which never ends) it would lock the cluster for all others."""
    run, lines = killed_run("free")
    assert lines == [f"works for {run}", f"outlives {run}"]


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux's")
def test_a_worker_ends_with_its_run() -> None:
    run, lines = killed_run("bound")
    assert lines == [f"works for {run}"]
