# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the release and on OpenShift itself."""

from __future__ import annotations

import datetime
from typing import Any

from .._data import versions
from .._nodes.unavailable import idle
from .look import dig, flag, names, rows, text
from .model import FAIL, PASS, UNKNOWN, WARN, Case, Finding

FRESH_DAYS = 365  # a release of OpenShift AI is in the article for about that long


def release_known(case: Case) -> list[Finding]:
    known = ", ".join(case.facts.releases)
    rest = ("one of the support matrix", f"Set llmd_release to one of {known}.")
    status = PASS if case.matrix else UNKNOWN
    said = "in the matrix" if case.matrix else "not in the matrix"
    return [case.finding("release-known", status, f"RHOAI {case.release}", said, *rest, deciding=True)]


def matrix_age(case: Case) -> list[Finding]:
    """The article changes with every release; a matrix that nobody has compared with it for a year may be wrong in either direction."""
    read = [str(row["retrieved"]) for row in [*(case.matrix or {}).get("rows", []), *(case.matrix or {}).get("site_rows", [])]]
    if not read or case.today is None:
        return []
    oldest = datetime.date.fromisoformat(min(read))
    days = (case.today - oldest).days
    return [case.finding(
        "matrix-age", WARN if days > FRESH_DAYS else PASS, f"support matrix of RHOAI {case.release}", f"compared with its source on {oldest}, {days} days ago",
        f"at most {FRESH_DAYS} days", "Look for a newer version of this collection, or compare the article with docs/support-matrix.md." if days > FRESH_DAYS
        else "Nothing.", source="data/matrix/ (retrieved)",
    )]  # fmt: skip


def openshift_version(case: Case) -> list[Finding]:
    """Release x OpenShift version. Pre-releases and majors that nobody has stated anything about are unknown."""
    at_least = dig(case.matrix, "openshift", "at_least")
    shown = text(case.snapshot, "openshift", "version")
    version, wanted = versions.parse(shown), versions.parse(at_least)
    remedy = f"Update OpenShift to {at_least} or newer, or choose another llmd_release."
    status = _version_status(version, wanted, dig(case.matrix, "openshift", "newest_seen"))
    if version is None:
        remedy = "Let the run read ClusterVersion 'version' (right: get on clusterversions.config.openshift.io)."
    elif status == UNKNOWN:
        remedy = "Nothing is stated of this version: ask Red Hat, or use a released version of OpenShift 4."
    expected = f"{at_least} or newer" if wanted else "not stated for this release"
    observed, coming = shown or "not known", _coming(case)
    if coming and status == FAIL and _version_status(versions.parse(coming), wanted, None) == PASS:
        remedy = f"Wait until the update to {coming} has ended."
    if coming:
        observed += f", an update to {coming} is under way"
    return [case.finding("openshift-version", status, "OpenShift", observed, expected, remedy, deciding=True)]


def _version_status(version: versions.Version | None, wanted: versions.Version | None, newest: str | None) -> str:
    known_major = versions.parse(newest)
    if version is None or wanted is None:
        return UNKNOWN
    if version.release < wanted.release:
        return FAIL
    if version.prerelease or (known_major and version.release[0] > known_major.release[0]):
        return UNKNOWN
    return PASS


def _coming(case: Case) -> str | None:
    """The version that is being rolled out, None where no update is known."""
    newest = (rows(case.snapshot, "openshift", "history") or [{}])[:1]
    unfinished = bool(newest) and text(newest[0], "state") == "Partial"
    return text(newest[0], "version") if unfinished and flag(case.snapshot, "openshift", "upgrading") else None


def openshift_history(case: Case) -> list[Finding]:
    """The versions that the cluster went through: an update that was given up, or taken back, leaves a cluster that few have seen."""
    history = rows(case.snapshot, "openshift", "history")
    entries = [(text(row, "version"), text(row, "state")) for row in history or []]
    rest: dict[str, Any] = {"source": "ClusterVersion status.history"}
    expected = "completed updates, each to a newer version"
    if not entries or any(version is None or state is None for version, state in entries):
        return [case.finding(
            "openshift-history", UNKNOWN, "ClusterVersion version", "its history isn't known", expected,
            "Let the run read ClusterVersion 'version' (right: get on clusterversions.config.openshift.io).", **rest,
        )]  # fmt: skip
    shown = [f"{version}{'' if state == 'Completed' else ' (' + str(state) + ')'}" for version, state in reversed(entries)]
    given_up = [version for version, state in entries[1:] if state != "Completed"]
    stuck = entries[0][1] != "Completed" and flag(case.snapshot, "openshift", "upgrading") is False
    done = [parsed for version, state in entries if state == "Completed" and (parsed := versions.parse(version))]
    back = [str(newer) for newer, older in zip(done, done[1:], strict=False) if newer < older]
    wrong = [f"the update to {names([str(entry) for entry in given_up])} was given up"] if given_up else []
    wrong += [f"the update to {entries[0][0]} has stopped half-way"] if stuck else []
    wrong += [f"it went back to {names(back)}"] if back else []
    return [case.finding(
        "openshift-history", WARN if wrong else PASS, "ClusterVersion version", f"{names(shown, 10)}" + (f": {'; '.join(wrong)}" if wrong else ""),
        expected, "See oc describe clusterversion; finish the update before GPUs and operators depend on the nodes." if stuck
        else "Look at the cluster operators and nodes of the time (oc get clusteroperators, oc get nodes): all should have the newest version.", **rest,
    )]  # fmt: skip


def openshift_newer_than_seen(case: Case) -> list[Finding]:
    """A minor version that came after the data: supported by the article's words, but nobody here has seen it."""
    newest = versions.parse(dig(case.matrix, "openshift", "newest_seen"))
    version = versions.parse(text(case.snapshot, "openshift", "version"))
    if not (newest and version) or version.release[:2] <= newest.release[:2]:
        return []
    return [case.finding(
        "openshift-newer-than-seen", WARN, "OpenShift", str(version), f"up to {newest.minor}, the newest that the data were checked with",
        "Look for a newer version of this collection, and read the release notes.",
    )]  # fmt: skip


def openshift_upgrading(case: Case) -> list[Finding]:
    upgrading = flag(case.snapshot, "openshift", "upgrading")
    status = {True: FAIL, False: PASS, None: UNKNOWN}[upgrading]
    observed = {True: "an update is under way", False: "no update", None: "not known"}[upgrading]
    return [case.finding(
        "openshift-upgrading", status, "ClusterVersion version", observed, "no update under way",
        "Wait until the update has ended (oc get clusterversion), then run again.",
        blocking=True, source="ClusterVersion condition Progressing",
    )]  # fmt: skip


def openshift_health(case: Case) -> list[Finding]:
    conditions = dig(case.snapshot, "openshift", "conditions")
    available = text(conditions, "Available", "status")
    failing = text(conditions, "Failing", "status")
    status = PASS if available == "True" else UNKNOWN if available is None else FAIL
    bad = "Available" if status == FAIL else "Failing"
    if failing == "True":
        status = FAIL
    reason = dig(conditions, bad, "message") or dig(conditions, bad, "reason") or ""
    observed = f"Available={available or 'not known'}, Failing={failing or 'not known'}"
    return [case.finding(
        "openshift-health", status, "ClusterVersion version", f"{observed}. {reason}".rstrip(". ") if status == FAIL else observed,
        "Available=True and Failing not True", "Mend the cluster operators that oc get clusteroperators names.",
        blocking=True, source="ClusterVersion conditions",
    )]  # fmt: skip


def pools(case: Case) -> list[Finding]:
    """Only pools that hold GPU nodes stop the run: the others don't touch what it does."""
    listed = rows(case.snapshot, "pools")
    ours = {text(node, "pool") for node in case.candidates.gpu}
    if listed is None:
        return [_pool(case, UNKNOWN, "all", "could not be read", True)]
    found = []
    for pool in listed:
        name = text(pool, "name") or "(without a name)"
        degraded, updating = flag(pool, "degraded"), flag(pool, "updating")
        matters = name in ours or not ours
        unclear = degraded is None or updating is None
        said = "degraded" if degraded else "updating" if updating else "not known" if unclear else "settled"
        message = text(pool, "message")
        status = FAIL if degraded or updating else UNKNOWN if unclear else PASS
        away = idle(pool, rows(case.snapshot, "nodes") or []) if updating and not degraded else []
        if away:
            said = f"updating in name only: every machine runs its configuration, and {names(away)} is cordoned or not Ready"
        if status == FAIL and (away or not matters):
            status = WARN
        found.append(
            _pool(case, status, name, f"{said}: {message}" if status in (FAIL, WARN) and message else said, matters)
        )
    return found


def _pool(case: Case, status: str, name: str, observed: str, blocking: bool) -> Finding:
    return case.finding(
        "pool-health", status, f"MachineConfigPool {name}", observed, "neither updating nor degraded",
        f"See oc describe machineconfigpool {name}; wait for an update, mend a degraded node.",
        blocking=blocking, source="MachineConfigPool conditions",
    )  # fmt: skip


def control_plane(case: Case) -> list[Finding]:
    """Hosted control planes have no MachineConfigPools, and their nodes are changed elsewhere."""
    topology = text(case.snapshot, "platform", "control_plane_topology")
    if topology != "External":
        return []
    return [case.finding(
        "control-plane-external", WARN, "Infrastructure cluster", "controlPlaneTopology External", "HighlyAvailable or SingleReplica",
        "Changes of nodes go through the NodePool of the hosted cluster; this collection makes none.", source="openshift/api Infrastructure",
    )]  # fmt: skip
