#!/usr/bin/env python3
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what the rehearsal's profiles look like to the collection, as test data of the assessment.

python tools/record_snapshots.py [PROFILE ...]     all profiles without a name

For each profile: start it, install Node Feature Discovery by kubectl, read the snapshot with the collection's own reader, write
tests/unit/data/snapshots/<profile>.json.gz, and beside it <profile>.must-gather.tar.gz, made of kubectl's output alone.
tests/integration/assess/ records a profile again and compares, so the recordings stay what the rehearsal really gives.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.llmd.openshift.plugins.module_utils._data import files  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._k8s import Cluster  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._plan.operators import packages_to_read  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._snapshot import collect  # noqa: E402

FOLDER = ROOT / "tests" / "unit" / "data" / "snapshots"
CLUSTER_ID = "00000000-0000-4000-8000-000000000000"
READ_AT = "2026-11-24T10:00:00Z"
IMAGE = "quay-io-openshift-release-dev-ocp-v4-0-art-dev-sha256-0123456789abcdef"
# What the default gather takes, of all that a snapshot is made of (openshift/must-gather, collection-scripts).
GATHERED = (
    "clusterversions.config.openshift.io", "infrastructures.config.openshift.io", "networks.config.openshift.io",
    "operatorhubs.config.openshift.io", "nodes", "machineconfigpools.machineconfiguration.openshift.io",
    "storageclasses.storage.k8s.io", "subscriptions.operators.coreos.com", "clusterserviceversions.operators.coreos.com",
    "catalogsources.operators.coreos.com", "operatorgroups.operators.coreos.com", "nodefeatures.nfd.k8s-sigs.io",
    "nodefeaturediscoveries.nfd.openshift.io",
)  # fmt: skip
AS_LIST = ("infrastructures", "operatorhubs")
NFD = """
apiVersion: v1
kind: Namespace
metadata: {name: openshift-nfd}
---
apiVersion: operators.coreos.com/v1
kind: OperatorGroup
metadata: {name: nfd, namespace: openshift-nfd}
spec: {targetNamespaces: [openshift-nfd]}
---
apiVersion: operators.coreos.com/v1alpha1
kind: Subscription
metadata: {name: nfd, namespace: openshift-nfd}
spec: {channel: stable, name: nfd, source: redhat-operators, sourceNamespace: openshift-marketplace}
"""
INSTANCE = """
apiVersion: nfd.openshift.io/v1
kind: NodeFeatureDiscovery
metadata: {name: nfd-instance, namespace: openshift-nfd}
spec:
  workerConfig:
    configData: |
      sources: {pci: {deviceClassWhitelist: ["0108", "02", "03", "12"], deviceLabelFields: [vendor]}}
"""


def kubectl(kubeconfig: str, *args: str, stdin: str | None = None, check: bool = True) -> str:
    """Standard output of kubectl; empty when it failed and *check* is off."""
    command = [str(Path(sys.executable).with_name("kubectl")), "--kubeconfig", kubeconfig, *args]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=300)
    if check and done.returncode:
        raise SystemExit(f"kubectl {' '.join(args)}: {done.stderr}")
    return done.stdout if done.returncode == 0 else ""


def discover(kubeconfig: str, seconds: float = 300) -> None:
    """Installs Node Feature Discovery and waits until every node that it runs on has told its features."""
    kubectl(kubeconfig, "apply", "-f", "-", stdin=NFD)
    end, seen, calm = time.monotonic() + seconds, 0, 0
    while not kubectl(kubeconfig, "apply", "-f", "-", stdin=INSTANCE, check=False):
        _sleep(end, "the CRD of NodeFeatureDiscovery")
    while calm < 4:
        _sleep(end, "NodeFeatures")
        now = len(kubectl(kubeconfig, "get", "nodefeatures", "-A", "-o", "name", check=False).split())
        calm, seen = (calm + 1, now) if now and now == seen else (0, now)
    while not kubectl(
        kubeconfig,
        "get",
        "csv",
        "-n",
        "openshift-nfd",
        "-o",
        "jsonpath={.items[?(@.status.phase=='Succeeded')].metadata.name}",
    ):
        _sleep(end, "the CSV of Node Feature Discovery")


def _sleep(end: float, what: str) -> None:
    if time.monotonic() > end:
        raise SystemExit(f"{what} did not come in time")
    time.sleep(1)


def read(kubeconfig: str) -> dict[str, Any]:
    """The snapshot, as module cluster_snapshot makes it."""
    catalog = files.load(files.ROOT / "accelerators.yml", "accelerators")
    cluster = Cluster.connect({"kubeconfig": kubeconfig})
    return collect.read(cluster, catalog, packages_to_read(facts()), ["openshift/tools"], READ_AT)


def steady(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The snapshot without what differs from one start of a profile to the next: identity, ports, times, generated names."""
    made = json.loads(json.dumps(snapshot))
    made["read_at"] = READ_AT
    made["cluster"].update(id=CLUSTER_ID, api_url=None)
    for row in made["openshift"]["history"]:
        row["started"] = row["completed"] = None
    for row in made["operators"] or []:
        row["install_plan"] = None
    for row in made["catalogs"] or []:
        row["image"] = None
    for kind, rows in made["objects"].items():
        for row in rows or []:
            row["status"] = None
        made["objects"][kind] = rows
    return made


def gather(kubeconfig: str) -> Iterator[tuple[str, bytes]]:
    """(path, content) of a must-gather folder, from kubectl's output alone."""
    yield f"{IMAGE}/version", b"openshift/must-gather\n4.20.0\n"
    yield f"{IMAGE}/timestamp", b"2026-11-24 10:00:00 +0000 UTC\n"
    for resource in GATHERED:
        plural, _dot, group = resource.partition(".")
        text = kubectl(kubeconfig, "get", resource, "-A", "-o", "yaml", check=False)
        document = yaml.load(text, Loader=yaml.CSafeLoader) if text else None
        if document is None:
            continue
        if plural in AS_LIST:
            yield f"{IMAGE}/cluster-scoped-resources/{group}/{plural}.yaml", _dumped(document)
            continue
        for item in document["items"]:
            meta = item["metadata"]
            scope = f"namespaces/{meta['namespace']}" if meta.get("namespace") else "cluster-scoped-resources"
            yield f"{IMAGE}/{scope}/{group or 'core'}/{plural}/{meta['name']}.yaml", _dumped(item)


def _dumped(document: Any) -> bytes:
    return b"---\n" + yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=True).encode()


def packed(parts: Iterator[tuple[str, bytes]]) -> bytes:
    """A tar.gz of the folder; the same bytes for the same parts."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in parts:
            info = tarfile.TarInfo(f"must-gather.local.1/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def record(profile: str, openshift: str, speed: float, folder: Path) -> None:
    """One profile: start, learn, read, write, stop."""
    name = f"record-{os.getpid()}-{profile}"
    rehearsal = [sys.executable, "-m", "rehearsal"]
    subprocess.run(
        [*rehearsal, "up", "--name", name, "--profile", profile, "--openshift", openshift, "--speed", str(speed)],
        cwd=ROOT, check=True,
    )  # fmt: skip
    try:
        told = subprocess.run(
            [*rehearsal, "status", "--name", name, "--json"], cwd=ROOT, check=True, capture_output=True
        )
        kubeconfig = json.loads(told.stdout)["kubeconfig"]
        discover(kubeconfig)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(steady(read(kubeconfig)), sort_keys=True, indent=1, ensure_ascii=False)
        (folder / f"{profile}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        (folder / f"{profile}.must-gather.tar.gz").write_bytes(packed(gather(kubeconfig)))
    finally:
        subprocess.run([*rehearsal, "down", "--name", name], cwd=ROOT, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description="Record snapshots of rehearsal profiles as test data.")
    parser.add_argument("profiles", nargs="*", metavar="PROFILE", help="profiles (default: all)")
    parser.add_argument("--openshift", default="4.20", help="version of OpenShift (default: 4.20)")
    parser.add_argument("--speed", type=float, default=20, help="2 = simulated delays take half as long (default: 20)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the recordings go")
    arguments = parser.parse_args()
    known = sorted(path.stem for path in (ROOT / "rehearsal" / "profiles").glob("[!_]*.yaml"))
    for profile in arguments.profiles or known:
        record(profile, arguments.openshift, arguments.speed, arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
