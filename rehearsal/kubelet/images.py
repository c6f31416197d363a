# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program stands for which container image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.errors import RehearsalError

Obj = dict[str, Any]
TABLE = Path(__file__).resolve().parent.parent / "images.yaml"
PROCESSES = ("vllm", "epp", "disagg-sidecar", "gateway", "python", "perftest", "storage-initializer", "pause")
MODEL_CONTAINER = re.compile(r"modelcar(-init)?(-\d+)?")
OPERATOR = "operator"  # a stand-in operator writes the status of such a pod


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    runner: str


class Images:
    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules

    @classmethod
    def load(cls, openshift: Obj, table: Path = TABLE, scenario: Obj | None = None) -> Images:
        """``images.yaml`` plus the tools image, whose digest belongs to the release of OpenShift."""
        rules = parse(yaml.safe_load(table.read_text(encoding="utf-8")), str(table))
        tools = tools_image(openshift)
        if tools:
            rules.append(Rule(re.compile(re.escape(tools)), "python"))
        # Pods whose image a scenario makes unpullable are this kubelet's, too: KWOK knows no such failure.
        rules += [Rule(re.compile(pattern), "pause") for pattern in (scenario or {}).get("image_pull_failures") or []]
        return cls(rules)

    def runner(self, image: str) -> str | None:
        return next((rule.runner for rule in self._rules if rule.pattern.search(image)), None)

    def runner_of(self, container: Obj) -> str | None:
        """As ``runner``; KServe's containers for oci:// models are told by their name, their image may be any model's."""
        found = self.runner(container.get("image", ""))
        return "model-image" if found is None and MODEL_CONTAINER.fullmatch(container["name"]) else found

    def is_real(self, pod: Obj) -> bool:
        """A pod is run for real when one of its containers has a program; KWOK's stages skip it by the same patterns."""
        spec = pod.get("spec") or {}
        containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
        runners = {self.runner(c.get("image", "")) for c in containers} - {None}
        return bool(runners) and OPERATOR not in runners


def parse(entries: Any, where: str) -> list[Rule]:
    """Rules of a table. Raises RehearsalError naming the entry that is wrong."""
    if not isinstance(entries, list):
        raise RehearsalError("bad table of images", where, "it must be a list of {image, runner}")
    rules = []
    for number, entry in enumerate(entries, 1):
        place = f"{where}, entry {number}"
        if not isinstance(entry, dict) or set(entry) != {"image", "runner"}:
            raise RehearsalError("bad image rule", place, "it needs exactly the keys image and runner")
        if entry["runner"] not in (*PROCESSES, OPERATOR):
            raise RehearsalError("bad image rule", place, f"unknown runner '{entry['runner']}'",
                                 f"Known: {', '.join((*PROCESSES, OPERATOR))}")
        try:
            rules.append(Rule(re.compile(entry["image"]), entry["runner"]))
        except re.error as error:
            raise RehearsalError("bad image rule", place, f"'{entry['image']}' is no regular expression: {error}") from error
    return rules


def tools_image(openshift: Obj) -> str | None:
    """The digest of ``openshift/tools``: all payload images share one repository, so only the digest tells them apart."""
    digest = (openshift.get("payload_images") or {}).get("tools")
    return str(digest) if digest else None
