# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Platform operators' CRs: OpenShift AI, Connectivity Link, Leader Worker Set, cert-manager.

Conditions and reasons: opendatahub-operator ``api/common``; Kuadrant ``api/v1beta1`` (reason MissingDependency);
openshift/lws-operator ``pkg/operator/target_config_reconciler.go``; openshift/cert-manager-operator (condition
types end with ``Available`` and ``Degraded``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import because, condition, dig, is_old, is_true, items
from .model import State, done, failed, one_line, waiting


def data_science_cluster(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the phase is Ready, and so is each component named in ``components`` (such as Kserve).

    ``version``: after an update the old operator's Ready stands until the new one has looked, which tells its version.
    """
    told = dig(obj, "status.release.version")
    if options.get("version") and told != options["version"]:
        return waiting("EarlierVersion", f"the operator of {told or 'an unknown version'} reported last, {options['version']} is awaited")
    missing = [c for c in options.get("components") or [] if not is_true(obj, f"{c}Ready")]
    if dig(obj, "status.phase") == "Ready" and is_true(obj, "Ready") and not missing:
        return done("Ready", _version(obj))
    return _odh_trouble(obj) or waiting(str(dig(obj, "status.phase") or "NoStatus"), _unhappy(obj, missing))


def initialization(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the DSCInitialization's phase is Ready."""
    if dig(obj, "status.phase") == "Ready":
        return done("Ready", _version(obj))
    return _odh_trouble(obj) or waiting(str(dig(obj, "status.phase") or "NoStatus"), _unhappy(obj, []))


def _version(obj: Mapping[str, Any]) -> str:
    name, version = dig(obj, "status.release.name"), dig(obj, "status.release.version")
    return f"{name} {version}" if name and version else ""


def _odh_trouble(obj: Mapping[str, Any]) -> State | None:
    for kind in ("ProvisioningSucceeded", "ReconcileComplete"):
        found = condition(obj, kind)
        if found.get("status") == "False" and found.get("reason") in ("Error", "ReconcileFailed", "PreConditionFailed"):
            return failed(
                str(found["reason"]),
                because(found),
                "Repair what the message names; the log of the rhods-operator Pod has more.",
                grace=120,
            )
    return None


def _unhappy(obj: Mapping[str, Any], missing: list[str]) -> str:
    bad = [
        f"{c.get('type')} ({because(c) or 'not ready'})"
        for c in items(obj, "status.conditions")
        if c.get("status") == "False"
        and c.get("severity") != "Info"
        and str(c.get("type")).endswith("Ready")
        and c.get("reason") != "Removed"
        and c.get("type") != "Ready"
    ]
    return one_line(
        "; ".join(bad) or "; ".join(f"{m}Ready isn't reported yet" for m in missing) or because(condition(obj, "Ready"))
    )


def kuadrant(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when Kuadrant's Ready condition is True."""
    found = condition(obj, "Ready")
    if found.get("status") == "True" and not is_old(obj, found):
        return done("Ready")
    if found.get("reason") == "MissingDependency":
        return failed(
            "MissingDependency",
            because(found),
            "Make the GatewayClass first, then delete the kuadrant-operator Pod: it looks only at its start.",
            grace=45,
        )
    return waiting(str(found.get("reason") or "NoStatus"), because(found))


def lws_operator(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the LeaderWorkerSetOperator is Available and not Degraded."""
    degraded = condition(obj, "Degraded")
    if degraded.get("status") == "True":
        repair = (
            "Install cert-manager first."
            if degraded.get("reason") == "MissingDependency"
            else "Repair what the message names."
        )
        return failed(str(degraded.get("reason") or "Degraded"), because(degraded), repair, grace=60)
    found = condition(obj, "Available")
    return done("Available") if found.get("status") == "True" else waiting("Progressing", because(found))


def cert_manager(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when every ``…Available`` condition of the CertManager is True (there are some) and none is Degraded."""
    conditions = items(obj, "status.conditions")
    for found in conditions:
        if str(found.get("type")).endswith("Degraded") and found.get("status") == "True":
            return failed("Degraded", because(found), "Look at the Pods in namespace cert-manager.", grace=60)
    available = [c for c in conditions if str(c.get("type")).endswith("Available")]
    if available and all(c.get("status") == "True" for c in available):
        return done("Available", f"{len(available)} deployments")
    return waiting("Progressing", "; ".join(because(c) for c in available if c.get("status") != "True"))
