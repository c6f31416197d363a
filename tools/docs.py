#!/usr/bin/env python3
# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the documentation pages that come from data: support matrix, variables, rules, operators, paths.

python tools/docs.py            writes docs/{support-matrix,variables,rules,operators}.md and docs/rules/<rule>.md
python tools/docs.py --check    writes nothing; ends with 1 and names the pages that are out of date
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT / "tools")]

from ansible_collections.llmd.openshift.plugins.module_utils._assess import explain  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._assess.registry import RULES  # noqa: E402
from ansible_collections.llmd.openshift.plugins.module_utils._data.facts import Facts, facts  # noqa: E402

import docs_models  # noqa: E402  isort: skip
import docs_paths  # noqa: E402  isort: skip

MARK = "<!-- Made by tools/docs.py from data/. Change the data, then run it again. -->"
PATHS = {
    "inference_scheduling": "Intelligent inference scheduling",
    "pd_disaggregation": "P/D disaggregation",
    "kv_cache_offload": "KV cache offload to CPU",
    "wide_expert_parallelism": "Wide expert parallelism",
}
TIERS = {"GA": "GA", "TP": "Technology Preview", "DP": "Developer Preview", "none": "not supported", None: "not stated"}


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads)), *[_line(row) for row in rows]]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def support_matrix(data: Facts) -> list[str]:
    lines = ["# Support matrix", "", MARK, ""]
    lines += [
        "What `assess` judges by (`data/matrix/`). A cell that isn't stated gives the verdict `unknown`, never a pass.",
        "",
    ]
    releases = list(reversed(data.releases))
    heads = ["OpenShift AI", "tier", "llm-d", "RHAIIS", "date", "OpenShift"]
    rows = []
    for release in releases:
        matrix = data.matrix[release]
        parts, least = matrix["components"], matrix["openshift"]["at_least"]
        rows.append(
            [
                release,
                TIERS[matrix["tier"]],
                parts["llm_d"] or "not stated",
                parts["rhaiis"] or "not stated",
                matrix["date"] or "not stated",
                f"{least} or newer" if least else "not stated",
            ]
        )
    lines += [*table(heads, rows), ""]
    for release in releases:
        lines += _release(release, data.matrix[release])
    return lines


def _release(release: str, matrix: dict[str, Any]) -> list[str]:
    rows = [
        [
            PATHS[row["path"]],
            row["vendor"].upper(),
            TIERS[row["tier"]],
            ", ".join(row["accelerators"] or ["not stated"]),
            _network(row["network"]),
            _storage(row["storage"]),
            matrix["mixed_accelerators"][row["path"]] or "not stated",
        ]
        for row in matrix["rows"]
    ]
    heads = ["path", "vendor", "tier", "GPUs", "network or link", "storage", "mixed models"]
    lines = [f"## OpenShift AI {release}", "", *table(heads, rows), ""]
    lines += [
        f"- {note['says']} ({TIERS[note['tier']]}{', on request' if note.get('on_request') else ''})"
        for note in matrix["notes"]
    ]
    api = matrix["api"]
    lines += [
        "" if matrix["notes"] else None,
        f"API: `{'`, `'.join(api['supported'])}`. Out of scope: {', '.join(api['out_of_scope'])}.",
        "",
    ]
    return [
        *[line for line in lines if line is not None],
        f"Source: {matrix['source']}, retrieved {matrix['retrieved']}.",
        "",
    ]


def _network(network: dict[str, Any] | None) -> str:
    if network is None:
        return "not stated"
    if network["rdma"]:
        return "RDMA: " + " or ".join({"infiniband": "InfiniBand", "roce": "RoCE"}[one] for one in network["rdma"])
    if network["ethernet_gbit"]:
        return f"Ethernet {' or '.join(map(str, network['ethernet_gbit']))} GbE"
    return f"PCIe {network['pcie_generation']} or newer"


def _storage(storage: str | None) -> str:
    return {
        "nvme_recommended": "NVMe recommended",
        "nvme_required": "NVMe required",
        "not_applicable": "-",
        None: "not stated",
    }[storage]


def variables(data: Facts) -> list[str]:
    lines = ["# Variables", "", MARK, ""]
    lines += [
        "What a user declares for a cluster (`data/declaration.yml`). All errors are reported at once, before anything is read.",
        "",
    ]
    rows = [
        [f"`{one['name']}`", _type(one), _default(one), one["description"] + _conditions(one)]
        for one in data.declaration["options"]
    ]
    return [*lines, *table(["variable", "type", "default", "meaning"], rows), ""]


def _type(option: dict[str, Any]) -> str:
    kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
    return kind + (f", {option['unit']}" if "unit" in option else "") + (", secret" if option.get("secret") else "")


def _default(option: dict[str, Any]) -> str:
    default = option.get("default")
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{shown}`" if default not in (None, [], {}) else ""


def _conditions(option: dict[str, Any]) -> str:
    said = []
    if "choices" in option:
        said.append(f"One of {', '.join(f'`{choice}`' for choice in option['choices'])}.")
    if "min" in option:
        said.append(f"From {option['min']} to {option['max']}.")
    instead = "".join(f" (or `{other}`)" for other in option.get("needed_unless", []))
    if option.get("required"):
        said.append(f"Must be given{instead}.")
    if "needed_for" in option:
        said.append(f"Must be given for the stage {', '.join(option['needed_for'])}{instead}.")
    if "needed_if" in option:
        said.append(
            f"Must be given when `{option['needed_if']['option']}` is `{str(option['needed_if']['is']).lower()}`."
        )
    return "".join(f" {sentence}" for sentence in said)


def rules(data: Facts) -> list[str]:
    words = {
        "deciding": "Deciding: failing makes the verdict unsupported, unknown makes it unknown",
        "confirming": "Confirming: known and bad counts as the article demands, unknown is listed as unverified",
        "run": "Run: says whether a run can succeed; a failing one stops it before any write",
    }
    lines = [
        "# Rules",
        "",
        MARK,
        "",
        "What `assess` checks. A failing finding can be accepted by `llmd_waivers`, with the rule's id. "
        "`-e llmd_explain=ID` prints a rule's page in the terminal.",
        "",
    ]
    for kind, title in words.items():
        rows = [[_to_page(rule.id), rule.checks, rule.why] for rule in RULES if rule.kind == kind]
        lines += [f"## {title}", "", *table(["id", "checks", "why"], rows), ""]
    quirks = [
        [
            _to_page(one["id"]),
            one["title"],
            one["effect"],
            one["remedy"],
            "stops a run" if one["blocking"] else one["status"],
            one["source"],
        ]
        for one in data.quirks
    ]
    return [
        *lines,
        "## Known-bad versions and traps",
        "",
        *table(["id", "what", "effect", "remedy", "kind", "source"], quirks),
        "",
    ]


def _to_page(rule: str) -> str:
    return f"[`{rule}`](rules/{rule}.md)"


def rule_page(rule: str, said: dict[str, str]) -> list[str]:
    """One rule or quirk: what llmd_explain prints, as a page."""
    lines = [f"# {rule}", "", MARK, "", said["checks"], "", f"**Why.** {said['why']}", "", f"**Effect.** {explain.KINDS[said['kind']]}", ""]
    lines += [f"**What to do.** {said['remedy']}", "", f"**Source.** {said['source']}", ""]
    return [*lines, f"**Until.** {said['remove_when']}.", ""] if "remove_when" in said else lines


def operators(data: Facts) -> list[str]:
    lines = ["# Operators", "", MARK, ""]
    lines += [
        "What is installed through OLM, and in which version (`data/operators/`). Only InstallPlans of exactly these versions are approved.",
        "",
    ]
    for package, row in sorted(data.operators.items()):
        lines += [
            f"## {row['title']} (`{package}`)",
            "",
            f"Catalog `{row['catalog']}`, namespace `{row['namespace']}`. Needed: {'; '.join(need['why'] for need in row['needed'])}.",
            "",
        ]
        rows = [
            [
                ", ".join(one.get("releases", ["all"])),
                ", ".join(one.get("openshift", ["all"])),
                ", ".join(f"`{channel}`" for channel in one["channels"]),
                f"`{one['csv']}`" if one["csv"] else "newest that fits",
                _range(one),
                one["source"],
            ]
            for one in row["versions"]
        ]
        lines += [*table(["OpenShift AI", "OpenShift", "channels", "version", "accepted", "source"], rows), ""]
    return lines


def _range(version: dict[str, Any]) -> str:
    avoid = "".join(f"; not {one['version']}: {one['why']}" for one in version.get("avoid", []))
    low = f"from {version['at_least']} " if "at_least" in version else ""
    high = f"below {version['below']}" if "below" in version else ""
    return (low + high).strip() + avoid or "any"


PAGES: dict[str, Callable[[Facts], list[str]]] = {
    "support-matrix.md": support_matrix, "variables.md": variables, "rules.md": rules, "operators.md": operators,
}  # fmt: skip


def pages() -> dict[str, str]:
    data = facts()
    made = {name: make(data) for name, make in PAGES.items()}
    made["models.md"] = docs_models.page(data, MARK, table)
    made["paths.md"] = docs_paths.page(data, PATHS, MARK, table)
    made |= {f"rules/{rule}.md": rule_page(rule, said) for rule, said in explain.known(data).items()}
    return {name: "\n".join(lines).rstrip() + "\n" for name, lines in made.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the documentation pages that come from data.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is out of date")
    arguments = parser.parse_args()
    stale = []
    for name, text in pages().items():
        path = ROOT / "docs" / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(f"docs/{name}")
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    known = {ROOT / "docs" / name for name in pages()}
    for path in sorted((ROOT / "docs" / "rules").glob("*.md")):
        if path not in known:  # its rule is gone
            stale.append(f"docs/rules/{path.name}")
            if not arguments.check:
                path.unlink()
    if stale:
        print(("Out of date, run python tools/docs.py: " if arguments.check else "Written: ") + ", ".join(stale))
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
