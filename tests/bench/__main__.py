# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ratios and budgets of the main job, measured on a rehearsal and printed; nothing is asserted.

`make bench`, or `python -m tests.bench [--speed 0.1] [--name bench]`. Delays are stretched by 1/speed, so that what is measured is waiting well, not the
virtual cluster's own overhead. Peers run in the same minute on the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# What must follow what, by the names of rehearsal/profiles/_delays.yaml. Source: the order that the products enforce (docs/architecture.md 3.1).
# Only simulated delays count: OLM, KServe and the scheduler are real and take their own time, which is part of the run's. What runs beside a
# longer delay (feature discovery beside the device plugin, an AuthPolicy beside the model's start) is left out, so the ratio errs against us.
FEATURES = ["nfd-scan"]
BRANCHES = {
    "gpu": ["driver-build", "toolkit-ready", "device-plugin", "validator"],
    "storage": ["lvms-vg"],
    "gateway": ["istiod-ready", "kuadrant-ready"],
    "platform": ["dsci-ready", "dsc-ready"],
}
SERVICE = ["lvms-provision", "image-pull", "model-download", "vllm-load"]


def critical_path(delays: dict[str, float]) -> tuple[float, str]:
    """Seconds of the longest chain of simulated delays, and the branch that it goes through."""
    branch = max(BRANCHES, key=lambda name: sum(delays[d] for d in BRANCHES[name]))
    return sum(delays[d] for d in [*FEATURES, *BRANCHES[branch], *SERVICE]), branch


def timed(command: list[str], **options: Any) -> tuple[float, float, str]:
    """(wall seconds, CPU seconds of the children, output). A failing command ends the bench with its output."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def site(name: str, folder: str) -> list[str]:
    extra = {"rehearsal_name": name, "llmd_output_dir": folder}
    return [str(BIN / "ansible-playbook"), "site.yml", "-i", "inventories/rehearsal", "-e", json.dumps(extra)]


def ours(state: Path, start: int) -> list[dict[str, Any]]:
    """Audit events of the collection's requests from byte *start* on."""
    with (state / "audit.log").open("rb") as log:
        log.seek(start)
        events = [json.loads(line) for line in log if line.endswith(b"\n")]
    return [e for e in events if e.get("userAgent", "").startswith("llmd.openshift") and e["stage"] == "ResponseComplete"]


def apply_ratio(kubeconfig: str, folder: Path) -> tuple[float, float, float]:
    """CPU seconds of a play with one apply task, of kubectl for the same 30 objects (the second time: unchanged), and of a play without tasks."""
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"bench-{n}", "namespace": "default"}, "data": {"n": str(n)}}
        for n in range(30)
    ]
    manifest = folder / "objects.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    play = folder / "play.yml"
    task = {"name": "Apply", "llmd.openshift.apply": {"kubeconfig": kubeconfig, "objects": objects}}
    head = {"name": "Bench", "hosts": "localhost", "connection": "local", "gather_facts": False}
    play.write_text(json.dumps([{**head, "tasks": [task]}]))
    empty = folder / "empty.yml"
    empty.write_text(json.dumps([{**head, "tasks": []}]))
    kubectl = [str(BIN / "kubectl"), "--kubeconfig", kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", str(manifest)]
    playbook = [str(BIN / "ansible-playbook"), "-i", "localhost,", str(play)]
    environment = {**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    timed(kubectl)
    timed(playbook, env=environment)
    return timed(playbook, env=environment)[1], timed(kubectl)[1], timed([*playbook[:-1], str(empty)], env=environment)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the main job on a rehearsal.")
    parser.add_argument("--speed", default="0.1", help="speed of the rehearsal's clock (0.1: delays ten times as long)")
    parser.add_argument("--name", default="bench", help="name of the rehearsal that is made and taken down")
    arguments = parser.parse_args()
    name = arguments.name
    rehearsal = [sys.executable, "-m", "rehearsal"]
    try:
        up, _cpu, _out = timed([*rehearsal, "up", "--name", name, "--profile", "h200-roce", "--openshift", "4.20", "--speed", arguments.speed])
        status = json.loads(timed([*rehearsal, "status", "--name", name, "--json"])[2])
        state = Path(status["kubeconfig"]).parent
        delays = json.loads((state / "run" / "settings.json").read_text())["profile"]["delays"]
        chain, branch = critical_path({k: v / float(arguments.speed) for k, v in delays.items()})
        with tempfile.TemporaryDirectory() as folder:
            first, first_cpu, _out = timed(site(name, folder))
            mark = (state / "audit.log").stat().st_size
            second, second_cpu, output = timed(site(name, folder))
            requests = ours(state, mark)
            play_cpu, kubectl_cpu, empty_cpu = apply_ratio(status["kubeconfig"], Path(folder))
        print(f"load of the machine (1, 5, 15 minutes)  {os.getloadavg()}, {os.cpu_count()} processors")
        print(f"rehearsal up (warm)                     {up:8.1f} s      budget 45 s")
        print(f"critical path of the delays ({branch:8})  {chain:8.1f} s")
        print(f"first run, wall / critical path         {first / chain:8.2f}        budget 1.10   ({first:.1f} s)")
        print(f"second run, changed                     {re.findall(r'changed=([0-9]+)', output)[-1]:>8}        budget 0")
        print(f"second run, CPU / first run             {second_cpu / first_cpu:8.2f}        budget 0.3    ({second_cpu:.1f} / {first_cpu:.1f} s; wall {second:.1f} s)")
        print(f"requests of the second run              {len(requests):8}")
        print(f"one apply task, CPU / kubectl           {play_cpu / kubectl_cpu:8.2f}        budget 5      ({play_cpu:.2f} / {kubectl_cpu:.2f} s, 30 objects; a play without tasks {empty_cpu:.2f} s)")
    finally:
        subprocess.run([*rehearsal, "down", "--name", name], cwd=ROOT, check=False)


if __name__ == "__main__":
    main()
