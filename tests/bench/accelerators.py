# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How well GPUs are waited for, measured on a rehearsal and printed; nothing is asserted: python -m tests.bench.accelerators [--profile P] [--speed S].

From the run's first write until every GPU is allocatable, against the critical path of the simulated delays; and the time from a change of
an awaited object to the end of the wait. Budgets: issue 6.

OLM is no simulation: on two processors it takes about 20 s on this path, whatever the speed of the clock. So the clock runs as slowly as makes the
delays those of real machines (a minute for NFD, whose interval is 60 s; four and a half for a driver container's build), and OLM's share is printed beside.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.__main__ import BIN, BRANCHES, FEATURES, ROOT, ours, site, timed

STAGES = ["access", "discover", "assess", "plan", "features", "operators", "nodes", "accelerators"]
ROUNDS = 20
WRITES = ("create", "update", "patch")


def counts(kubeconfig: str) -> dict[str, str]:
    """Node -> GPUs that it offers, of the nodes that have some on their bus."""
    done = subprocess.run([str(BIN / "kubectl"), "--kubeconfig", kubeconfig, "get", "nodes", "-o", "json"], capture_output=True, text=True, check=True)
    nodes = [node for node in json.loads(done.stdout)["items"] if node["metadata"]["name"].startswith("gpu-")]
    return {node["metadata"]["name"]: node["status"]["allocatable"].get("nvidia.com/gpu", "0") for node in nodes}


class Watch(threading.Thread):
    """Notes when every GPU node offers its GPUs."""

    def __init__(self, kubeconfig: str) -> None:
        super().__init__(daemon=True)
        self.kubeconfig, self.at, self.over = kubeconfig, 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            found = counts(self.kubeconfig)
            if found and "0" not in found.values():
                self.at = time.time()
                return


def first_write(state: Path, mark: int) -> float:
    """When the run changed the cluster first, its lock and reviews left out."""
    events = [e for e in ours(state, mark) if e["verb"] in WRITES and "selfsubject" not in e["requestURI"] and "namespaces/llmd-openshift" not in e["requestURI"] and "dryRun" not in e["requestURI"]]
    stamp = min(e["requestReceivedTimestamp"] for e in events)
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()


def olm_seconds(kubeconfig: str, namespace: str) -> float:
    """From a Subscription's creation until OLM calls its ClusterServiceVersion installed, by the cluster's own stamps (whole seconds)."""

    def stamp(*arguments: str) -> datetime:
        command = [str(BIN / "kubectl"), "--kubeconfig", kubeconfig, "get", "--namespace", namespace, "-o", *arguments]
        return datetime.fromisoformat(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])

    made = stamp("jsonpath={.items[0].metadata.creationTimestamp}", "subscriptions.operators.coreos.com")
    done = stamp('jsonpath={.items[?(@.status.reason=="InstallSucceeded")].status.lastTransitionTime}', "clusterserviceversions.operators.coreos.com")
    return (done - made).total_seconds()


def latencies(kubeconfig: str) -> list[float]:
    """Milliseconds between the answer to a change and the end of the wait for it."""
    sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]
    from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
    from ansible_collections.llmd.openshift.plugins.module_utils._wait.targets import parse
    from ansible_collections.llmd.openshift.plugins.module_utils._watch.wait import Wait

    cluster: Any = Cluster.connect({"kubeconfig": kubeconfig})
    found = []
    for number in range(ROUNDS):
        name = f"bench-{number}"
        path = cluster.path("v1", "ConfigMap", "default", name)
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"state": "notReady"}})
        target = {"api_version": "v1", "kind": "ConfigMap", "name": name, "namespace": "default", "until": "field", "with": {"path": "data.state", "equals": "ready"}}
        ended: list[float] = []

        def wait(wanted: Any = target, ended: list[float] = ended) -> None:
            Wait(cluster, parse([wanted]), 60, lambda _line: None).run()
            ended.append(time.monotonic())

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(1.0)  # the first reading is over and the watch stands
        cluster.patch(path, {"data": {"state": "ready"}})
        changed = time.monotonic()
        waiting.join()
        cluster.delete(path)
        found.append(1000 * (ended[0] - changed))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how GPUs are waited for.")
    parser.add_argument("--profile", default="h200-roce")
    parser.add_argument("--speed", default="0.03", help="speed of the rehearsal's clock (0.03: delays 33 times as long, about those of real machines)")
    parser.add_argument("--name", default="bench-gpus", help="name of the rehearsal that is made and taken down")
    arguments = parser.parse_args()
    rehearsal, name = [sys.executable, "-m", "rehearsal"], arguments.name
    try:
        timed([*rehearsal, "up", "--name", name, "--profile", arguments.profile, "--openshift", "4.20", "--speed", arguments.speed])
        status = json.loads(timed([*rehearsal, "status", "--name", name, "--json"])[2])
        state = Path(status["kubeconfig"]).parent
        delays = json.loads((state / "run" / "settings.json").read_text())["profile"]["delays"]
        chain = sum(delays[one] for one in [*FEATURES, *BRANCHES["gpu"]]) / float(arguments.speed)
        took = latencies(status["kubeconfig"])
        mark = (state / "audit.log").stat().st_size
        watch = Watch(status["kubeconfig"])
        watch.start()
        with tempfile.TemporaryDirectory() as folder:
            timed([*site(name, folder), "-e", json.dumps({"llmd_stages": STAGES})])
        watch.join(3600)
        watch.over.set()
        whole = watch.at - first_write(state, mark)
        olm = sum(olm_seconds(status["kubeconfig"], namespace) for namespace in ("openshift-nfd", "nvidia-gpu-operator"))
        print(f"load of the machine (1, 5, 15 minutes)  {os.getloadavg()}, {os.cpu_count()} processors")
        print(f"critical path of the delays             {chain:8.1f} s  ({arguments.profile}, speed {arguments.speed})")
        print(f"first write to all GPUs / critical path {whole / chain:8.2f}    budget 1.10   ({whole:.1f} s)")
        print(f"of it OLM's installations of NFD and GPU operator {olm:.0f} s; without them {(whole - olm) / chain:.2f}")
        print(f"a change to the end of its wait         {statistics.median(took):8.0f} ms budget 200    (median of {ROUNDS}; worst {max(took):.0f} ms)")
    finally:
        subprocess.run([*rehearsal, "down", "--name", name], cwd=ROOT, check=False)


if __name__ == "__main__":
    main()
