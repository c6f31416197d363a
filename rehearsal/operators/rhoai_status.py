# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of DSCInitialization, DataScienceCluster and the Kserve component, in the operator's order and words. Pure.

Types, reasons, messages: opendatahub-operator internal/controller/status/status.go, components/kserve/kserve*.go,
datasciencecluster/*_actions.go (v2.35 and main); severity Info doesn't block Ready.
"""

from __future__ import annotations

from rehearsal.operators.objects import Object, condition
from rehearsal.operators.rhoai_release import Release, missing_text

TITLES = {  # component in spec -> prefix of its condition
    "kserve": "Kserve", "dashboard": "Dashboard", "workbenches": "Workbenches", "aipipelines": "AIPipelines", "kueue": "Kueue",
    "ray": "Ray", "trustyai": "TrustyAI", "modelregistry": "ModelRegistry", "trainingoperator": "TrainingOperator",
    "trainer": "Trainer", "feastoperator": "FeastOperator", "llamastackoperator": "LlamaStackOperator",
    "mlflowoperator": "MLflowOperator", "codeflare": "CodeFlare", "datasciencepipelines": "DataSciencePipelines",
    "modelmeshserving": "ModelMeshServing", "modelsAsService": "ModelsAsService",
}
V2_COMPONENTS = ("aipipelines", "dashboard", "feastoperator", "kserve", "kueue", "llamastackoperator", "modelregistry", "ray",
                 "trainingoperator", "trustyai", "workbenches")
V1_COMPONENTS = ("codeflare", "dashboard", "datasciencepipelines", "feastoperator", "kserve", "kueue", "llamastackoperator",
                 "modelmeshserving", "modelregistry", "ray", "trainingoperator", "trustyai", "workbenches")
SUBSCRIPTION_NOT_FOUND = "SubscriptionNotFound"


def dependencies(release: Release, subscriptions: set[str]) -> list[Object]:
    """The informational conditions of the Kserve component about other operators. They look at Subscriptions only."""
    if not release.has_conditions:
        return []
    plain, wide = release.condition_dependencies
    found = []
    for kind, needed, is_wide in (("LLMInferenceServiceDependencies", plain, False), ("LLMInferenceServiceWideEPDependencies", wide, True)):
        missing = [name for name in needed if name not in subscriptions]
        if missing:
            text = missing_text(missing, is_wide, release.minor)
            found.append(condition(kind, False, SUBSCRIPTION_NOT_FOUND, text, severity="Info"))
        else:
            found.append(condition(kind, True))
    return found


def kserve(release: Release, waiting: list[str], subscriptions: set[str]) -> list[Object]:
    """Conditions of Kserve `default-kserve`; `waiting`: Deployments that aren't ready."""
    total = len(release.deployments)
    available = condition("DeploymentsAvailable", not waiting, "DeploymentsNotReady" if waiting else "",
                          f"{total - len(waiting)}/{total} deployments ready" if waiting else "")
    ready = condition("Ready", not waiting, available["reason"], available["message"])
    return [ready, condition("ProvisioningSucceeded", True), available, *dependencies(release, subscriptions)]


SERVERLESS_NEEDS = {
    "servicemeshoperator": "ServiceMesh operator must be installed for this component's configuration",
    "serverless-operator": "Serverless operator must be installed for this component's configuration",
}


def serverless_lacking(component: Object, release: Release, subscribed: set[str]) -> list[Object]:
    """2.25's conditions while KServe's Serverless mode is managed and its operators aren't subscribed; else nothing.

    RawDeployment as the default mode doesn't switch Serverless off: only `serving.managementState` does. Messages:
    opendatahub-operator v2 status.go, components/kserve/kserve.go; the reason of the condition is assumed.
    """
    managed = ((component["spec"].get("serving") or {}).get("managementState")) == "Managed"
    missing = [text for package, text in SERVERLESS_NEEDS.items() if package not in subscribed]
    if release.minor >= (3, 0) or not managed or not missing:
        return []
    text = "\n".join(missing)
    return [condition("Ready", False, "Error", text), condition("ProvisioningSucceeded", False, "Error", text)]


def data_science_cluster(release: Release, states: dict[str, str], ready: dict[str, Object]) -> tuple[str, list[Object]]:
    """(phase, conditions) of a DataScienceCluster.

    `states`: management state by component; `ready`: condition Ready of each managed component (missing: not reported yet).
    """
    lines, not_ready = [], []
    for name, state in sorted(states.items()):
        kind = f"{TITLES.get(name, name.capitalize())}Ready"
        if state != "Managed":
            lines.append(condition(kind, False, state, f"Component ManagementState is set to {state}", severity="Info"))
            continue
        have = ready.get(name)
        good = have is not None and have["status"] == "True"
        lines.append(condition(kind, good, (have or {}).get("reason") or "", (have or {}).get("message") or ""))
        if not good:
            not_ready.append(name)
    managed = [name for name, state in states.items() if state == "Managed"]
    if not managed:
        together = condition("ComponentsReady", True, "NoManagedComponents", "NoManagedComponents", severity="Info")
    elif not_ready:
        together = condition("ComponentsReady", False, "NotReady", f"Some components are not ready: {','.join(not_ready)}")
    else:
        together = condition("ComponentsReady", True)
    head = condition("Ready", not not_ready, together["reason"] if not_ready else "", together["message"] if not_ready else "")
    return ("Not Ready" if not_ready else "Ready"), [head, condition("ProvisioningSucceeded", True), together, *lines]


def refused(text: str) -> tuple[str, list[Object]]:
    """(phase, conditions) of a DataScienceCluster whose preconditions fail."""
    return "Not Ready", [condition("Ready", False, "Error", text), condition("ProvisioningSucceeded", False, "Error", text)]


def initialization(text: str = "") -> tuple[str, list[Object]]:
    """(phase, conditions) of a DSCInitialization; `text`: why it failed."""
    good = not text
    reason, message = ("ReconcileCompleted", "Reconcile completed successfully") if good else ("ReconcileFailed", text)
    kinds = (("ReconcileComplete", good), ("Available", good), ("Progressing", False), ("Degraded", not good), ("Upgradeable", good))
    return ("Ready" if good else "Error"), [condition(kind, state, reason, message) for kind, state in kinds]


def progressing() -> tuple[str, list[Object]]:
    """(phase, conditions) of a DSCInitialization that is being worked on."""
    kinds = (("ReconcileComplete", None), ("Available", False), ("Progressing", True), ("Degraded", False), ("Upgradeable", None))
    message = "Initializing DSCInitialization resource"
    return "Progressing", [condition(kind, state, "ReconcileInit", message) for kind, state in kinds]
