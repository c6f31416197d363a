# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cost of assessing a large living cluster, printed: python -m tests.bench.live [NODES]. Nothing is asserted, no rehearsal is needed.

An HTTP server on loopback, a process of its own, serves pages of NODES (default 5000) GPU nodes and their NodeFeatures, made by repeating
objects that were recorded from a rehearsal's API server. Against it, each in a fresh interpreter: our snapshot and verdict, and `kubernetes.dynamic` listing the same two kinds in
pages of the same size. Budgets: issue 5, "Speed".
"""

from __future__ import annotations

import datetime
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
# A Node and a NodeFeature, byte for byte what the rehearsal's API server answers (managedFields included).
RECORDED = ROOT / "tests" / "bench" / "data" / "gpu-node.json.gz"
IMAGES = 50  # of a Node's status: what a kubelet reports by default (nodeStatusMaxImages); simulated nodes have none
PAGE = 500
NFD = "nfd.k8s-sigs.io/v1alpha1"
KINDS = {"/api/v1/nodes": "Node", f"/apis/{NFD}/nodefeatures": "NodeFeature"}
CONFIG = "/apis/config.openshift.io/v1"


def recorded() -> dict[str, Any]:
    """Path of a collection -> the object that it repeats; paths of single objects -> the object."""
    objects = json.loads(gzip.decompress(RECORDED.read_bytes()))
    digest = "sha256:" + "0123456789abcdef" * 4
    names = [f"quay.io/openshift-release-dev/ocp-v4.0-art-dev@{digest}", "quay.io/openshift-release-dev/ocp-v4.0-art-dev:<none>"]
    objects["Node"]["status"]["images"] = [{"names": names, "sizeBytes": 500000000 + number} for number in range(IMAGES)]
    version = {"spec": {"clusterID": "x"}, "status": {"history": [{"state": "Completed", "version": "4.20.20"}]}}
    return {**{path: objects[kind] for path, kind in KINDS.items()}, f"{CONFIG}/clusterversions/version": version}


def compact(value: Any) -> str:
    """JSON as an API server writes it."""
    return json.dumps(value, separators=(",", ":"))


def pages(path: str, one: Any, nodes: int) -> Iterator[bytes]:
    """The list in pages, as an API server answers it. The repeated object is named gpu-0 everywhere in itself."""
    kind, text = KINDS[path], compact(one if "apiVersion" in one else {key: value for key, value in one.items() if key != "kind"})
    version = path.split("/api/")[-1].split("/apis/")[-1].rsplit("/", 1)[0]
    for start in range(0, nodes, PAGE):
        end = min(nodes, start + PAGE)
        meta = {"resourceVersion": "1", **({"continue": str(start // PAGE + 1)} if end < nodes else {})}
        items = ",".join(text.replace("gpu-0", f"gpu-{number}") for number in range(start, end))
        head = compact({"kind": f"{kind}List", "apiVersion": version, "metadata": meta})[:-1]
        yield f'{head},"items":[{items}]}}'.encode()


def discovery() -> dict[str, Any]:
    """What both peers ask first: the aggregated form for us, the older one (below) for the other."""
    resources = [{"resource": "nodefeatures", "responseKind": {"kind": "NodeFeature"}, "scope": "Namespaced", "verbs": ["list"]}]
    group = {"metadata": {"name": NFD.split("/")[0]}, "versions": [{"version": NFD.split("/")[1], "resources": resources}]}
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [group]}


def legacy() -> dict[str, Any]:
    group, version = NFD.split("/")
    entry = {"groupVersion": NFD, "version": version}
    verbs = ["get", "list", "watch"]
    return {
        "/version": {"gitVersion": "v1.33.9", "major": "1", "minor": "33"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": [{"name": group, "versions": [entry], "preferredVersion": entry}]},
        "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [{"name": "nodes", "kind": "Node", "namespaced": False, "verbs": verbs}]},
        f"/apis/{NFD}": {"kind": "APIResourceList", "groupVersion": NFD, "resources": [{"name": "nodefeatures", "kind": "NodeFeature", "namespaced": True, "verbs": verbs}]},
    }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Answers from what is prepared; all else is 404, as for a kind that isn't served."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, Any] = {}
    lists: dict[str, list[bytes]] = {}
    seen: list[str] = []

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == "/requests":
            body = json.dumps(self.seen).encode()
            type(self).seen = []
        elif parts.path in self.lists:
            self.seen.append(self.path)
            body = self.lists[parts.path][int(query.get("continue", ["0"])[0])]
        else:
            self.seen.append(self.path)
            aggregated = parts.path == "/apis" and "apidiscovery" in self.headers.get("Accept", "")
            found = discovery() if aggregated else self.answers.get(parts.path)
            body = json.dumps(found or {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}).encode()
            if found is None:
                return self.reply(404, body)
        return self.reply(200, body)

    def reply(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the bench prints its own lines."""


def serve(nodes: int) -> None:
    """Until the other end of standard input is closed."""
    objects = recorded()
    Handler.lists = {path: list(pages(path, objects[path], nodes)) for path in KINDS}
    Handler.answers = {**legacy(), **{path: obj for path, obj in objects.items() if path not in KINDS}}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    size = sum(len(page) for made in Handler.lists.values() for page in made)
    print(json.dumps({"port": server.server_port, "bytes": size}), flush=True)
    import threading

    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


def ours(port: int) -> dict[str, Any]:
    """Snapshot and verdicts, as a run makes them."""
    sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]
    from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess
    from ansible_collections.llmd.openshift.plugins.module_utils._data import files
    from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts
    from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster
    from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import collect

    if not port:  # only what Python compiles at the first import
        return {}
    catalog = files.load(files.ROOT / "accelerators.yml", "accelerators")
    cluster = Cluster.connect({"host": f"http://127.0.0.1:{port}", "api_key": "none"})
    made = collect.read(cluster, catalog, [], ["openshift/tools"], "2026-11-24T10:00:00Z")
    declared = {"release": "3.3", "path": "inference_scheduling", "wep_nodes": "multi", "replicas": 2, "gpus_per_replica": 1, "auth": True}
    judged = assess(made, declared, facts(), datetime.date(2026, 11, 24))
    return {"nodes": len(made["nodes"]), "verdict": judged["chosen"]["verdict"]}


def theirs(port: int) -> dict[str, Any]:
    """The same two lists, in pages of the same size."""
    from kubernetes import client, dynamic

    if not port:
        return {}
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{port}"
    api = dynamic.DynamicClient(client.ApiClient(configuration))
    counts = {}
    for version, kind in (("v1", "Node"), (NFD, "NodeFeature")):
        listing, counts[kind], token = api.resources.get(api_version=version, kind=kind), 0, None
        while True:
            page = listing.get(limit=PAGE, **({"_continue": token} if token else {}))
            counts[kind] += len(page.items)
            token = page.metadata["continue"]
            if not token:
                break
    return counts


def measured(role: str, port: int, compiled: str) -> tuple[float, float, dict[str, Any]]:
    """(CPU seconds, MiB of memory at the most, what it says) of one role in a fresh interpreter.

    :param compiled: folder for Python's compiled files, so that neither peer is compiled anew where the environment forbids to keep them.
    """
    found = "{}" if role == "nothing" else f"live.{role}({port})"
    code = f"{'' if role == 'nothing' else 'from tests.bench import live; '}import json, resource; found = {found}"
    code += "; used = resource.getrusage(resource.RUSAGE_SELF); print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, found]))"
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{role} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    seconds, memory, told = json.loads(done.stdout)
    return seconds, memory, told


def requests(port: int) -> int:
    """How many requests came since the last time this was asked."""
    from urllib.request import ProxyHandler, build_opener

    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/requests") as answer:
        return len(json.load(answer))


def main() -> int:
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    code = f"from tests.bench import live; live.serve({nodes})"
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        port = told["port"]
        for role in ("ours", "theirs"):
            measured(role, 0, folder)
        _cpu, empty, _nothing = measured("nothing", 0, folder)
        our_cpu, our_memory, found = measured("ours", port, folder)
        our_requests = requests(port)
        their_cpu, their_memory, _counts = measured("theirs", port, folder)
        server.communicate("")
    print(f"{found['nodes']} nodes, {told['bytes'] / 2**20:.0f} MiB of Nodes and NodeFeatures; {found['verdict']}")
    print(f"snapshot and verdict, CPU            {our_cpu:8.2f} s")
    print(f"kubernetes.dynamic lists them, CPU   {their_cpu:8.2f} s")
    print(f"ratio                                {our_cpu / their_cpu:8.3f}     budget 0.15")
    print(f"memory above the interpreter         {our_memory - empty:8.0f} MiB budget 100  (kubernetes.dynamic: {their_memory - empty:.0f})")
    print(f"requests                             {our_requests:8}     budget {40 + nodes // 500}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
