# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of Red Hat's own validator (``kubectl rhaii-validate all -o json``, or report.json of its ConfigMap rhaii-validate-report) as evidence.

Its format: opendatahub-io/rhaii-cluster-validation@a782697 ``pkg/report/report.go``, ``pkg/checks/check.go``, ``pkg/jobrunner/job.go``, ``pkg/checks/rdma``.
What it says is shown with its source and changes no verdict: it was measured by somebody else, at another time.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from .._data.evidence import UnknownFormat, json_object, keys_of
from .look import dig, names, rows, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding

TOOL = "rhaii-cluster-validation"
RULE = "cluster-validation"
OLD_DAYS = 30
STATUSES = {"PASS": PASS, "WARN": WARN, "FAIL": FAIL, "SKIP": UNKNOWN}
# What the tool gets wrong on OpenShift: it looks for Istio in istio-system, and takes LeaderWorkerSet for required on every path.
MISLED = {"istio": "it looks for Istio in istio-system, where OpenShift has none", "lws": "only paths over several nodes need it",
          "leaderworkersets.leaderworkerset.x-k8s.io": "only paths over several nodes need it"}  # fmt: skip
Row = Mapping[str, Any]


def read(content: str) -> dict[str, Any]:
    """``{platform, time, checks: [{subject, name, status, message, remedy}]}``. :raises UnknownFormat: with what the file looks like."""
    data = json_object(content)
    if not isinstance(data.get("summary"), Mapping) or not isinstance(data.get("status"), str) or "platform" not in data or "nodes" not in data:
        raise UnknownFormat(f"{keys_of(data)}; those of {TOOL} are platform, nodes, summary and status")
    checks = list(_checks(data))
    strange = sorted({str(check["status"]) for check in checks} - set(STATUSES))
    if strange:
        raise UnknownFormat(f"it has results {', '.join(strange)}, {TOOL} has {', '.join(STATUSES)}")
    return {"platform": text(data, "platform"), "time": text(data, "timestamp"), "checks": checks}


def _checks(data: Row) -> Iterator[dict[str, Any]]:
    for one in rows(data, "cluster_checks") or []:
        yield _check("cluster", one, "name")
    for report in rows(data, "nodes") or []:
        for one in rows(report, "results") or []:
            yield _check(f"node {text(report, 'node')}", one, "name")
    for one in rows(data, "job_results") or []:
        yield _check(f"node {text(one, 'node')}", one, "job_name")
    summaries = dig(data, "pingmesh", "summary")
    for name, one in sorted(summaries.items()) if isinstance(summaries, Mapping) else []:
        yield {**_check("cluster", one, "name"), "name": str(name)}


def _check(subject: str, one: Row, key: str) -> dict[str, Any]:
    return {
        "subject": subject, "name": text(one, key) or "check", "status": dig(one, "status"),
        "message": text(one, "message") or "no message", "remedy": text(one, "remediation"),
    }  # fmt: skip


def cluster_validation(case: Case) -> list[Finding]:
    """What isn't good of the report, one finding each, and one for all that passed. A report of other nodes, or an old one, is unknown."""
    given = case.declared.get("validation")
    if not isinstance(given, Mapping):
        return []
    source = f"{TOOL}, {given.get('time') or 'without a time'}, sha256 {str(given.get('sha256') or '')[:12]}"
    doubt = _doubt(case, given)
    checks = rows(given, "checks") or []
    bad = [] if doubt else [check for check in checks if STATUSES[str(check["status"])] in (FAIL, WARN)]
    good = [check for check in checks if STATUSES[str(check["status"])] == PASS]
    skipped = [check for check in checks if STATUSES[str(check["status"])] == UNKNOWN]
    left = f", {len(skipped)} were skipped ({names([str(one['name']) for one in skipped], 4)})" if skipped else ""
    summary = f"{len(good)} of {len(checks)} checks passed{left}"
    status = UNKNOWN if doubt or not good else PASS
    remedy = f"Run kubectl rhaii-validate all -o json again on this cluster: {doubt}." if doubt else "Nothing."
    whole = case.finding(RULE, status, "cluster", f"{summary}{f'; {doubt}' if doubt else ''}", "a report of this cluster", remedy, source=source)
    return [whole, *(_finding(case, check, source) for check in bad)]


def _finding(case: Case, check: Row, source: str) -> Finding:
    misled = MISLED.get(str(check["name"]))
    status = WARN if misled else STATUSES[str(check["status"])]
    observed = f"{check['name']}: {check['message']}" + (f" ({misled})" if misled else "")
    remedy = text(check, "remedy") or "See the tool's documentation of that check."
    return case.finding(RULE, status, str(check["subject"]), observed, "PASS", remedy, source=source)


def _doubt(case: Case, given: Row) -> str:
    """Why the report says nothing of this cluster as it is now."""
    told = {str(check["subject"]).removeprefix("node ") for check in rows(given, "checks") or [] if str(check["subject"]).startswith("node ")}
    here = {text(node, "name") for node in rows(case.snapshot, "nodes") or []}
    if told and not told & here:
        return f"its nodes ({names(sorted(told), 3)}) aren't this cluster's"
    try:
        day = datetime.date.fromisoformat(str(given.get("time"))[:10])
    except ValueError:
        return ""
    age = (case.today - day).days if case.today else 0
    return f"it is {age} days old" if age > OLD_DAYS else ""
