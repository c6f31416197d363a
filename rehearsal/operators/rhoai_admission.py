# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenShift AI refuses: a second DataScienceCluster or DSCInitialization, and routes without authentication.

Sentences: opendatahub-operator internal/webhook/{datasciencecluster,dscinitialization}; red-hat-data-services/kserve
pkg/controller/*/llmisvc/router_*_ocp.go. Red Hat's KServe deletes (does not make) the HTTPRoute of a service with
authentication while the kind AuthPolicy is unknown to it; upstream's controller, which runs here, is told so by an
admission webhook on its HTTPRoutes, and reports it in the same condition (HTTPRoutesReady, HTTPRouteReconcileError).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rehearsal.operators.admission import Judge, Webhook
from rehearsal.operators.objects import Object
from rehearsal.operators.odh_objects import auth_enabled

NO_POLICY_KIND = "AuthPolicy CRD is not available, please install Red Hat Connectivity Link"
Existing = Callable[[], list[Object]]
Find = Callable[[str, str], Object | None]  # (namespace, name) -> LLMInferenceService


def one_only(kind: str, existing: Existing, dependants: Existing | None = None) -> Judge:
    """Refuses a second instance on CREATE; on DELETE refuses while `dependants` exist."""

    def judge(request: Object) -> list[str]:
        if request["operation"] == "CREATE" and existing():
            raise ValueError(f"Only one instance of {kind} object is allowed")
        if request["operation"] == "DELETE" and dependants is not None and dependants():
            raise ValueError("Cannot delete DSCI object when DSC object still exists")
        return []

    return judge


def authenticated_routes(find: Find, policies_known: Callable[[], bool]) -> Judge:
    """Refuses an LLMInferenceService's HTTPRoute when authentication is on and nobody could enforce it."""

    def judge(request: Object) -> list[str]:
        route = request.get("object") or {}
        for owner in route.get("metadata", {}).get("ownerReferences") or []:
            if owner["kind"] == "LLMInferenceService":
                service = find(request["namespace"], owner["name"])
                if (service is None or auth_enabled(service)) and not policies_known():
                    raise ValueError(NO_POLICY_KIND)
        return []

    return judge


class Guards:
    """The three webhooks, as long as the operator runs."""

    def __init__(self, folder: Path, clusters: Existing, initializations: Existing, service: Find, policies_known: Callable[[], bool]) -> None:
        self._hooks = [
            Webhook("datasciencecluster-validator.opendatahub.io", "/validate-datasciencecluster",
                    one_only("DataScienceCluster", clusters), folder),
            Webhook("dscinitialization-validator.opendatahub.io", "/validate-dscinitialization",
                    one_only("DSCInitialization", initializations, clusters), folder),
            Webhook("precondition.llmisvc.serving.kserve.io", "/validate-httproute", authenticated_routes(service, policies_known), folder),
        ]

    def registrations(self) -> list[Object]:
        """What to apply, and to delete before `close`."""
        cluster, initialization, route = self._hooks
        guard = route.registration("llmisvc-gateway-precondition", "gateway.networking.k8s.io", "*", "httproutes", ["CREATE", "UPDATE"])
        guard["webhooks"][0]["objectSelector"] = {"matchLabels": {"app.kubernetes.io/part-of": "llminferenceservice"}}
        return [
            cluster.registration("rhods-operator-datasciencecluster", "datasciencecluster.opendatahub.io", "*", "datascienceclusters", ["CREATE"]),
            initialization.registration("rhods-operator-dscinitialization", "dscinitialization.opendatahub.io", "*", "dscinitializations",
                                        ["CREATE", "DELETE"]),
            guard,
        ]

    def close(self) -> None:
        """Stop answering."""
        for hook in self._hooks:
            hook.close()
