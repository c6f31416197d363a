# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let through, and with which answer."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from rehearsal.gateway.authorisation import Answer, Request, decide
from rehearsal.gateway.cel import Unsupported, evaluate
from rehearsal.operators import odh_objects
from rehearsal.operators.authorino import Server

GATEWAY = {"metadata": {"namespace": "openshift-ingress", "name": "g", "uid": "u"}}
POLICY = odh_objects.gateway_policy(GATEWAY, has_publisher_path=False)
USER = {"authenticated": True, "user": {"username": "system:serviceaccount:a:caller", "groups": ["system:authenticated"]}}


class Cluster:
    """TokenReview and SubjectAccessReview that note what they were asked."""

    def __init__(self, good: str = "good", allowed: bool = True) -> None:
        self.good, self.allowed = good, allowed
        self.asked: list[Any] = []

    def review(self, token: str, audiences: list[str]) -> dict[str, Any]:
        self.asked.append((token, audiences))
        return USER if token == self.good else {"authenticated": False}

    def access(self, spec: dict[str, Any]) -> bool:
        self.asked.append(spec)
        return self.allowed

    def judge(self, policy: dict[str, Any], path: str = "/a/m/v1/chat/completions", **headers: str) -> Answer:
        return decide(policy, Request("POST", path, headers), self.review, self.access)


def test_a_good_token_with_the_right_passes() -> None:
    cluster = Cluster()
    assert cluster.judge(POLICY, authorization="Bearer good").code == 200
    (token, audiences), spec = cluster.asked
    assert (token, audiences) == ("good", ["https://kubernetes.default.svc"])
    assert spec == {
        "user": USER["user"]["username"], "groups": ["system:authenticated"],
        "resourceAttributes": {"group": "serving.kserve.io", "resource": "llminferenceservices", "verb": "get", "namespace": "a", "name": "m"},
    }


@pytest.mark.parametrize(("headers", "reason"), [
    ({}, "credential not found"),
    ({"authorization": "Basic good"}, "credential not found"),
    ({"authorization": "Bearer "}, "credential not found"),
    ({"authorization": "Bearer bad"}, "Not authenticated"),
])
def test_without_a_good_token_401(headers, reason) -> None:
    answer = Cluster().judge(POLICY, **headers)
    assert answer.code == 401
    assert answer.headers == {"WWW-Authenticate": 'Bearer realm="kubernetes-user"', "X-Ext-Auth-Reason": reason}


def test_without_the_right_403() -> None:
    assert Cluster(allowed=False).judge(POLICY, authorization="Bearer good").code == 403


def test_a_path_without_a_service_name_is_refused() -> None:
    """The policy takes namespace and name from the path: where there is none, nothing may pass."""
    assert Cluster().judge(POLICY, path="/short", authorization="Bearer good").code == 403


def test_a_method_or_condition_that_is_not_known_refuses() -> None:
    rules = {"authentication": {"x": {"jwt": {"issuerUrl": "https://x"}}}}
    assert Cluster().judge({"spec": {"rules": rules}}, authorization="Bearer good").code == 401
    rules = {"authentication": {"x": {"anonymous": {}}}, "authorization": {"y": {"opa": {"rego": "allow = true"}}}}
    assert Cluster().judge({"spec": {"rules": rules}}).code == 403
    rules["authorization"] = {"y": {"when": [{"predicate": "size(request.path) > 3"}], "kubernetesSubjectAccessReview": {"user": {"value": "u"}}}}
    assert Cluster().judge({"spec": {"rules": rules}}).code == 403


def test_the_anonymous_policy_lets_everyone_in() -> None:
    service = {"apiVersion": "serving.kserve.io/v1alpha2", "kind": "LLMInferenceService", "metadata": {"namespace": "a", "name": "m", "uid": "u"}}
    cluster = Cluster()
    assert cluster.judge(odh_objects.anonymous_policy(service)).code == 200
    assert cluster.asked == []


def test_rules_in_defaults_and_overrides_are_found() -> None:
    for block in ("defaults", "overrides"):
        assert Cluster().judge({"spec": {block: {"rules": POLICY["spec"]["rules"]}}}).code == 401


def test_the_publisher_path_asks_for_the_model() -> None:
    policy = odh_objects.gateway_policy(GATEWAY, has_publisher_path=True)
    cluster = Cluster()
    assert cluster.judge(policy, path="/publishers/a/models/m/v1/chat", authorization="Bearer good").code == 200
    assert cluster.asked[1]["resourceAttributes"] == {
        "group": "serving.opendatahub.io", "resource": "models", "verb": "post", "namespace": "a", "name": "m"}


@pytest.mark.parametrize(("text", "value"), [
    ("request.path.split('/')[1]", "a"),
    ("'x' in request.headers ? request.headers['x'] : 'none'", "none"),
    ("!(request.path.startsWith('/v1') || request.path.endsWith('chat'))", False),
    ("auth.groups.join(',')", "p,q"),
    ("request.path == '/a/chat' && 1 in [1, 2]", True),
])
def test_expressions(text, value) -> None:
    assert evaluate(text, {"request": {"path": "/a/chat", "headers": {}}, "auth": {"groups": ["p", "q"]}}) == value


@pytest.mark.parametrize("text", ["size(request.path)", "request.path.matches('x')", "1 +", "(", "request.path["])
def test_expressions_beyond_us(text) -> None:
    with pytest.raises(Unsupported):
        evaluate(text, {"request": {"path": "/"}, "size": 1})


def test_a_missing_attribute_is_an_error() -> None:
    with pytest.raises(LookupError):
        evaluate("request.missing", {"request": {}})


def test_the_server_passes_path_and_headers_on() -> None:
    seen = []

    def decision(namespace: str, name: str, request: Request) -> Answer:
        seen.append((namespace, name, request.method, request.path, request.headers.get("authorization")))
        return Answer(403, {"X-Ext-Auth-Reason": "no"})

    server = Server(decision, None, "127.0.0.1", 0)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("POST", "/ns/policy/a/m?x=1", headers={"Authorization": "Bearer t"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["X-Ext-Auth-Reason"]) == (403, "no")
        answer.read()
        connection.request("GET", "/short")
        assert connection.getresponse().status == 404
    finally:
        server.stop()
    assert seen == [("ns", "policy", "POST", "/a/m?x=1", "Bearer t")]
