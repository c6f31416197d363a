# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one OLM object says: Subscription, InstallPlan, ClusterServiceVersion, CatalogSource, OperatorGroups.

Every state that OLM doesn't leave by itself is a failure with its reason and repair; graces cover the moments in
which OLM shows a failure that it then resolves alone (a catalog that has just started, a re-tried unpack).
Source: operator-framework/api ``pkg/operators/v1alpha1/*_types.go`` and operator-lifecycle-manager
``pkg/controller/{bundle,operators}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._wait.fields import because, condition, dig, items, name_of
from .._wait.model import State, done, failed, one_line, waiting

RESOLUTION_GRACE = 8.0
RETRY_GRACE = 60.0
UNPACK_GRACE = 5.0
CATALOG_GRACE = 30.0
REQUIREMENTS_GRACE = 120.0
PLAN_GRACE = 10.0
RECOVERING_GRACE = 180.0

# How an InstallPlan says that its steps fail and are tried again: for ever when it is forbidden, else for a minute.
RETRYING = "retrying execution due to error: "

_ORPHAN = "exists and is not referenced by a subscription"

_REPLACE_GROUP = "Keep exactly one OperatorGroup in the namespace that fits the operator's install modes."
_SELECTS_NOTHING = "The OperatorGroup selects no namespace: correct its targetNamespaces or selector."

# Reasons of a failed CSV that OLM doesn't leave: grace in seconds, and the repair.
CSV_TERMINAL: dict[str, tuple[float, str]] = {
    "InstallComponentFailedNoRetry": (
        0.0,
        "Correct what the message names, then delete the CSV and its Subscription and install again.",
    ),
    "InstallComponentFailed": (60.0, "Correct what the message names; OLM tries again."),
    "OwnerConflict": (0.0, "Another operator owns the same CRD: remove one of the two."),
    "InvalidInstallStrategy": (0.0, "The bundle is broken: choose another version."),
    "UnsupportedOperatorGroup": (0.0, _REPLACE_GROUP),
    "NoOperatorGroup": (10.0, "Make an OperatorGroup in the namespace."),
    "TooManyOperatorGroups": (10.0, _REPLACE_GROUP),
    "NoTargetNamespaces": (10.0, _SELECTS_NOTHING),
    "InvalidInstallModes": (0.0, "The bundle is broken: choose another version."),
    "InterOperatorGroupOwnerConflict": (
        0.0,
        "An OperatorGroup of another namespace provides the same API: remove one of the operators.",
    ),
    "CannotModifyStaticOperatorGroupProvidedAPIs": (
        0.0,
        "The OperatorGroup is static: allow the API in it, or use another namespace.",
    ),
    "InvalidWebhookDescription": (0.0, "The bundle is broken: choose another version."),
    "OperatorConditionNotUpgradeable": (
        60.0,
        "The operator forbids the upgrade (OperatorCondition Upgradeable=False): do what its message says.",
    ),
    "APIServiceInstallFailed": (60.0, "Look at the APIService that the message names."),
}


def subscription(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when a CSV is installed (the one in ``csv``, when asked for)."""
    trouble = subscription_trouble(obj)
    installed, wanted = dig(obj, "status.installedCSV"), options.get("csv")
    if installed and wanted in (None, installed):
        return done("Installed", str(installed))
    if trouble:
        return trouble
    if installed:
        return waiting("OtherVersion", f"{installed} is installed, {wanted} wanted")
    return waiting(*progress(obj))


def progress(obj: Mapping[str, Any]) -> tuple[str, str]:
    """Reason and detail of a Subscription that is on its way."""
    for kind in ("BundleUnpacking", "InstallPlanPending"):
        found = condition(obj, kind)
        if found.get("status") == "True":
            return kind, because(found)
    return str(dig(obj, "status.state") or "NotResolved"), "OLM is looking for the version in its catalog"


def subscription_trouble(obj: Mapping[str, Any]) -> State | None:
    """The failure that a Subscription reports, or None."""
    for kind, judge in _SUBSCRIPTION.items():
        found = condition(obj, kind)
        if found.get("status") == "True":
            state = judge(found)
            if state:
                return state
    return None


def orphan(obj: Mapping[str, Any]) -> State | None:
    """Set when the CSV that is there belongs to no Subscription, so that this one isn't resolved."""
    found = condition(obj, "ResolutionFailed")
    return _resolution(found) if found.get("status") == "True" and _ORPHAN in because(found) else None


def _resolution(found: Mapping[str, Any]) -> State:
    reason, text = str(found.get("reason") or "ResolutionFailed"), because(found)
    if _ORPHAN in text:
        return failed(
            "CsvWithoutSubscription",
            text,
            "Delete the ClusterServiceVersion that the message names (its custom resources stay), and OLM installs the operator again; "
            "or ask for a version that replaces it.",
            grace=RESOLUTION_GRACE,
        )
    # "ErrorPreventedResolution": a catalog couldn't be asked; OLM asks again.
    grace = RESOLUTION_GRACE if reason == "ConstraintsNotSatisfiable" else RETRY_GRACE
    return failed(
        reason,
        text,
        "Correct package, channel, startingCSV or catalog of the Subscription that the message names; "
        "a broken Subscription stops all others in its namespace.",
        grace=grace,
    )


def _unpack(found: Mapping[str, Any]) -> State:
    if found.get("reason") == "EnsureInstallPlanFailed":  # OLM puts that under this type, and it has nothing to do with unpacking
        return failed(
            "EnsureInstallPlanFailed", because(found), "OLM tries again by itself; if it stays, make the Subscription anew.", grace=RETRY_GRACE
        )
    return failed(
        "BundleUnpackFailed",
        because(found),
        "Check that the bundle's registry can be reached (pull secret, mirror); then delete the Subscription, "
        "its CSV and the failed unpack Job, and install again.",
        grace=UNPACK_GRACE,
    )


def _plan_failed(found: Mapping[str, Any]) -> State:
    return failed(
        "InstallPlanFailed",
        because(found),
        "Look at the InstallPlan's steps; correct the cause, then delete the InstallPlan and the Subscription.",
        grace=10,
    )


def _plan_missing(found: Mapping[str, Any]) -> State | None:
    if found.get("reason") != "ReferencedInstallPlanNotFound":
        return None
    return plan_gone(because(found))


def plan_gone(detail: str) -> State:
    """Somebody deleted the InstallPlan that a Subscription refers to."""
    return failed(
        "ReferencedInstallPlanNotFound",
        detail,
        "Somebody deleted the InstallPlan, and OLM has made no other: delete the Subscription (the operator stays) and install again.",
        grace=RETRY_GRACE,  # a new plan comes within seconds as a rule
    )


def _catalogs(found: Mapping[str, Any]) -> State:
    return failed(
        "CatalogSourcesUnhealthy",
        because(found),
        "Look at the CatalogSource and its Pod in openshift-marketplace (image pull, connection state).",
        grace=CATALOG_GRACE,
    )


_SUBSCRIPTION = {
    "BundleUnpackFailed": _unpack,
    "InstallPlanFailed": _plan_failed,
    "CatalogSourcesUnhealthy": _catalogs,
    "ResolutionFailed": _resolution,
    "InstallPlanMissing": _plan_missing,
}


def deprecations(obj: Mapping[str, Any]) -> list[str]:
    """What the catalog says of deprecated packages, channels and bundles (warnings, never failures)."""
    kinds = ("PackageDeprecated", "ChannelDeprecated", "BundleDeprecated")
    return [f"{k}: {because(condition(obj, k))}" for k in kinds if condition(obj, k).get("status") == "True"]


def install_plan(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the plan is Complete."""
    phase = str(dig(obj, "status.phase") or "Planning")
    if phase == "Complete":
        return done("Complete")
    if phase == "Failed":
        found = condition(obj, "Installed")
        reason = str(found.get("reason") or "InstallPlanFailed")
        return failed(
            reason,
            because(found) or str(dig(obj, "status.message") or ""),
            "Correct what the message names, then delete the InstallPlan, the CSV and the Subscription and "
            "install again.",
        )
    trouble = _failed_lookup(obj) or _stuck(obj)
    if trouble:
        return trouble
    steps = items(obj, "status.plan")
    ready = sum(s.get("status") in ("Created", "Present") for s in steps)
    late = next((s for s in steps if s.get("status") == "WaitingForApi"), None)
    detail = f"{ready} of {len(steps)} steps" if steps else str(dig(obj, "status.message") or "")
    if late:
        detail += f"; waits for the API of {dig(late, 'resource.kind')} {dig(late, 'resource.name')}"
    return waiting(phase, detail)


def _failed_lookup(obj: Mapping[str, Any]) -> State | None:
    for lookup in items(obj, "status.bundleLookups"):
        found = condition(lookup, "BundleLookupFailed", path="conditions")
        if found.get("status") == "True":
            return failed(
                "BundleLookupFailed",
                f"{lookup.get('identifier')}: {because(found)}",
                "Check that the bundle's registry can be reached, then delete Subscription and unpack Job.",
                grace=UNPACK_GRACE,
            )
    return None


def _stuck(obj: Mapping[str, Any]) -> State | None:
    """What keeps OLM from executing the plan, in whose phase it doesn't show."""
    found = condition(obj, "Installed")
    if found.get("status") == "False":
        return failed(
            str(found.get("reason") or "InstallCheckFailed"),
            because(found),
            "Correct the OperatorGroup of the namespace (its targetNamespaces, selector or serviceAccountName); OLM then goes on by itself.",
            grace=PLAN_GRACE,
        )
    message = one_line(dig(obj, "status.message"))
    if not message.startswith(RETRYING) or "forbidden" not in message:
        return None
    account = dig(obj, "status.attenuatedServiceAccountRef.name")
    who = f"ServiceAccount {account}, which the OperatorGroup names," if account else "OLM"
    return failed(
        "InstallPlanForbidden",
        message.removeprefix(RETRYING),
        f"Grant {who} what the message names; OLM then goes on by itself.",
        grace=PLAN_GRACE,
    )


def csv(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when the CSV has Succeeded."""
    phase, reason = str(dig(obj, "status.phase") or ""), str(dig(obj, "status.reason") or "")
    message = one_line(dig(obj, "status.message"))
    if phase == "Succeeded":
        return done("Succeeded")
    if reason in CSV_TERMINAL and phase in ("Failed", "Pending"):
        grace, repair = CSV_TERMINAL[reason]
        return failed(reason, message, repair, grace=grace)
    if phase == "Failed":  # ComponentUnhealthy, NeedsReinstall, InstallCheckFailed …: OLM tries again by itself
        return failed(
            reason or "Failed",
            message,
            "Look at the operator's Deployment and Pods in this namespace.",
            grace=RECOVERING_GRACE,
        )
    if reason == "RequirementsNotMet":
        return failed(
            reason,
            _missing(obj) or message,
            "Install what provides the missing requirement; an operator of its own may have to come first.",
            grace=REQUIREMENTS_GRACE,
        )
    return waiting(phase or "New", f"{reason}: {message}" if reason else message)


def _missing(obj: Mapping[str, Any]) -> str:
    bad = [
        f"{r.get('kind')} {r.get('name')}: {r.get('message') or r.get('status')}"
        for r in items(obj, "status.requirementStatus")
        if r.get("status") not in ("Present", "Satisfied", None)
    ]
    return one_line("; ".join(bad[:4]))


def catalog(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when OLM is connected to the catalog (or, for one without a Pod, when nothing speaks against it)."""
    seen = str(dig(obj, "status.connectionState.lastObservedState") or "")
    if seen == "READY":
        return done("READY")
    reason = str(dig(obj, "status.reason") or "")
    if reason in ("SpecInvalidError", "ConfigMapError", "InvalidIntervalError"):
        return failed(reason, str(dig(obj, "status.message") or ""), "Correct the CatalogSource's specification.")
    if seen in ("TRANSIENT_FAILURE", "SHUTDOWN") or reason == "RegistryServerError":
        return failed(
            reason or seen,
            f"OLM's connection to the catalog is {seen or 'not made'}: {dig(obj, 'status.message') or ''}",
            "Look at the catalog's Pod in its namespace (image pull, crash).",
            grace=CATALOG_GRACE,
        )
    return waiting(seen or "NotConnected", f"catalog {dig(obj, 'spec.displayName') or name_of(obj)}")


def operator_groups(namespace: str, groups: Iterable[Mapping[str, Any]]) -> State:
    """Done when the namespace has exactly one OperatorGroup, with targets: otherwise OLM installs nothing, mostly silently."""
    own = list(groups)
    names = sorted(str(dig(g, "metadata.name")) for g in own)
    if len(own) == 1:
        if dig(own[0], "spec.selector") and not dig(own[0], "status.namespaces"):
            return failed("NoTargetNamespaces", f"OperatorGroup {namespace}/{names[0]} selects none by its labels", _SELECTS_NOTHING, grace=PLAN_GRACE)
        return done("OneGroup", names[0])
    if not names:
        return failed(
            "NoOperatorGroup",
            f"namespace {namespace} has no OperatorGroup",
            "Make one that fits the operator's install modes.",
            grace=10,
        )
    return failed(
        "TooManyOperatorGroups", f"namespace {namespace} has {len(names)}: {', '.join(names)}", _REPLACE_GROUP, grace=10
    )
