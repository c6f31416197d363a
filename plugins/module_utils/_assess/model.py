# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of an assessment: Finding, and the Case that a rule looks at."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from .._data.facts import Facts
from .nodes import Candidates, Node, models
from .site_rows import row_for

Said = TypeVar("Said")

PASS, FAIL, WARN, UNKNOWN, WAIVED = "pass", "fail", "warn", "unknown", "waived"
PATHS = ("inference_scheduling", "pd_disaggregation", "kv_cache_offload", "wide_expert_parallelism")
ARTICLE = "https://access.redhat.com/articles/7136620"


@dataclass(frozen=True)
class Finding:
    """One rule applied to one subject.

    deciding: it decides the verdict (fail -> unsupported, unknown -> unknown); required: known and bad makes the verdict
    unsupported, unknown leaves it standing, "unverified"; blocking: the run writes nothing while it fails;
    hardware: Node Feature Discovery would answer an unknown. path, release: None where it holds for all.
    """

    id: str
    status: str
    subject: str
    observed: str
    expected: str
    remedy: str
    source: str
    deciding: bool = False
    required: bool = False
    blocking: bool = False
    hardware: bool = False
    path: str | None = None
    release: str | None = None
    nodes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        kept = {key: getattr(self, key) for key in _PUBLISHED}
        return {**kept, "nodes": list(self.nodes)}

    def waived(self, note: str) -> Finding:
        return replace(self, status=WAIVED, observed=f"{self.observed} ({note})")


_PUBLISHED = (
    "id", "status", "deciding", "blocking", "subject", "observed", "expected", "remedy", "source", "path", "release",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What a rule sees: one cluster, one release, one path. row is the matrix row of the candidates' vendor, if any."""

    snapshot: Mapping[str, Any]
    declared: Mapping[str, Any]
    facts: Facts
    release: str
    path: str
    candidates: Candidates
    today: datetime.date | None = None

    @property
    def matrix(self) -> Mapping[str, Any] | None:
        return self.facts.matrix.get(self.release)

    @cached_property
    def row(self) -> Mapping[str, Any] | None:
        vendors = self.candidates.vendors
        return self.row_of(vendors[0]) if len(vendors) == 1 else None

    def row_of(self, vendor: str) -> Mapping[str, Any] | None:
        """The matrix row of a vendor for this path: the article's, or the site's own where only that lists a GPU that is there."""
        seen = [models(kind.node, self.facts.gpu_models) for kind in self.candidates.kinds]
        return row_for(self.matrix, self.path, vendor, {model for group in seen if group for model in group})

    def grouped(self, judge: Callable[[Node], Said]) -> dict[Said, list[str]]:
        """What `judge` says of the candidates -> the names of those of which it says so."""
        groups: dict[Said, list[str]] = {}
        for kind in self.candidates.kinds:
            groups.setdefault(judge(kind.node), []).extend(kind.names)
        return groups

    @property
    def multi_node(self) -> bool:
        return self.declared.get("wep_nodes", "multi") != "single"

    def finding(
        self, rule: str, status: str, subject: str, observed: str, expected: str, remedy: str, **more: Any
    ) -> Finding:
        """A finding of this path and release; `source` defaults to that of the matrix row."""
        source = more.pop("source", None) or (self.row or self.matrix or {}).get("source", ARTICLE)
        return Finding(
            rule, status, subject, observed, expected, remedy, source, path=self.path, release=self.release, **more
        )


def by_status(findings: Iterable[Finding], *statuses: str) -> list[Finding]:
    return [finding for finding in findings if finding.status in statuses]
