# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Authorino decides about a request under an AuthPolicy: authentication first, then authorisation. No I/O of its own.

Answers (codes, headers) are Authorino's: 401 with WWW-Authenticate for missing or bad credentials, 403 when not allowed, the reason
in X-Ext-Auth-Reason (docs.kuadrant.io, Authorino, "Custom denial status").
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rehearsal.gateway.cel import Unsupported, evaluate
from rehearsal.gateway.world import Obj

TokenReview = Callable[[str, list[str]], Obj]  # (token, audiences) -> status of the TokenReview
AccessReview = Callable[[Obj], bool]  # spec of a SubjectAccessReview -> allowed


@dataclass(frozen=True)
class Request:
    """What the gateway tells of a request. Header names in lower case."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, Any]:
        """The `request` of CEL expressions."""
        return {"request": {"method": self.method, "path": self.path.split("?")[0], "headers": self.headers, "url_path": self.path.split("?")[0]}}


@dataclass(frozen=True)
class Answer:
    """200 lets the request pass, with `headers` added to it; other codes go to the client with `headers`."""

    code: int
    headers: dict[str, str] = field(default_factory=dict)


def decide(policy: Obj, request: Request, review: TokenReview, access: AccessReview) -> Answer:
    """Judge one request. A method that isn't known here refuses; so does a rule that can't be evaluated."""
    rules = rules_of(policy)
    identity, problem = _authenticate(rules.get("authentication") or {}, request, review)
    if identity is None:
        return _unauthenticated(rules.get("authentication") or {}, problem)
    attributes = {**request.attributes(), "auth": {"identity": identity}}
    for name, rule in sorted((rules.get("authorization") or {}).items(), key=lambda item: (item[1].get("priority", 0), item[0])):
        try:
            if _applies(rule, attributes) and not _allowed(rule, attributes, access):
                return _forbidden("not authorized: unknown reason")
        except (Unsupported, LookupError) as error:
            return _forbidden(f"{name}: {error!r}")
    return Answer(200, _headers(rules, attributes))


def rules_of(policy: Obj) -> Obj:
    """The rules of a policy, wherever it keeps them."""
    spec = policy["spec"]
    for block in (spec.get("overrides"), spec.get("defaults"), spec):
        if block and block.get("rules"):
            return block["rules"]
    return {}


def _authenticate(rules: Obj, request: Request, review: TokenReview) -> tuple[Obj | None, str]:
    if not rules:
        return {"anonymous": True}, ""
    problem = "credential not found"
    for _name, rule in sorted(rules.items(), key=lambda item: (item[1].get("priority", 0), item[0])):
        if "kubernetesTokenReview" in rule:
            token = _credential(rule, request)
            if not token:
                continue
            audiences = rule["kubernetesTokenReview"].get("audiences") or []
            status = review(token, audiences)
            if status.get("authenticated"):
                return {**status, **_extended(rule, {**request.attributes(), "auth": {"identity": status}})}, ""
            problem = "Not authenticated"
        elif "anonymous" in rule or not set(rule) - {"metrics", "priority", "when", "cache", "defaults", "overrides", "credentials"}:
            return {"anonymous": True}, ""
        else:
            problem = "Not authenticated"
    return None, problem


def _extended(rule: Obj, attributes: Obj) -> Obj:
    """Extra properties that defaults and overrides of an authentication rule put on the identity."""
    result = {}
    for block in ("defaults", "overrides"):
        for name, source in (rule.get(block) or {}).items():
            try:
                result[name] = _value(source, attributes)
            except (Unsupported, LookupError):
                continue  # Authorino leaves out what it can't resolve
    return result


def _credential(rule: Obj, request: Request) -> str:
    where = rule.get("credentials") or {}
    if "customHeader" in where:
        return request.headers.get(where["customHeader"]["name"].lower(), "")
    prefix = (where.get("authorizationHeader") or {}).get("prefix") or "Bearer"
    value = request.headers.get("authorization", "")
    return value[len(prefix) + 1:].strip() if value.lower().startswith(prefix.lower() + " ") else ""


def _applies(rule: Obj, attributes: Obj) -> bool:
    for condition in rule.get("when") or []:
        if "predicate" not in condition:
            raise Unsupported(f"condition {sorted(condition)}")
        if not evaluate(condition["predicate"], attributes):
            return False
    return True


def _allowed(rule: Obj, attributes: Obj, access: AccessReview) -> bool:
    if "kubernetesSubjectAccessReview" in rule:
        return access(access_spec(rule["kubernetesSubjectAccessReview"], attributes))
    methods = set(rule) - {"metrics", "priority", "when", "cache"}
    if methods:
        raise Unsupported(f"authorization method {sorted(methods)}")
    return True


def access_spec(review: Obj, attributes: Obj) -> Obj:
    """spec of the SubjectAccessReview that a rule asks for."""
    spec: Obj = {}
    if review.get("user"):
        spec["user"] = _value(review["user"], attributes)
    groups = review.get("groups") or (_value(review["authorizationGroups"], attributes) if review.get("authorizationGroups") else None)
    if groups:
        spec["groups"] = groups
    if review.get("resourceAttributes"):
        spec["resourceAttributes"] = {key: _value(source, attributes) for key, source in review["resourceAttributes"].items()}
    else:
        request = attributes["request"]
        spec["nonResourceAttributes"] = {"path": request["path"], "verb": request["method"].lower()}
    return spec


def _value(source: Obj, attributes: Obj) -> Any:
    if "value" in source:
        return source["value"]
    if source.get("expression"):
        return evaluate(source["expression"], attributes)
    if source.get("selector"):
        return _selector(source["selector"], attributes)
    raise Unsupported(f"value {sorted(source)}")


def _selector(selector: str, attributes: Obj) -> Any:
    """The older way to name a value: `auth.identity.user.username`, `context.request.http.path.@extract:{"sep":"/","pos":1}`."""
    path, _, modifier = selector.partition(".@extract:")
    value = evaluate(path.replace("context.request.http.", "request."), attributes)
    if not modifier:
        return value
    options = json.loads(modifier)
    return str(value).split(options.get("sep", " "))[int(options.get("pos", 0))]


def _headers(rules: Obj, attributes: Obj) -> dict[str, str]:
    """Headers that a policy adds to the request on success."""
    result = {}
    success = ((rules.get("response") or {}).get("success") or {}).get("headers") or {}
    for name, rule in success.items():
        try:
            if _applies(rule, attributes) and rule.get("plain"):
                result[name] = str(_value(rule["plain"], attributes))
        except (Unsupported, LookupError):
            continue
    return result


def _unauthenticated(rules: Obj, problem: str) -> Answer:
    realms = sorted(rules) or ["authorino"]
    return Answer(401, {"WWW-Authenticate": f'Bearer realm="{realms[0]}"', "X-Ext-Auth-Reason": problem})


def _forbidden(reason: str) -> Answer:
    return Answer(403, {"X-Ext-Auth-Reason": reason.replace("\n", " ")})
