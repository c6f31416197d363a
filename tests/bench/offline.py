# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of judging files, printed: python -m tests.bench.offline [NODES]. Nothing is asserted, no cluster is needed.

A must-gather of NODES (default 500) GPU nodes, made by repeating a recorded node, against libyaml parsing the same files; and the verdict of
5,000 nodes. Budgets: issue 5, "Speed".
"""

from __future__ import annotations

import copy
import datetime
import io
import json
import resource
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._data import files  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import facts  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._mustgather import snapshot  # noqa: E402

from tests.unit.plugins.module_utils._assess.clusters import declared  # noqa: E402

RECORDED = ROOT / "tests" / "unit" / "data" / "snapshots" / "h200-roce.must-gather.tar.gz"


def unpack(folder: Path, nodes: int) -> list[Path]:
    """The recorded must-gather with gpu-0 (Node and NodeFeature) repeated; the paths of all objects."""
    with tarfile.open(RECORDED) as archive:
        archive.extractall(folder, filter="data")
    for path in sorted(folder.rglob("gpu-0.yaml")):
        text = path.read_text(encoding="utf-8")
        for number in range(2, nodes):
            path.with_name(f"gpu-{number}.yaml").write_text(text.replace("gpu-0", f"gpu-{number}"), encoding="utf-8")
    return sorted(folder.rglob("*.yaml"))


def cpu(work: Any) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def parse(paths: list[Path]) -> None:
    for path in paths:
        yaml.load(io.BytesIO(path.read_bytes()), Loader=yaml.CSafeLoader)


def main() -> int:
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    catalog, data, today = files.read(files.ROOT / "accelerators.yml"), facts(), datetime.date(2026, 11, 24)
    with tempfile.TemporaryDirectory() as name:
        paths = unpack(Path(name), nodes)
        size = sum(path.stat().st_size for path in paths) / 2**20
        yaml_seconds, _nothing = cpu(lambda: parse(paths))
        seconds, made = cpu(lambda: snapshot.of_must_gather(name, catalog, [], "2026-11-24T10:00:00Z"))
    print(f"must-gather of {len(made['nodes'])} nodes ({size:.1f} MiB): {seconds:.2f} s CPU, libyaml alone {yaml_seconds:.2f} s, ratio {seconds / yaml_seconds:.2f} (budget 3)")
    many = copy.deepcopy(made)
    gpu = next(node for node in made["nodes"] if node["accelerators"]["model"])
    many["nodes"] = [{**gpu, "name": f"gpu-{number}"} for number in range(5000)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, judged = cpu(lambda: assess(many, declared(), data, today))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"verdicts of 5000 nodes: {seconds:.2f} s CPU, {grown:.0f} MiB more memory, {len(json.dumps(judged)) / 1024:.0f} KiB, {judged['chosen']['verdict']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
