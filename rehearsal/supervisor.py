# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Process 1 of a sandbox: furnishes it, starts every part in order, and ends them all when the keeper is gone.

Standard input is the life line: its end (the keeper died in whatever way) or any byte ("please stop") ends everything. On
standard output it tells the keeper, one JSON document a line, what goes on; the keeper writes ``status.json`` from that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal import bootstrap, controlplane, installs, olm, sandbox, saved_pods
from rehearsal.controlplane import Files, Program
from rehearsal.errors import RehearsalError
from rehearsal.kube import Kube, KubeError
from rehearsal.live import Live, follow
from rehearsal.processes import Processes
from rehearsal.settings_file import read_settings

INSTALL_SECONDS = 240.0
START_SECONDS = 300.0  # generous: the machine may be busy with other things
KEPT_BASES = 6  # prepared etcd folders that the cache keeps
NOT_FOR_PARTS = ("KUBECONFIG", "GOFLAGS", "GODEBUG")


class Supervisor:
    """One start of one rehearsal."""

    def __init__(self, state: Path, api_fd: int, gateway_fd: int, api_port: int) -> None:
        self.state = state
        self.fds = (api_fd, gateway_fd)
        self.api_url = f"https://127.0.0.1:{api_port}"
        self.settings = read_settings(state)
        self.bin: dict[str, str] = self.settings["bin"]
        self.began = time.monotonic()
        self.stopping = threading.Event()
        self.lock = threading.Lock()

    def run(self) -> None:
        """Start everything; afterwards wait for the end of the life line."""
        threading.Thread(target=self._follow_life_line, daemon=True, name="life-line").start()
        try:
            self.start()
        except (RehearsalError, KubeError, OSError) as error:
            self.tell(state="failed", error=str(error))
            time.sleep(0.2)
            self.end(1)
        follow(self.live, lambda: time.sleep(1.0), self.progress)

    def start(self) -> None:
        sandbox.furnish(self.settings["addresses"])
        self.processes = Processes(self.state / "logs", self._environment(), self._crashed)
        self.files = Files(self.state, self.api_url)
        self.kube = Kube.from_kubeconfig(self.files.kubeconfig("rehearsal:supervisor"), "cluster-bootstrap")
        self.live = Live(self.state, self.bin["opm"], self.files, self.processes)
        if self.settings.get("saved"):
            self.progress(f"saved state '{self.settings['saved']}' laid out")
        elif not self._restore():
            self._make_base()
        self._start(self._database_and_api())
        self._personalise()
        olm.forget_packages_api(self.kube)
        awaited = saved_pods.Awaited(self.kube, self.settings) if self.settings.get("saved") else None
        self._start(self._parts())
        olm.register_packages_api(self.kube, self.files)
        self._wait("nodes ready", lambda: _nodes_ready(self.kube))
        self._wait("catalogs ready", lambda: _catalogs_ready(self.kube))
        self._wait("packages served", lambda: olm.packages_served(self.kube))
        self._earlier_work()
        self.live.step()
        if awaited:
            self._wait(f"{len(awaited)} real pods started again", awaited.all_started)
        self.tell(state="ready", pids=self.processes.pids(), ready_seconds=round(time.monotonic() - self.began, 1))

    def _earlier_work(self) -> None:
        """What the scenario or twin says that somebody did before; a saved state has it already."""
        file = self.state / "run" / "installs.json"
        if self.settings.get("saved") or not file.exists():
            return
        orders = json.loads(file.read_text(encoding="utf-8"))
        if any(orders.values()):
            installs.must_be_done(installs.carry_out(self.kube, orders, INSTALL_SECONDS))
            self.progress(f"earlier work done: {len(orders['operators'])} operators, {len(orders['objects'])} objects")

    # --- the prepared database ------------------------------------------------------------------------------------

    def _base(self) -> Path:
        return Path(self.settings["cache"]) / "etcd" / self.settings["bare_key"]

    def _restore(self) -> bool:
        """Start from a copy of a database that already holds all definitions and the bare objects, if there is one."""
        shutil.rmtree(self.state / "etcd", ignore_errors=True)
        try:
            shutil.copytree(self._base(), self.state / "etcd")
        except (FileNotFoundError, shutil.Error):  # there is none, or another rehearsal removes it at this moment
            shutil.rmtree(self.state / "etcd", ignore_errors=True)
            return False
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._base())  # used just now: it's the last to be dropped
        self.progress("etcd data copied from the cache")
        return True

    def _make_base(self) -> None:
        """Load everything into an empty database, stop, and keep a copy for the next starts."""
        bare = json.loads((self.state / "run" / "bare.json").read_text(encoding="utf-8"))
        self._start(self._database_and_api())
        bootstrap.definitions(self.kube, bare["crds"])
        self.progress(f"{len(bare['crds'])} definitions loaded")
        bootstrap.objects(self.kube, bare["seed"])
        self.progress(f"{len(bare['seed'])} objects of a bare OpenShift loaded")
        self._stop_database_and_api()
        base = self._base()
        scratch = base.with_name(f"{base.name}.{os.getpid()}.{time.time_ns()}")
        shutil.copytree(self.state / "etcd", scratch)
        try:
            scratch.rename(base)
        except OSError:
            shutil.rmtree(scratch)  # another rehearsal was faster
        for old in sorted(base.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_BASES:]:
            shutil.rmtree(old, ignore_errors=True)

    def _stop_database_and_api(self) -> None:
        # The API server first: it hangs when it loses etcd while ending.
        self.processes.stop("kube-apiserver")
        self.processes.stop("etcd")

    # --- parts ----------------------------------------------------------------------------------------------------

    def _database_and_api(self) -> list[Program]:
        return [
            controlplane.etcd(self.bin["etcd"], self.state),
            controlplane.apiserver(self.bin["kube-apiserver"], self.files),
        ]

    def _parts(self) -> list[Program]:
        files, run, nodes = self.files, self.state / "run", len(self.settings["addresses"])
        return [
            controlplane.controller_manager(self.bin["kube-controller-manager"], files, nodes),
            controlplane.scheduler(self.bin["kube-scheduler"], files),
            controlplane.kwok(self.bin["kwok"], files, run / "stages.yaml", nodes),
            *self.live.catalogs(),
            olm.catalog_operator(self.bin["catalog"], files, self.settings["speed"]),
            olm.olm_operator(self.bin["olm"], files),
            olm.package_server(self.bin["package-server"], files),
            *self._own_parts(),
            self._door(),
        ]

    def _own_parts(self) -> list[Program]:
        """Stand-in operators and process kubelet; both read the settings file."""
        arguments = ["--settings", str(self.state / "run" / "settings.json")]
        files = self.files
        files.kubeconfig("rehearsal:operators")
        return [
            Program(name, [sys.executable, "-m", f"rehearsal.{name}", *arguments]) for name in ("operators", "kubelet")
        ]

    def _door(self) -> Program:
        """What lies behind the ports on the host: the relay. Files tell it where the API and the gateway are now."""
        api, gateway = self.fds
        run = self.state / "run"
        routes = [f"{api}=@{run / 'api-target'}", f"{gateway}=@{run / 'gateway-target'}"]
        return Program("relay", [sys.executable, "-m", "rehearsal.relay", *routes], pass_fds=self.fds)

    def _personalise(self) -> None:
        """What differs between two rehearsals with the same data: the cluster's id."""
        path = "/apis/config.openshift.io/v1/clusterversions/version"
        if self.kube.get(path):
            self.kube.patch(path, {"spec": {"clusterID": self.settings["cluster_id"]}})

    def _start(self, programs: list[Program]) -> None:
        for program in programs:
            self.processes.start(program)
            if program.name == "etcd":
                self.processes.wait_ready([program], START_SECONDS, lambda name: None)
        self.processes.wait_ready(programs, START_SECONDS, lambda name: self.progress(f"{name} ready"))

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        """Wait for a state of the cluster. An API that answers with an error for now (a busy start) isn't there yet."""
        end = time.monotonic() + START_SECONDS
        why = ""
        while True:
            began = time.monotonic()
            try:
                if ready():
                    self.progress(what)
                    return
            except KubeError as error:
                why = str(error)
            if time.monotonic() > end:
                raise RehearsalError(
                    f"not within {START_SECONDS:.0f} s", what, why, "See 'python -m rehearsal logs --list'"
                )
            time.sleep(max(0.2, 2 * (time.monotonic() - began)))  # a look at a fleet's nodes costs the API server a second

    def _environment(self) -> dict[str, str]:
        """Environment of all parts: ours, less what would lead them astray (a proxy, a foreign cluster)."""
        run = self.state / "run"
        kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k not in NOT_FOR_PARTS}
        return {**kept, "HOME": str(run / "home"), "TMPDIR": str(run / "tmp")}

    # --- telling and ending ---------------------------------------------------------------------------------------

    def progress(self, text: str) -> None:
        self.tell(progress=text, seconds=round(time.monotonic() - self.began, 1))

    def tell(self, **message: Any) -> None:
        with self.lock:
            try:
                sys.stdout.write(json.dumps(message) + "\n")
                sys.stdout.flush()
            except OSError:
                pass  # no keeper any more: the life line ends us

    def end(self, status: int) -> None:
        """End the sandbox: process 1 goes, and the kernel takes every other process, mount and network with it."""
        os._exit(status)

    def _crashed(self, name: str, status: int) -> None:
        if self.stopping.is_set():
            return
        how = f"ended with status {status}: {self.processes.tail(name)}"
        if status < 0:
            how = f"was killed by signal {-status} ({signal.Signals(-status).name})"
        self.tell(state="failed", error=f"{name} {how}. See 'python -m rehearsal logs {name}'")

    def _follow_life_line(self) -> None:
        os.read(0, 1)
        self.stopping.set()
        self.end(0)


def _nodes_ready(kube: Kube) -> bool:
    nodes = kube.list("/api/v1/nodes")
    # Those without KWOK's label have a dead kubelet, by the scenario.
    alive = [node for node in nodes if node["metadata"].get("labels", {}).get("type") == "kwok"]
    conditions = [{c["type"]: c["status"] for c in node.get("status", {}).get("conditions", [])} for node in alive]
    return bool(nodes) and all(c.get("Ready") == "True" for c in conditions)


def _catalogs_ready(kube: Kube) -> bool:
    found = kube.list(f"/apis/operators.coreos.com/v1alpha1/namespaces/{olm.MARKETPLACE}/catalogsources")
    states = [c.get("status", {}).get("connectionState", {}).get("lastObservedState") for c in found]
    return len(found) >= len(olm.PORTS) and all(state == "READY" for state in states)


def main() -> None:
    parser = argparse.ArgumentParser(prog="rehearsal.supervisor", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--api-fd", type=int, required=True)
    parser.add_argument("--gateway-fd", type=int, required=True)
    parser.add_argument("--api-port", type=int, required=True)
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the life line decides
    Supervisor(args.state, args.api_fd, args.gateway_fd, args.api_port).run()


if __name__ == "__main__":
    main()
