# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenShift AI's webhooks refuse."""

from __future__ import annotations

import pytest

from rehearsal.operators.rhoai_admission import Guards, authenticated_routes, one_only


def test_one_instance_only() -> None:
    assert one_only("DataScienceCluster", list)({"operation": "CREATE"}) == []
    with pytest.raises(ValueError, match="Only one instance of DataScienceCluster object is allowed"):
        one_only("DataScienceCluster", lambda: [{}])({"operation": "CREATE"})


def test_an_initialization_that_is_used_stays() -> None:
    judge = one_only("DSCInitialization", lambda: [{}], lambda: [{}])
    with pytest.raises(ValueError, match="Cannot delete DSCI object when DSC object still exists"):
        judge({"operation": "DELETE"})
    assert one_only("DSCInitialization", lambda: [{}], list)({"operation": "DELETE"}) == []


def route(owner: str | None) -> dict:
    owners = [{"kind": owner, "name": "m"}] if owner else []
    return {"operation": "CREATE", "namespace": "a", "object": {"metadata": {"ownerReferences": owners}}}


@pytest.mark.parametrize(("auth", "known", "refused"), [("true", False, True), ("true", True, False), ("false", False, False)])
def test_no_route_without_somebody_to_enforce_authentication(auth, known, refused) -> None:
    service = {"metadata": {"annotations": {"security.opendatahub.io/enable-auth": auth}}}
    judge = authenticated_routes(lambda namespace, name: service, lambda: known)
    if refused:
        with pytest.raises(ValueError, match="AuthPolicy CRD is not available, please install Red Hat Connectivity Link"):
            judge(route("LLMInferenceService"))
    else:
        assert judge(route("LLMInferenceService")) == []


def test_other_routes_and_unknown_services() -> None:
    judge = authenticated_routes(lambda namespace, name: None, lambda: False)
    assert judge(route(None)) == []
    assert judge(route("Deployment")) == []
    with pytest.raises(ValueError):
        judge(route("LLMInferenceService"))


def test_registrations(tmp_path) -> None:
    guards = Guards(tmp_path, list, list, lambda namespace, name: None, lambda: True)
    try:
        found = {item["metadata"]["name"]: item["webhooks"][0] for item in guards.registrations()}
    finally:
        guards.close()
    assert found["llmisvc-gateway-precondition"]["objectSelector"]["matchLabels"] == {"app.kubernetes.io/part-of": "llminferenceservice"}
    assert found["rhods-operator-dscinitialization"]["rules"][0]["operations"] == ["CREATE", "DELETE"]
