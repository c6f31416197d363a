# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time of assessing a fleet in one run, printed: python -m tests.bench.fleet [CLUSTERS [FORKS]]. Nothing is asserted, no cluster is needed.

CLUSTERS (default 20) hosts, each a recorded must-gather of a rehearsal's profile (the 12 profiles in turn), with FORKS (default 5) forks; the
same with one host shows what a host more costs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "unit" / "data" / "snapshots"


def run(clusters: int, forks: int) -> tuple[float, float, int]:
    """(wall seconds, CPU seconds, rows of the table) of one run of the playbook assess."""
    gathers = sorted(RECORDED.glob("*.must-gather.tar.gz"))
    hosts = {f"cluster-{number}": {"llmd_must_gather": str(gathers[number % len(gathers)])} for number in range(clusters)}
    with tempfile.TemporaryDirectory() as folder:
        inventory = Path(folder, "hosts.json")
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        extra = json.dumps({"llmd_output_dir": f"{folder}/out"})
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "llmd.openshift.assess", "-i", str(inventory), "-f", str(forks), "-e", extra]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, check=False)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
        rows = json.loads(Path(folder, "out", "fleet.json").read_text())["clusters"]
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, sum(row["verdict"] is not None for row in rows)


def main() -> int:
    clusters = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    forks = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for count in (1, clusters):
        wall, cpu, judged = run(count, forks)
        print(f"{judged} of {count} clusters judged in one run, {forks} forks: {wall:.1f} s wall, {cpu:.1f} s CPU, {cpu / count:.2f} s CPU a cluster")
    return 0


if __name__ == "__main__":
    sys.exit(main())
