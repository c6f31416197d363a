# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page docs/paths.md: what each release can express, and every release x path x kind of cluster with its verdict (used by docs.py)."""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._assess import rules_serving
from ansible_collections.llmd.openshift.plugins.module_utils._assess.assess import assess
from ansible_collections.llmd.openshift.plugins.module_utils._assess.model import FAIL, Case
from ansible_collections.llmd.openshift.plugins.module_utils._assess.nodes import candidates
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import Facts
from ansible_collections.llmd.openshift.plugins.module_utils._declare.check import check
from ansible_collections.llmd.openshift.plugins.module_utils._serving import dialects

TESTS = Path(__file__).resolve().parents[1] / "tests" / "unit" / "data"
RECORDED = TESTS / "snapshots"
# Written by tests/integration/site/test_paths.py with PATHS_RECORD=1.
PROVEN = TESTS / "proven-paths.json"
TODAY = datetime.date(2026, 11, 30)  # of the data; the page must not change with the calendar
# A model that fits the path: experts for expert parallelism.
MODELS = {"wide_expert_parallelism": "hf://deepseek-ai/DeepSeek-R1"}
MODEL = "hf://Qwen/Qwen2.5-7B-Instruct"
OFFLOAD = {"blocks": "`num_cpu_blocks`, from the model's shape", "bytes": "`cpu_bytes_to_use`", None: "can't"}
ALL2ALL = {"variable": "`VLLM_ALL2ALL_BACKEND`", "flag": "`--all2all-backend`"}
CONFIG = {"args": "its arguments", "inline": "`spec.router.scheduler.config`"}

Table = Callable[[list[str], list[list[str]]], list[str]]


def page(data: Facts, paths: dict[str, str], mark: str, table: Table) -> list[str]:
    """Lines of the page. paths: id -> title."""
    lines = ["# Paths", "", mark, "", "What `llmd_path` serves, and where.", "", "## What a release can express", ""]
    lines += ["What a release can't express is refused before anything is written (rule `service-dialect`), with the releases that can.", ""]
    heads = ["OpenShift AI", "API", "vLLM", "asks for a token", "lost KV transfer", "size of the offloaded cache", "backend between experts", "precise prefix routing", "AMD's image"]
    lines += [*table(heads, [_dialect(release) for release in reversed(data.releases)]), ""]
    lines += ["## Every release, path and kind of cluster", "", "Verdicts on the virtual clusters of the rehearsal (`python -m rehearsal profiles`).", ""]
    lines += ["supported: GA; conditional: a preview, named; unknown: a deciding fact isn't stated; no: not supported, or refused for the reason below."]
    proven = json.loads(PROVEN.read_text(encoding="utf-8"))
    lines += [f"OpenShift AI {', '.join(_open())} can't ask for a token: it is served with `llmd_auth: false`, and refused otherwise."]
    lines += [f"**Bold**: site.yml served and proved it on that virtual cluster, and a second run changed nothing ({len(proven)} cells).", ""]
    reasons: dict[str, str] = {}
    for release, clusters in cells(data, list(paths), reasons).items():
        rows = [
            [f"`{name}`", *(f"**{cell}**" if f"{release} {name} {path}" in proven else cell for path, cell in row.items())]
            for name, row in clusters.items()
        ]
        lines += [f"### OpenShift AI {release}", "", *table(["cluster", *paths.values()], rows), ""]
    return [*lines, *(f"- {mark_} {reason}" for reason, mark_ in reasons.items()), ""]


def cells(data: Facts, paths: list[str], reasons: dict[str, str]) -> dict[str, dict[str, dict[str, str]]]:
    """Release, newest first -> virtual cluster -> path -> the words of its verdict; reasons: gets the footnotes, reason -> mark."""
    clusters = {file.name.removesuffix(".json.gz"): _judged(data, file) for file in sorted(RECORDED.glob("*.json.gz"))}
    return {
        release: {name: {path: _cell(data, one, release, path, reasons) for path in paths} for name, one in clusters.items()}
        for release in reversed(data.releases)
    }


def _open() -> list[str]:
    """Releases that let everybody in."""
    return dialects.releases_with(lambda row: not row["auth"]).split(", ")


def _dialect(release: str) -> list[str]:
    try:
        row = dialects.of_release(release)
    except dialects.UnknownRelease:
        return [release, "not known", *["-"] * 7]
    lost = "fails the request" if row["failure_policy"] else "is computed again, unnoticed"
    precise = f"by {CONFIG[row['picker']['config']]}" if row["picker"]["precise"] else "can't"
    image = "preset" if row["rocm_preset"] else "image of the operator's CSV"
    return [release, row["api_version"].split("/")[1], row["vllm"], "yes" if row["auth"] else "can't", lost, OFFLOAD[row["offload"]], ALL2ALL[row["all2all"]], precise, image]


@dataclass(frozen=True)
class Judged:
    """A cluster, and (verdict, tier) of every release and path."""

    snapshot: dict[str, Any]
    verdicts: dict[tuple[str, str], tuple[str, str | None]]


def _judged(data: Facts, file: Path) -> Judged:
    snapshot = json.loads(gzip.decompress(file.read_bytes()))
    made = assess(snapshot, _declared(data, data.releases[-1], "inference_scheduling"), data, TODAY, discovered=True)
    return Judged(snapshot, {(one["release"], one["path"]): (one["verdict"], one["tier"]) for one in made["verdicts"]})


def _declared(data: Facts, release: str, path: str) -> dict[str, Any]:
    given = {"llmd_api_url": "https://api.example.com:6443", "llmd_kubeconfig": "/dev/null", "llmd_release": release, "llmd_path": path}
    auth = {"llmd_auth": False} if release in _open() else {}
    return check(data.declaration, {**given, **auth, "llmd_model_uri": MODELS.get(path, MODEL)}, data.releases, [])[0]


def _cell(data: Facts, cluster: Judged, release: str, path: str, reasons: dict[str, str]) -> str:
    verdict, tier = cluster.verdicts[release, path]
    if verdict == "unsupported":
        return "no"
    declared = _declared(data, release, path)
    case = Case(cluster.snapshot, declared, data, release, path, candidates(cluster.snapshot, declared))
    found = [*rules_serving.service_dialect(case), *rules_serving.pods_apart(case)]
    why = next((f"{one.subject}: {one.observed}" for one in found if one.status == FAIL), "")
    return f"no {_mark(why, reasons)}" if why else f"{verdict} ({tier})" if verdict == "conditional" else verdict


def _mark(reason: str, reasons: dict[str, str]) -> str:
    """A footnote's number, one a reason."""
    return reasons.setdefault(reason, f"({len(reasons) + 1})")
