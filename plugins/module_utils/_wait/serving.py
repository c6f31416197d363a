# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LLMInferenceService: Ready together with every sub-condition, and the reasons that a person has to clear.

Conditions and reasons: kserve ``pkg/apis/serving/*/llm_inference_service_lifecycle.go`` and the llmisvc controllers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .fields import because, condition, dig, is_old, items
from .model import State, done, failed, one_line, waiting

# Conditions that mean trouble when True, so the service is ready although they are False.
_NEGATIVE = ("GroupDegraded",)

_TERMINAL = {
    "ConfigNotFound": (
        30.0,
        "A preset or base configuration is missing: its names change with each z-stream of OpenShift AI.",
    ),
    "CombineBaseError": (
        30.0,
        "The service's specification doesn't merge with the presets; correct what the message names.",
    ),
    "RefsInvalid": (60.0, "Make the object that the reference names, then touch the service (its status is cached)."),
    "HTTPRouteReconcileError": (
        30.0,
        "Install Connectivity Link and restart the llm-d controller (it remembers that the "
        "CRD was absent), or switch authentication off for this service.",
    ),
    "ReconcileMultiNodeWorkloadError": (
        30.0,
        "Install the Leader Worker Set operator and its CR (cert-manager first).",
    ),
    "ReconcileCertsError": (60.0, "Repair what the message names."),
    "SchedulerReconcileError": (60.0, "Repair what the message names."),
    "Stopped": (0.0, "Remove the annotation serving.kserve.io/stop from the service."),
}


def inference_service(obj: Mapping[str, Any], options: Mapping[str, Any]) -> State:
    """Done when Ready is True, no sub-condition is anything else, and there is a URL."""
    conditions = items(obj, "status.conditions")
    if is_old(obj):
        return waiting("NotObserved", "the controller hasn't seen the newest specification yet")
    # KServe marks all sub-conditions with severity Info; each of them counts nevertheless.
    unhappy = [c for c in conditions if c.get("status") != "True" and c.get("type") not in _NEGATIVE]
    for found in unhappy:
        if found.get("reason") in _TERMINAL:
            grace, repair = _TERMINAL[str(found["reason"])]
            return failed(str(found["reason"]), f"{found.get('type')}: {found.get('message')}", repair, grace=grace)
    url = address(obj)
    if condition(obj, "Ready").get("status") == "True" and not unhappy and url:
        return done("Ready", url)
    # The roll-ups repeat their parts' reasons: the parts are shorter and say more.
    parts = [c for c in unhappy if c.get("type") not in ("Ready", "WorkloadsReady", "RouterReady")] or unhappy
    text = "; ".join(f"{c.get('type')} {because(c)}" for c in parts) or ("no URL yet" if conditions else "")
    return waiting(str(parts[0].get("type")) if parts else "NoStatus", one_line(text))


def address(obj: Mapping[str, Any]) -> str:
    """The service's URL: ``status.url``, else the first of ``status.address(es)``, else an empty string."""
    url = dig(obj, "status.url") or dig(obj, "status.address.url")
    return str(url or next((a.get("url") for a in items(obj, "status.addresses") if a.get("url")), "") or "")
