# Copyright (c) 2026 llmd.openshift contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a stage needs, which are missing, and the ClusterRole that would grant them. Pure.

The rights are data (`data/rbac.yml`). Rules that the cluster grants come from SelfSubjectRulesReview.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.llmd.openshift.plugins.module_utils._errors import ClusterError, Misdeclared

ROLE_NAME = "llmd-openshift-missing"


class MissingRights(ClusterError):
    """The user may not do all that the stage needs."""


@dataclass(frozen=True, order=True)
class Need:
    """One right. `namespace` None: over the whole cluster. Either a resource or a URL."""

    verb: str
    group: str = ""
    resource: str = ""  # with subresource: "pods/log"
    namespace: str | None = None
    name: str | None = None
    url: str | None = None

    def __str__(self) -> str:
        if self.url:
            return f"{self.verb} {self.url}"
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {what}{f' {self.name}' if self.name else ''}{where}"


def needed(rbac: dict[str, Any], stages: Iterable[str], namespaces: dict[str, str]) -> list[Need]:
    """The rights of the stages (and of those that they include), each once.

    :param rbac: data/rbac.yml.
    :param namespaces: real names of the namespaces that the data call `@name`.
    :raises Misdeclared: unknown stage or namespace.
    """
    found: dict[Need, None] = {}
    known = rbac.get("stages") or {}
    for stage in _with_included(known, list(stages)):
        for rule in known[stage].get("rules") or []:
            for need in _of_rule(rule, namespaces):
                found[need] = None
    return list(found)


def _with_included(known: dict[str, Any], stages: list[str]) -> list[str]:
    ordered: list[str] = []
    queue = list(stages)
    while queue:
        stage = queue.pop(0)
        if stage not in known:
            raise Misdeclared(
                "Unknown stage", f"stages: {stage}", "no rights are listed for it", f"Use one of: {', '.join(known)}."
            )
        if stage not in ordered:
            ordered.append(stage)
            queue += known[stage].get("includes") or []
    return ordered


def _of_rule(rule: dict[str, Any], namespaces: dict[str, str]) -> Iterable[Need]:
    for url in rule.get("urls") or []:
        for verb in rule["verbs"]:
            yield Need(verb, url=url)
    namespace = rule.get("namespace")
    if namespace and namespace.startswith("@"):
        if namespace[1:] not in namespaces:
            raise Misdeclared(
                "A namespace isn't named",
                f"namespaces: {namespace[1:]}",
                "the rights of this stage refer to it",
                "Give it.",
            )
        namespace = namespaces[namespace[1:]]
    for resource in rule.get("resources") or []:
        for verb in rule["verbs"]:
            for name in _names(rule, namespaces):
                yield Need(verb, rule.get("group", ""), resource, namespace, name)


def _names(rule: dict[str, Any], declared: dict[str, str]) -> list[str | None]:
    """Object names that the rule is limited to; an `@name` that isn't declared (no such Secret is used) needs no right."""
    names = rule.get("names")
    if not names:
        return [None]
    return [declared[name[1:]] if name.startswith("@") else name for name in names if name[:1] != "@" or name[1:] in declared]


def granted(need: Need, rules: dict[str, Any]) -> bool:
    """Whether a SelfSubjectRulesReview's status covers the right (RBAC's own matching: `*`, `*/sub`, names)."""
    if need.url:
        return any(_url_matches(need, rule) for rule in rules.get("nonResourceRules") or [])
    return any(_matches(need, rule) for rule in rules.get("resourceRules") or [])


def _matches(need: Need, rule: dict[str, Any]) -> bool:
    resources = rule.get("resources") or []
    sub = need.resource.partition("/")[2]
    names = rule.get("resourceNames") or []
    return (
        _any(need.verb, rule.get("verbs"))
        and _any(need.group, rule.get("apiGroups"))
        and (need.resource in resources or "*" in resources or bool(sub and f"*/{sub}" in resources))
        and (not names or need.name in names)
    )


def _url_matches(need: Need, rule: dict[str, Any]) -> bool:
    urls = rule.get("nonResourceURLs") or []
    fits = any(url in ("*", need.url) or (url.endswith("*") and str(need.url).startswith(url[:-1])) for url in urls)
    return fits and _any(need.verb, rule.get("verbs"))


def _any(wanted: str, given: list[str] | None) -> bool:
    return wanted in (given or []) or "*" in (given or [])


def roles_for(missing: list[Need], user: str | None) -> list[dict[str, Any]]:
    """Ready objects that grant exactly what is missing: a ClusterRole, a Role for each namespace, their bindings."""
    objects: list[dict[str, Any]] = []
    for namespace in sorted({need.namespace for need in missing}, key=lambda name: name or ""):
        rules = _as_rules([need for need in missing if need.namespace == namespace])
        kind = "Role" if namespace else "ClusterRole"
        meta = {"name": ROLE_NAME, **({"namespace": namespace} if namespace else {})}
        version = "rbac.authorization.k8s.io/v1"
        objects.append({"apiVersion": version, "kind": kind, "metadata": meta, "rules": rules})
        if user:
            objects.append(
                {
                    "apiVersion": version,
                    "kind": f"{kind}Binding",
                    "metadata": meta,
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": ROLE_NAME},
                    "subjects": [_subject(user)],
                }
            )
    return objects


def _subject(user: str) -> dict[str, str]:
    parts = user.split(":")
    if user.startswith("system:serviceaccount:") and len(parts) == 4:
        return {"kind": "ServiceAccount", "namespace": parts[2], "name": parts[3]}
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}


def _as_rules(needs: list[Need]) -> list[dict[str, Any]]:
    """Needs as RBAC rules: one per group, verbs and name, with all resources that share them."""
    verbs: dict[tuple[str, str, str | None, str | None], list[str]] = {}
    for need in needs:
        verbs.setdefault((need.group, need.resource, need.name, need.url), []).append(need.verb)
    merged: dict[tuple[str, tuple[str, ...], str | None, bool], list[str]] = {}
    for (group, resource, name, url), found in verbs.items():
        merged.setdefault((group, tuple(sorted(found)), name, bool(url)), []).append(url or resource)
    rules: list[dict[str, Any]] = []
    for (group, found_verbs, name, is_url), things in sorted(merged.items(), key=str):
        if is_url:
            rules.append({"nonResourceURLs": sorted(things), "verbs": list(found_verbs)})
        else:
            names = {"resourceNames": [name]} if name else {}
            rules.append({"apiGroups": [group], "resources": sorted(things), "verbs": list(found_verbs), **names})
    return rules
